//! What waits in an outbox: that a finding opened, that it ended, or that some were left out.

use std::collections::BTreeSet;

use ratewarden_model::{Finding, Severity};
use serde::{Deserialize, Serialize};

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is seen for the first time, or again after it had ended.
    Opened,
    /// It goes on, with new figures.
    Grown,
    /// It is over.
    Ended,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Item {
    /// A finding opened.
    Opened {
        /// When, in milliseconds since 1970.
        at_ms: i64,
        /// What was found.
        finding: Box<Finding>,
        /// How often it opened during its cool-down without being told.
        unsaid: u32,
    },
    /// A finding that was told is over.
    Ended {
        /// When, in milliseconds since 1970.
        at_ms: i64,
        /// What was found.
        finding: Box<Finding>,
    },
    /// The outbox had no room.
    LeftOut(LeftOut),
}

impl Item {
    /// When it happened, in milliseconds since 1970.
    pub(crate) fn at_ms(&self) -> i64 {
        match self {
            Self::Opened { at_ms, .. } | Self::Ended { at_ms, .. } => *at_ms,
            Self::LeftOut(left_out) => left_out.until_ms,
        }
    }
}

/// Findings for which there was no room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    /// How many: each finding once, as far as their fingerprints are remembered.
    pub(crate) count: u64,
    /// The first, in milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// The last.
    pub(crate) until_ms: i64,
    /// The worst of them.
    pub(crate) worst: Severity,
    /// Fingerprints, at most [`LeftOut::REMEMBERED`].
    pub(crate) fingerprints: BTreeSet<String>,
}

impl LeftOut {
    /// How many fingerprints are remembered; findings beyond are counted each time they are left out.
    const REMEMBERED: usize = 256;

    /// Counts one more.
    pub(crate) fn add(this: &mut Option<Self>, finding: &Finding, now_ms: i64) {
        let left_out = this.get_or_insert_with(|| Self {
            count: 0,
            since_ms: now_ms,
            until_ms: now_ms,
            worst: finding.severity,
            fingerprints: BTreeSet::new(),
        });
        left_out.until_ms = now_ms;
        left_out.worst = left_out.worst.max(finding.severity);
        if left_out.fingerprints.contains(&finding.fingerprint) {
            return;
        }
        left_out.count += 1;
        if left_out.fingerprints.len() < Self::REMEMBERED {
            left_out.fingerprints.insert(finding.fingerprint.clone());
        }
    }
}

/// Findings that are told in one message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// The delivery id: the same at every try, and after a restart.
    pub(crate) id: u128,
    /// When it may be sent, in milliseconds since 1970.
    pub(crate) due_ms: i64,
    /// In the order in which they happened; never empty.
    pub(crate) items: Vec<Item>,
    /// Bytes of the items as JSON.
    pub(crate) bytes: usize,
}

impl Batch {
    /// The delivery id as receivers see it.
    pub(crate) fn name(&self) -> String {
        format!("{:032x}", self.id)
    }
}

/// A finding of at most `bytes` as JSON, or not much more: what people can do without goes first.
pub(crate) fn trimmed(finding: &Finding, bytes: usize) -> Box<Finding> {
    let mut finding = Box::new(finding.clone());
    let is_large = |finding: &Finding| json_bytes(finding) > bytes;
    let steps: [fn(&mut Finding); 4] = [
        |finding| finding.remediation.snippets.clear(),
        |finding| finding.seen.iter_mut().for_each(|seen| seen.samples.clear()),
        |finding| {
            finding.evidence.clear();
            finding.endpoints.clear();
            finding.references.clear();
            finding.reproduce = None;
        },
        |finding| {
            for text in [
                &mut finding.description,
                &mut finding.title,
                &mut finding.remediation.summary,
                &mut finding.rule,
                &mut finding.category,
                &mut finding.fingerprint,
            ] {
                *text = cut(text, 512);
            }
            match &mut finding.subject {
                ratewarden_model::Subject::Endpoint { url, .. } => *url = cut(url, 512),
                ratewarden_model::Subject::Named { value, .. } => *value = cut(value, 512),
            }
        },
    ];
    for step in steps {
        if !is_large(&finding) {
            break;
        }
        step(&mut finding);
    }
    finding
}

/// Bytes of it as JSON.
pub(crate) fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

/// At most so many characters, the last of them a `…` where something was cut off.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    if text.chars().nth(characters).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(characters.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use ratewarden_model::{Subject, SubjectKind, rules};

    use super::*;

    #[test]
    fn a_finding_that_is_too_large_keeps_what_it_says() {
        let subject = Subject::named(SubjectKind::Address, "192.0.2.1");
        let finding = Finding::new(&rules::NO_LIMIT, subject, "a", "x".repeat(100_000))
            .snippet("nginx", "y".repeat(100_000))
            .evidence("z", "z".repeat(100_000));
        let small = trimmed(&finding, 4_096);
        assert!(json_bytes(&small) < 4_096, "{}", json_bytes(&small));
        assert_eq!((&small.fingerprint, &small.subject), (&finding.fingerprint, &finding.subject));
        assert_eq!(*trimmed(&finding, 1 << 20), finding);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(
            (cut("äöü", 3).as_str(), cut("äöüß", 3).as_str(), cut("a", 0).as_str()),
            ("äöü", "äö…", "…")
        );
    }
}
