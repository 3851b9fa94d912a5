//! The sliding window: at most N calls in *any* window, in constant memory.
//!
//! A log of every call is exact but grows with N; the usual weighted pair of counters is small but only right on
//! average, and admits up to twice N when calls come in bursts. Here the window is cut into [`SLICES`] slices,
//! each with a counter, and a call is taken to have come at the *end* of its slice. So no window ever holds more
//! than N calls, and what is given away is at most one slice: N calls are admitted again after at most
//! `window · (1 + 1/SLICES)`.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::algorithm::InvalidLimit;
use crate::rule::{Rejection, Retry, Standing};
use crate::time::Time;

/// Slices in a window; one more counter is kept, for the slice that is partly outside.
pub const SLICES: u64 = 15;

const COUNTERS: usize = 16;

/// At most `calls` in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlidingWindow {
    calls: u32,
    /// Nanoseconds, at least 1.
    slice: u64,
}

/// What is kept of a key: the newest slice in which a call was admitted, and the calls of it and of the
/// slices before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WindowState {
    /// The number of the newest slice since the start; counters of later slices are zero.
    pub newest: u64,
    /// The calls of slice `s` at `s % 16`.
    pub counts: [u32; COUNTERS],
}

impl SlidingWindow {
    /// At most `calls` in any `window`.
    ///
    /// # Errors
    /// When the window is over two years, or shorter than a microsecond.
    pub fn new(calls: NonZeroU32, window: Duration) -> Result<Self, InvalidLimit> {
        if window > Duration::from_secs(2 * 366 * 86_400) {
            return Err(InvalidLimit::TooSlow);
        }
        let slice = u64::try_from(window.as_nanos().div_ceil(u128::from(SLICES))).unwrap_or(u64::MAX);
        if slice < 1_000 / SLICES {
            return Err(InvalidLimit::TooFast);
        }
        Ok(Self { calls: calls.get(), slice })
    }

    /// Calls in a window.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls as u64
    }

    /// Nanoseconds of a slice: what a state of this rule counts in.
    pub(crate) const fn slice(&self) -> u64 {
        self.slice
    }

    /// Admits `cost` calls at `now`, returning the new state.
    ///
    /// # Errors
    /// The retry time when the window is full; [`Retry::Never`] when it never holds that many.
    pub fn step(&self, state: &WindowState, cost: u64, now: Time) -> Result<WindowState, Rejection> {
        let cost = match u32::try_from(cost) {
            Ok(cost) if cost <= self.calls => cost,
            _ => return Err(Rejection { retry: Retry::Never }),
        };
        let mut next = self.moved(state, now);
        let used = next.sum();
        if used + u64::from(cost) <= self.calls() {
            next.counts[index(next.newest)] += cost;
            return Ok(next);
        }
        let free_at = self.free_at(&next, used + u64::from(cost) - self.calls());
        Err(Rejection { retry: Retry::After(free_at.since(now)) })
    }

    /// Charges `cost` after the fact, up to what the counter of the slice can hold.
    #[must_use]
    pub fn settle(&self, state: &WindowState, cost: u64, now: Time) -> WindowState {
        let mut next = self.moved(state, now);
        let count = &mut next.counts[index(next.newest)];
        *count = count.saturating_add(u32::try_from(cost).unwrap_or(u32::MAX));
        next
    }

    /// Gives back up to `cost` calls, the newest first.
    #[must_use]
    pub fn refund(&self, state: &WindowState, cost: u64) -> WindowState {
        let mut next = *state;
        let mut left = cost;
        for back in 0..COUNTERS as u64 {
            let count = &mut next.counts[index(state.newest.wrapping_sub(back))];
            let taken = left.min(u64::from(*count));
            *count -= u32::try_from(taken).unwrap_or(0);
            left -= taken;
        }
        next
    }

    /// What is left of the window.
    #[must_use]
    pub fn standing(&self, state: &WindowState, now: Time) -> Standing {
        let moved = self.moved(state, now);
        let used = moved.sum();
        let reset = if used == 0 { Duration::ZERO } else { self.free_at(&moved, used).since(now) };
        Standing { limit: self.calls(), remaining: self.calls().saturating_sub(used), reset }
    }

    /// When the last call has left the window and the state can be forgotten without loss.
    #[must_use]
    pub fn idle_at(&self, state: &WindowState) -> Time {
        Time::from_nanos(state.newest.saturating_add(SLICES + 1).saturating_mul(self.slice))
    }

    /// The state with the slices that have left the window at zero, its newest slice the one of `now`. A `now`
    /// before the newest slice (two threads, each with a clock reading of its own) counts in the newest.
    fn moved(&self, state: &WindowState, now: Time) -> WindowState {
        let current = (now.nanos() / self.slice).max(state.newest);
        let mut next = *state;
        let passed = (current - state.newest).min(COUNTERS as u64);
        for slice in 0..passed {
            next.counts[index(current - slice)] = 0;
        }
        next.newest = current;
        next
    }

    /// When at least `excess` of the calls counted have left the window.
    fn free_at(&self, state: &WindowState, excess: u64) -> Time {
        let mut freed = 0;
        let oldest = state.newest.saturating_sub(SLICES);
        for slice in oldest..=state.newest {
            freed += u64::from(state.counts[index(slice)]);
            if freed >= excess {
                return Time::from_nanos((slice + SLICES + 1).saturating_mul(self.slice));
            }
        }
        self.idle_at(state)
    }
}

impl WindowState {
    fn sum(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is a remainder of 16")]
const fn index(slice: u64) -> usize {
    (slice % COUNTERS as u64) as usize
}
