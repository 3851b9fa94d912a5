//! Calls under way at once.

use crate::rule::{Rejection, Retry, Standing};
use crate::time::Time;
use std::num::NonZeroU64;
use std::time::Duration;

/// At most `limit` calls of a key under way.
///
/// Nobody can say when one ends, so a rejection's retry time is a second by convention; it is the only
/// algorithm whose retry time is not a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    limit: u64,
}

const MOST: u64 = 1 << 62;

impl Concurrency {
    /// What a rejected call is told to wait.
    pub const RETRY: Duration = Duration::from_secs(1);

    /// At most `limit` at a time; more than 2^62 are 2^62, because the top bit of a word belongs to the store.
    #[must_use]
    pub const fn new(limit: NonZeroU64) -> Self {
        let limit = limit.get();
        Self { limit: if limit > MOST { MOST } else { limit } }
    }

    /// Calls at a time.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes `cost` places, returning the new word.
    ///
    /// # Errors
    /// When too few are free, or there are not that many at all.
    #[inline]
    pub fn step(&self, word: u64, cost: u64) -> Result<u64, Rejection> {
        if cost > self.limit {
            return Err(Rejection { retry: Retry::Never });
        }
        match word.checked_add(cost) {
            Some(used) if used <= self.limit => Ok(used),
            _ => Err(Rejection { retry: Retry::After(Self::RETRY) }),
        }
    }

    /// Gives `cost` places back when the call has ended.
    #[must_use]
    #[inline]
    pub const fn release(word: u64, cost: u64) -> u64 {
        word.saturating_sub(cost)
    }

    /// What is free.
    #[must_use]
    pub const fn standing(&self, word: u64) -> Standing {
        let remaining = self.limit.saturating_sub(word);
        let reset = if word == 0 { Duration::ZERO } else { Self::RETRY };
        Standing { limit: self.limit, remaining, reset }
    }

    /// A key with calls under way is never forgotten.
    #[must_use]
    #[inline]
    pub const fn idle_at(word: u64) -> Time {
        if word == 0 { Time::START } else { Time::NEVER }
    }
}
