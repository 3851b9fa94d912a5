//! The log's time as the two clocks that limits are counted on.
//!
//! Limits want a clock that never steps back, and logs do: lines are written when calls end, workers write beside each
//! other, files of a rotated set may be given in any order. A call that is up to [`LATE`] behind the newest counts at the
//! newest. One that is further behind begins another stretch of time (another file, a clock that was set), which goes on
//! where the first one was: nothing that a caller has spent comes back by it, and nothing waits for a date that was wrong.
//! Calendars always see the call's own time.

use std::time::Duration;

use jiff::Timestamp;
use ratewarden_judge::Wall;
use ratewarden_limiter::{Calendar, Period, Time};

/// How far behind the newest a call may be and still be of the same stretch of time.
const LATE: i64 = 60_000;

/// When the first call is, as limits count: a time of zero is never.
const BEGIN: Duration = Duration::from_secs(3_600);

/// The clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventClock {
    /// The newest time of this stretch, in milliseconds since 1970.
    newest: Option<i64>,
    now: Time,
    wall: Timestamp,
    /// Calls that were behind the newest.
    pub(crate) late: u64,
    /// Stretches that began behind the one before.
    pub(crate) steps: u64,
}

impl EventClock {
    pub(crate) const fn new() -> Self {
        Self { newest: None, now: Time::START, wall: Timestamp::UNIX_EPOCH, late: 0, steps: 0 }
    }

    /// It is `at_ms` now.
    pub(crate) fn set(&mut self, at_ms: i64) {
        self.wall = Timestamp::from_millisecond(at_ms).unwrap_or(self.wall);
        let Some(newest) = self.newest else {
            self.newest = Some(at_ms);
            self.now = Time::START.after(BEGIN);
            return;
        };
        if at_ms >= newest {
            let passed = u64::try_from(at_ms.saturating_sub(newest)).unwrap_or(0);
            self.now = self.now.after(Duration::from_millis(passed));
            self.newest = Some(at_ms);
        } else if newest.saturating_sub(at_ms) <= LATE {
            self.late += 1;
        } else {
            self.steps += 1;
            self.newest = Some(at_ms);
        }
    }

    /// Now, for limits.
    pub(crate) const fn now(&self) -> Time {
        self.now
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
