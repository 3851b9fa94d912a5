//! Bodies: passed through whole, in either framing, whatever their size.

use std::io::Write;

use crate::server::{Answer, Echo, Gateway};

#[test]
fn a_large_body_passes_in_either_framing() {
    let gateway = Gateway::start(Echo::start().address, "");
    let body: String = (0..400_000).map(|number| char::from(b'a' + (number % 23) as u8)).collect();
    let mut stream = gateway.connect();
    stream
        .write_all(format!("PUT /l HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes())
        .unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let answer = Answer::read(&stream).unwrap();
    assert!(answer.status == 200 && answer.body.ends_with(&body));
    stream.write_all(b"PUT /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    for piece in body.as_bytes().chunks(33_333) {
        stream.write_all(format!("{:X};ext=1\r\n", piece.len()).as_bytes()).unwrap();
        stream.write_all(piece).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    stream.write_all(b"0\r\nx-trailer: 1\r\n\r\n").unwrap();
    let answer = Answer::read(&stream).unwrap();
    assert!(answer.status == 200 && answer.body.ends_with(&body));
    assert!(!answer.body.contains("ext=1") && !answer.body.contains("x-trailer"));
}

#[test]
fn a_client_that_waits_for_continue_is_told_to() {
    let gateway = Gateway::start(Echo::start().address, "");
    let mut stream = gateway.connect();
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(&stream).unwrap().status, 100);
    stream.write_all(b"hi").unwrap();
    let answer = Answer::read(&stream).unwrap();
    assert!(answer.status == 200 && answer.body.ends_with("\r\n\r\nhi") && !answer.body.contains("expect"));
}

#[test]
fn an_answer_that_ends_with_the_connection_gets_a_framing() {
    let gateway = Gateway::start(Echo::start().address, "");
    let answer = gateway.get("/until-close", "");
    assert_eq!((answer.field("transfer-encoding"), &*answer.body), (Some("chunked"), "all there is"));
    let old = gateway.send("GET /until-close HTTP/1.0\r\nhost: a\r\n\r\n");
    assert_eq!((old.field("transfer-encoding"), old.field("connection")), (None, Some("close")));
}

#[test]
fn a_body_over_the_cap_is_refused() {
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, "[caps]\nbody-bytes = \"1KiB\"\n");
    let known = gateway.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1025\r\n\r\n");
    assert_eq!(known.status, 413);
    let chunk = format!("401\r\n{}\r\n0\r\n\r\n", "x".repeat(0x401));
    let unknown =
        gateway.send(&format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunk}"));
    assert_eq!(unknown.status, 413);
    assert_eq!(echo.answered(), 0);
}
