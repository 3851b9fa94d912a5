//! Paging cursors in answers, and whether a caller can read or forge them.

use serde_json::Value;

/// Why a cursor is weak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    /// It is a number: an offset, a page or a sequential id.
    Offset(u64),
    /// It is an id of the last row: a UUID or an object id.
    Id(String),
    /// It is a JSON object with these keys.
    Json {
        /// The keys, at most 16.
        keys: Vec<String>,
    },
    /// It is a paging state of Cassandra, unsigned.
    CassandraPagingState,
    /// It is readable text in Base64 or hex.
    Base64Plain(String),
}

/// The fields of a body that look like paging cursors: JSON path and cursor.
#[must_use]
pub fn find_in(body: &Value) -> Vec<(String, String)> {
    let _ = body;
    Vec::new()
}

/// What a caller can read in a cursor; None where it looks opaque.
#[must_use]
pub fn weakness(cursor: &str) -> Option<Weakness> {
    let _ = cursor;
    None
}
