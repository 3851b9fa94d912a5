//! One key's place: its id, its word, and when it may be given away.

use ratewarden_limiter::{Time, WindowState};

use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{spin_loop, yield_now};

/// The top bit of a word: somebody is changing the slot.
const LOCKED: u64 = 1 << 63;

/// Tries before a waiting thread lets others run: the holder may have been put to sleep.
const SPINS: u32 = 64;

/// 32 bytes, two to a cache line, beside what a sliding window adds.
#[derive(Debug, Default)]
pub(crate) struct Slot<E> {
    id_high: AtomicU64,
    id_low: AtomicU64,
    word: AtomicU64,
    idle_at: AtomicU64,
    pub(crate) extra: E,
}

/// What a sliding window keeps beside the word, which numbers its newest slice.
pub(crate) type Counts = [AtomicU32; 16];

impl<E> Slot<E> {
    /// Whether the slot is this key's. True only for an instant unless the slot is held.
    pub(crate) fn is(&self, id: u128) -> bool {
        let (high, low) = halves(id);
        self.id_low.load(Ordering::Acquire) == low && self.id_high.load(Ordering::Acquire) == high
    }

    /// Never used since the store was made.
    pub(crate) fn is_empty(&self) -> bool {
        self.is(0)
    }

    /// The id; meaningful while the slot is held.
    pub(crate) fn id(&self) -> u128 {
        let high = u128::from(self.id_high.load(Ordering::Acquire));
        (high << 64) | u128::from(self.id_low.load(Ordering::Acquire))
    }

    /// The word as it is, or as it was before somebody began to change it.
    pub(crate) fn peek(&self) -> u64 {
        self.word.load(Ordering::Acquire) & !LOCKED
    }

    pub(crate) fn idle_at(&self) -> Time {
        Time::from_nanos(self.idle_at.load(Ordering::Acquire))
    }

    /// Waits until nobody holds the slot, and holds it until its word is put back. Returns the word.
    pub(crate) fn hold(&self) -> u64 {
        let mut spins = 0_u32;
        loop {
            let word = self.word.load(Ordering::Relaxed);
            let free = word & LOCKED == 0;
            if free
                && self
                    .word
                    .compare_exchange_weak(word, word | LOCKED, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
            {
                return word;
            }
            spins += 1;
            if spins.is_multiple_of(SPINS) {
                yield_now();
            } else {
                spin_loop();
            }
        }
    }

    /// Puts the word back as it was.
    pub(crate) fn release(&self, word: u64) {
        self.word.store(word, Ordering::Release);
    }

    /// Puts a new word back. `idle_at` is stored first, so nobody sees the new word with the old time.
    pub(crate) fn put(&self, word: u64, idle_at: Time) {
        self.idle_at.store(idle_at.nanos(), Ordering::Relaxed);
        self.word.store(word & !LOCKED, Ordering::Release);
    }

    /// Gives the held slot to another key, with a fresh state that is kept until `idle_at`.
    pub(crate) fn give_to(&self, id: u128, idle_at: Time) {
        let (high, low) = halves(id);
        self.id_high.store(high, Ordering::Relaxed);
        self.id_low.store(low, Ordering::Release);
        self.put(0, idle_at);
    }
}

/// What a slot has beside its word; cleared when the slot changes hands.
pub(crate) trait Extra: Default {
    fn clear(&self);
}

impl Extra for () {
    fn clear(&self) {}
}

impl Extra for Counts {
    fn clear(&self) {
        for count in self {
            count.store(0, Ordering::Relaxed);
        }
    }
}

/// A window's state from its parts; only while the slot is held.
pub(crate) fn window_state(newest: u64, counts: &Counts) -> WindowState {
    let mut state = WindowState { newest, ..WindowState::default() };
    for (to, from) in state.counts.iter_mut().zip(counts) {
        *to = from.load(Ordering::Relaxed);
    }
    state
}

/// Writes a window's counters; only while the slot is held.
pub(crate) fn store_counts(counts: &Counts, state: &WindowState) {
    for (to, from) in counts.iter().zip(&state.counts) {
        to.store(*from, Ordering::Relaxed);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of a 128-bit id")]
const fn halves(id: u128) -> (u64, u64) {
    ((id >> 64) as u64, id as u64)
}
