//! From what a detector saw to a finding.

use std::collections::BTreeSet;

use ratewarden_model::finding::fingerprint;
use ratewarden_model::{Finding, Remediation, Seen, Subject, rules};
use serde_json::{Map, Value};

use crate::spec::Detector;

/// Sample calls of a finding.
pub(crate) const SAMPLES: usize = 3;
/// Routes that a finding names.
pub(crate) const ROUTES: usize = 5;

/// What is known of one subject under one rule.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) subject: Subject,
    /// The place of the detector among all.
    pub(crate) detector: usize,
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) count: u64,
    pub(crate) error: u64,
    /// Calls of all episodes.
    pub(crate) calls: u64,
    pub(crate) episodes: u32,
    pub(crate) open: u32,
    pub(crate) routes: BTreeSet<String>,
    pub(crate) samples: Vec<String>,
    pub(crate) facts: Map<String, Value>,
}

impl Case {
    pub(crate) fn new(subject: Subject, detector: usize, first: u32) -> Self {
        Self {
            subject,
            detector,
            first,
            last: first,
            count: 0,
            error: 0,
            calls: 0,
            episodes: 0,
            open: 0,
            routes: BTreeSet::new(),
            samples: Vec::new(),
            facts: Map::new(),
        }
    }

    /// Takes an episode in. Episodes that overlap are of detectors of one rule that see the same calls: the larger counts;
    /// those that do not are added.
    pub(crate) fn take_in(&mut self, first: u32, last: u32, count: u64, error: u64, calls: u64) {
        let overlaps = self.calls > 0 && first <= self.last;
        if overlaps {
            if count > self.count {
                (self.count, self.error) = (count, error);
            }
            self.calls = self.calls.max(calls);
        } else {
            (self.count, self.error, self.calls) =
                (self.count + count, self.error + error, self.calls + calls);
        }
        (self.first, self.last) = (self.first.min(first), self.last.max(last));
    }

    pub(crate) fn add_samples(&mut self, samples: &BTreeSet<String>, routes: &BTreeSet<String>) {
        self.samples.extend(samples.iter().cloned());
        self.samples.sort();
        self.samples.dedup();
        self.samples.truncate(SAMPLES);
        self.routes.extend(routes.iter().cloned());
        while self.routes.len() > ROUTES {
            self.routes.pop_last();
        }
    }

    /// The finding, as `detector` has it.
    pub(crate) fn finding(&self, detector: &Detector) -> Finding {
        let rule = rules::find(&detector.rule);
        let about = detector.about.as_ref();
        let title = about.map(|about| about.title.clone()).or_else(|| rule.map(|rule| rule.title.to_owned()));
        let title = title.unwrap_or_else(|| format!("Over the threshold of `{}`", detector.name));
        let advice = about.map(|about| about.advice.clone()).filter(|advice| !advice.is_empty());
        let references = about.map(|about| about.references.clone());
        let mut evidence = Map::new();
        evidence.insert("calls".into(), self.calls.into());
        evidence.insert("seconds".into(), (self.last - self.first.min(self.last)).into());
        if self.episodes > 1 {
            evidence.insert("episodes".into(), self.episodes.into());
        }
        if !self.routes.is_empty() {
            evidence.insert("routes".into(), self.routes.iter().cloned().collect::<Vec<_>>().into());
        }
        evidence.extend(self.facts.clone());
        let place = format!("{}\n{}", self.subject.kind(), self.subject.label());
        Finding {
            rule: detector.rule.clone(),
            category: rule.map_or("Abuse", |rule| rule.category).to_owned(),
            severity: detector.severity,
            confidence: ratewarden_model::Confidence::Firm,
            title,
            description: self.description(detector),
            subject: self.subject.clone(),
            endpoints: Vec::new(),
            evidence,
            reproduce: None,
            remediation: Remediation {
                summary: advice.unwrap_or_else(|| {
                    rule.map_or("See what the detector was made for.", |rule| rule.remedy).to_owned()
                }),
                snippets: Vec::new(),
            },
            references: references
                .or_else(|| rule.map(|rule| rule.references.iter().map(|&text| text.to_owned()).collect()))
                .unwrap_or_default(),
            deduction: 0,
            fingerprint: fingerprint(&detector.rule, &place),
            seen: Some(Seen {
                first_seen: time(self.first),
                last_seen: time(self.last),
                count: self.count,
                count_error: self.error,
                threshold: detector.threshold(),
                samples: self.samples.clone(),
            }),
        }
    }

    fn description(&self, detector: &Detector) -> String {
        let error = if self.error > 0 { format!(" (± {})", self.error) } else { String::new() };
        let seconds = self.last.saturating_sub(self.first);
        let kind = self.subject.kind();
        let subject = self.subject.label();
        let what = detector.kind.noun();
        let about = detector.about.as_ref().map(|about| about.description.as_str()).unwrap_or_default();
        let gap = if about.is_empty() { "" } else { " " };
        format!(
            "{kind} {subject}: {}{error} {what} in {} calls over {}, where {} is the threshold.{gap}{about}",
            self.count,
            self.calls,
            ratewarden_model::format_duration(std::time::Duration::from_secs(seconds.max(1).into())),
            detector.threshold(),
        )
    }
}

/// A second as RFC 3339, UTC.
pub(crate) fn time(second: u32) -> String {
    jiff::Timestamp::from_second(second.into()).unwrap_or_default().to_string()
}
