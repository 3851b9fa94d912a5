//! Envelopes: what is in them is read as if they were not there.

use ratewarden_logs::{Fault, JsonFields, Options, Reader};

use crate::owned::{Owned, SAMPLES, calls, fault, one, read, sample};

type Wrap = fn(&str) -> String;

/// Every envelope.
pub(crate) const ENVELOPES: [(&str, Wrap); 12] = [
    ("RFC 3164", |line| format!("<190>Nov 28 01:02:03 web-1 nginx: {line}")),
    ("RFC 3164 in a file", |line| format!("Nov  8 01:02:03 web-1 nginx[123]: {line}")),
    ("RFC 3164 without host", |line| format!("<190>Nov 28 01:02:03 nginx: {line}")),
    ("rsyslog", |line| format!("2026-11-28T01:02:03.123456+00:00 web-1 nginx[12]: {line}")),
    ("rsyslog with priority", |line| format!("<13>2026-11-28T01:02:03Z web-1 haproxy: {line}")),
    ("RFC 5424", |line| format!("<165>1 2026-11-28T01:02:03.003Z web-1 nginx 12 access - {line}")),
    ("RFC 5424 in a file", |line| format!("1 2026-11-28T01:02:03.003Z web-1 nginx - - - {line}")),
    ("RFC 5424 with data", |line| {
        format!("<165>1 - web-1 nginx - ID47 [a@1 k=\"v \\\"]\\\" w\"][b] \u{feff}{line}")
    }),
    ("container runtime", |line| format!("2026-11-28T01:02:03.123456789Z stdout F {line}")),
    ("container runtime, errors", |line| format!("2026-11-28T01:02:03.123456789+01:00 stderr F {line}")),
    ("docker", docker),
    ("docker round syslog", |line| docker(&format!("<190>Nov 28 01:02:03 web-1 nginx: {line}"))),
];

pub(crate) fn docker(line: &str) -> String {
    let log = serde_json::to_string(&format!("{line}\n")).unwrap();
    format!(r#"{{"log":{log},"stream":"stdout","time":"2026-11-28T01:02:03.123456789Z"}}"#)
}

/// A line as a container runtime writes it.
fn cri(tag: &str, text: &str) -> String {
    format!("2026-11-28T01:02:03.123456789Z stdout {tag} {text}")
}

#[test]
fn every_form_is_read_in_every_envelope() {
    for name in SAMPLES {
        let plain = calls(name);
        for (envelope, wrap) in ENVELOPES {
            let mut reader = Reader::new(&Options::default());
            let mut all = Vec::new();
            for line in sample(name).lines() {
                let (calls, result) = read(&mut reader, wrap(line).as_bytes());
                assert_eq!(result, Ok(()), "{name} in {envelope}: {line}");
                all.extend(calls);
            }
            assert_eq!(all, plain, "{name} in {envelope}");
            assert_eq!(reader.form(), Some(name), "in {envelope}");
        }
    }
}

#[test]
fn a_line_without_a_date_has_that_of_its_envelope() {
    let map = JsonFields::parse("user=u").unwrap();
    let mut options = Options { json_fields: Some(map), year: Some(2026), ..Options::default() };
    let line = r#"{"u":"alice"}"#;
    assert_eq!(fault(&options, line), Fault::Fields);
    for (envelope, wrap) in ENVELOPES {
        if envelope == "RFC 5424 with data" {
            continue;
        }
        let call = one(&options, &wrap(line));
        assert_eq!(call.user, "alice");
        let day = 86_400_000;
        let since = call.at_ms - Owned::after(0).at_ms;
        assert!(
            (0..1000).contains(&since) || since == -20 * day || since == 123 - 3_600_000,
            "{envelope}: {since}"
        );
    }
    options.year = None;
    assert_eq!(fault(&options, &ENVELOPES[0].1(line)), Fault::Year);
}

#[test]
fn pieces_of_a_line_are_put_together() {
    let whole = sample("nginx-combined").lines().next().unwrap().to_owned();
    let (first, rest) = whole.split_at(50);
    let mut reader = Reader::new(&Options::default());
    for _ in 0..2 {
        assert_eq!(read(&mut reader, cri("P", first).as_bytes()), (vec![], Err(Fault::Piece)));
        let other = "2026-11-28T01:02:03.123456789Z stderr F not a call";
        assert_eq!(read(&mut reader, other.as_bytes()).1, Err(Fault::Form));
        let (calls, result) = read(&mut reader, cri("F", rest).as_bytes());
        assert_eq!((calls.len(), result), (1, Ok(())));
        assert_eq!(calls[0].target, "/api/items?page=2");
    }
}

#[test]
fn docker_cuts_long_lines_and_the_pieces_are_put_together() {
    let line = format!(
        r#"203.0.113.7 - - [28/Nov/2026:01:02:03 +0000] "GET /{} HTTP/1.1" 200 1 "-" "-""#,
        "a".repeat(40_000)
    );
    let mut reader = Reader::new(&Options::default());
    let mut seen = Vec::new();
    for piece in line.as_bytes().chunks(16 * 1024) {
        let piece = std::str::from_utf8(piece).unwrap();
        let end = if piece.len() < 16 * 1024 { "\\n" } else { "" };
        let log = serde_json::to_string(piece).unwrap();
        let log = format!("{}{end}\"", &log[..log.len() - 1]);
        let wrapped = format!(r#"{{"log":{log},"stream":"stdout","time":"2026-11-28T01:02:03Z"}}"#);
        seen.push(read(&mut reader, wrapped.as_bytes()));
    }
    assert!(seen[..2].iter().all(|(calls, result)| calls.is_empty() && *result == Err(Fault::Piece)));
    assert_eq!((seen[2].1, seen[2].0[0].target.len()), (Ok(()), 40_001));
}

#[test]
fn pieces_without_their_last_one_are_told() {
    let mut reader = Reader::new(&Options::default());
    let all = sample("nginx-combined");
    let (begin, end) = all.lines().next().unwrap().split_at(40);
    assert_eq!(reader.unfinished(), 0);
    assert_eq!(read(&mut reader, cri("P", begin).as_bytes()), (vec![], Err(Fault::Piece)));
    assert_eq!(reader.unfinished(), 1);
    assert_eq!(read(&mut reader, cri("F", end).as_bytes()).1, Ok(()));
    assert_eq!(reader.unfinished(), 0);
}

#[test]
fn what_stands_beside_dockers_text_is_not_the_call() {
    let line = docker(sample("nginx-combined").lines().next().unwrap());
    let line = line.replace("{\"log\"", "{\"user\":\"root\",\"status\":500,\"log\"");
    let call = one(&Options::default(), &line);
    assert_eq!((&*call.user, call.status, &*call.target), ("", 200, "/api/items?page=2"));
}

#[test]
fn what_only_begins_like_an_envelope_is_none() {
    for line in [
        "<>Nov 28 01:02:03 h t: x",
        "<1234>Nov 28 01:02:03 h t: x",
        "Nov 28",
        "Nov 28 01:02:03 ",
        "1 2026-11-28T01:02:03Z h",
        "<1>1 2026-11-28T01:02:03Z h a p m [open k=\"v",
        "2026-11-28T01:02:03Z stdout X text",
        "2026-11-28T01:02:03Z stdout",
        "{\"log\":7,\"stream\":1}",
    ] {
        assert!(fault(&Options::default(), line).is_unreadable(), "{line}");
    }
}
