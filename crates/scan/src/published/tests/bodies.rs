//! Limits that are told only in the text of a rejection.

use proptest::prelude::*;

use super::super::read_body;
use super::shown;

#[test]
fn rules_in_the_text_of_a_rejection_are_read() {
    let cases = [
        (
            "<!doctype html>\n<title>429 Too Many Requests</title>\n<h1>Too Many Requests</h1>\n<p>10 per 1 minute</p>",
            "body - -/10 in - w 60",
        ),
        (r#"{"error":"Rate limit exceeded: 5 per 30 second"}"#, "body - -/5 in - w 30"),
        ("Quota exceeded for quota metric: 1,000 requests per day.", "body - -/1000 in - w 86400"),
        ("Rate limit: 100 API calls every 15 minutes", "body - -/100 in - w 900"),
        ("Limit: 3 / min. Please try again in 20s.", "body - -/3 in 20 w 60"),
        (r#"{"detail":"Request was throttled. Expected available in 52 seconds."}"#, "body - -/- in 52 w -"),
        (
            r#"{"message":"You are being rate limited.","retry_after":0.5,"global":false}"#,
            "body - -/- in 0.5 w -",
        ),
        (r#"{"error":{"details":[{"retryDelay":"30s"}]}}"#, "body - -/- in 30 w -"),
        (
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","violated-policies":["daily"]}"#,
            "body daily -/- in - w -",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(shown(&read_body(body).into_iter().collect::<Vec<_>>()), [expected], "{body}");
    }
}

#[test]
fn prose_with_numbers_is_no_rule() {
    for body in [
        "",
        "Too many requests",
        "429 Too Many Requests",
        "Error 10 in minute 5",
        "see https://example.com/v1/10/d/7",
        "0 per minute",
        "10 per cent of minutes",
        "call 555 1234 per favour",
        r#"{"id":10,"per":"minute","x":[1,2]}"#,
    ] {
        assert_eq!(read_body(body), None, "{body}");
    }
}

#[test]
fn a_long_body_is_read_only_at_its_beginning() {
    let body = format!("{}é 10 per minute", "é".repeat(20_000));
    assert_eq!(read_body(&body), None);
    assert!(read_body(&format!("10 per minute {body}")).is_some());
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(body in "\\PC{0,80}([0-9]{1,25} ?(per|/) ?[0-9]{0,22} ?(second|minutes|d|years))?\\PC{0,20}") {
        let _ = read_body(&body);
    }
}
