//! What a server says about its own limits, in every header family we know.
//!
//! One answer may carry several families (express-rate-limit can send the current draft and the legacy names at
//! once), so [`read`] returns all of them, the most specific first. Nothing here is trusted: the prober verifies.
//! Time is an argument, for half of the families publish instants and the other half durations.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

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

/// The names of the header families, public in reports.
pub mod family {
    /// IETF drafts -08 to -11.
    pub const IETF_10: &str = "ietf-10";
}

/// Every limit that the headers publish, the most specific family first. A malformed field is ignored.
#[must_use]
pub fn read(headers: &HeaderMap, now: Timestamp) -> Vec<PublishedLimit> {
    let _ = (headers, now);
    Vec::new()
}

/// The limit that the body of a rejection names, with family `body`.
#[must_use]
pub fn read_body(body: &str) -> Option<PublishedLimit> {
    let _ = body;
    None
}

/// How long the answer asks to wait: `Retry-After` in seconds or as a date, else Traefik's `X-Retry-In`.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let _ = (headers, now);
    None
}
