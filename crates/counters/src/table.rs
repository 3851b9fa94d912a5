//! A fixed array of slots in which keys stand near their home.

use std::sync::PoisonError;
use std::time::Duration;

use ratewarden_limiter::Time;

use crate::key::Key;
use crate::slot::{Extra, Slot};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Slots from its home on in which a key may stand. Long enough that a table four fifths full has a place for
/// all but one new key in many thousands, short enough to be read in under a microsecond.
pub(crate) const PROBES: usize = 48;

/// Locks against two threads placing the same new key twice; a key's lock follows from its home.
const STRIPES: usize = 64;

/// A new key that was not charged (another limit rejected the call) is kept this long.
const UNCHARGED: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Table<E> {
    slots: Box<[Slot<E>]>,
    stripes: Box<[Mutex<()>]>,
    /// Slots that were ever used; they are never emptied, only replaced.
    used: AtomicU64,
    /// A bit for each slot that has changed since somebody last asked.
    changed: Box<[AtomicU64]>,
}

impl<E: Extra> Table<E> {
    /// Room for `keys` keys: a quarter more slots, so that probes stay short.
    pub(crate) fn new(keys: usize) -> Self {
        let slots = (keys + keys / 4).max(PROBES);
        Self {
            slots: (0..slots).map(|_| Slot::default()).collect(),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            used: AtomicU64::new(0),
            changed: (0..slots.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(crate) fn slot(&self, index: usize) -> Option<&Slot<E>> {
        self.slots.get(index)
    }

    /// Bytes of the table.
    pub(crate) fn bytes(&self) -> usize {
        std::mem::size_of_val(&*self.slots)
    }

    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Remembers that a slot has changed.
    pub(crate) fn mark(&self, index: usize) {
        let bit = 1 << (index % 64);
        if let Some(word) = self.changed.get(index / 64)
            && word.load(Ordering::Relaxed) & bit == 0
        {
            word.fetch_or(bit, Ordering::Release);
        }
    }

    /// The slots that have changed since the last call.
    pub(crate) fn take_changed(&self) -> impl Iterator<Item = &Slot<E>> {
        self.changed.iter().enumerate().flat_map(move |(index, word)| {
            let bits = if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::Acquire) };
            (0..64)
                .filter(move |bit| bits & (1_u64 << bit) != 0)
                .filter_map(move |bit| self.slot(index * 64 + bit))
        })
    }

    /// Where the key stands, if it does.
    #[inline]
    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        for index in self.probes(key) {
            let slot = self.slots.get(index)?;
            if slot.is(key.id) {
                return Some(index);
            }
            if slot.is_empty() {
                return None;
            }
        }
        None
    }

    /// Where the key stands, placing it where it does not; `None` when all its places are in use.
    pub(crate) fn find_or_place(&self, key: &Key, now: Time) -> Option<usize> {
        if let Some(index) = self.find(key) {
            return Some(index);
        }
        let stripe = self.stripes.get((key.id % STRIPES as u128) as usize)?;
        let _placing = stripe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = self.find(key) {
            return Some(index);
        }
        self.probes(key).find(|&index| self.place_at(index, key, now))
    }

    fn place_at(&self, index: usize, key: &Key, now: Time) -> bool {
        let Some(slot) = self.slots.get(index) else { return false };
        if !slot.is_empty() && slot.idle_at() > now {
            return false;
        }
        let held = slot.hold();
        let empty = slot.id() == 0;
        if !empty && slot.idle_at() > now {
            slot.release(held);
            return false;
        }
        if empty {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        slot.extra.clear();
        slot.give_to(key.id, now.after(UNCHARGED));
        true
    }

    fn probes(&self, key: &Key) -> impl Iterator<Item = usize> {
        let slots = self.slots.len();
        // The home is spread over the array by multiplication; a remainder would cost a division.
        let home = ((u128::from(key.home) * slots as u128) >> 64) as usize + usize::from(key.ordinal);
        (home..home + PROBES).map(move |place| if place < slots { place } else { place % slots })
    }
}
