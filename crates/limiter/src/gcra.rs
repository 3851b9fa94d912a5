//! The token bucket, kept as one arrival time (GCRA).
//!
//! A bucket of `burst` tokens refilled at `rate` is the same limiter as ITU-T I.371's generic cell rate
//! algorithm: remember the *theoretical arrival time* (TAT), the instant at which the bucket would be full
//! again. A call of cost `c` is admitted when `max(TAT, now) + c·T ≤ now + burst·T`, where T is the time one
//! token takes to come; the new TAT is the left side. One word holds it, an idle key needs no sweep (its TAT lies
//! in the past), and the retry time is a subtraction.
//!
//! The floor is `now`, never `now − tolerance`: a floor in the past is the well-known mistake that lets a key
//! that was idle have almost two bursts at once.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::algorithm::InvalidLimit;
use crate::rule::{Rejection, Retry, Standing};
use crate::time::Time;

/// Fractions of a nanosecond in which arrival times are kept: T is rounded up to one of them, so a rate is
/// never exceeded and falls short by at most one part in `16·T`(ns): one call in 1.6 million at 10 000/s.
const TICKS_PER_NANO: u64 = 16;

/// A clock that runs on beyond this stands still: 9 years. With [`MAX_TOLERANCE`] it keeps every sum below 2^63,
/// because the top bit of a word belongs to the store.
const MAX_NOW: u64 = 1 << 62;

/// The longest time a full burst may take to come: 2.2 years.
const MAX_TOLERANCE: u64 = 1 << 60;

/// A rate with a burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcra {
    /// Ticks one token takes to come, at least 1.
    interval: u64,
    /// `burst` tokens, in ticks.
    tolerance: u64,
    burst: u64,
}

impl Gcra {
    /// `calls` in `per`, of which `burst` may come at once.
    ///
    /// # Errors
    /// When the rate is over 100 million calls a second, or a full burst takes longer than 2.2 years to come.
    pub fn new(calls: NonZeroU64, per: Duration, burst: NonZeroU64) -> Result<Self, InvalidLimit> {
        let ticks = per.as_nanos().saturating_mul(u128::from(TICKS_PER_NANO));
        let interval = ticks.div_ceil(u128::from(calls.get()));
        if ticks < u128::from(calls.get()) * 10 * u128::from(TICKS_PER_NANO) {
            return Err(InvalidLimit::TooFast);
        }
        let tolerance = interval.saturating_mul(u128::from(burst.get()));
        if tolerance > u128::from(MAX_TOLERANCE) {
            return Err(InvalidLimit::TooSlow);
        }
        let narrow = |wide: u128| u64::try_from(wide).map_err(|_| InvalidLimit::TooSlow);
        Ok(Self { interval: narrow(interval)?, tolerance: narrow(tolerance)?, burst: burst.get() })
    }

    /// Tokens a full bucket holds.
    #[must_use]
    pub const fn burst(&self) -> u64 {
        self.burst
    }

    /// The time one token takes to come, in sixteenths of a nanosecond: what a word of this rule counts in.
    pub(crate) const fn interval(&self) -> u64 {
        self.interval
    }

    /// The time in which an empty bucket becomes full.
    #[must_use]
    pub const fn refill(&self) -> Duration {
        Duration::from_nanos(self.tolerance.div_ceil(TICKS_PER_NANO))
    }

    /// Admits a call of `cost` tokens at `now`, returning the new word, or says when it would be admitted.
    ///
    /// A cost of 0 is admitted unless the key is in debt (see [`Gcra::settle`]).
    ///
    /// # Errors
    /// The retry time when the bucket has too few tokens; [`Retry::Never`] when it never has that many.
    #[inline]
    pub fn step(&self, word: u64, cost: u64, now: Time) -> Result<u64, Rejection> {
        if cost > self.burst {
            return Err(Rejection { retry: Retry::Never });
        }
        let now = ticks(now);
        let full_at = word.max(now) + cost * self.interval;
        let latest = now + self.tolerance;
        if full_at <= latest {
            return Ok(full_at);
        }
        Err(Rejection {
            retry: Retry::After(Duration::from_nanos((full_at - latest).div_ceil(TICKS_PER_NANO))),
        })
    }

    /// Charges `cost` after the fact, whether the bucket has it or not: what is missing becomes a debt that is
    /// paid off at the same rate, of at most one further burst.
    #[must_use]
    #[inline]
    pub fn settle(&self, word: u64, cost: u64, now: Time) -> u64 {
        let now = ticks(now);
        let deepest = now + 2 * self.tolerance;
        word.max(now).saturating_add(cost.saturating_mul(self.interval)).min(deepest).max(word)
    }

    /// Gives back `cost` tokens that a call turned out not to use; never more than the key has spent.
    #[must_use]
    #[inline]
    pub fn refund(&self, word: u64, cost: u64) -> u64 {
        word.saturating_sub(cost.saturating_mul(self.interval))
    }

    /// What a key with this word has left.
    #[must_use]
    pub fn standing(&self, word: u64, now: Time) -> Standing {
        let now = ticks(now);
        let owed = word.saturating_sub(now);
        Standing {
            limit: self.burst,
            remaining: self.tolerance.saturating_sub(owed) / self.interval,
            reset: Duration::from_nanos(owed.div_ceil(TICKS_PER_NANO)),
        }
    }

    /// When the bucket is full again and the word can be forgotten without loss.
    #[must_use]
    #[inline]
    pub const fn idle_at(word: u64) -> Time {
        Time::from_nanos(word.div_ceil(TICKS_PER_NANO))
    }
}

#[inline]
fn ticks(now: Time) -> u64 {
    now.nanos().saturating_mul(TICKS_PER_NANO).min(MAX_NOW)
}
