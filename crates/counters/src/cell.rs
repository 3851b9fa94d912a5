//! One place of whichever table, and what can be done there.

use ratewarden_limiter::{Time, WindowState, WordRule};

use crate::key::Key;
use crate::slot::{Counts, Slot, store_counts, window_state};

/// Where a key stands: the kind of its table above, the index of its slot below. Their order is the order in which
/// places are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

/// A slot of whichever table.
pub(crate) enum Cell<'s> {
    Word(&'s Slot<()>),
    Wide(&'s Slot<Counts>),
    /// Everybody's who has no place; it belongs to a limit rather than to a key.
    Overflow(&'s Slot<Counts>),
}

impl Place {
    pub(crate) const WORDS: u64 = 0;
    pub(crate) const WORDS_VERIFIED: u64 = 1;
    pub(crate) const QUOTAS: u64 = 2;
    pub(crate) const QUOTAS_VERIFIED: u64 = 3;
    pub(crate) const WINDOWS: u64 = 4;
    pub(crate) const WINDOWS_VERIFIED: u64 = 5;
    const OVERFLOW: u64 = 6;

    const INDEX_BITS: u32 = 56;

    const fn new(kind: u64, index: usize) -> Self {
        Self(kind << Self::INDEX_BITS | index as u64)
    }

    pub(crate) const fn word(verified: bool, index: usize) -> Self {
        Self::new(Self::WORDS + verified as u64, index)
    }

    pub(crate) const fn quota(verified: bool, index: usize) -> Self {
        Self::new(Self::QUOTAS + verified as u64, index)
    }

    pub(crate) const fn window(verified: bool, index: usize) -> Self {
        Self::new(Self::WINDOWS + verified as u64, index)
    }

    /// The overflow bucket of the key's limit. Verified callers have one of their own, which no flood of made-up
    /// keys can empty.
    pub(crate) const fn overflow(key: &Key) -> Self {
        Self::new(Self::OVERFLOW, 2 * key.ordinal as usize + key.verified as usize)
    }

    pub(crate) const fn kind(self) -> u64 {
        self.0 >> Self::INDEX_BITS
    }

    pub(crate) const fn index(self) -> usize {
        (self.0 & ((1 << Self::INDEX_BITS) - 1)) as usize
    }

    pub(crate) const fn is_overflow(self) -> bool {
        self.kind() == Self::OVERFLOW
    }
}

impl Cell<'_> {
    /// Whether the place is the key's (an overflow bucket: its limit's). True only for an instant unless it is held.
    #[inline]
    pub(crate) fn is(&self, key: &Key) -> bool {
        match self {
            Self::Word(slot) => slot.is(key.id),
            Self::Wide(slot) => slot.is(key.id),
            Self::Overflow(slot) => slot.is(key.overflow_id()),
        }
    }

    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        match self {
            Self::Word(slot) => slot.peek(),
            Self::Wide(slot) | Self::Overflow(slot) => slot.peek(),
        }
    }

    /// Holds the place for the key and returns its word; `None`, and it is not held, when it is another's by now. An
    /// overflow bucket that was another limit's, of an earlier policy, begins anew.
    pub(crate) fn hold_for(&self, key: &Key) -> Option<u64> {
        let word = match self {
            Self::Word(slot) => slot.hold(),
            Self::Wide(slot) | Self::Overflow(slot) => slot.hold(),
        };
        if self.is(key) {
            return Some(word);
        }
        if let Self::Overflow(slot) = self {
            slot.give_to(key.overflow_id(), Time::NEVER);
            return Some(0);
        }
        self.release(word);
        None
    }

    /// Holds the place for the key if its word is still this one.
    #[inline]
    pub(crate) fn hold_at(&self, word: u64, key: &Key) -> bool {
        let held = match self {
            Self::Word(slot) => slot.hold_at(word),
            Self::Wide(slot) | Self::Overflow(slot) => slot.hold_at(word),
        };
        if held && !self.is(key) {
            self.release(word);
            return false;
        }
        held
    }

    #[inline]
    pub(crate) fn release(&self, word: u64) {
        match self {
            Self::Word(slot) => slot.release(word),
            Self::Wide(slot) | Self::Overflow(slot) => slot.release(word),
        }
    }

    #[inline]
    pub(crate) fn put(&self, word: u64, idle_at: Time) {
        match self {
            Self::Word(slot) => slot.put(word, idle_at),
            Self::Wide(slot) | Self::Overflow(slot) => slot.put(word, idle_at),
        }
    }

    /// Until when the held place must be kept for a new word. A quota's rule knows the end of the period it was made
    /// in; a call that began before the present period must not shorten it.
    #[inline]
    pub(crate) fn idle_after(&self, rule: WordRule, word: u64) -> Time {
        let idle_at = rule.idle_at(word);
        match (rule, self) {
            (WordRule::Quota(_), Self::Word(slot)) => idle_at.max(slot.idle_at()),
            _ => idle_at,
        }
    }

    /// The window's state; only while the place is held.
    pub(crate) fn window(&self, word: u64) -> WindowState {
        match self {
            Self::Word(_) => WindowState::default(),
            Self::Wide(slot) | Self::Overflow(slot) => window_state(word, &slot.extra),
        }
    }

    /// The window's state, from holding the place for a moment: its counters can only be read together.
    pub(crate) fn read_window(&self) -> WindowState {
        match self {
            Self::Word(_) => WindowState::default(),
            Self::Wide(slot) | Self::Overflow(slot) => {
                let word = slot.hold();
                let state = window_state(word, &slot.extra);
                slot.release(word);
                state
            }
        }
    }

    /// Puts a window's state back and lets go.
    pub(crate) fn put_window(&self, state: &WindowState, idle_at: Time) {
        if let Self::Wide(slot) | Self::Overflow(slot) = self {
            store_counts(&slot.extra, state);
            slot.put(state.newest, idle_at);
        }
    }
}
