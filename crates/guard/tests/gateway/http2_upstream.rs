//! A server behind the gateway that speaks HTTP/2.

use std::io::{Read, Write};
use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};

use crate::http2_client::{Whole, call, connect, get, run};
use crate::http2_server::Http2Server;
use crate::server::{Answer, Echo, Gateway, exchange};

/// A gateway whose upstream is spoken to in HTTP/2.
fn gateway(upstream: SocketAddr, rules: &str) -> Gateway {
    // The harness writes `[upstream]` itself; a key that follows the URL belongs to it.
    Gateway::start_with(upstream, "http2 = true\n", rules)
}

#[test]
fn clients_of_either_version_reach_it_with_the_same_call() {
    let server = Http2Server::start(None);
    let gateway = gateway(server.address, "");
    let old = gateway.get("/%61//b?x=1", "x-mine: yes\r\nconnection: x-gone\r\nx-gone: 1\r\n");
    assert_eq!((old.status, old.field("content-length").is_some()), (200, true));
    let new = run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        call(&mut sender, get("/%61//b?x=1", &[("x-mine", "yes")])).await
    });
    for text in [&*old.body, new.text()] {
        assert!(text.starts_with("GET http://a.test/a/b?x=1\n"), "{text}");
        assert!(text.contains("x-mine: yes\n") && text.contains("x-forwarded-for: 127.0.0.1\n"), "{text}");
        assert!(!text.contains("x-gone") && !text.contains("\nhost: "), "{text}");
    }
    let (mut head, mut stream) = (String::new(), gateway.connect());
    stream.write_all(b"HEAD / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_string(&mut head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("connection: close\r\n\r\n"), "{head}");
    assert!(head.contains("content-length: "), "{head}");
    let head = run(async {
        let mut request = get("/", &[]);
        *request.method_mut() = http::Method::HEAD;
        call(&mut connect(gateway.guard().http()[0]).await, request).await
    });
    assert!(head.status == 200 && head.body.is_empty() && head.field("content-length").is_some());
}

#[test]
fn calls_share_a_connection_for_each_worker() {
    let server = Http2Server::start(None);
    let gateway = gateway(server.address, "");
    for _ in 0..40 {
        assert_eq!(gateway.get("/", "").status, 200);
    }
    assert!((1..=2).contains(&server.connections()), "{} connections", server.connections());
}

#[test]
fn a_connection_that_its_server_ends_is_replaced_and_no_call_fails() {
    let server = Http2Server::start(Some(5));
    let gateway = gateway(server.address, "");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                run(async {
                    let mut sender = connect::<Whole>(gateway.guard().http()[0]).await;
                    for number in 0..50 {
                        let post =
                            Request::post("http://a.test/").body(Whole::from(number.to_string())).unwrap();
                        let answer = call(&mut sender, post).await;
                        assert_eq!(answer.status, 200, "{}", answer.text());
                    }
                });
            });
        }
    });
    assert_eq!(server.answered(), 200, "no call was done twice");
    assert!(server.connections() >= 10, "{} connections", server.connections());
}

#[test]
fn trailers_pass_both_ways_where_both_sides_have_them() {
    let server = Http2Server::start(None);
    let gateway = gateway(server.address, "");
    run(async {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-sum", 7.into());
        let body = Full::<Bytes>::from("hello").with_trailers(async move { Some(Ok(trailers)) }).boxed();
        let request = Request::post("http://a.test/trailers").header("te", "trailers").body(body).unwrap();
        let mut sender = connect(gateway.guard().http()[0]).await;
        let answer = call(&mut sender, request).await;
        let text = answer.text();
        assert!(text.contains("te: trailers\n") && text.contains("trailer x-sum: 7\n"), "{text}");
        assert!(text.ends_with("hello") && answer.trailers.unwrap().contains_key("x-checksum"));
    });
    let old = gateway.get("/trailers", "te: trailers\r\n");
    assert!(old.status == 200 && old.body.ends_with("\n\n") && !old.body.contains("te: "), "{}", old.body);
}

#[test]
fn ten_megabytes_pass_both_ways_from_either_version() {
    let gateway = gateway(Http2Server::start(None).address, "");
    let body = "0123456789".repeat(1_000_000);
    let mut stream = gateway.connect();
    let head = format!("PUT / HTTP/1.1\r\nhost: a.test\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
    let answer = Answer::read(&stream).unwrap();
    assert!(answer.status == 200 && answer.body.ends_with(&body));
    assert!(answer.body.contains("content-length: 10000000\n"));
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        let request = Request::put("http://a.test/").body(Whole::from(body.clone())).unwrap();
        let answer = call(&mut sender, request).await;
        assert!(answer.status == 200 && answer.text().ends_with(&body));
    });
}

#[test]
fn a_body_that_is_broken_or_looked_into_is_treated_as_ever() {
    let server = Http2Server::start(None);
    let rules = "[[bound]]\nname = \"gpus\"\nmatch = { path = \"/jobs\" }\nbody = \"gpus\"\nmax = 8\n";
    let gateway = gateway(server.address, rules);
    let clamped =
        gateway.send("POST /jobs HTTP/1.1\r\nhost: a.test\r\ncontent-length: 13\r\n\r\n{\"gpus\": 500}");
    assert!(clamped.body.contains("content-length: 11\n") && clamped.body.ends_with("{\"gpus\": 8}"));
    let broken = "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0x5\r\n";
    assert_eq!(gateway.send(broken).status, 400);
    assert_eq!(server.answered(), 1);
}

#[test]
fn a_server_that_does_not_speak_it_is_a_bad_gateway() {
    let gateway = gateway(Echo::start().address, "");
    assert_eq!(gateway.get("/", "").status, 502);
    run(async {
        let mut sender = connect(gateway.guard().http()[0]).await;
        assert_eq!(call(&mut sender, get("/", &[])).await.status, 502);
    });
}

#[test]
fn its_health_is_asked_for_in_its_own_version() {
    let server = Http2Server::start(None);
    for (path, ready) in [("/", 200), ("/sick", 503)] {
        let health = format!(
            "http2 = true\nhealth = {{ path = \"{path}\", every = \"200ms\", timeout = \"200ms\" }}\n"
        );
        let gateway = Gateway::start_with(server.address, &health, "admin = \"127.0.0.1:0\"\n---");
        let admin = gateway.guard().admin().unwrap();
        let asked = server.answered();
        let begun = std::time::Instant::now();
        // Three checks are enough to be sick; a few more show that one is not.
        let status = loop {
            let answer = exchange(admin, "GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n");
            if answer.status == 503 || server.answered() > asked + 5 {
                break answer.status;
            }
            assert!(begun.elapsed().as_secs() < 20, "nobody asks");
        };
        assert_eq!(status, ready, "{path}");
    }
}
