//! Headers as the drafts and the servers write them.

mod bodies;
mod vendors;

use proptest::prelude::*;

use super::*;

/// Header lines, and what is read from them as [`shown`] shows it.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const NOW: &str = "2026-11-25T12:00:00Z";

fn read_lines(lines: &[(&str, &str)]) -> Vec<PublishedLimit> {
    read(&headers(lines), NOW.parse().unwrap())
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name: http::HeaderName = name.to_ascii_lowercase().parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    headers
}

/// Family, name, limit, remaining, reset and window in seconds, `-` where unknown: easy to read in a failure.
fn shown(limits: &[PublishedLimit]) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let secs =
        |time: Option<Duration>| time.map_or_else(|| "-".to_owned(), |time| time.as_secs_f64().to_string());
    let line = |limit: &PublishedLimit| {
        format!(
            "{} {} {}/{} in {} w {}",
            limit.family,
            limit.name.as_deref().unwrap_or("-"),
            number(limit.remaining),
            number(limit.limit),
            secs(limit.reset),
            secs(limit.window)
        )
    };
    limits.iter().map(line).collect()
}

#[test]
fn the_examples_of_the_current_draft_are_read_exactly() {
    let cases: &[Case] = &[
        (
            &[("RateLimit-Policy", r#""burst";q=100;w=60,"daily";q=1000;w=86400"#)],
            &["ietf-10 burst -/100 in - w 60", "ietf-10 daily -/1000 in - w 86400"],
        ),
        (
            &[("RateLimit-Policy", r#""default";q=100;w=10"#), ("RateLimit", r#""default";r=50;t=30"#)],
            &["ietf-10 default 50/100 in 30 w 10"],
        ),
        (
            &[
                ("RateLimit-Policy", r#""permin";q=50;w=60,"perhr";q=1000;w=3600"#),
                ("RateLimit", r#""perhr";r=7;t=36"#),
            ],
            &["ietf-10 perhr 7/1000 in 36 w 3600", "ietf-10 permin -/50 in - w 60"],
        ),
        (
            &[("RateLimit-Policy", r#""peruser";q=100;w=60;pk=:cHsdsRa894==:"#)],
            &["ietf-10 peruser -/100 in - w 60"],
        ),
        (
            &[("RateLimit-Policy", r#""peruser";q=65535;qu="content-bytes";w=10;pk=:sdfjLJUOUH==:"#)],
            &["ietf-10 peruser -/65535 in - w 10"],
        ),
        (&[("RateLimit", r#""default";r=999;pk=:dHJpYWwxMjEzMjM=:"#)], &["ietf-10 default 999/- in - w -"]),
        (&[("RateLimit", "default;r=50;t=30")], &["ietf-10 default 50/- in 30 w -"]),
    ];
    for (lines, expected) in cases {
        assert_eq!(shown(&read_lines(lines)), *expected, "{lines:?}");
    }
}

#[test]
fn what_express_rate_limit_sends_is_read_in_all_its_forms() {
    let current = read_lines(&[
        ("RateLimit-Policy", r#""10-in-1min"; q=10; w=60; pk=:MTJjYTE3YjQ5YWYy:"#),
        ("RateLimit", r#""10-in-1min"; r=9; t=60"#),
    ]);
    assert_eq!(shown(&current), ["ietf-10 10-in-1min 9/10 in 60 w 60"]);
    let seventh =
        read_lines(&[("RateLimit-Policy", "10;w=60"), ("RateLimit", "limit=10, remaining=9, reset=60")]);
    assert_eq!(shown(&seventh), ["ietf-07 - 9/10 in 60 w 60"]);
    let sixth = read_lines(&[
        ("RateLimit-Policy", "10;w=60"),
        ("RateLimit-Limit", "10"),
        ("RateLimit-Remaining", "9"),
        ("RateLimit-Reset", "60"),
    ]);
    assert_eq!(shown(&sixth), ["ietf-06 - 9/10 in 60 w 60"]);
    let epoch = NOW.parse::<Timestamp>().unwrap().as_second() + 42;
    let legacy = read_lines(&[
        ("X-RateLimit-Limit", "10"),
        ("X-RateLimit-Remaining", "9"),
        ("X-RateLimit-Reset", &epoch.to_string()),
        ("Date", "Wed, 25 Nov 2026 12:00:00 GMT"),
    ]);
    assert_eq!(shown(&legacy), ["x-ratelimit - 9/10 in 42 w -"]);
}

#[test]
fn policies_of_the_older_drafts_are_listed_after_the_closest_one() {
    let limits = read_lines(&[
        ("RateLimit-Limit", "100, 100;w=10, 1000;w=3600"),
        ("RateLimit-Remaining", "1"),
        ("RateLimit-Reset", "7"),
    ]);
    assert_eq!(shown(&limits), ["ietf-06 - 1/100 in 7 w 10", "ietf-06 - -/1000 in - w 3600"]);
    let limits = read_lines(&[
        ("RateLimit-Limit", "5000"),
        ("RateLimit-Policy", "1000;w=3600, 5000;w=86400"),
        ("RateLimit-Remaining", "100"),
        ("RateLimit-Reset", "36000"),
    ]);
    assert_eq!(shown(&limits), ["ietf-06 - 100/5000 in 36000 w 86400", "ietf-06 - -/1000 in - w 3600"]);
    let unclear = read_lines(&[("RateLimit", "remaining=3"), ("RateLimit-Policy", "10;w=1, 100;w=60")]);
    assert_eq!(
        shown(&unclear),
        ["ietf-07 - 3/- in - w -", "ietf-07 - -/10 in - w 1", "ietf-07 - -/100 in - w 60"],
        "which policy the 3 belong to is not guessed"
    );
}

#[test]
fn a_malformed_field_is_ignored_and_the_rest_is_read() {
    assert!(read_lines(&[("RateLimit", r#""default";t=30"#)]).is_empty(), "r is required");
    assert!(read_lines(&[("RateLimit-Policy", r#""default";w=30"#)]).is_empty(), "q is required");
    assert!(read_lines(&[("RateLimit", "10-in-1min; r=9; t=60")]).is_empty(), "no structured field");
    assert!(read_lines(&[("X-RateLimit-Limit", "unlimited"), ("X-RateLimit-Remaining", "-1")]).is_empty());
    let half = read_lines(&[("RateLimit", "???"), ("RateLimit-Policy", r#""p";q=5;w=1"#)]);
    assert_eq!(shown(&half), ["ietf-10 p -/5 in - w 1"]);
    let rest = read_lines(&[("X-RateLimit-Limit", "ten"), ("X-RateLimit-Remaining", "9")]);
    assert_eq!(shown(&rest), ["x-ratelimit - 9/- in - w -"]);
    assert_eq!(
        shown(&read_lines(&[("RateLimit-Policy", "10;w=0")])),
        ["ietf-07 - -/10 in - w -"],
        "no empty window"
    );
}

#[test]
fn the_most_specific_family_comes_first() {
    let limits = read_lines(&[
        ("X-RateLimit-Limit", "10"),
        ("RateLimit-Limit", "10"),
        ("RateLimit", r#""p";r=9"#),
        ("Retry-After", "1"),
        ("X-Retry-In", "1s"),
    ]);
    let families: Vec<&str> = limits.iter().map(|limit| limit.family).collect();
    assert_eq!(families, [family::IETF_10, family::IETF_06, family::X_RATELIMIT, family::TRAEFIK]);
}

#[test]
fn units_that_are_no_requests_are_told() {
    let units = |text: &str| read_lines(&[("RateLimit-Policy", text)])[0].unit;
    assert_eq!(units(r#""p";q=1"#), Unit::Requests);
    assert_eq!(units(r#""p";q=1;qu="concurrent-requests""#), Unit::ConcurrentRequests);
    assert_eq!(units(r#""p";q=1;qu="content-bytes""#), Unit::ContentBytes);
    assert_eq!(units(r#""p";q=1;qu="points""#), Unit::Other);
    assert_eq!(read_lines(&[("x-ratelimit-limit-tokens", "1")])[0].unit, Unit::Other);
}

#[test]
fn retry_after_outranks_the_rest() {
    let wait = |lines: &[(&str, &str)]| {
        retry_after(&headers(lines), NOW.parse().unwrap()).map(|wait| wait.as_millis())
    };
    assert_eq!(wait(&[("X-Retry-In", "1.5s"), ("Retry-After", "2")]), Some(2_000));
    assert_eq!(wait(&[("X-Retry-In", "1.5s"), ("Retry-After", "soon")]), Some(1_500));
    assert_eq!(wait(&[("Retry-After", "Wed, 25 Nov 2026 12:00:30 GMT")]), Some(30_000));
    assert_eq!(wait(&[("Retry-After", "Wed, 25 Nov 2020 12:00:30 GMT")]), Some(0));
    assert_eq!(wait(&[("Retry-After", "0")]), Some(0));
    assert_eq!(wait(&[("retry-after-ms", "250")]), Some(250));
    assert_eq!(wait(&[("Retry-After", "-5")]), None);
    assert_eq!(wait(&[]), None);
}

fn header_lines() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec![
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "ratelimit-observed",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-reset-after",
        "x-ratelimit-used",
        "x-ratelimit-next",
        "x-ratelimit-limit-minute",
        "x-ratelimit-limit-foo-second",
        "x-rate-limit-limit",
        "x-shopify-shop-api-call-limit",
        "x-ms-ratelimit-remaining-resource",
        "date",
        "age",
        "retry-after",
        "x-retry-in",
        "retry-after-ms",
        "anthropic-ratelimit-requests-reset",
    ]);
    let value = prop_oneof![
        "[ -~]{0,60}",
        "[0-9.;=,wrqt \"/-]{0,40}",
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
    ];
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..12)
}

proptest! {
    #[test]
    fn no_headers_make_it_panic_or_wait_for_ever(lines in header_lines(), now in -377_705_023_201_i64..=253_402_207_200) {
        let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (headers, now) = (headers(&lines), Timestamp::from_second(now).unwrap());
        let limits = read(&headers, now);
        prop_assert!(limits.len() <= MAX_LIMITS);
        for limit in &limits {
            prop_assert!(limit.reset.is_none_or(|reset| reset <= MAX_WAIT));
            prop_assert!(limit.window.is_none_or(|window| !window.is_zero()));
            prop_assert!(limit.name.as_ref().is_none_or(|name| name.chars().count() <= 64));
        }
        prop_assert!(retry_after(&headers, now).is_none_or(|wait| wait <= MAX_WAIT));
    }

    #[test]
    fn what_the_current_draft_can_say_is_read_back(quota in 0_u64..1 << 40, window in 1_u64..10_000_000, left in 0_u64..1 << 40, reset in 0_u64..10_000_000) {
        let limits = read_lines(&[
            ("RateLimit-Policy", &format!("\"p\";q={quota};w={window}")),
            ("RateLimit", &format!("\"p\";r={left};t={reset}")),
        ]);
        prop_assert_eq!(limits, vec![PublishedLimit {
            name: Some("p".to_owned()),
            limit: Some(quota),
            remaining: Some(left),
            reset: Some(Duration::from_secs(reset)),
            window: Some(Duration::from_secs(window)),
            ..PublishedLimit::of(family::IETF_10)
        }]);
    }
}
