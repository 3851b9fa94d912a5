//! One decision on one key.

use std::time::Duration;

use crate::calendar::QuotaRule;
use crate::concurrency::Concurrency;
use crate::gcra::Gcra;
use crate::time::Time;
use crate::window::SlidingWindow;

/// What is applied to a key's state: an [`Algorithm`](crate::Algorithm) at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The state is one word.
    Word(WordRule),
    /// The state is a [`WindowState`](crate::WindowState).
    Window(SlidingWindow),
}

/// A rule whose state is one word below 2^63; 0 is a key that was never seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordRule {
    /// A token bucket.
    Gcra(Gcra),
    /// A calendar quota.
    Quota(QuotaRule),
    /// Calls under way.
    Concurrency(Concurrency),
}

/// A call that a limit does not admit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// When it would be.
    pub retry: Retry,
}

/// When a rejected call would be admitted, if nobody else came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After this long, and not before.
    After(Duration),
    /// It costs more than the limit ever has.
    Never,
}

/// What a key has left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The most that is there when nothing is spent.
    pub limit: u64,
    /// What is there now.
    pub remaining: u64,
    /// Until all of it is there again.
    pub reset: Duration,
}

impl Retry {
    /// The later of the two: a call that two limits reject is admitted when both admit it.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        match (self, other) {
            (Self::After(one), Self::After(two)) => Self::After(one.max(two)),
            _ => Self::Never,
        }
    }
}

impl WordRule {
    /// Admits a call of `cost` at `now`, returning the new word.
    ///
    /// # Errors
    /// With the retry time when the call is over the limit; the state is then unchanged.
    #[inline]
    pub fn step(&self, word: u64, cost: u64, now: Time) -> Result<u64, Rejection> {
        match self {
            Self::Gcra(gcra) => gcra.step(word, cost, now),
            Self::Quota(quota) => quota.step(word, cost, now),
            Self::Concurrency(concurrency) => concurrency.step(word, cost),
        }
    }

    /// Charges `cost` after the fact, whether it is there or not.
    #[must_use]
    #[inline]
    pub fn settle(&self, word: u64, cost: u64, now: Time) -> u64 {
        match self {
            Self::Gcra(gcra) => gcra.settle(word, cost, now),
            Self::Quota(quota) => quota.settle(word, cost),
            Self::Concurrency(_) => word,
        }
    }

    /// Gives back `cost`: a refund, or the places of a call that has ended.
    #[must_use]
    #[inline]
    pub fn refund(&self, word: u64, cost: u64) -> u64 {
        match self {
            Self::Gcra(gcra) => gcra.refund(word, cost),
            Self::Quota(quota) => quota.refund(word, cost),
            Self::Concurrency(_) => Concurrency::release(word, cost),
        }
    }

    /// What a key with this word has left.
    #[must_use]
    pub fn standing(&self, word: u64, now: Time) -> Standing {
        match self {
            Self::Gcra(gcra) => gcra.standing(word, now),
            Self::Quota(quota) => quota.standing(word, now),
            Self::Concurrency(concurrency) => concurrency.standing(word),
        }
    }

    /// When the word can be forgotten without loss.
    #[must_use]
    #[inline]
    pub fn idle_at(&self, word: u64) -> Time {
        match self {
            Self::Gcra(_) => Gcra::idle_at(word),
            Self::Quota(quota) => quota.idle_at(),
            Self::Concurrency(_) => Concurrency::idle_at(word),
        }
    }
}
