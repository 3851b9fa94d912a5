//! What the admin listener makes of input that is wrong, whatever it is for.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};

use crate::server::{Answer, Echo, Gateway, exchange};

/// What opens the admin listener of [`guarded`].
pub(crate) const TOKEN: &str = "authorization: Bearer open-sesame\r\n";

/// A gateway whose admin listener wants a token, and the folder that has it.
pub(crate) fn guarded(rules: &str) -> (Gateway, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "open-sesame\n").unwrap();
    let token = token.to_str().unwrap();
    let rules = format!("admin = \"127.0.0.1:0\"\n---\n[admin]\ntoken-file = {token:?}\n{rules}");
    (Gateway::start(Echo::start().address, &rules), folder)
}

/// A request with a token and, unless it is empty, a JSON body.
pub(crate) fn send(gateway: &Gateway, method: &str, target: &str, body: &str) -> Answer {
    let media_type = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    send_with(gateway, method, target, &format!("{TOKEN}{media_type}"), body)
}

/// A request with these field lines.
pub(crate) fn send_with(gateway: &Gateway, method: &str, target: &str, fields: &str, body: &str) -> Answer {
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: a\r\n{fields}content-length: {}\r\n\r\n", body.len());
    exchange(gateway.guard().admin().unwrap(), &format!("{head}{body}"))
}

/// A body as JSON.
pub(crate) fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

#[test]
fn nothing_is_said_to_who_has_no_token() {
    let (gateway, _folder) = guarded("");
    let body = r#"{"caller":"ann"}"#;
    for fields in ["", "authorization: Bearer wrong\r\n", "authorization: Basic open-sesame\r\n"] {
        for (method, target) in
            [("POST", "/v1/check"), ("GET", "/v1/limits"), ("GET", "/check"), ("GET", "/nowhere")]
        {
            let answer = send_with(&gateway, method, target, fields, body);
            assert_eq!(answer.status, 401, "{method} {target} {fields}");
            assert_eq!(answer.field("www-authenticate"), Some("Bearer"));
            assert_eq!(json(&answer)["reason"], "token");
        }
    }
    assert_eq!(send_with(&gateway, "POST", "/v1/check", TOKEN, body).status, 415, "the token alone is right");
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let (gateway, _folder) = guarded("");
    for (method, target, allow) in [
        ("GET", "/v1/check", "POST"),
        ("DELETE", "/v1/limits", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ] {
        let answer = send(&gateway, method, target, "");
        assert_eq!((answer.status, answer.field("allow")), (405, Some(allow)), "{method} {target}");
    }
    let unknown = send(&gateway, "GET", "/v1/limit", "");
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("/v1/limits"), "{}", unknown.body);
}

#[test]
fn a_body_that_is_none_is_refused_with_what_was_expected() {
    let (gateway, _folder) = guarded("");
    for (body, status, said) in [
        ("{\"caller\":", 400, "EOF"),
        ("[]", 400, "expected"),
        (r#"{"caller":"ann","colour":"red"}"#, 400, "unknown field `colour`, expected one of `caller`"),
        (r#"{"caller":"ann","caller":"bob"}"#, 400, "duplicate field `caller`"),
        (r#"{"caller":"ann","cost":0}"#, 400, "nonzero"),
        (r#"{"caller":"ann","cost":-1}"#, 400, "invalid value"),
        (r#"{"address":"somewhere"}"#, 400, "IP address"),
        (r#"{"address":"192.0.2.1","headers":{"a b":"c"}}"#, 400, "`a b` is no header"),
        (r#"{"caller":""}"#, 422, "1 to 256 characters"),
        (r#"{"caller":"a\nb"}"#, 422, "control character"),
        (r#"{"caller":"ann","method":"GET /"}"#, 422, "HTTP method"),
        ("{}", 422, "name the `caller`"),
    ] {
        let answer = send(&gateway, "POST", "/v1/check", body);
        assert_eq!(
            (answer.status, answer.field("content-type")),
            (status, Some("application/problem+json")),
            "{body}"
        );
        assert!(answer.body.contains(said), "{body}: {}", answer.body);
    }
    let form = "content-type: text/plain\r\n";
    let answer = send_with(&gateway, "POST", "/v1/check", &format!("{TOKEN}{form}"), r#"{"caller":"ann"}"#);
    assert_eq!(answer.status, 415, "what a form on any page can send is not taken");
}

#[test]
fn a_body_without_end_is_cut_off() {
    let (gateway, _folder) = guarded("");
    let huge = format!(r#"{{"caller":"{}"}}"#, "a".repeat(70_000));
    assert_eq!(send(&gateway, "POST", "/v1/check", &huge).status, 413);
    let mut stream = TcpStream::connect(gateway.guard().admin().unwrap()).unwrap();
    let head = "POST /v1/check HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n";
    stream.write_all(format!("{head}{TOKEN}\r\n").as_bytes()).unwrap();
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    // It may be cut off while this is still sending.
    while stream.write_all(chunk.as_bytes()).is_ok() {
        stream.set_read_timeout(Some(std::time::Duration::from_millis(1))).unwrap();
        if stream.peek(&mut [0]).is_ok() {
            break;
        }
    }
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    assert_eq!(Answer::read(&stream).unwrap().status, 413);
    let _ = stream.shutdown(Shutdown::Both);
}
