//! The document of a replay, `ratewarden.replay/1`, described by docs/schema/replay-1.schema.json.
//!
//! Figures that are not known are null and say why; they are never zero.

use std::collections::BTreeMap;

use serde::Serialize;

/// What a policy would have done to calls that were logged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayReport {
    /// `ratewarden.replay/1`.
    pub schema: &'static str,
    /// The version of Ratewarden that wrote the document.
    pub version: &'static str,
    /// Where the calls come from, as far as whoever read them says.
    pub sources: Vec<Source>,
    /// When the earliest call was, RFC 3339 in UTC; `None` where there was none.
    pub from: Option<String>,
    /// When the latest call was.
    pub to: Option<String>,
    /// Calls that were seen: the sum of the five that follow.
    pub calls: u64,
    /// That would have gone to the server.
    pub admitted: u64,
    /// That a limit would have rejected.
    pub rejected: u64,
    /// Of somebody who would have been banned at that time.
    pub banned: u64,
    /// That would have been refused for what they are, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Of whom the log says neither address nor name, so that nobody can be counted.
    pub unattributed: u64,
    /// Calls that were answered 429 or 503 then; they are attempts like all others here.
    pub rejected_then: u64,
    /// Lines that are no calls, in all sources.
    pub unreadable: u64,
    /// Every limit of the policy, in its order.
    pub limits: Vec<LimitReplay>,
    /// Every penalty of the policy, and the lock-outs for failed credentials.
    pub penalties: Vec<PenaltyReplay>,
    /// What all of it rests on.
    pub assumptions: Vec<String>,
}

/// One source of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The file, as the user named it.
    pub name: String,
    /// What its lines are, such as `nginx-combined`.
    pub form: String,
    /// Lines.
    pub lines: u64,
    /// Calls in them.
    pub calls: u64,
    /// Lines that are no calls.
    pub unreadable: u64,
}

/// What one limit would have done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitReplay {
    /// Its name.
    pub name: String,
    /// What it admits, in words.
    pub admits: String,
    /// It only records.
    pub shadow: bool,
    /// Calls it is about; null where it was not replayed.
    pub matched: Option<u64>,
    /// Of these, calls it would have rejected (of a shadow limit: would reject if it were enforced).
    pub rejected: Option<u64>,
    /// Different callers it is about.
    pub callers: Option<u64>,
    /// Different callers of whom it would have rejected a call.
    pub callers_rejected: Option<u64>,
    /// Of those that are listed, how many look honest.
    pub looks_honest: Option<u64>,
    /// The standard error of the two numbers of callers as a share; 0 where they are exact.
    pub callers_error: f64,
    /// Who was rejected, most rejections first; at most [`LISTED`](super::LISTED).
    pub rejected_callers: Vec<RejectedCaller>,
    /// What the figures rest on.
    pub assumptions: Vec<String>,
    /// Why it was not replayed; empty where it was.
    pub unsupported: Vec<String>,
}

/// A caller of whom a limit would have rejected calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedCaller {
    /// What it is called; never a secret.
    pub caller: String,
    /// Its calls that the limit is about, at most `calls_error` too many.
    pub calls: u64,
    /// The most by which `calls` is too high, and `rejected` too low.
    pub calls_error: u64,
    /// Calls that would have been rejected.
    pub rejected: u64,
    /// When the first of them was, RFC 3339 in UTC.
    pub first_rejected: Option<String>,
    /// When the last of them was.
    pub last_rejected: Option<String>,
    /// The verdict of the rule of thumb of docs/replay.md.
    pub looks_honest: bool,
    /// Its signs, each with its weight.
    pub reasons: Vec<String>,
}

/// What one penalty would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PenaltyReplay {
    /// Its name.
    pub name: String,
    /// Bans it would have begun.
    pub bans: u64,
    /// Calls that met one of them.
    pub calls: u64,
}

impl ReplayReport {
    /// The document's schema.
    pub const SCHEMA: &'static str = "ratewarden.replay/1";

    /// Says where the calls came from.
    #[must_use]
    pub fn with_sources(mut self, sources: Vec<Source>) -> Self {
        self.unreadable = sources.iter().map(|source| source.unreadable).sum();
        self.sources = sources;
        self
    }

    /// The document as text; ends with a newline. Characters that steer terminals are written as `\u…`, which every JSON
    /// reader turns back.
    ///
    /// # Errors
    /// None that a report of our own making brings about.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(ratewarden_report::harmless(&serde_json::to_string_pretty(self)?))
    }
}

/// RFC 3339 in UTC, to the millisecond where there is one.
pub(crate) fn rfc3339(at_ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(at_ms).ok().map(|at| at.to_string())
}
