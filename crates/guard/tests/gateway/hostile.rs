//! Hostile clients and broken servers: each has a stated outcome.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;

use crate::server::{Answer, Echo, GET, Gateway};

#[test]
fn what_could_be_smuggled_is_refused_and_never_reaches_the_server() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "");
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    for fields in [
        "content-length: 40\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 40\r\n",
        "content-length: 5\r\ncontent-length: 40\r\n",
        "content-length: 5, 40\r\n",
        "content-length: +5\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        "x: a\nsmuggled: b\r\n",
        "x: a\r\n folded\r\n",
        "x\0y: a\r\n",
        "host: b\r\n",
    ] {
        let answer = gateway.send(&format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n0\r\n\r\n{smuggled}"));
        assert_eq!(answer.status, 400, "{fields:?}");
        assert_eq!(answer.field("connection"), Some("close"), "{fields:?}");
    }
    for line in ["GET http://a/ HTTP/1.1", "GET /a/../b HTTP/1.1", "GET /a%2fb HTTP/1.1", "GET /a#b HTTP/1.1"]
    {
        assert_eq!(gateway.send(&format!("{line}\r\nhost: a\r\n\r\n")).status, 400, "{line}");
    }
    assert_eq!(gateway.send("CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n").status, 405);
    assert_eq!(gateway.send("GET / HTTP/1.1\r\n\r\n").status, 400);
    assert_eq!(echo.answered(), 0);
}

#[test]
fn too_much_is_refused_with_its_own_status() {
    let gateway = Gateway::start(Echo::start().address, "");
    let many = "x: y\r\n".repeat(101);
    assert_eq!(gateway.get("/", &many).status, 431);
    assert_eq!(gateway.get("/", &format!("x: {}\r\n", "y".repeat(70_000))).status, 431);
}

#[test]
fn a_head_that_comes_too_slowly_is_ended() {
    let gateway = Gateway::start_impatient(Echo::start().address, "", "");
    let mut slow = gateway.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nx: ").unwrap();
    assert_eq!(Answer::read(&slow).unwrap().status, 408);
    let mut silent = gateway.connect();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0, "a client that says nothing is closed without a word");
}

#[test]
fn a_bad_chunk_ends_the_call_on_both_sides() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "");
    let answer = gateway.send(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0x5\r\nhello\r\n",
    );
    assert_eq!(answer.status, 400);
    assert_eq!(echo.answered(), 0);
}

#[test]
fn a_server_that_is_not_there_answers_garbage_or_is_slow_has_its_own_status() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(Gateway::start_impatient(closed, "", "").get("/", "").status, 502);
    let gateway = Gateway::start_impatient(Echo::start().address, "", "");
    assert_eq!(gateway.get("/garbage", "").status, 502);
    // It accepts by the kernel's grace, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(Gateway::start_impatient(silent.local_addr().unwrap(), "", "").get("/", "").status, 504);
}

#[test]
fn connections_of_one_address_have_a_cap() {
    let gateway = Gateway::start(Echo::start().address, "[caps]\nconnections-per-address = 2\n");
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = gateway.connect();
            stream.write_all(GET).unwrap();
            assert_eq!(Answer::read(&stream).unwrap().status, 200);
            stream
        })
        .collect();
    // Closed at once: an end or a reset, and not a silence.
    let mut third = gateway.connect();
    let read = third.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(read, Ok(0) | Err(ErrorKind::ConnectionReset)), "{read:?}");
    drop(held);
    // The places are free again, as soon as the gateway has seen that they are.
    let again = || {
        let mut stream = gateway.connect();
        stream.write_all(GET).ok()?;
        Answer::read(&stream)
    };
    let begun = std::time::Instant::now();
    let served =
        std::iter::repeat_with(again).find(|answer| answer.is_some() || begun.elapsed().as_secs() > 20);
    assert_eq!(served.flatten().map(|answer| answer.status), Some(200));
}

#[test]
fn a_client_that_does_not_read_its_answers_is_ended() {
    let rules = "[[limit]]\nname = \"few\"\nrate = \"1/1h\"\n";
    let gateway = Gateway::start_impatient(Echo::start().address, "", rules);
    let mut stream = gateway.connect();
    stream.set_write_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    // Calls without end and no answer read: the gateway stops reading, then gives up, and the writes fail.
    let many = GET.repeat(1_000);
    let error = loop {
        if let Err(error) = stream.write_all(&many) {
            break error.kind();
        }
    };
    assert!(matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error:?}");
}
