//! The document `scan` makes: `ratewarden.scan/1`. Field names and meanings are stable within the version.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::score::CategoryScore;
use crate::severity::Confidence;

/// The value of `schema` in documents of this version.
pub const SCHEMA: &str = "ratewarden.scan/1";

/// Everything one scan found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanReport {
    /// Always [`SCHEMA`] in documents written by this version.
    pub schema: String,
    /// The version of Ratewarden that wrote it.
    pub version: String,
    /// The URL that was scanned, without credentials.
    pub target: String,
    /// When the first request was sent, RFC 3339 in UTC.
    pub started_at: String,
    /// How long the scan took, in milliseconds.
    pub duration_ms: u64,
    /// Every request sent, of whatever purpose.
    pub requests_sent: u64,
    /// 0 to 100 (docs/scoring.md).
    pub score: u32,
    /// A to F.
    pub grade: char,
    /// Why the scan stopped before its end, else null.
    pub aborted: Option<String>,
    /// What stands before the endpoints: one entry for each limiter (or for each endpoint without one).
    pub limiters: Vec<Limiter>,
    /// The score of each category.
    pub categories: BTreeMap<String, CategoryScore>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// Ids of the rules that were tested, whether or not they found anything. A rule that is missing here was not
    /// tried: its absence among the findings says nothing.
    #[serde(default)]
    pub tested: Vec<String>,
    /// Programs that showed themselves, with their version where shown.
    pub technologies: Vec<Technology>,
    /// What was not tried or could not be seen, and why: one sentence each.
    pub notes: Vec<String>,
}

/// A program recognised behind the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Technology {
    /// Its usual name: `nginx`, `Envoy`, `Ray dashboard`.
    pub name: String,
    /// Its version where it shows one.
    pub version: Option<String>,
    /// What gave it away.
    pub evidence: String,
}

/// The algorithms that can be told apart from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// A counter that starts anew at each window's edge.
    FixedWindow,
    /// The calls of the last window, each kept until it is a window old.
    SlidingLog,
    /// Two counters, the earlier one weighted by what is left of it.
    SlidingCounter,
    /// Tokens that return continuously up to a burst (GCRA behaves the same).
    TokenBucket,
    /// Calls beyond the rate are delayed in a queue, beyond the queue rejected.
    LeakyQueue,
    /// A number of calls in flight.
    Concurrency,
    /// A rejection was seen, but no hypothesis fits.
    Unknown,
}

impl Algorithm {
    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed-window",
            Self::SlidingLog => "sliding-log",
            Self::SlidingCounter => "sliding-counter",
            Self::TokenBucket => "token-bucket",
            Self::LeakyQueue => "leaky-queue",
            Self::Concurrency => "concurrency",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of the limiter before some endpoints. The default is one that nothing was seen of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Limiter {
    /// `GET https://…`, one for each endpoint it stands before.
    pub endpoints: Vec<String>,
    /// Whether any call was rejected or delayed. False means only "not within what was sent".
    pub detected: bool,
    /// How it rejects: a status (`429`), `200-error-body`, `delay`, `close`, `challenge`, `grpc-resource-exhausted`,
    /// `graphql-error`.
    pub rejects_with: Option<String>,
    /// The algorithm that explains what was observed.
    pub algorithm: Option<Algorithm>,
    /// Calls in a window, for windows; calls in flight, for concurrency.
    pub limit: Option<u64>,
    /// The window, where its end was seen.
    pub window_ms: Option<u64>,
    /// The window is at least this long: none was seen from its beginning to its end.
    pub window_at_least_ms: Option<u64>,
    /// The ends of windows that were seen fell on full minutes of the clock, as those of calendar quotas do.
    #[serde(default)]
    pub window_ends_on_the_minute: bool,
    /// Calls a second, for buckets and queues.
    pub rate_per_s: Option<f64>,
    /// Calls admitted at one instant from idle (bucket), or that fit in the queue, the one served included.
    pub burst: Option<u64>,
    /// What calls are counted per, as far as it was seen: `address`, `global`, `header:x-api-key`, `path`, `query`…
    /// Empty where nothing could be shown.
    pub keyed_by: Vec<String>,
    /// Whether a rejected call is counted too; null where it could not be told.
    pub counts_rejected: Option<bool>,
    /// What the answers say of the limit, else null.
    pub published: Option<Published>,
    /// A known program that behaves and answers like this, else null.
    pub implementation: Option<Implementation>,
    /// How sure the algorithm and its figures are.
    pub confidence: Option<Confidence>,
    /// What this rests on.
    pub observed: Observed,
    /// Every request that the inference rests on, for the chart.
    pub timeline: Timeline,
}

/// A limit that the answers publish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The header family: `ietf-10`, `ietf-07`, `ietf-06`, `github`, `kong`…; `body` where an error body says it.
    pub family: String,
    /// Calls in the window.
    pub limit: Option<u64>,
    /// The window in milliseconds, where it is said.
    pub window_ms: Option<u64>,
    /// Whether behaviour agrees with what is said; null where nothing that was seen contradicts it, nor shows all of it.
    pub agrees: Option<bool>,
}

/// A known program that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Implementation {
    /// `nginx limit_req`, `HAProxy stick table`…
    pub name: String,
    /// Always tentative: many programs can behave alike.
    pub confidence: Confidence,
    /// The configuration line that would behave the same.
    pub config: String,
}

/// How much was sent and seen.
#[derive(Debug, Clone, Default, Copy, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Requests that count for this limiter.
    pub requests: u64,
    /// Those of them that were rejected.
    pub rejected: u64,
    /// From the first to the last, in seconds.
    pub seconds: f64,
}

/// What happened to one request of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Answered as an unlimited call is.
    Admitted,
    /// Turned away by the limiter.
    Rejected,
    /// Neither: an error of the server or of the network.
    Failed,
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// When it was sent, milliseconds since the scan of the endpoint began.
    pub at_ms: f64,
    /// How long its answer took, in milliseconds.
    pub latency_ms: f64,
    /// What happened to it.
    pub outcome: Outcome,
}

/// The requests, and what the fitted model says was left at each instant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// In the order they were sent.
    pub requests: Vec<TimelinePoint>,
    /// `[at_ms, calls left]` of the fitted model; empty where none fits.
    pub model: Vec<[f64; 2]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithm_words_are_those_of_the_document() {
        for algorithm in
            [Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::LeakyQueue, Algorithm::Unknown]
        {
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
        }
    }
}
