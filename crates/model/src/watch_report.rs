//! The document that watching makes, `ratewarden.watch/1`.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// The word in [`WatchReport::schema`].
pub const SCHEMA: &str = "ratewarden.watch/1";

/// What was read, and what was found in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// Ratewarden's.
    pub version: String,
    /// What was read, in the order in which it was read.
    pub sources: Vec<WatchedSource>,
    /// The time of the first call, RFC 3339, UTC; null where there was none.
    pub from: Option<String>,
    /// The time of the last call.
    pub to: Option<String>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// What else the reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One source. Lines that hold several calls count as many, so `lines = calls + unreadable`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedSource {
    /// As the user named it.
    pub name: String,
    /// The form that most of its lines have; null where none was a call.
    pub form: Option<String>,
    /// Lines that were read.
    pub lines: u64,
    /// Calls in them.
    pub calls: u64,
    /// Lines that are no call.
    pub unreadable: u64,
    /// Why not, the most frequent reason first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<UnreadableReason>,
    /// What ended it before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why lines are no calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableReason {
    /// In a few words.
    pub reason: String,
    /// How many lines.
    pub lines: u64,
    /// The number of the first of them, from 1.
    pub first_line: u64,
    /// The shape of how that one begins: letters are `a`, digits `9`.
    pub sample: String,
}
