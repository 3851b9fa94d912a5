//! RFC 9457 problem bodies.

/// A problem body, as far as the scanner needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// The problem type, a URI reference; `about:blank` where it is missing.
    pub r#type: String,
    /// `title`.
    pub title: Option<String>,
    /// `status`.
    pub status: Option<u16>,
    /// `detail`.
    pub detail: Option<String>,
    /// The names of the quota policies that were violated.
    pub violated_policies: Vec<String>,
}

impl Problem {
    /// Whether it is one of the three types that the rate-limit draft registers.
    #[must_use]
    pub fn is_rate_problem(&self) -> bool {
        false
    }
}

/// Reads a body of type `application/problem+json`.
#[must_use]
pub fn parse(media_type: &str, body: &str) -> Option<Problem> {
    let _ = (media_type, body);
    None
}
