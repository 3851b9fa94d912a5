//! What an engine has found: all of it, what is open, and what is new.

use std::collections::HashMap;

use ratewarden_model::Finding;

use super::Engine;
use crate::finding::Case;

/// A finding that has opened, or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// Which.
    pub state: NewsState,
    /// The name of the detector that found it.
    pub detector: String,
    /// As it is now.
    pub finding: Finding,
}

/// What happened to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewsState {
    /// It was not there, or had ended.
    Opened,
    /// It is open, and another detector of its rule sees it too.
    Joined,
    /// It goes on no more.
    Ended,
}

impl Engine {
    /// The same without [`news`](Self::news), for whoever asks for all findings at the end: news that nobody takes would
    /// grow with what somebody writes into a log.
    #[must_use]
    pub const fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Findings that have opened or ended since the last time, the oldest first.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// All findings there were, the worst first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.cases.values().filter_map(|case| self.shown(case)).collect();
        sort(&mut findings);
        findings
    }

    /// The findings that are open, with their figures of now, the worst first; at most `most` of them.
    #[must_use]
    pub fn open_findings(&self, most: usize) -> Vec<Finding> {
        let mut cases: HashMap<&str, Case> = HashMap::new();
        // Those that overlap are one, so the order changes what they come to.
        let mut episodes: Vec<_> = self.episodes.iter().collect();
        episodes.sort_by_key(|(key, episode)| (episode.first(), **key));
        for (_, episode) in episodes {
            let Some(case) = self.cases.get(episode.case()) else { continue };
            episode.add_to(cases.entry(episode.case()).or_insert_with(|| case.clone()));
        }
        let mut findings: Vec<Finding> = cases.values().filter_map(|case| self.shown(case)).collect();
        sort(&mut findings);
        findings.truncate(most);
        findings
    }

    fn shown(&self, case: &Case) -> Option<Finding> {
        self.detectors.get(case.detector).map(|detector| case.finding(detector))
    }
}

/// The worst first, then the oldest.
fn sort(findings: &mut [Finding]) {
    let order =
        |finding: &Finding| (finding.seen.as_ref().map(|seen| seen.first_seen.clone()), finding.rule.clone());
    findings.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then_with(|| order(one).cmp(&order(other)))
            .then_with(|| one.subject.cmp(&other.subject))
    });
}
