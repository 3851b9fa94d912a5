//! Findings that had opened long before they were seen: after a restart, or where a log is read from its beginning.
//!
//! What is long over wakes and bans nobody. But a finding opens once, and who has gone on since is told of by no other news. So
//! what opened long ago waits here until it ends, and is looked at again: it is followed up as soon as a call of now is part
//! of it. The engine is asked for its figures, and only while something waits and the log has come to the present; telling each
//! call of each finding would cost the many for the few.

use std::collections::HashMap;

use ratewarden_detect::{News, NewsState};
use ratewarden_judge::findings::{OLD_MS, is_old};
use ratewarden_model::Finding;

/// Findings that wait at most; the engine keeps so many.
const WAITING: usize = 10_000;
/// How often they are looked at, in milliseconds.
const LOOK_MS: i64 = 2_000;

/// Findings that opened long ago and may go on.
#[derive(Debug, Default)]
pub struct Late {
    /// By fingerprint: the detectors that saw it.
    waiting: HashMap<String, Vec<String>>,
    look_ms: i64,
    /// How long calls are waited for, in milliseconds.
    late_ms: i64,
}

impl Late {
    /// Calls are waited for for so many milliseconds: what is found is seen that much later.
    #[must_use]
    pub fn by(late_ms: i64) -> Self {
        Self { late_ms, ..Self::default() }
    }

    /// Whether a piece of news is to be followed up at `now_ms` (milliseconds since 1970). What is not may be later
    /// ([`Self::going_on`]).
    pub fn is_timely(&mut self, news: &News, now_ms: i64) -> bool {
        let fingerprint = &news.finding.fingerprint;
        if news.state == NewsState::Ended {
            self.waiting.remove(fingerprint);
            return true;
        }
        let is_old = is_old(&news.finding, now_ms, self.late_ms);
        if is_old && (self.waiting.len() < WAITING || self.waiting.contains_key(fingerprint)) {
            let detectors = self.waiting.entry(fingerprint.clone()).or_default();
            if !detectors.contains(&news.detector) {
                detectors.push(news.detector.clone());
            }
        } else if self.waiting.contains_key(fingerprint) {
            // It goes on; that it opened is told first.
            self.look_ms = now_ms;
            return false;
        }
        !is_old
    }

    /// What waits and has gone on, as if it opened now. `newest_ms` is the time to which the log has come; `open` are all
    /// findings that are open, with their figures of now.
    pub fn going_on(
        &mut self,
        now_ms: i64,
        newest_ms: Option<i64>,
        open: impl FnOnce() -> Vec<Finding>,
    ) -> Vec<News> {
        let least = now_ms.saturating_sub(OLD_MS).saturating_sub(self.late_ms);
        let has_come = newest_ms.is_some_and(|newest| newest >= least);
        // The clock may have been set back.
        let is_due = now_ms >= self.look_ms || now_ms.saturating_add(LOOK_MS) < self.look_ms;
        if self.waiting.is_empty() || !has_come || !is_due {
            return Vec::new();
        }
        self.look_ms = now_ms.saturating_add(LOOK_MS);
        let mut news = Vec::new();
        for finding in open() {
            if is_old(&finding, now_ms, self.late_ms) {
                continue;
            }
            for detector in self.waiting.remove(&finding.fingerprint).unwrap_or_default() {
                news.push(News { state: NewsState::Opened, detector, finding: finding.clone() });
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::rules::abuse;
    use ratewarden_model::{Seen, Subject, SubjectKind};

    use super::*;

    /// A finding about an address whose last call was at this second.
    fn finding(address: &str, last: i64) -> Finding {
        let mut finding =
            Finding::new(&abuse::FLOOD, Subject::named(SubjectKind::Address, address), address, "");
        let time = |second| jiff::Timestamp::from_second(second).unwrap().to_string();
        finding.seen = Some(Seen {
            first_seen: time(0),
            last_seen: time(last),
            count: 320,
            count_error: 0,
            threshold: "300/10s".into(),
            samples: Vec::new(),
        });
        finding
    }

    fn news(state: NewsState, detector: &str, address: &str, last: i64) -> News {
        News { state, detector: detector.into(), finding: finding(address, last) }
    }

    const NOW: i64 = 2_000_000;

    #[test]
    fn what_opened_long_ago_is_followed_up_once_and_only_where_it_goes_on() {
        let mut late = Late::default();
        let opened = |address| news(NewsState::Opened, "flood", address, 100);
        assert!(!late.is_timely(&opened("192.0.2.1"), NOW) && !late.is_timely(&opened("192.0.2.2"), NOW));
        assert!(late.is_timely(&news(NewsState::Opened, "flood", "192.0.2.3", 1_999), NOW));
        let open =
            || vec![finding("192.0.2.1", 1_990), finding("192.0.2.2", 900), finding("192.0.2.3", 1_999)];
        let found = late.going_on(NOW, Some(NOW), open);
        assert_eq!(found, [news(NewsState::Opened, "flood", "192.0.2.1", 1_990)]);
        assert_eq!(late.going_on(NOW + LOOK_MS, Some(NOW), open), []);
    }

    #[test]
    fn every_detector_that_saw_it_is_told_and_what_has_ended_waits_no_more() {
        let mut late = Late::default();
        for detector in ["flood", "crawl", "flood"] {
            assert!(!late.is_timely(&news(NewsState::Joined, detector, "192.0.2.1", 100), NOW));
        }
        assert!(!late.is_timely(&news(NewsState::Opened, "flood", "192.0.2.2", 100), NOW));
        assert!(late.is_timely(&news(NewsState::Ended, "flood", "192.0.2.2", 100), NOW));
        let open = || vec![finding("192.0.2.1", 1_990), finding("192.0.2.2", 1_990)];
        let detectors: Vec<String> =
            late.going_on(NOW, Some(NOW), open).into_iter().map(|news| news.detector).collect();
        assert_eq!(detectors, ["flood", "crawl"]);
    }

    #[test]
    fn another_detector_of_now_has_it_looked_at_at_once_and_a_log_of_the_past_is_not_asked() {
        let mut late = Late::default();
        late.is_timely(&news(NewsState::Opened, "flood", "192.0.2.1", 100), NOW);
        let never = || panic!("a log that has not come to the present has nothing that goes on");
        assert_eq!(late.going_on(NOW, Some(NOW - OLD_MS - 1), never), []);
        assert_eq!(late.going_on(NOW, None, never), []);
        assert_eq!(late.going_on(NOW, Some(NOW), Vec::new), []);
        let joined = news(NewsState::Joined, "crawl", "192.0.2.1", 1_999);
        assert!(!late.is_timely(&joined, NOW + 1), "that it opened is told first");
        let found = late.going_on(NOW + 1, Some(NOW), || vec![finding("192.0.2.1", 1_999)]);
        assert_eq!(found.len(), 1);
        assert!(late.is_timely(&joined, NOW + 2));
    }

    #[test]
    fn what_was_waited_for_is_not_long_ago_for_that() {
        let mut late = Late::by(600_000);
        assert!(late.is_timely(&news(NewsState::Opened, "flood", "192.0.2.1", 1_100), NOW));
        assert!(!late.is_timely(&news(NewsState::Opened, "flood", "192.0.2.2", 100), NOW));
        let newest = Some(NOW - OLD_MS - 300_000);
        assert_eq!(late.going_on(NOW, newest, || vec![finding("192.0.2.2", 1_100)]).len(), 1);
    }

    #[test]
    fn findings_that_wait_are_bounded() {
        let mut late = Late::default();
        for number in 0..WAITING + 5 {
            late.is_timely(&news(NewsState::Opened, "flood", &number.to_string(), 100), NOW);
        }
        assert_eq!(late.waiting.len(), WAITING);
    }
}
