//! What answers say of limits: the values of `RateLimit`, `RateLimit-Policy` and `Retry-After`.
//!
//! Sources: `RateLimit` and `RateLimit-Policy` by draft-ietf-httpapi-ratelimit-headers-10, `Retry-After` by RFC 9110
//! section 10.2.3; the problem (RFC 9457) is the draft's type *quota-exceeded*. Every engine that answers for a limiter says the same, so it stands here.

use std::time::Duration;

use crate::algorithm::Algorithm;
use crate::rule::{Retry, Standing};

/// Room for a problem that names one limit.
const PROBLEM_BYTES: usize = 256;

/// A quota and the seconds it is for: `q` and `w` of `RateLimit-Policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Calls.
    pub quota: u64,
    /// Seconds, at least 1.
    pub window: u64,
}

/// A limit as answers name it. Made once, as what an answer says again and again must cost no more than a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    name: String,
    policy: String,
    published: Published,
}

/// One limit of one call, as an answer tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'n> {
    /// The limit.
    pub notice: &'n Notice,
    /// What the caller has left of it.
    pub standing: Standing,
    /// When it admits the call, if it rejected it.
    pub rejected: Option<Retry>,
}

impl Published {
    /// What is told of `algorithm`. `window` is the duration the configuration names, if it names one: a rate has none
    /// of its own. A bucket whose burst is larger than the calls of its rate says the burst and the time it takes to
    /// come, so that `r` is never over `q`.
    #[must_use]
    pub fn of(algorithm: &Algorithm, window: Option<Duration>) -> Self {
        let seconds = |window: Duration| narrow(window.as_millis().div_ceil(1_000).max(1));
        let (quota, window) = match algorithm {
            Algorithm::Rate(gcra) => {
                let burst_takes = gcra.refill();
                let window = window.unwrap_or(burst_takes);
                if burst_takes >= window {
                    (gcra.burst(), seconds(burst_takes))
                } else {
                    let calls = u128::from(gcra.burst()) * window.as_nanos() / burst_takes.as_nanos().max(1);
                    (narrow(calls).max(gcra.burst()), seconds(window))
                }
            }
            Algorithm::Window(sliding) => (sliding.calls(), window.map_or(1, seconds)),
            Algorithm::Quota(quota) => (quota.calls(), quota.calendar().nominal_seconds()),
            Algorithm::Concurrency(concurrency) => (concurrency.limit(), 1),
        };
        Self { quota, window }
    }
}

impl Notice {
    /// `name` is in printable ASCII.
    #[must_use]
    pub fn new(name: &str, published: Published) -> Self {
        let name = quoted(name);
        let policy = format!("{name};q={};w={}", published.quota, published.window);
        Self { name, policy, published }
    }

    /// The limit's item of `RateLimit-Policy`; several are joined by `, `.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What is told of the limit.
    #[must_use]
    pub const fn published(&self) -> Published {
        self.published
    }
}

impl Told<'_> {
    /// The limit that an answer tells of: one that rejected the call, else the one with the smallest share left.
    pub fn nearest(limits: impl Iterator<Item = Self>) -> Option<Self> {
        limits.min_by_key(|told| {
            let quota = u128::from(told.notice.published.quota.max(1));
            (told.rejected.is_none(), u128::from(told.standing.remaining) * 1_000_000 / quota)
        })
    }

    /// Calls that are left, at most the quota.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.standing.remaining.min(self.notice.published.quota)
    }

    /// Seconds until the quota is whole again; of a rejected call, until it may come, which `Retry-After` repeats.
    #[must_use]
    pub fn reset(&self) -> u64 {
        match self.rejected {
            Some(Retry::After(wait)) => whole_seconds(wait),
            Some(Retry::Never) | None => narrow(self.standing.reset.as_millis().div_ceil(1_000)),
        }
    }

    /// Appends the value of `RateLimit`.
    pub fn write_rate_limit(&self, out: &mut String) {
        out.push_str(&self.notice.name);
        out.push_str(";r=");
        write_number(self.remaining(), out);
        out.push_str(";t=");
        write_number(self.reset(), out);
    }
}

impl Retry {
    /// The value of `Retry-After`: a client that waits this long is never too early. `None` when waiting does not help.
    #[must_use]
    pub fn seconds(self) -> Option<u64> {
        match self {
            Self::After(wait) => Some(whole_seconds(wait)),
            Self::Never => None,
        }
    }
}

/// The problem body of a rejected call, as JSON. `violated` are the limits that rejected it.
#[must_use]
pub fn quota_exceeded<'n>(status: u16, violated: impl Iterator<Item = &'n Notice>, retry: Retry) -> String {
    let mut body = String::with_capacity(PROBLEM_BYTES);
    body.push_str(concat!(
        r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","#,
        r#""status":"#
    ));
    write_number(status.into(), &mut body);
    body.push_str(r#","detail":""#);
    match retry.seconds() {
        Some(1) => body.push_str("Try again in 1 second."),
        Some(seconds) => {
            body.push_str("Try again in ");
            write_number(seconds, &mut body);
            body.push_str(" seconds.");
        }
        None => body.push_str("This call costs more than the limit ever allows."),
    }
    body.push_str(r#"","violated-policies":["#);
    for (index, notice) in violated.enumerate() {
        if index > 0 {
            body.push(',');
        }
        // A string of RFC 9651 of printable ASCII is one of JSON: both escape the same.
        body.push_str(&notice.name);
    }
    body.push_str("]}");
    body
}

/// Appends a number in decimal digits.
pub fn write_number(number: u64, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Rounded up, at least 1.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    narrow(wait.as_nanos().div_ceil(1_000_000_000).max(1))
}

/// A string of RFC 9651.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

fn narrow(wide: u128) -> u64 {
    u64::try_from(wide).unwrap_or(u64::MAX)
}
