//! A log that is being written with a clock far behind this machine's: local time taken for UTC, a host without NTP, lines that
//! are delivered an hour late.
//!
//! What is long over alerts and bans nobody, and by such a log all is long over. In silence that would look like peace, so it is
//! said, once. A log that is being caught up with is behind too, and that is nothing to be said: only lines count that come
//! where the end of the log had been reached before.

use ratewarden_judge::findings::OLD_MS;

/// For so long such lines have come when it is said, in milliseconds.
const LONG_MS: i64 = 60_000;

/// Looks at how far a log is behind the clock on the wall.
#[derive(Debug, Default)]
pub struct FarBehind {
    late_ms: i64,
    newest_ms: Option<i64>,
    /// What was there had been read.
    is_at_end: bool,
    since_ms: Option<i64>,
    is_said: bool,
}

impl FarBehind {
    /// Calls are waited for for so many milliseconds: by as much they may be behind.
    #[must_use]
    pub fn by(late_ms: i64) -> Self {
        Self { late_ms, ..Self::default() }
    }

    /// Takes to which time calls have come at `now_ms` (both milliseconds since 1970), and whether there is `more` to read. Says
    /// once what is to be said.
    pub fn note(&mut self, now_ms: i64, newest_ms: Option<i64>, more: bool) -> Option<String> {
        let was_at_end = std::mem::replace(&mut self.is_at_end, !more);
        let has_come = newest_ms != std::mem::replace(&mut self.newest_ms, newest_ms);
        let behind = now_ms.saturating_sub(newest_ms?);
        if has_come {
            let is_far = was_at_end && behind > OLD_MS.saturating_add(self.late_ms);
            self.since_ms = is_far.then(|| self.since_ms.unwrap_or(now_ms));
        }
        let is_long = self.since_ms.is_some_and(|since| now_ms.saturating_sub(since) >= LONG_MS);
        if !(has_come && is_long) || std::mem::replace(&mut self.is_said, true) {
            return None;
        }
        let minutes = behind / 60_000;
        Some(format!(
            "calls that come now are {} h {} min behind this machine's clock, so findings in them alert and ban nobody",
            minutes / 60,
            minutes % 60
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const HOURS: i64 = 2 * 3_600_000;

    #[test]
    fn lines_that_are_written_now_and_far_behind_are_said_once_after_a_minute() {
        let mut behind = FarBehind::by(10_000);
        assert_eq!(behind.note(NOW, Some(NOW - HOURS - 1_000), false), None, "it was read up to its end");
        let mut step = |at: i64| behind.note(NOW + at, Some(NOW + at - HOURS), false);
        assert_eq!((step(1_000), step(60_000)), (None, None));
        let said = step(61_000).unwrap();
        assert!(said.contains("2 h 0 min behind"), "{said}");
        assert_eq!(step(200_000), None, "once");
    }

    #[test]
    fn a_log_that_is_caught_up_with_or_stands_still_or_is_late_within_reason_is_not_said() {
        let mut behind = FarBehind::by(10_000);
        for at in [0, 60_000, 120_000] {
            assert_eq!(behind.note(NOW + at, Some(NOW + at - HOURS), true), None, "there is more");
        }
        assert_eq!(behind.note(NOW + 121_000, Some(NOW - 5_000), false), None, "the end of what was there");
        for at in [200_000, 900_000, 9_000_000] {
            assert_eq!(behind.note(NOW + at, Some(NOW - 5_000), false), None, "no line comes");
        }
        let mut behind = FarBehind::by(600_000);
        for at in [0, 1_000, 70_000, 200_000] {
            assert_eq!(behind.note(NOW + at, Some(NOW + at - 1_100_000), false), None, "it is waited for");
        }
        assert_eq!(behind.note(NOW, None, false), None);
    }
}
