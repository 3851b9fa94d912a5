//! Text forms and audits: what their lines say.

use ratewarden_logs::{Fault, Options, Reader};

use crate::owned::{Owned, SAMPLES, calls, fault, one, read, sample};

#[test]
fn the_form_of_every_sample_is_found_out() {
    for name in SAMPLES {
        let mut reader = Reader::new(&Options::default());
        for line in sample(name).lines() {
            assert_eq!(read(&mut reader, line.as_bytes()).1, Ok(()), "{name}: {line}");
        }
        assert_eq!(reader.form(), Some(name));
        let mut told = Options::default();
        told.parse_log_format(name).unwrap();
        let mut reader = Reader::new(&told);
        for line in sample(name).lines() {
            assert_eq!(read(&mut reader, line.as_bytes()).1, Ok(()), "{name}: {line}");
        }
        assert_eq!(reader.form(), Some(name));
    }
}

#[test]
fn a_reader_that_was_told_reads_no_other_form() {
    for told in SAMPLES {
        let mut options = Options::default();
        options.parse_log_format(told).unwrap();
        for name in SAMPLES.into_iter().filter(|name| *name != told) {
            // Combined is what main and the ingress form begin with.
            if told == "nginx-combined" && matches!(name, "nginx-main" | "nginx-ingress" | "traefik-clf") {
                continue;
            }
            // JSON of any kind may be read with the names that many logs have.
            if told.starts_with("json") && name.starts_with("json") {
                continue;
            }
            for line in sample(name).lines() {
                let (calls, result) = read(&mut Reader::new(&options), line.as_bytes());
                assert!(result.is_err() && calls.is_empty(), "{told} read {line}");
            }
        }
    }
}

#[test]
fn nginx_combined_is_read() {
    let calls = calls("nginx-combined");
    let first = Owned::after(0).coming_from("203.0.113.7").asked("GET", "/api/items?page=2");
    assert_eq!(calls[0], first.answered(200, 1532).agent("curl/8.5.0"));
    assert_eq!((&*calls[1].user, &*calls[1].referer), ("alice", "https://example.com/login?next=%2F"));
    assert_eq!(calls[1].at_ms, calls[0].at_ms - 3_600_000);
    assert_eq!(calls[2], Owned::after(1000).coming_from("2001:db8::17").asked("GET", "/").answered(304, 0));
    assert_eq!((&*calls[3].user, &*calls[3].target), ("john doe", r"/a\x22b?q=\x5C"));
    assert_eq!((&*calls[4].method, &*calls[4].target), ("", r"\x16\x03\x01\x02\x00\x01\x00\x01\xFC"));
    assert_eq!((calls[5].status, &*calls[5].target), (0, ""));
    assert_eq!((calls[7].address, &*calls[7].target), (None, "/health"));
    assert_eq!((&*calls[8].agent, calls[8].status), ("curl/8.5.0", 200));
}

#[test]
fn what_grew_out_of_combined_is_read() {
    let main = calls("nginx-main");
    assert_eq!(main[1].address, Some("10.0.0.1".parse().unwrap()), "who connected, whatever the list says");
    assert_eq!((&*main[1].user, &*main[1].method), ("bob", "PUT"));
    let ingress = calls("nginx-ingress");
    assert_eq!((ingress[0].micros, ingress[1].micros), (Some(4000), Some(1_204_000)));
    assert_eq!((&*ingress[2].user, ingress[2].micros), ("carol", Some(1000)));
    let traefik = calls("traefik-clf");
    assert_eq!((traefik[0].micros, &*traefik[1].user), (Some(2000), "dave"));
    let common = calls("apache-common");
    assert_eq!((common[0].at_ms, &*common[0].user, common[0].bytes), (971_211_336_000, "frank", 2326));
    assert_eq!((common[1].address, common[1].bytes, &*common[1].method), (None, 0, "HEAD"));
    let vhost = calls("apache-vhost");
    assert_eq!(vhost[0].address, Some("203.0.113.7".parse().unwrap()));
    assert_eq!(vhost[1].agent, r#"Apache/2.4.62 (Debian) (internal dummy \"connection\")"#);
}

#[test]
fn a_user_name_cannot_forge_a_line() {
    let line = r#"203.0.113.7 - x [01/Jan/2020:00:00:00 +0000] \x22GET / HTTP/1.1\x22 200 [28/Nov/2026:01:02:03 +0000] "GET /real HTTP/1.1" 401 5 "-" "-""#;
    let call = one(&Options::default(), line);
    assert_eq!((call.at_ms, &*call.target, call.status), (Owned::after(0).at_ms, "/real", 401));
}

#[test]
fn envoy_haproxy_and_alb_are_read() {
    let envoy = calls("envoy-text");
    let first = Owned::after(310).coming_from("203.0.113.7").asked("POST", "/api/v1/locations");
    assert_eq!(envoy[0], first.answered(204, 0).took(226_000).agent("nsq2http"));
    assert_eq!((envoy[1].address, envoy[1].status, envoy[1].bytes), (None, 503, 19));
    assert_eq!(envoy[2].address, Some("203.0.113.9".parse().unwrap()));
    assert_eq!((envoy[2].bytes, envoy[2].micros), (135, Some(5000)));
    let haproxy = calls("haproxy-http");
    assert_eq!((haproxy[0].at_ms, haproxy[0].micros), (1_770_380_054_655, Some(109_000)));
    assert_eq!((&*haproxy[0].target, haproxy[0].status, haproxy[0].bytes), ("/index.html", 200, 2750));
    assert_eq!((&*haproxy[1].target, &*haproxy[1].method, haproxy[1].status), ("<BADREQ>", "", 408));
    assert_eq!(haproxy[2].address, Some("2001:db8::7".parse().unwrap()));
    assert_eq!((haproxy[2].micros, haproxy[2].bytes), (Some(10_000), 99));
    let alb = calls("aws-alb");
    let first = Owned::after(186).coming_from("203.0.113.7").asked("GET", "/a?b=c");
    assert_eq!(alb[0], first.answered(200, 366).took(1000).agent("curl/8.5.0"));
    assert_eq!((alb[1].micros, alb[1].status, &*alb[1].target), (None, 502, "/"));
    assert_eq!(alb[2].address, Some("2001:db8::1".parse().unwrap()));
}

#[test]
fn errors_of_nginx_that_tell_of_a_client_are_calls() {
    let calls = calls("nginx-error");
    let first = Owned::after(0).coming_from("203.0.113.7").asked("GET", "/api/items?page=2");
    assert_eq!(calls[0], first.answered(503, 0));
    assert_eq!((calls[1].status, &*calls[1].target), (503, "/upload"));
    let wrong = Owned::after(2000).coming_from("203.0.113.8").asked("GET", "/admin").user("alice");
    assert_eq!(calls[2], wrong.answered(401, 0));
    assert_eq!((&*calls[3].user, calls[3].status), ("mallory", 401));
    for line in [
        "2026/11/28 01:02:03 [notice] 1#1: signal process started",
        r#"2026/11/28 01:02:03 [error] 31#31: *1 open() "/x" failed (2: No such file or directory), client: 203.0.113.7, server: s, request: "GET /x HTTP/1.1", host: "h""#,
        r#"2026/11/28 01:02:03 [warn] 31#31: *1 delaying request, excess: 0.1, by zone "one", client: 203.0.113.7, server: s, request: "GET /x HTTP/1.1""#,
    ] {
        assert_eq!(fault(&Options::default(), line), Fault::NoCall, "{line}");
    }
}

#[test]
fn a_name_in_an_error_line_cannot_blame_another_address() {
    let line = r#"2026/11/28 01:02:05 [error] 31#31: *14 user "a": password mismatch, client: 192.0.2.66, server: s, request: "GET /x": password mismatch, client: 203.0.113.8, server: s, request: "GET /admin HTTP/1.1""#;
    let call = one(&Options::default(), line);
    assert_eq!((call.address, &*call.user, call.status), (None, "", 401));
}

#[test]
fn audit_records_of_cassandra_are_calls() {
    let calls = calls("cassandra-audit");
    let first = Owned::after(457).coming_from("203.0.113.7").asked("SELECT", "shop.orders").user("cassandra");
    assert_eq!(calls[0], Owned { key: "alice".into(), ..first });
    assert_eq!((calls[1].status, &*calls[1].user, &*calls[1].method), (401, "root", "LOGIN_ERROR"));
    assert_eq!((calls[2].address, &*calls[2].key), (Some("::1".parse().unwrap()), "bob"));
    assert_eq!((calls[3].status, &*calls[3].target), (500, ""));
    assert_eq!((&*calls[4].target, &*calls[4].key), ("shop", ""));
}

#[test]
fn lines_that_are_no_calls_are_faults_with_a_reason() {
    let combined = |date: &str, status: &str, bytes: &str| {
        format!(r#"203.0.113.7 - - [{date}] "GET / HTTP/1.1" {status} {bytes} "-" "-""#)
    };
    let good = "28/Nov/2026:01:02:03 +0000";
    for (line, expected) in [
        (String::new(), Fault::Empty),
        (" \t\r\n".into(), Fault::Empty),
        ("\0\0\0".into(), Fault::Form),
        ("hello world".into(), Fault::Form),
        (combined("32/Nov/2026:01:02:03 +0000", "200", "1"), Fault::Date),
        (combined("28/Foo/2026:01:02:03 +0000", "200", "1"), Fault::Date),
        (combined(good, "20", "1"), Fault::Status),
        (combined(good, "200", "x"), Fault::Number),
        (combined(good, "200", "-1"), Fault::Number),
        (format!(r#"203.0.113.7 - - [{good}] "GET / HTTP/1.1"#), Fault::Quote),
        (format!(r#"203.0.113.7 - - [{good}] "GET / HTTP/1.1" 200 5 "-" "cut off"#), Fault::Quote),
        ("[2026-11-28T25:02:03Z] \"GET / HTTP/1.1\" 200 - 0 0 0 - \"-\" \"-\"".into(), Fault::Date),
        ("{\"a\":1".into(), Fault::Json),
        ("{} x".into(), Fault::Json),
        ("{}".into(), Fault::Fields),
    ] {
        assert_eq!(fault(&Options::default(), &line), expected, "{line}");
        assert!(expected.is_unreadable() && !expected.to_string().contains('\n'));
    }
    assert!(!Fault::NoCall.is_unreadable() && !Fault::Piece.is_unreadable());
}

#[test]
fn odd_bytes_and_a_megabyte_are_fine() {
    let mut line = br#"203.0.113.7 - - [28/Nov/2026:01:02:03 +0000] "GET /"#.to_vec();
    line.extend(std::iter::repeat_n(b'a', 1 << 20));
    line.extend(b"\0\xff\xfe HTTP/1.1\" 414 0 \"-\" \"-\"");
    let mut reader = Reader::new(&Options::default());
    let mut length = 0;
    reader.read(&line, |call| length = call.target.len()).unwrap();
    assert_eq!(length, (1 << 20) + 4);
    assert!(reader.read(&line[..line.len() / 2], |_| {}).is_err());
    assert!(reader.read(&vec![b'{'; 1 << 20], |_| {}).is_err());
    assert!(reader.read(&vec![b'['; 1 << 20], |_| {}).is_err());
}

#[test]
fn the_end_of_an_ipv6_address_is_no_port_of_a_server_whatever_was_read_before() {
    let vhost =
        br#"default:80 203.0.113.7 - - [28/Nov/2026:01:02:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""#;
    let line = br#"2001:db8::17 - - - [28/Nov/2026:01:02:04 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""#;
    let mut reader = Reader::new(&Options::default());
    let mut addresses = Vec::new();
    for line in [vhost.as_slice(), line] {
        reader.read(line, |call| addresses.push(call.address.map(|address| address.to_string()))).unwrap();
    }
    assert_eq!(addresses, [Some("203.0.113.7".to_owned()), Some("2001:db8::17".to_owned())]);
}
