//! The limiters of these servers, in the plainest form: one counter or one bucket for each key.

use std::collections::HashMap;
use std::time::Duration;

/// What became of a call, and what an honest server publishes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(crate) admitted: bool,
    /// Calls that are left.
    pub(crate) left: u64,
    /// Whole seconds until calls are admitted again, rounded up.
    pub(crate) reset_secs: u64,
}

fn up(seconds: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds")]
    let whole = seconds.ceil().max(0.0) as u64;
    whole
}

/// So many calls in a window that begins with the first of them, or when a clock says so.
pub(crate) struct Window {
    limit: u64,
    length: Duration,
    counters: HashMap<String, (Duration, u64)>,
    /// When the first window ends, where it began before the first call.
    first_end: Option<Duration>,
}

impl Window {
    pub(crate) fn new(limit: u64, seconds: u64) -> Self {
        Self { limit, length: Duration::from_secs(seconds), counters: HashMap::new(), first_end: None }
    }

    /// One of a clock: the first ends at this time, and each other a length later.
    pub(crate) fn beginning(limit: u64, seconds: u64, first_end: Duration) -> Self {
        Self { first_end: Some(first_end), ..Self::new(limit, seconds) }
    }

    pub(crate) fn count(&mut self, key: impl Into<String>, at: Duration) -> Count {
        let (end, used) =
            self.counters.entry(key.into()).or_insert((self.first_end.unwrap_or(at + self.length), 0));
        if at >= *end {
            let begins = if self.first_end.is_some() { *end } else { at };
            (*end, *used) = (begins + self.length, 0);
        }
        *used += 1;
        let reset = (*end).saturating_sub(at).as_secs_f64();
        Count { admitted: *used <= self.limit, left: self.limit.saturating_sub(*used), reset_secs: up(reset) }
    }

    pub(crate) fn admits(&mut self, key: impl Into<String>, at: Duration) -> bool {
        self.count(key, at).admitted
    }
}

/// Tokens that come back all the time, up to a burst. A rejected call spends nothing.
pub(crate) struct Bucket {
    rate: f64,
    burst: f64,
    tokens: HashMap<String, (Duration, f64)>,
}

impl Bucket {
    pub(crate) fn new(rate: f64, burst: f64) -> Self {
        Self { rate, burst, tokens: HashMap::new() }
    }

    pub(crate) fn count(&mut self, key: impl Into<String>, at: Duration) -> Count {
        let (since, tokens) = self.tokens.entry(key.into()).or_insert((at, self.burst));
        *tokens = (*tokens + at.saturating_sub(*since).as_secs_f64() * self.rate).min(self.burst);
        *since = at;
        let admitted = *tokens >= 1.0;
        if admitted {
            *tokens -= 1.0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the burst"
        )]
        let left = *tokens as u64;
        let wait = if admitted { (self.burst - *tokens) / self.rate } else { (1.0 - *tokens) / self.rate };
        Count { admitted, left, reset_secs: up(wait) }
    }

    pub(crate) fn admits(&mut self, key: impl Into<String>, at: Duration) -> bool {
        self.count(key, at).admitted
    }
}
