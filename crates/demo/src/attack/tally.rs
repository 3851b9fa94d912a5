//! What became of many calls.

use std::time::Duration;

use super::call::Verdict;

/// Latencies that are kept; later ones of a very long attack are counted but not timed.
const MOST_TIMED: usize = 1_000_000;

/// Counts and latencies of one caller.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Calls sent.
    pub sent: u64,
    /// Those that the API did what it was asked for.
    pub answered: u64,
    /// Those that were turned away.
    pub rejected: u64,
    /// Those that had an error or no answer.
    pub failed: u64,
    /// Bytes of all bodies that came back.
    pub bytes: u64,
    /// Microseconds of each answered or failed call.
    timed: Vec<u32>,
}

impl Tally {
    pub(super) fn add(&mut self, verdict: Verdict, bytes: u64, took: Duration) {
        self.sent += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        match verdict {
            Verdict::Answered => self.answered += 1,
            Verdict::Rejected => self.rejected += 1,
            Verdict::Failed => self.failed += 1,
        }
        // How fast one is turned away says nothing about the service.
        if verdict != Verdict::Rejected && self.timed.len() < MOST_TIMED {
            self.timed.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        }
    }

    /// The latency that 99 of 100 answered or failed calls stayed within (nearest rank); None where there were none.
    #[must_use]
    pub fn p99(&self) -> Option<Duration> {
        let mut timed = self.timed.clone();
        let rank = (timed.len() * 99).div_ceil(100);
        let (_, &mut micros, _) = timed.select_nth_unstable_by(rank.checked_sub(1)?, u32::cmp);
        Some(Duration::from_micros(micros.into()))
    }

    /// Whether every call was answered, of at least one.
    #[must_use]
    pub const fn is_all_answered(&self) -> bool {
        self.sent > 0 && self.answered == self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p99_is_the_one_that_99_of_100_stay_within() {
        let mut tally = Tally::default();
        assert_eq!(tally.p99(), None);
        for millis in (1..=200).rev() {
            tally.add(Verdict::Answered, 1, Duration::from_millis(millis));
        }
        assert_eq!(tally.p99(), Some(Duration::from_millis(198)));
        tally.add(Verdict::Rejected, 1, Duration::ZERO);
        assert_eq!(tally.p99(), Some(Duration::from_millis(198)), "being turned away is no service");
        for _ in 0..10 {
            tally.add(Verdict::Failed, 0, Duration::from_secs(10));
        }
        assert_eq!(tally.p99(), Some(Duration::from_secs(10)), "no answer is the worst latency");
        assert_eq!((tally.sent, tally.answered, tally.rejected, tally.failed), (211, 200, 1, 10));
        assert!(!tally.is_all_answered() && tally.bytes == 201);
    }
}
