//! What an operator does and sees.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::server::{Answer, Echo, Gateway, read_message, wait_for_lines, wait_until};

pub(crate) fn admin(gateway: &Gateway, target: &str, fields: &str) -> Answer {
    let mut stream = TcpStream::connect(gateway.guard().admin().unwrap()).unwrap();
    stream.write_all(format!("GET {target} HTTP/1.1\r\nhost: a\r\n{fields}\r\n").as_bytes()).unwrap();
    Answer::read(&stream).unwrap()
}

#[test]
fn a_reload_keeps_counters_and_connections_and_a_bad_file_changes_nothing() {
    let rules = |burst: u32| format!("[[limit]]\nname = \"few\"\nrate = \"2/1h\"\nburst = {burst}\n");
    let gateway = Gateway::start(Echo::start().address, &rules(2));
    let mut stream = gateway.connect();
    let mut call = || {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        Answer::read(&stream).unwrap().status
    };
    assert_eq!([call(), call(), call()], [200, 200, 429]);
    gateway.write("[[limit]]\nname = \"few\"\nrate = \"lots\"\n");
    let error = gateway.guard().reload().unwrap_err().to_string();
    assert!(error.contains("ratewarden.toml:") && error.contains("lots"), "{error}");
    assert_eq!(call(), 429, "the old policy stays");
    gateway.write(&rules(4));
    gateway.guard().reload().unwrap();
    assert_eq!(call(), 200, "the new policy counts on");
    gateway.write(&format!("{}shadow = true\n", rules(1)));
    gateway.guard().reload().unwrap();
    assert_eq!([call(), call()], [200, 200], "a shadow rejects nobody");
}

#[test]
fn the_admin_listener_shows_health_metrics_and_limits_to_who_has_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "open-sesame\n").unwrap();
    let rules = format!(
        "admin = \"127.0.0.1:0\"\n---\n[admin]\ntoken-file = {:?}\n[[limit]]\nname = \"few\"\nrate = \"1/1h\"\n",
        token.to_str().unwrap()
    );
    let gateway = Gateway::start(Echo::start().address, &rules);
    assert_eq!([gateway.get("/", "").status, gateway.get("/", "").status], [200, 429]);
    assert_eq!(admin(&gateway, "/healthz", "").status, 200);
    assert_eq!(admin(&gateway, "/readyz", "").status, 200);
    assert_eq!(admin(&gateway, "/metrics", "").status, 401);
    assert_eq!(admin(&gateway, "/metrics", "authorization: Bearer wrong\r\n").status, 401);
    let lines = [
        "ratewarden_calls_total{decision=\"admitted\"} 1",
        "ratewarden_calls_total{decision=\"rejected\"} 1",
        "ratewarden_limit_rejections_total{limit=\"few\",shadow=\"false\"} 1",
        "ratewarden_call_duration_seconds_count 1",
    ];
    // A call is counted when its answer has gone out, which its client may know first.
    wait_until(Duration::from_secs(20), || {
        let metrics = admin(&gateway, "/metrics", "authorization: Bearer open-sesame\r\n").body;
        lines.iter().all(|line| metrics.lines().any(|found| found == *line))
    });
    let limits = admin(&gateway, "/v1/limits", "authorization: Bearer open-sesame\r\n").body;
    assert!(limits.contains(r#""name":"few","algorithm":"rate","quota":1,"window":3600"#), "{limits}");
}

#[test]
fn every_call_is_a_line_of_the_access_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let rules = format!(
        "[[caller]]\nfrom = \"header:x-api-key\"\n[log]\naccess = {:?}\n[[limit]]\nname = \"few\"\nrate = \"1/1h\"\n",
        log.to_str().unwrap()
    );
    let mut gateway = Gateway::start(Echo::start().address, &rules);
    for _ in 0..2 {
        gateway.get("/secret/path?token=t", "x-api-key: sekrit\r\n");
    }
    gateway.get("/a/../b", "");
    gateway.stop();
    let lines = wait_for_lines(&log, 3);
    // Workers write their own lines, so calls of several connections come in any order.
    let of = |decision: &str| {
        let lines: Vec<_> = lines.iter().filter(|line| line["decision"] == decision).collect();
        let [line] = lines[..] else { panic!("{decision}: {lines:?}") };
        line
    };
    assert_eq!((lines.len(), of("admitted")["status"].as_u64()), (3, Some(200)));
    assert_eq!(of("rejected")["limit"], "few");
    assert_eq!(of("refused")["reason"], "path_dot_segment");
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(!text.contains("sekrit") && !text.contains("token"), "{text}");
}

#[test]
fn a_call_under_way_is_answered_before_the_gateway_ends() {
    let mut gateway = Gateway::start(Echo::start().address, "");
    let mut stream = gateway.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(&stream).unwrap().status, 100, "the call is under way");
    let client = std::thread::spawn(move || {
        stream.write_all(b"hi").unwrap();
        Answer::read(&stream).unwrap()
    });
    gateway.stop();
    assert_eq!(client.join().unwrap().status, 200);
}

#[test]
fn who_offends_again_and_again_is_banned_and_nobody_else() {
    let rules = "[[caller]]\nfrom = \"header:x-api-key\"\n[[limit]]\nname = \"few\"\nrate = \"1/1h\"\n\
                 [[penalty]]\nname = \"again\"\nafter = \"2 rejections/1h\"\nban = \"10m\"\nup-to = \"1h\"\n";
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, rules);
    let call = |key: &str| gateway.get("/", &format!("x-api-key: {key}\r\n"));
    let statuses: Vec<u16> = (0..4).map(|_| call("ann").status).collect();
    assert_eq!(statuses, [200, 429, 429, 429]);
    let banned = call("ann");
    assert_eq!((banned.status, banned.field("retry-after")), (429, Some("600")));
    assert!(banned.body.contains("again"), "{}", banned.body);
    assert_eq!(call("bob").status, 200);
}

#[test]
fn guessing_keys_locks_the_guesser_out_even_with_a_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let right = ratewarden_callers::NewKey::generate("ann", "").unwrap();
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, &right.line).unwrap();
    let rules = format!(
        "[[caller]]\nfrom = \"bearer\"\nkeys = {:?}\nrequired = true\n[credentials]\nper-source = \"3/1h\"\n",
        keys.to_str().unwrap()
    );
    let gateway = Gateway::start(Echo::start().address, &rules);
    let call = |key: &str| gateway.get("/", &format!("authorization: Bearer {key}\r\n")).status;
    let guesses: Vec<u16> = (0..5).map(|number| call(&format!("rw_guess-{number}"))).collect();
    assert_eq!(guesses, [401, 401, 401, 401, 429]);
    assert_eq!(call(&right.key), 429, "a right guess is not told from a wrong one");
}

/// A server that knows nobody.
pub(crate) fn refusing() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if read_message(&stream).is_some() {
                stream
                    .write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                    .unwrap();
            }
        }
    });
    address
}

#[test]
fn what_the_server_refuses_is_a_failed_credential_only_where_one_may_have_been_shown() {
    let rules = "[credentials]\nper-source = \"3/1h\"\n";
    let statuses = |target: &str, fields: &str| {
        let gateway = Gateway::start(refusing(), rules);
        let mut statuses = Vec::new();
        // A failure is counted when its answer has gone out, which its client may know first: one call more.
        for _ in 0..6 {
            statuses.push(gateway.get(target, fields).status);
        }
        (statuses.first().copied(), statuses.last().copied())
    };
    assert_eq!(statuses("/", ""), (Some(401), Some(401)), "who shows nothing guesses nothing");
    assert_eq!(statuses("/", "authorization: Basic YTpi\r\n"), (Some(401), Some(429)));
    assert_eq!(statuses("/", "cookie: session=guess\r\n"), (Some(401), Some(429)));
    assert_eq!(statuses("/?key=guess", ""), (Some(401), Some(429)));
}

#[test]
fn other_gateways_ask_for_decisions_in_their_own_ways() {
    let rules = "admin = \"127.0.0.1:0\"\n---\n[trust]\nproxies = [\"127.0.0.1\"]\n\
                 [[limit]]\nname = \"few\"\nmatch = { method = \"POST\", path = \"/jobs\" }\nrate = \"1/1h\"\n";
    let gateway = Gateway::start(Echo::start().address, rules);
    for (client, status, fields) in [
        ("192.0.2.1", 403, "x-original-method: POST\r\nx-original-uri: /jobs?a=1\r\n"),
        ("192.0.2.2", 429, "x-forwarded-method: POST\r\nx-forwarded-uri: /%6Aobs\r\n"),
    ] {
        let fields = format!("x-forwarded-for: {client}\r\n{fields}");
        assert_eq!(admin(&gateway, "/check", &fields).status, 200, "{client}");
        let rejected = admin(&gateway, "/check", &fields);
        assert_eq!((rejected.status, rejected.field("retry-after")), (429, Some("3600")), "{client}");
        assert_eq!(admin(&gateway, "/check?reject=403", &fields).status, status, "only nginx asks so");
    }
    // Envoy asks with the call's own method, behind a prefix.
    assert_eq!(
        admin(&gateway, "/check/jobs", "x-forwarded-for: 192.0.2.1\r\n").status,
        200,
        "GET is not limited"
    );
    let odd = "x-original-method: POST\r\nx-original-uri: /a/../jobs\r\n";
    assert!(admin(&gateway, "/check", odd).body.contains("path_dot_segment"));
}
