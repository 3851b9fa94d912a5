//! How bad a finding is, and how sure we are. Both are ordered, so thresholds can be compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much harm the finding allows. Ordered: `Info < Low < Medium < High < Critical`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; costs no points.
    Info,
    /// A nuisance, or missing courtesy to honest clients.
    Low,
    /// A weakness that needs a second one to hurt.
    Medium,
    /// Abuse is possible with one client and no skill.
    High,
    /// Abuse is possible and its cost is unbounded.
    Critical,
}

impl Severity {
    /// All severities, the worst first: the order reports use.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word used in documents and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A severity word that is none of the five.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a severity: expected critical, high, medium, low or info")]
pub struct UnknownSeverity(String);

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::WORST_FIRST
            .into_iter()
            .find(|severity| severity.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

/// How sure a statement is. Ordered: `Tentative < Firm < Certain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The likeliest of several explanations that fit.
    Tentative,
    /// One explanation fits and the others were seen not to.
    Firm,
    /// Seen directly.
    Certain,
}

impl Confidence {
    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tentative => "tentative",
            Self::Firm => "firm",
            Self::Certain => "certain",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_compare_by_harm_and_read_back() {
        assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Info);
        for severity in Severity::WORST_FIRST {
            assert_eq!(severity.as_str().parse::<Severity>().unwrap(), severity);
        }
        let error = "urgent".parse::<Severity>().unwrap_err().to_string();
        assert!(error.contains("urgent") && error.contains("critical"), "{error}");
    }
}
