//! The token bucket of the second demo: one bucket for each client address.
//!
//! Integers only. A token is 10^9 parts and `rate_per_s` parts come back each nanosecond, so nothing is ever rounded
//! and "retry in X" is exact. A rejected call spends nothing.
//!
//! The map of addresses has a cap. When it is full, buckets that have filled up again are forgotten, for a full bucket
//! is what a new address gets anyway; if there are none, new addresses share one bucket, so that strangers can never
//! push a known caller out of memory, nor get in without being counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// The most addresses that have a bucket of their own.
pub const MAX_ADDRESSES: usize = 10_000;

/// Parts of one token.
const TOKEN: u128 = 1_000_000_000;

/// The limit itself: so many calls a second, so many at once from idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenBucket {
    /// Tokens that come back each second.
    pub rate_per_s: NonZeroU32,
    /// Tokens in a full bucket.
    pub burst: NonZeroU32,
}

impl Default for TokenBucket {
    /// 10 calls a second, 20 at once.
    fn default() -> Self {
        Self { rate_per_s: NonZeroU32::MIN.saturating_add(9), burst: NonZeroU32::MIN.saturating_add(19) }
    }
}

impl TokenBucket {
    /// A bucket; None where a figure is zero, for zero would mean "never" here and "unlimited" elsewhere.
    #[must_use]
    pub const fn new(rate_per_s: u32, burst: u32) -> Option<Self> {
        match (NonZeroU32::new(rate_per_s), NonZeroU32::new(burst)) {
            (Some(rate_per_s), Some(burst)) => Some(Self { rate_per_s, burst }),
            _ => None,
        }
    }

    /// Whole seconds in which an empty bucket fills up, rounded up: the window that is published.
    #[must_use]
    pub fn fill_secs(&self) -> u32 {
        self.burst.get().div_ceil(self.rate_per_s.get())
    }

    const fn capacity(self) -> u128 {
        self.burst.get() as u128 * TOKEN
    }

    /// How long until `parts` have come back, rounded up to the nanosecond.
    fn time_for(self, parts: u128) -> Duration {
        let nanos = parts.div_ceil(u128::from(self.rate_per_s.get()));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may pass.
    Admitted {
        /// Whole tokens that are left.
        remaining: u32,
        /// Until the bucket is full again.
        full_in: Duration,
    },
    /// It may not.
    Rejected {
        /// A call after exactly this long is admitted if nothing else is sent.
        retry_in: Duration,
        /// Until the bucket is full again.
        full_in: Duration,
    },
}

/// The state of one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    parts: u128,
    at: Duration,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn full(limit: TokenBucket, now: Duration) -> Self {
        Self { parts: limit.capacity(), at: now }
    }

    /// Decides on one call at `now`, counted from any fixed instant. Time that runs backwards is taken to stand still.
    pub fn decide(&mut self, limit: TokenBucket, now: Duration) -> Decision {
        self.refill(limit, now);
        let admitted = self.parts >= TOKEN;
        if admitted {
            self.parts -= TOKEN;
        }
        let full_in = limit.time_for(limit.capacity() - self.parts);
        if admitted {
            let remaining = u32::try_from(self.parts / TOKEN).unwrap_or(u32::MAX);
            Decision::Admitted { remaining, full_in }
        } else {
            Decision::Rejected { retry_in: limit.time_for(TOKEN - self.parts), full_in }
        }
    }

    fn refill(&mut self, limit: TokenBucket, now: Duration) {
        let gained = now.saturating_sub(self.at).as_nanos().saturating_mul(limit.rate_per_s.get().into());
        self.parts = self.parts.saturating_add(gained).min(limit.capacity());
        self.at = self.at.max(now);
    }

    fn is_full(mut self, limit: TokenBucket, now: Duration) -> bool {
        self.refill(limit, now);
        self.parts == limit.capacity()
    }
}

/// The buckets of all addresses.
#[derive(Debug)]
pub struct Buckets {
    limit: TokenBucket,
    cap: usize,
    known: HashMap<IpAddr, Bucket>,
    strangers: Bucket,
    swept: Option<Duration>,
}

impl Buckets {
    /// No address is known yet. At most `cap` get a bucket of their own; with 0, all share one.
    #[must_use]
    pub fn new(limit: TokenBucket, cap: usize) -> Self {
        let strangers = Bucket::full(limit, Duration::ZERO);
        Self { limit, cap, known: HashMap::new(), strangers, swept: None }
    }

    /// Decides on one call.
    pub fn decide(&mut self, address: IpAddr, now: Duration) -> Decision {
        if let Some(bucket) = self.known.get_mut(&address) {
            return bucket.decide(self.limit, now);
        }
        if self.known.len() >= self.cap {
            self.forget_idle(now);
        }
        if self.known.len() >= self.cap {
            return self.strangers.decide(self.limit, now);
        }
        self.known.entry(address).or_insert_with(|| Bucket::full(self.limit, now)).decide(self.limit, now)
    }

    /// Addresses with a bucket of their own.
    #[must_use]
    pub fn known(&self) -> usize {
        self.known.len()
    }

    /// At most once a second, so that a flood of strangers does not make every call cost the whole map.
    fn forget_idle(&mut self, now: Duration) {
        if self.swept.is_some_and(|swept| now < swept + Duration::from_secs(1)) {
            return;
        }
        self.swept = Some(now);
        let limit = self.limit;
        self.known.retain(|_, bucket| !bucket.is_full(limit, now));
    }
}

#[cfg(test)]
mod tests;
