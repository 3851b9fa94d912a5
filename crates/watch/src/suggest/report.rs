//! The document of a suggestion, `ratewarden.suggest/1`, described by docs/schema/suggest-1.schema.json.

use serde::Serialize;

/// What callers really do, and limits from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuggestReport {
    /// `ratewarden.suggest/1`.
    pub schema: &'static str,
    /// The version of Ratewarden that wrote the document.
    pub version: &'static str,
    /// When the earliest call was, RFC 3339 in UTC.
    pub from: Option<String>,
    /// When the latest call was.
    pub to: Option<String>,
    /// Calls that were looked at.
    pub calls: u64,
    /// Calls of nobody, or that no gateway would forward.
    pub calls_left_out: u64,
    /// What a percentile is multiplied with.
    pub headroom: f64,
    /// How fast callers call: all calls first, then each route.
    pub groups: Vec<GroupRates>,
    /// The limits of the policy, in its order.
    pub limits: Vec<SuggestedLimit>,
    /// What all of it rests on.
    pub assumptions: Vec<String>,
    /// The policy itself.
    pub policy: String,
}

/// How fast the callers of a group call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupRates {
    /// `all calls`, or method and path template.
    pub group: String,
    /// Calls.
    pub calls: u64,
    /// Callers; one who was silent while there was no room for more is counted again.
    pub callers: u64,
    /// Callers of whom nothing is learnt, since over half of their answers were client errors.
    pub callers_failing: u64,
    /// Callers that were closed to make room for others.
    pub callers_closed: u64,
    /// Of each caller and each stretch it called in, its calls.
    pub rates: Windows,
    /// Of each caller, the most calls in a stretch.
    pub peaks: Windows,
}

/// Quantiles for each length of a stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Windows {
    /// A second.
    #[serde(rename = "1s")]
    pub second: Quantiles,
    /// Ten seconds.
    #[serde(rename = "10s")]
    pub ten_seconds: Quantiles,
    /// A minute.
    #[serde(rename = "1m")]
    pub minute: Quantiles,
    /// An hour.
    #[serde(rename = "1h")]
    pub hour: Quantiles,
}

/// Quantiles of calls: never too low, and at most 1.6 % too high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// The most; exact.
    pub max: u64,
}

/// A limit that is suggested, and what it would have done to the same calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SuggestedLimit {
    /// Its name.
    pub name: String,
    /// As the policy has it, such as `100/1m`.
    pub rate: String,
    /// Calls at once.
    pub burst: u64,
    /// What it is made of.
    pub evidence: String,
    /// Calls it is about; null where it was not replayed.
    pub calls: Option<u64>,
    /// Of these, calls it would have rejected.
    pub calls_touched: Option<u64>,
    /// Callers it is about.
    pub callers: Option<u64>,
    /// Of these, callers of whom it would have rejected a call.
    pub callers_touched: Option<u64>,
    /// Of these, callers that look honest.
    pub looks_honest: Option<u64>,
}

impl SuggestReport {
    /// The document's schema.
    pub const SCHEMA: &'static str = "ratewarden.suggest/1";

    /// The document as text; ends with a newline.
    ///
    /// # Errors
    /// None that a report of our own making brings about.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(ratewarden_report::harmless(&serde_json::to_string_pretty(self)?))
    }
}
