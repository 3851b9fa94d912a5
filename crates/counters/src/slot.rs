//! One key's place: its id, its word, and when it may be given away.

use ratewarden_limiter::{Time, WindowState};

use crate::key::Id;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sync::{spin_loop, yield_now};

/// The top bit of a word: somebody is changing the slot.
const LOCKED: u64 = 1 << 63;

/// Tries before a waiting thread lets others run: the holder may have been put to sleep.
const SPINS: u32 = 64;

/// 32 bytes, two to a cache line, beside what a sliding window adds.
#[derive(Debug, Default)]
#[repr(align(32))]
pub(crate) struct Slot<E> {
    id_high: AtomicU64,
    id_low: AtomicU64,
    word: AtomicU64,
    idle_at: AtomicU64,
    pub(crate) extra: E,
}

/// What a sliding window keeps beside the word, which numbers its newest slice.
pub(crate) type Counts = [AtomicU32; 16];

impl<E: Extra> Slot<E> {
    /// Whether the slot is this key's. True only for an instant unless the slot is held.
    #[inline]
    pub(crate) fn is(&self, id: Id) -> bool {
        self.id_low.load(Ordering::Acquire) == id.low && self.id_high.load(Ordering::Acquire) == id.high
    }

    /// Never used since the store was made.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.is(Id::NOBODY)
    }

    /// The id; meaningful while the slot is held.
    pub(crate) fn id(&self) -> Id {
        Id { high: self.id_high.load(Ordering::Acquire), low: self.id_low.load(Ordering::Acquire) }
    }

    /// The word as it is, or as it was before somebody began to change it.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        self.word.load(Ordering::Acquire) & !LOCKED
    }

    #[inline]
    pub(crate) fn idle_at(&self) -> Time {
        Time::from_nanos(self.idle_at.load(Ordering::Acquire))
    }

    /// Holds the slot if nobody does and its word is this one.
    #[inline]
    pub(crate) fn hold_at(&self, word: u64) -> bool {
        self.word.compare_exchange(word, word | LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Waits until nobody holds the slot, and holds it until its word is put back. Returns the word.
    pub(crate) fn hold(&self) -> u64 {
        let mut spins = 0_u32;
        loop {
            let word = self.word.load(Ordering::Relaxed);
            if word & LOCKED == 0 && self.hold_at(word) {
                return word;
            }
            spins = spins.wrapping_add(1);
            if spins.is_multiple_of(SPINS) {
                yield_now();
            } else {
                spin_loop();
            }
        }
    }

    /// Puts the word back as it was.
    #[inline]
    pub(crate) fn release(&self, word: u64) {
        self.word.store(word, Ordering::Release);
    }

    /// Puts a new word back. `idle_at` is stored first, so nobody sees the new word with the old time.
    #[inline]
    pub(crate) fn put(&self, word: u64, idle_at: Time) {
        self.idle_at.store(idle_at.nanos(), Ordering::Relaxed);
        self.word.store(word & !LOCKED, Ordering::Release);
    }

    /// Gives the held slot to another key, with a state of nothing spent that is kept until `idle_at`; it stays
    /// held. The old state is gone before the new name stands there, so who reads the name reads no other's state.
    pub(crate) fn give_to(&self, id: Id, idle_at: Time) {
        self.word.store(LOCKED, Ordering::Relaxed);
        self.idle_at.store(idle_at.nanos(), Ordering::Relaxed);
        self.extra.clear();
        self.id_high.store(id.high, Ordering::Release);
        self.id_low.store(id.low, Ordering::Release);
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
