//! `GET /v1/decisions`: calls as they are decided.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::{TOKEN, guarded, send};
use crate::server::{Answer, Gateway, wait_until};

const RULES: &str = "[[caller]]\nfrom = \"header:x-api-key\"\n[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"1/1h\"\n";

/// A reader of the stream, its head read.
struct Reader(BufReader<TcpStream>);

impl Reader {
    fn start(gateway: &Gateway, query: &str) -> Self {
        let (reader, is_served) = Self::ask(gateway, query);
        assert!(is_served);
        reader
    }

    /// Asks, and says whether it is served.
    fn ask(gateway: &Gateway, query: &str) -> (Self, bool) {
        let mut stream = TcpStream::connect(gateway.guard().admin().unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!("GET /v1/decisions{query} HTTP/1.1\r\nhost: a\r\n{TOKEN}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = Self(BufReader::new(stream));
        let mut head = Vec::new();
        loop {
            let line = reader.raw();
            if line.is_empty() {
                break;
            }
            head.push(line.to_ascii_lowercase());
        }
        let has = |line: &str| head.iter().any(|found| found == line);
        let is_stream = has("content-type: application/x-ndjson") && has("transfer-encoding: chunked");
        let is_served = head[0].starts_with("http/1.1 200 ") && is_stream;
        (reader, is_served)
    }

    fn raw(&mut self) -> String {
        let mut line = String::new();
        assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    /// The next object; what frames the chunks is no object.
    fn next(&mut self) -> Value {
        loop {
            let line = self.raw();
            if line.starts_with('{') {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }
}

#[test]
fn calls_are_shown_as_they_are_decided_to_who_asks_for_them() {
    let (gateway, _folder) = guarded(RULES);
    gateway.get("/before", "x-api-key: sekrit\r\n");
    let mut all = Reader::start(&gateway, "");
    let mut rejected = Reader::start(&gateway, "?decision=rejected");
    assert_eq!(gateway.get("/jobs?token=t", "x-api-key: sekrit\r\n").status, 429);
    assert_eq!(gateway.get("/jobs", "x-api-key: other\r\n").status, 200);
    let first = all.next();
    let seen = ["method", "path", "status", "decision", "limit", "reason"].map(|key| first[key].clone());
    assert_eq!(json!(seen), json!(["GET", "/jobs", 429, "rejected", "few", "limit"]));
    assert!(!first.to_string().contains("sekrit") && !first.to_string().contains("token"), "{first}");
    let second = all.next();
    assert_eq!((&second["decision"], &second["status"]), (&json!("admitted"), &json!(200)));
    let label = second["caller"].as_str().unwrap().to_owned();
    let mut other = Reader::start(&gateway, &format!("?caller={label}"));
    gateway.get("/again", "x-api-key: sekrit\r\n");
    gateway.get("/again", "x-api-key: other\r\n");
    assert_eq!(other.next()["caller"], label.as_str());
    assert_eq!([rejected.next(), rejected.next()].map(|line| line["path"].clone()), ["/jobs", "/again"]);
}

#[test]
fn decisions_that_are_asked_for_are_shown_too() {
    let (gateway, _folder) = guarded(RULES);
    let mut reader = Reader::start(&gateway, "");
    let question = r#"{"caller":"ann","method":"POST","path":"/jobs?a=1"}"#;
    assert_eq!([(); 2].map(|()| send(&gateway, "POST", "/v1/check", question).status), [200, 200]);
    send(&gateway, "GET", "/check/a", "");
    let seen: Vec<Value> = (0..3).map(|_| reader.next()).collect();
    assert!(seen.iter().all(|line| line["asked"] == true), "{seen:?}");
    let short = |line: &Value| json!([line["caller"], line["path"], line["decision"], line["status"]]);
    assert_eq!(short(&seen[0]), json!(["ann", "/jobs", "admitted", 200]));
    assert_eq!(short(&seen[1]), json!(["ann", "/jobs", "rejected", 429]));
    assert_eq!(seen[2]["path"], "/a");
}

#[test]
fn readers_have_a_cap_and_who_leaves_makes_room() {
    let (gateway, _folder) = guarded("");
    let mut readers: Vec<Reader> = (0..8).map(|_| Reader::start(&gateway, "")).collect();
    let full = send(&gateway, "GET", "/v1/decisions", "");
    assert_eq!(full.status, 503, "{}", full.body);
    readers.pop();
    wait_until(Duration::from_secs(20), || Reader::ask(&gateway, "").1);
    for query in ["?decision=maybe", "?who=ann", "?caller=a&caller=b"] {
        assert_eq!(send(&gateway, "GET", &format!("/v1/decisions{query}"), "").status, 400, "{query}");
    }
}

#[test]
fn a_reader_that_does_not_read_holds_nobody_up_and_learns_how_much_it_missed() {
    let (gateway, _folder) = guarded("[[limit]]\nname = \"few\"\nrate = \"1/1h\"\n");
    gateway.get("/", "");
    let mut slow = Reader::start(&gateway, "?decision=rejected");
    // Long lines, so that the buffers of the sockets fill too.
    let call = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(6_000));
    let mut stream = gateway.connect();
    let mut call = || {
        stream.write_all(call.as_bytes()).unwrap();
        assert_eq!(Answer::read(&stream).unwrap().status, 429);
    };
    let mut calls = 3_000;
    (0..calls).for_each(|_| call());
    let (mut seen, mut lost) = (0_u64, 0_u64);
    while seen + lost < calls {
        let line = slow.next();
        match line["lost"].as_u64() {
            Some(count) => lost += count,
            None => seen += 1,
        }
        if lost == 0 && seen.is_multiple_of(50) {
            // It is told with the next line that has room.
            call();
            calls += 1;
        }
    }
    assert!(lost > 0 && seen > 0, "{seen} seen, {lost} lost");
    assert_eq!(seen + lost, calls);
}
