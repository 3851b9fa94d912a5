//! Published limits and waits from header lines. The input is `name: value` lines, as in a dump of an answer; a line
//! `now: SECONDS` sets the clock.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use ratewarden_scan::published::{self, MAX_LIMITS, MAX_WAIT};

fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    let mut now = Timestamp::from_second(1_795_608_000).unwrap();
    for line in input.split(|byte| *byte == b'\n').take(200) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name == b"now" {
            let seconds = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            now = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(now);
        } else if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let limits = published::read(&headers, now);
    assert!(limits.len() <= MAX_LIMITS);
    for limit in limits {
        assert!(limit.reset.is_none_or(|reset| reset <= MAX_WAIT));
        assert!(limit.window.is_none_or(|window| !window.is_zero() && window <= MAX_WAIT));
        assert!(limit.name.is_none_or(|name| name.chars().count() <= 64));
    }
    assert!(published::retry_after(&headers, now).is_none_or(|wait| wait <= MAX_WAIT));
});
