//! Findings as an operator sees them: those that are open, and the last ones that ended.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ratewarden_detect::{Detector, News, NewsState};
use ratewarden_model::Finding;

/// Findings that have ended and are still shown.
const ENDED: usize = 1_000;

/// Rules that are counted by name. A policy has fewer; only many reloads bring more.
const RULES: usize = 1_024;

/// A finding is open at least so long after its last call, as in the engine.
const LINGERS_MS: i64 = 60_000;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// By fingerprint.
    open: HashMap<String, Open>,
    /// The newest first.
    ended: VecDeque<Finding>,
    /// Findings opened, by rule.
    totals: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Open {
    finding: Finding,
    /// The name of the detector with which it opened.
    detector: String,
    /// Those of other detectors of its rule that see it too, or did.
    joined: Vec<String>,
    /// Its detector began anew. Unless it is found again until then (Unix time in milliseconds), it is over.
    carried_until: Option<i64>,
}

/// A finding with its state.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) is_open: bool,
    pub(crate) finding: Finding,
}

impl Board {
    /// A finding of a detector has opened; whether that is news.
    pub(super) fn opened(&mut self, detector: &str, finding: &Finding) -> bool {
        let open = Open {
            finding: finding.clone(),
            detector: detector.to_owned(),
            joined: Vec::new(),
            carried_until: None,
        };
        if self.open.insert(finding.fingerprint.clone(), open).is_some() {
            return false;
        }
        if self.totals.len() < RULES || self.totals.contains_key(&finding.rule) {
            *self.totals.entry(finding.rule.clone()).or_default() += 1;
        }
        true
    }

    /// Another detector sees a finding that is open.
    pub(super) fn joined(&mut self, detector: &str, fingerprint: &str) {
        if let Some(open) = self.open.get_mut(fingerprint)
            && open.detector != detector
            && !open.joined.iter().any(|joined| joined == detector)
        {
            open.joined.push(detector.to_owned());
        }
    }

    /// A finding has ended.
    pub(super) fn ended(&mut self, finding: Finding) {
        self.open.remove(&finding.fingerprint);
        // One line for each: what opened again and again would push out all others.
        self.ended.retain(|ended| ended.fingerprint != finding.fingerprint);
        self.ended.push_front(finding);
        self.ended.truncate(ENDED);
    }

    /// A finding has other figures.
    pub(super) fn update(&mut self, finding: Finding) {
        if let Some(open) = self.open.get_mut(&finding.fingerprint) {
            open.finding = finding;
        }
    }

    /// All detectors begin anew, as these: what is open stays so for as long as its detector may need to find it again.
    /// Returns what is looked for no more.
    pub(super) fn carry(&mut self, detectors: &[Detector], now_ms: i64) -> Vec<News> {
        for Open { finding, carried_until, .. } in self.open.values_mut() {
            let its = detectors.iter().filter(|detector| detector.rule == finding.rule);
            let window = its.map(|detector| i64::from(detector.seconds) * 1_000).max();
            let until = window.map_or(now_ms, |window| now_ms.saturating_add(window.max(LINGERS_MS)));
            *carried_until = Some(until);
        }
        self.over(now_ms)
    }

    /// Findings that were carried and not found again in time: they have ended.
    pub(super) fn over(&self, now_ms: i64) -> Vec<News> {
        let is_over = |open: &&Open| open.carried_until.is_some_and(|until| until <= now_ms);
        let ended = |open: &Open| News {
            state: NewsState::Ended,
            detector: open.detector.clone(),
            finding: open.finding.clone(),
        };
        let mut over: Vec<News> = self.open.values().filter(is_over).map(ended).collect();
        over.sort_by(|one, other| one.finding.fingerprint.cmp(&other.finding.fingerprint));
        over
    }

    /// News of those that are open, as if they opened now, in the order of their fingerprints: one for each detector that sees
    /// them, that with which they opened first.
    pub(super) fn open_news(&self) -> Vec<News> {
        let opened = |open: &Open, detector: &String| News {
            state: NewsState::Opened,
            detector: detector.clone(),
            finding: open.finding.clone(),
        };
        let of = |open: &Open| {
            let detectors = std::iter::once(&open.detector).chain(&open.joined);
            detectors.map(|detector| opened(open, detector)).collect::<Vec<_>>()
        };
        let mut news: Vec<News> = self.open.values().flat_map(of).collect();
        news.sort_by(|one, other| one.finding.fingerprint.cmp(&other.finding.fingerprint));
        news
    }

    /// Those that are open, in no order.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Finding> {
        self.open.values().map(|open| &open.finding)
    }

    /// Those that are open, the worst first, then those that ended, the newest first.
    pub(crate) fn all(&self) -> Vec<Shown> {
        let mut open: Vec<&Finding> = self.open().collect();
        open.sort_by(|one, other| {
            let key = |finding: &&Finding| {
                (finding.seen.as_ref().map(|seen| seen.first_seen.clone()), finding.fingerprint.clone())
            };
            other.severity.cmp(&one.severity).then_with(|| key(one).cmp(&key(other)))
        });
        let open = open.into_iter().map(|finding| (true, finding));
        let all = open.chain(self.ended.iter().map(|finding| (false, finding)));
        all.map(|(is_open, finding)| Shown { is_open, finding: finding.clone() }).collect()
    }

    /// By rule: findings that are open, and those that opened since the start.
    pub(crate) fn counts(&self) -> BTreeMap<&str, (u64, u64)> {
        let mut counts: BTreeMap<&str, (u64, u64)> =
            self.totals.iter().map(|(rule, total)| (rule.as_str(), (0, *total))).collect();
        for finding in self.open() {
            if let Some((open, _)) = counts.get_mut(finding.rule.as_str()) {
                *open += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::{Subject, SubjectKind, rules};

    use super::*;

    fn finding(address: &str) -> Finding {
        let subject = Subject::named(SubjectKind::Address, address);
        Finding::new(&rules::abuse::FLOOD, subject, address, "")
    }

    #[test]
    fn a_finding_is_one_line_however_often_it_opens() {
        let mut board = Board::default();
        for _ in 0..2 {
            assert!(board.opened("flood", &finding("192.0.2.1")));
            board.ended(finding("192.0.2.1"));
        }
        assert!(board.opened("flood", &finding("192.0.2.2")) && board.opened("flood", &finding("192.0.2.1")));
        let states: Vec<bool> = board.all().iter().map(|shown| shown.is_open).collect();
        assert_eq!(states, [true, true, false]);
        assert_eq!(board.counts()["watch.flood"], (2, 4));
        for number in 0..2 * ENDED {
            board.ended(finding(&number.to_string()));
        }
        assert_eq!(board.all().len(), ENDED + 2);
    }

    #[test]
    fn what_is_open_is_news_of_each_detector_that_sees_it() {
        let mut board = Board::default();
        board.opened("flood", &finding("192.0.2.1"));
        for detector in ["steady", "flood", "steady"] {
            board.joined(detector, &finding("192.0.2.1").fingerprint);
        }
        let detectors: Vec<String> = board.open_news().into_iter().map(|news| news.detector).collect();
        assert_eq!(detectors, ["flood", "steady"]);
    }

    #[test]
    fn what_is_open_goes_on_through_a_reload_until_it_is_found_again_or_its_window_has_passed() {
        let mut board = Board::default();
        let flood: Vec<Detector> =
            ratewarden_detect::detectors().into_iter().filter(|one| one.rule == "watch.flood").collect();
        let window = flood.iter().map(|one| i64::from(one.seconds) * 1_000).max().unwrap().max(LINGERS_MS);
        for address in ["192.0.2.1", "192.0.2.2"] {
            board.opened("flood", &finding(address));
        }
        assert!(board.carry(&flood, 1_000).is_empty());
        assert!(!board.opened("flood", &finding("192.0.2.1")), "found again, and no news");
        assert!(board.over(999 + window).is_empty());
        let over: Vec<Finding> = board.over(1_000 + window).into_iter().map(|news| news.finding).collect();
        assert_eq!(over, [finding("192.0.2.2")]);
        assert_eq!(board.carry(&[], 5_000).len(), 2, "nobody looks for it any more");
    }
}
