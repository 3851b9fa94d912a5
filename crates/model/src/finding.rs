//! One statement that something is wrong, with evidence and remedy.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::rules::Rule;
use crate::severity::{Confidence, Severity};
use crate::subject::Subject;

/// A piece of configuration that mends the finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// Which program it is for: `nginx`, `HAProxy`, `CQL`, `Ratewarden`…
    #[serde(rename = "for")]
    pub target: String,
    /// The configuration text.
    pub text: String,
}

/// What to do about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remediation {
    /// One or two sentences.
    pub summary: String,
    /// Configuration to paste, the likeliest first.
    #[serde(default)]
    pub snippets: Vec<Snippet>,
}

/// One statement that something is wrong. Everything downstream only knows findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The public rule id, such as `scan.no-limit`; `ratewarden rules ID` explains it.
    pub rule: String,
    /// The category it counts in.
    pub category: String,
    /// How much harm it allows.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// One line, without the endpoint.
    pub title: String,
    /// What was observed and why it matters, in sentences.
    pub description: String,
    /// What it is about.
    pub subject: Subject,
    /// All endpoints it concerns where it is about a limiter that several share, else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    /// The figures seen. Units are in the names.
    pub evidence: Map<String, Value>,
    /// A shell line that shows it, with credentials as variables; null where one line cannot.
    pub reproduce: Option<String>,
    /// What to do.
    pub remediation: Remediation,
    /// Standards and pages, such as `OWASP API4:2023`.
    pub references: Vec<String>,
    /// The points this finding takes from the score (docs/scoring.md).
    pub deduction: u32,
    /// Stable over runs: the same weakness at the same place has the same fingerprint.
    pub fingerprint: String,
    /// When and how often it was seen, where calls were watched.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

/// When and how often something was seen in traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The first call of it, RFC 3339, UTC.
    pub first_seen: String,
    /// The last call of it so far, RFC 3339, UTC.
    pub last_seen: String,
    /// Calls, or distinct values, as the rule says.
    pub count: u64,
    /// The true count is at most so far from `count`.
    pub count_error: u64,
    /// What it is over, such as `500/1m`.
    pub threshold: String,
    /// A few of the calls, without secrets.
    pub samples: Vec<String>,
}

impl Finding {
    /// A finding of a rule, with the rule's own category, severity, references and deduction; `place` is what
    /// stays the same from run to run (usually `GET /path`) and goes into the fingerprint.
    #[must_use]
    pub fn new(rule: &Rule, subject: Subject, place: &str, description: impl Into<String>) -> Self {
        Self {
            rule: rule.id.to_owned(),
            category: rule.category.to_owned(),
            severity: rule.severity,
            confidence: Confidence::Firm,
            title: rule.title.to_owned(),
            description: description.into(),
            subject,
            endpoints: Vec::new(),
            evidence: Map::new(),
            reproduce: None,
            remediation: Remediation { summary: rule.remedy.to_owned(), snippets: Vec::new() },
            references: rule.references.iter().map(|&text| text.to_owned()).collect(),
            deduction: rule.deduction(),
            fingerprint: fingerprint(rule.id, place),
            seen: None,
        }
    }

    /// Sets the confidence.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds one figure to the evidence.
    #[must_use]
    pub fn evidence(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the line that shows it.
    #[must_use]
    pub fn reproduce(mut self, line: impl Into<String>) -> Self {
        self.reproduce = Some(line.into());
        self
    }

    /// Adds a piece of configuration that mends it.
    #[must_use]
    pub fn snippet(mut self, target: &str, text: impl Into<String>) -> Self {
        self.remediation.snippets.push(Snippet { target: target.to_owned(), text: text.into() });
        self
    }
}

/// The first 16 bytes of SHA-256 over rule and place, in hex. Not secret, only stable.
#[must_use]
pub fn fingerprint(rule: &str, place: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(rule.as_bytes());
    hash.update([0]);
    hash.update(place.as_bytes());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    fn sample() -> Finding {
        let subject = Subject::Endpoint { method: "GET".into(), url: "http://h/p".into() };
        Finding::new(&rules::NO_LIMIT, subject, "GET /p", "No rejection in 300 requests.")
            .evidence("requests", 300)
            .snippet("nginx", "limit_req zone=api;")
    }

    #[test]
    fn a_finding_is_written_as_the_design_shows_it() {
        let json = serde_json::to_value(sample()).unwrap();
        assert_eq!(json["subject"]["kind"], "endpoint");
        assert_eq!(json["remediation"]["snippets"][0]["for"], "nginx");
        assert_eq!(json["severity"], "high");
        assert!(json.get("count").is_none());
        assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), sample());
    }

    #[test]
    fn what_was_seen_stands_beside_the_rest() {
        let seen = Seen {
            first_seen: "2026-01-01T00:00:00Z".into(),
            last_seen: "2026-01-01T00:01:00Z".into(),
            count: 700,
            count_error: 3,
            threshold: "500/1m".into(),
            samples: vec!["POST /a".into()],
        };
        let finding = Finding { seen: Some(seen), ..sample() };
        let json = serde_json::to_value(&finding).unwrap();
        assert_eq!((&json["count"], &json["threshold"]), (&700.into(), &"500/1m".into()));
        assert_eq!(serde_json::from_value::<Finding>(json).unwrap(), finding);
    }

    #[test]
    fn the_fingerprint_depends_on_rule_and_place_only() {
        assert_eq!(sample().fingerprint, sample().evidence("requests", 5).fingerprint);
        assert_ne!(fingerprint("a", "b"), fingerprint("ab", ""));
        assert_eq!(sample().fingerprint.len(), 32);
    }
}
