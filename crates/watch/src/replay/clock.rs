//! The log's time as the two clocks that limits are counted on.
//!
//! Limits want a clock that never steps back, and logs do: lines are written when calls end, workers write beside each
//! other, files of a rotated set may be given in any order. A call that is up to [`LATE`] behind the newest counts at the
//! newest. One that is further behind begins another stretch of time (another file, a clock that was set), which goes on
//! where the first one was: nothing that a caller has spent comes back by it, and nothing waits for a date that was wrong.
//!
//! A date that is ahead or behind by more than [`FAR`] is believed when [`AGREE`] calls in a row say so.
//! Until then such calls count where the log stands, for calendars too: one wrong date would give everybody all quotas
//! anew, one far ahead when it comes, one far behind when the next call comes. Other calls are of their own time to calendars.
//! Calls in a row agree where each is no earlier than the one before, so a log of one call a month is believed as well.

use std::time::Duration;

use jiff::Timestamp;
use ratewarden_judge::Wall;
use ratewarden_limiter::{Calendar, Period, Time};

/// How far behind the newest a call may be and still be of the same stretch of time.
const LATE: i64 = 60_000;

/// How far from the newest a call may be, so that it is believed at once: longer than most logs are silent.
const FAR: i64 = 7 * 86_400_000;

/// So many calls in a row are believed, wherever they are.
const AGREE: u64 = 3;

/// When the first call is, as limits count: a time of zero is never.
const BEGIN: Duration = Duration::from_secs(3_600);

/// The clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventClock {
    /// The newest time of this stretch, in milliseconds since 1970.
    newest: Option<i64>,
    odd: Option<Odd>,
    now: Time,
    wall: Timestamp,
    /// The first and the last time that is believed.
    span: Option<(i64, i64)>,
    late: u64,
    steps: u64,
    misdated: u64,
}

/// Calls in a row that are far from all before them.
#[derive(Debug, Clone, Copy)]
struct Odd {
    is_ahead: bool,
    first: i64,
    last: i64,
    calls: u64,
}

/// What calls were not like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oddities {
    /// Calls that were behind the newest.
    pub(crate) late: u64,
    /// Stretches that began behind the one before.
    pub(crate) steps: u64,
    /// Calls whose date is not believed.
    pub(crate) misdated: u64,
}

impl EventClock {
    pub(crate) const fn new() -> Self {
        Self {
            newest: None,
            odd: None,
            now: Time::START,
            wall: Timestamp::UNIX_EPOCH,
            span: None,
            late: 0,
            steps: 0,
            misdated: 0,
        }
    }

    /// It is `at_ms` now.
    pub(crate) fn set(&mut self, at_ms: i64) {
        let Some(newest) = self.newest else {
            self.now = Time::START.after(BEGIN);
            return self.believe(at_ms, at_ms);
        };
        if at_ms.abs_diff(newest) <= FAR.unsigned_abs() {
            self.misdated += self.odd.take().map_or(0, |odd| odd.calls);
            return self.near(newest, at_ms);
        }
        let odd = self.note(at_ms, at_ms > newest);
        if odd.calls < AGREE {
            return;
        }
        self.odd = None;
        self.steps += u64::from(!odd.is_ahead);
        self.go_on(newest, at_ms);
        self.believe(odd.first, at_ms);
        self.believe(at_ms, at_ms);
    }

    /// A call whose date is believed at once.
    fn near(&mut self, newest: i64, at_ms: i64) {
        let is_late = at_ms < newest && newest.saturating_sub(at_ms) <= LATE;
        self.late += u64::from(is_late);
        self.steps += u64::from(at_ms < newest && !is_late);
        self.go_on(newest, at_ms);
        self.believe(at_ms, if is_late { newest } else { at_ms });
    }

    /// Notes a date that is not believed yet; those before it, if it does not agree with them, never are.
    fn note(&mut self, at_ms: i64, is_ahead: bool) -> Odd {
        let agrees = |odd: &Odd| odd.is_ahead == is_ahead && at_ms >= odd.last.saturating_sub(LATE);
        let odd = match self.odd {
            Some(odd) if agrees(&odd) => Odd { last: at_ms, calls: odd.calls + 1, ..odd },
            other => {
                self.misdated += other.map_or(0, |odd| odd.calls);
                Odd { is_ahead, first: at_ms, last: at_ms, calls: 1 }
            }
        };
        self.odd = Some(odd);
        odd
    }

    fn go_on(&mut self, newest: i64, at_ms: i64) {
        let passed = u64::try_from(at_ms.saturating_sub(newest)).unwrap_or(0);
        self.now = self.now.after(Duration::from_millis(passed));
    }

    fn believe(&mut self, at_ms: i64, newest: i64) {
        self.newest = Some(newest);
        self.wall = Timestamp::from_millisecond(at_ms).unwrap_or(self.wall);
        let (from, to) = self.span.unwrap_or((at_ms, at_ms));
        self.span = Some((from.min(at_ms), to.max(at_ms)));
    }

    /// Now, for limits.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// The first and the last time that is believed, in milliseconds since 1970; `None` before the first call.
    pub(crate) const fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// What calls were not like others, if no more come.
    pub(crate) fn oddities(&self) -> Oddities {
        let misdated = self.misdated + self.odd.map_or(0, |odd| odd.calls);
        Oddities { late: self.late, steps: self.steps, misdated }
    }
}

impl Wall for EventClock {
    fn period(&self, calendar: &Calendar) -> Period {
        let (index, ends) = calendar.period(self.wall);
        Period { index, ends: self.now.after(ends.duration_since(self.wall).unsigned_abs()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn after(times: &[i64]) -> EventClock {
        let mut clock = EventClock::new();
        times.iter().for_each(|&at| clock.set(at));
        clock
    }

    fn passed(times: &[i64]) -> Duration {
        after(times).now().since(Time::START.after(BEGIN))
    }

    #[test]
    fn one_wrong_date_takes_no_time_wherever_it_is_and_is_counted() {
        for wrong in [400 * DAY, 8 * DAY, -8 * DAY, -400 * DAY, i64::MAX, i64::MIN] {
            let times = [0, wrong, 1_000, 2_000];
            assert_eq!(passed(&times), Duration::from_secs(2), "{wrong}");
            let clock = after(&times);
            assert_eq!(clock.oddities(), Oddities { late: 0, steps: 0, misdated: 1 }, "{wrong}");
            assert_eq!(clock.span(), Some((0, 2_000)), "{wrong}");
            assert_eq!(passed(&[0, wrong, 1_000, wrong, 2_000, wrong]), Duration::from_secs(2), "{wrong}");
        }
    }

    #[test]
    fn dates_that_several_calls_in_a_row_have_are_believed() {
        let later = [0, 30 * DAY, 30 * DAY + 1_000, 30 * DAY + 2_000];
        assert_eq!(passed(&later), Duration::from_millis(30 * 86_400_000 + 2_000));
        assert_eq!(after(&later).span(), Some((0, 30 * DAY + 2_000)));
        // A call each month.
        let rare: Vec<i64> = (0..12).map(|month| month * 30 * DAY).collect();
        assert!(passed(&rare) >= Duration::from_secs(9 * 30 * 86_400));
        // Another file.
        for (days, secs) in [(1, 3), (30, 1)] {
            let back = [0, 1_000, 2_000, 3_000].map(|at| at - days * DAY);
            let earlier = after(&[&[0][..], &back].concat());
            assert_eq!(earlier.now().since(Time::START.after(BEGIN)), Duration::from_secs(secs));
            assert_eq!(earlier.oddities(), Oddities { late: 0, steps: 1, misdated: 0 });
        }
    }

    proptest! {
        #[test]
        fn time_never_goes_back_and_stands_still_for_who_is_late(
            times in prop::collection::vec(-100_000_i64..100_000, 1..100),
        ) {
            let mut clock = EventClock::new();
            let (mut before, mut newest) = (Time::START, None);
            for at in times {
                clock.set(at);
                prop_assert!(clock.now() >= before);
                if let Some(newest) = newest.filter(|newest| at >= *newest) {
                    prop_assert_eq!(clock.now().since(before), Duration::from_millis((at - newest) as u64));
                } else if newest.is_some() {
                    prop_assert_eq!(clock.now(), before);
                }
                before = clock.now();
                newest = clock.newest;
            }
        }
    }
}
