//! Calls: who is counted, what is forwarded, and what a limited caller is told.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use crate::server::{Answer, Echo, Gateway, wait_for_lines};

const PER_KEY: &str = "[[caller]]\nfrom = \"header:x-api-key\"\n\
                       [[limit]]\nname = \"two\"\nrate = \"2/1h\"\n";

#[test]
fn a_caller_over_its_limit_is_told_when_to_come_back_and_others_notice_nothing() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, PER_KEY);
    let call = |key: &str| gateway.get("/x", &format!("x-api-key: {key}\r\n"));
    let first = call("ann");
    assert_eq!((first.status, first.field("ratelimit")), (200, Some("\"two\";r=1;t=1800")));
    assert_eq!(call("ann").status, 200);
    let rejected = call("ann");
    assert_eq!(rejected.status, 429);
    assert_eq!(rejected.field("retry-after"), Some("1800"));
    assert_eq!(rejected.field("ratelimit"), Some("\"two\";r=0;t=1800"));
    assert_eq!(rejected.field("ratelimit-policy"), Some("\"two\";q=2;w=3600"));
    assert_eq!(rejected.field("content-type"), Some("application/problem+json"));
    assert!(rejected.body.contains(r#""violated-policies":["two"]"#), "{}", rejected.body);
    assert_eq!(call("bob").status, 200, "somebody else's limit is somebody else's");
    assert_eq!(echo.answered(), 3, "a rejected call does not reach the server");
}

#[test]
fn the_caller_that_is_counted_is_the_caller_that_is_forwarded() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, PER_KEY);
    for fields in [
        "x-api-key: a\r\nx-api-key: b\r\n",
        "x-api-key: a\r\nX-API-KEY: a\r\n",
        "x-api-key: a\r\nconnection: x-api-key\r\n",
        "x-api-key: a\r\nconnection: close, X-Api-Key\r\n",
    ] {
        assert_eq!(gateway.get("/", fields).status, 400, "{fields}");
    }
    assert_eq!(gateway.get("/", "x-api-key:\r\n").status, 401, "an empty key is no caller");
    assert_eq!(echo.answered(), 0);
}

#[test]
fn what_is_for_one_hop_ends_here_and_the_client_s_address_is_told() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "");
    let fields = "connection: keep-alive, x-once\r\nx-once: 1\r\nte: trailers\r\nproxy-authorization: x\r\n\
                  x-forwarded-for: 1.2.3.4\r\nforwarded: for=1.2.3.4\r\nx-real-ip: 1.2.3.4\r\naccept: */*\r\n";
    let answer = gateway.get("/%61//b?q=%20+", fields);
    assert_eq!(
        answer.body,
        "GET /a/b?q=%20+ HTTP/1.1\r\nhost: a.test\r\naccept: */*\r\nx-forwarded-for: 127.0.0.1\r\n\
         x-forwarded-proto: http\r\nx-forwarded-host: a.test\r\n\r\n"
    );
}

#[test]
fn one_connection_carries_many_calls_rejected_ones_with_bodies_among_them() {
    let echo = Echo::start();
    let rules = "[[limit]]\nname = \"posts\"\nmatch = { method = \"POST\" }\nrate = \"1/1h\"\n";
    let gateway = Gateway::start(echo.address, rules);
    let mut stream = gateway.connect();
    let post = "POST /p HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    let chunked = "POST /p HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let get = "GET /g HTTP/1.1\r\nhost: a\r\n\r\n";
    // All at once: pipelined.
    stream.write_all([post, post, chunked, get].concat().as_bytes()).unwrap();
    let statuses: Vec<u16> = (0..4).map(|_| Answer::read(&stream).unwrap().status).collect();
    assert_eq!(statuses, [200, 429, 429, 200]);
}

#[test]
fn a_key_in_the_body_is_cooled_before_it_reaches_the_server() {
    let echo = Echo::start();
    let rules = "[[limit]]\nname = \"hot key\"\nmatch = { method = \"POST\", path = \"/read\" }\n\
                 per = [\"body:user_id\"]\nrate = \"2/1h\"\n";
    let gateway = Gateway::start(echo.address, rules);
    let read = |body: &str| {
        let length = body.len();
        gateway.send(&format!("POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}"))
    };
    assert_eq!(read(r#"{"user_id":7}"#).status, 200);
    let second = read(r#"{"user_id":"7"}"#);
    assert!(second.status == 200 && second.body.ends_with(r#"{"user_id":"7"}"#), "{}", second.body);
    assert_eq!(read(r#"{"user_id":7.0}"#).status, 429);
    assert_eq!(read(r#"{"user_id":8}"#).status, 200);
    assert_eq!(read(r#"{"user_id":8,"user_id":7}"#).status, 400);
    assert_eq!(read("user_id=7").status, 400);
}

#[test]
fn a_number_over_its_ceiling_is_lowered_or_refused_and_a_refused_call_spends_nothing() {
    let echo = Echo::start();
    let rules = "[[bound]]\nname = \"page size\"\nmatch = { path = \"/items\" }\nquery = \"limit\"\nmax = 100\n\
                 required = true\n\
                 [[bound]]\nname = \"batch\"\nmatch = { path = \"/batch\" }\nbody = \"n\"\nmax = 10\nover = \"refuse\"\n\
                 [[limit]]\nname = \"few\"\nrate = \"2/1h\"\n";
    let gateway = Gateway::start(echo.address, rules);
    assert_eq!(gateway.get("/items", "").status, 422);
    assert_eq!(gateway.get("/items?limit=all", "").status, 422);
    assert_eq!(gateway.get("/items?limit=1&limit=9999", "").status, 400);
    let post = "POST /batch HTTP/1.1\r\nhost: a\r\ncontent-length: 8\r\n\r\n{\"n\":99}";
    assert_eq!(gateway.send(post).status, 422);
    let lowered = gateway.get("/items?a=1&li%6Dit=100000&b=2", "");
    assert!(lowered.body.starts_with("GET /items?a=1&li%6Dit=100&b=2 "), "{}", lowered.body);
    assert_eq!(gateway.get("/items?limit=5", "").status, 200);
    assert_eq!(gateway.get("/items?limit=5", "").status, 429);
}

#[test]
fn what_a_call_has_cost_is_known_after_its_answer() {
    let echo = Echo::start();
    let rules = "[[limit]]\nname = \"price\"\nmatch = { path = \"/price\" }\nrate = \"10/1h\"\n\
                 settle = \"response-header:X-Cost\"\n";
    let gateway = Gateway::start(echo.address, rules);
    let first = gateway.get("/price", "");
    assert_eq!((first.status, first.field("x-cost")), (200, None), "the price is the operator's affair");
    let second = gateway.get("/price", "");
    assert_eq!(
        (second.status, second.field("ratelimit").map(|field| &field[..11])),
        (200, Some("\"price\";r=2"))
    );
    assert_eq!(gateway.get("/price", "").status, 429, "14 of 10 are spent");
}

#[test]
fn an_upgrade_is_a_tunnel_both_ways() {
    let gateway = Gateway::start(Echo::start().address, "");
    let mut stream = gateway.connect();
    stream
        .write_all(b"GET /upgrade HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n")
        .unwrap();
    let answer = Answer::read(&stream).unwrap();
    assert_eq!((answer.status, answer.field("upgrade")), (101, Some("echo")));
    for word in ["ping", "pong"] {
        stream.write_all(word.as_bytes()).unwrap();
        let mut back = [0; 4];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, word.as_bytes());
    }
}

#[test]
fn what_a_trusted_proxy_says_is_continued_and_what_it_did_not_check_is_left_out() {
    let echo = Echo::start();
    let forged = "x-real-ip: 9.9.9.9\r\n";
    for (header, fields, expected) in [
        (
            "x-forwarded-for",
            "x-forwarded-for: 9.9.9.9, 192.0.2.1\r\nforwarded: for=9.9.9.9\r\n",
            "x-forwarded-for: 9.9.9.9, 192.0.2.1, 127.0.0.1\r\n",
        ),
        (
            "forwarded",
            "x-forwarded-for: 9.9.9.9\r\nforwarded: for=9.9.9.9, for=192.0.2.1\r\n",
            "forwarded: for=9.9.9.9, for=192.0.2.1\r\nx-forwarded-for: 192.0.2.1, 127.0.0.1\r\n",
        ),
    ] {
        let trust = format!("[trust]\nproxies = [\"127.0.0.1\"]\nheader = \"{header}\"\n");
        let answer = Gateway::start(echo.address, &trust).get("/", &format!("{forged}{fields}"));
        assert_eq!(answer.body, format!("GET / HTTP/1.1\r\nhost: a.test\r\n{expected}\r\n"), "{header}");
    }
}

#[test]
fn a_slow_upload_leaves_the_server_its_time() {
    // Each piece comes in time, all together take longer than the server has for its answer.
    let gateway = Gateway::start(Echo::start().address, "");
    let mut stream = gateway.connect();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let begun = Instant::now();
    let mut pieces = 0;
    while begun.elapsed() < Duration::from_millis(1_600) {
        // A read that times out is the clock here: nothing is to come yet.
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let early = stream.read(&mut [0]).map_err(|error| error.kind());
        assert!(matches!(early, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{early:?}");
        stream.write_all(b"1\r\nx\r\n").unwrap();
        pieces += 1;
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let answer = Answer::read(&stream).unwrap();
    assert!(answer.status == 200 && answer.body.ends_with(&"x".repeat(pieces)), "{answer:?}");
}

#[test]
fn the_limit_that_is_blamed_is_the_one_that_rejects_and_not_its_shadow() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let rules = format!(
        "[log]\naccess = {:?}\n[[limit]]\nname = \"shadow\"\nrate = \"1/1h\"\nshadow = true\n\
         [[limit]]\nname = \"real\"\nrate = \"2/1h\"\n",
        log.to_str().unwrap()
    );
    let gateway = Gateway::start(Echo::start().address, &rules);
    assert_eq!([(); 3].map(|()| gateway.get("/", "").status), [200, 200, 429]);
    let lines = wait_for_lines(&log, 3);
    let blamed: Vec<_> =
        lines.iter().map(|line| (line["decision"].as_str(), line["limit"].as_str())).collect();
    let (shadow, real) = ((Some("shadow-rejected"), Some("shadow")), (Some("rejected"), Some("real")));
    assert_eq!(blamed, [(Some("admitted"), None), shadow, real]);
}
