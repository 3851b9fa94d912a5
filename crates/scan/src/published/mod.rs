//! What a server says about its own limits, in every header family we know.
//!
//! One answer may carry several families (express-rate-limit can send the current draft and the legacy names at
//! once), so [`read`] returns all of them, the most specific first. Nothing here is trusted: the prober verifies.
//! Time is an argument, for half of the families publish instants and the other half durations.

mod body;
pub mod family;
mod field;
mod ietf;
mod retry;
#[cfg(test)]
mod tests;
mod vendor;

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

pub use body::read_body;
pub use field::MAX_WAIT;
pub use retry::retry_after;

use field::Fields;

/// One limit as an answer published it. Every number is optional: many families tell only a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedLimit {
    /// The header family: one of [`family`]'s constants.
    pub family: &'static str,
    /// What the server calls this limit where it publishes several: a policy (`10-in-1min`), a resource
    /// (`core`), a period (`minute`). At most 64 characters.
    pub name: Option<String>,
    /// What is counted.
    pub unit: Unit,
    /// The quota of a window, or the size of a bucket.
    pub limit: Option<u64>,
    /// What is left of it.
    pub remaining: Option<u64>,
    /// The time from now until it is restored.
    pub reset: Option<Duration>,
    /// The window the quota is for.
    pub window: Option<Duration>,
}

/// What a published limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Requests; also assumed where the family says nothing.
    #[default]
    Requests,
    /// Requests in flight at the same time: there is no window.
    ConcurrentRequests,
    /// Bytes of content.
    ContentBytes,
    /// Tokens of a language model, points of a query cost, or anything else that is no number of requests.
    Other,
}

/// The most limits that one answer is read for.
pub const MAX_LIMITS: usize = 64;

impl PublishedLimit {
    /// A limit of a family, with nothing known yet.
    #[must_use]
    pub const fn of(family: &'static str) -> Self {
        Self {
            family,
            name: None,
            unit: Unit::Requests,
            limit: None,
            remaining: None,
            reset: None,
            window: None,
        }
    }

    /// Whether no number is known.
    #[must_use]
    pub const fn says_nothing(&self) -> bool {
        self.limit.is_none() && self.remaining.is_none() && self.reset.is_none() && self.window.is_none()
    }
}

/// Every limit that the headers publish, the most specific family first and within a family the limit with the
/// most known of its state first. A malformed field is ignored. At most [`MAX_LIMITS`].
#[must_use]
pub fn read(headers: &HeaderMap, now: Timestamp) -> Vec<PublishedLimit> {
    let fields = Fields::new(headers, now);
    let mut limits = ietf::current(&fields);
    if limits.is_empty() {
        limits = ietf::dictionary(&fields);
    }
    // Kong repeats the closest of its limits in the names of draft -06; elsewhere those are a family of their own.
    let kong = ietf::kong(&fields);
    if kong.is_empty() {
        limits.extend(ietf::three_fields(&fields));
    }
    limits.extend(kong);
    limits.extend(vendor::by_name(&fields));
    limits.extend(vendor::x_ratelimit(&fields));
    limits.extend(vendor::reasons(&fields));
    limits.truncate(MAX_LIMITS);
    limits
}
