//! How long a rejection asks to wait.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use super::field::{Fields, MAX_WAIT};

/// How long the answer asks to wait, at most 366 days: `Retry-After` in seconds or as a date (RFC 9110
/// section 10.2.3), else Traefik's `X-Retry-In`, else the milliseconds of OpenAI and Azure.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let fields = Fields::new(headers, now);
    let millis = |name: &str| fields.number(name).map(|millis| Duration::from_millis(millis).min(MAX_WAIT));
    fields
        .wait("retry-after")
        .or_else(|| fields.wait("x-retry-in"))
        .or_else(|| millis("retry-after-ms"))
        .or_else(|| millis("x-ms-retry-after-ms"))
}
