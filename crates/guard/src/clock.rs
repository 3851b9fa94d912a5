//! The two clocks: one that never steps back, on which limits are counted, and the wall's.

use std::time::Instant;

use jiff::Timestamp;
use ratewarden_judge::Wall;
use ratewarden_limiter::{Calendar, Period, Time};

/// When the gateway began, and how long ago that is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Now, for limits.
    #[must_use]
    pub(crate) fn now(&self) -> Time {
        Time::START.after(self.start.elapsed())
    }

    /// Now, by the calendar.
    #[must_use]
    pub(crate) fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The same in milliseconds since 1970, as detectors count. It costs less than a calendar.
    #[must_use]
    pub(crate) fn unix_millis(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The same in seconds since 1970, as tokens count.
    #[must_use]
    pub(crate) fn unix_secs(&self) -> u64 {
        u64::try_from(self.wall().as_second()).unwrap_or(0)
    }
}

impl Wall for Clock {
    fn period(&self, calendar: &Calendar) -> Period {
        let (wall, now) = (self.wall(), self.now());
        let (index, ends) = calendar.period(wall);
        let left = ends.duration_since(wall).unsigned_abs();
        Period { index, ends: now.after(left) }
    }
}
