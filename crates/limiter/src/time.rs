//! Time as an argument.

use std::time::Duration;

/// Nanoseconds on a clock that never steps back, counted from when the store was made.
///
/// Limits are counted on this clock; only calendar quotas look at the wall clock as well, because their periods
/// begin when a calendar says so. A `u64` of nanoseconds lasts 584 years; [`Gcra`](crate::Gcra) is the narrowest
/// user and lasts 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Time(u64);

impl Time {
    /// The instant the store was made.
    pub const START: Self = Self(0);
    /// Later than every other time.
    pub const NEVER: Self = Self(u64::MAX);

    /// `nanos` after the start.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[inline]
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// This much later; [`Time::NEVER`] when that is beyond what can be told.
    #[inline]
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).map_or(u64::MAX, |nanos| self.0.saturating_add(nanos)))
    }

    /// From `earlier` to this; zero when `earlier` is later.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
