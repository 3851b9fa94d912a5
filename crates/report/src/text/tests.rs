//! The wording, as a reader sees it.

use super::*;
use crate::sample;

#[test]
fn a_token_bucket_is_one_sentence() {
    let report = sample::token_bucket();
    let said = limiter(&report.limiters[0]);
    assert_eq!(said, "token bucket: 10 calls/s, burst 20, counted per address; rejects with 429; firm");
}

#[test]
fn without_a_rejection_only_what_was_sent_is_said() {
    let report = sample::unlimited();
    assert_eq!(limiter(&report.limiters[0]), "no rejection in 300 requests over 9.8 s");
    assert_eq!(observed(&report.limiters[0]), None);
}

#[test]
fn a_window_whose_end_was_not_seen_is_at_least_so_long() {
    let report = sample::windows();
    let said = limiter(&report.limiters[0]);
    assert!(said.starts_with("fixed window: 100 calls, window at least 12 s"), "{said}");
    let said = limiter(&report.limiters[1]);
    assert!(
        said.starts_with("leaky queue: 10 calls/s, room for 21, shared by all callers; delays"),
        "{said}"
    );
}

#[test]
fn keys_are_named_as_a_person_would() {
    let keys = |names: &[&str]| keyed_by(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
    assert_eq!(keys(&[]), None);
    assert_eq!(keys(&["global"]).unwrap(), "shared by all callers");
    assert_eq!(keys(&["header:x-api-key", "path"]).unwrap(), "counted per header x-api-key and path");
}

#[test]
fn published_limits_are_said_with_their_verdict() {
    let report = sample::windows();
    let said = published(report.limiters[0].published.as_ref().unwrap());
    assert_eq!(said, "headers (ietf-06) say 1000 calls per 60 s: does not agree with what was seen");
}

#[test]
fn figures_have_units_and_no_idle_digits() {
    assert_eq!(
        ["10", "9.83", "0.00417", "0", "unknown"].map(str::to_owned),
        [number(10.0), number(9.829), number(0.004_166), number(-0.0), number(f64::NAN)]
    );
    assert_eq!([rate(10.0), rate(1.0 / 6.0), rate(0.001)], ["10 calls/s", "10 calls/min", "3.6 calls/h"]);
    assert_eq!(
        [500, 12_000, 1_500, 60_000, 300_000, 3_600_000, 86_400_000].map(milliseconds),
        ["500 ms", "12 s", "1.5 s", "60 s", "5 min", "1 h", "24 h"]
    );
    assert_eq!(
        [312.0, 4_200.0, 1e6, 999_999.0, 123_456.0].map(bytes),
        ["312 B", "4.2 kB", "1 MB", "1 MB", "123 kB"]
    );
    assert_eq!((count(1, "request"), count(0, "request")), ("1 request".into(), "0 requests".into()));
    assert_eq!(
        (seconds(0.254), seconds(9.84), seconds(10.0)),
        ("0.25 s".into(), "9.8 s".into(), "10 s".into())
    );
}

#[test]
fn what_stands_between_backticks_is_code() {
    assert_eq!(code_spans("set `a` and `b`"), [(false, "set "), (true, "a"), (false, " and "), (true, "b")]);
    for plain in ["plain", "one ` alone", "``` fence ```"] {
        assert_eq!(code_spans(plain), [(false, plain)]);
    }
}

#[test]
fn terminal_escapes_and_marks_of_direction_are_taken_out() {
    assert_eq!(clean("a\u{1b}[31mb\u{9b}2J\u{202e}c\u{7}\r\nd\te"), "a[31mb2Jc\nd    e");
    assert_eq!(one_line(" a\n  b "), "a b");
}
