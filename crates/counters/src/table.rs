//! A fixed array of slots in which keys stand near their home.

use std::sync::PoisonError;
use std::time::Duration;

use ratewarden_limiter::Time;

use crate::key::Key;
use crate::slot::{Extra, Slot};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Slots from a home on in which a key may stand. A key has two homes: the first it shares with its caller's other
/// limits, so that what one call touches lies side by side; the second is its own. Filled to the capacity, fewer
/// than one caller in a thousand finds both full (`tests/places.rs`).
#[cfg(not(feature = "shuttle"))]
pub(crate) const REACH: usize = 32;
// So few that keys take each other's places all the time.
#[cfg(feature = "shuttle")]
pub(crate) const REACH: usize = 4;

/// A key stands at its first home if there is room this near, else where its neighbourhood is less crowded. Always
/// trying the whole first home left 6 % of callers with five limits without a place.
const NEAR: usize = 4;

/// Locks against two threads placing the same new key twice; a key's lock follows from its id.
#[cfg(not(feature = "shuttle"))]
const STRIPES: usize = 64;
#[cfg(feature = "shuttle")]
const STRIPES: usize = 2;

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

/// What stands where a key could stand.
enum Search {
    /// The key.
    Found(usize),
    /// Not the key; the first slot that could be given to it.
    Free(usize),
    /// Others, all in use.
    Full,
}

impl<E: Extra> Table<E> {
    /// Room for `keys` keys: half as many slots again, so that keys stand near their homes.
    pub(crate) fn new(keys: usize) -> Self {
        let slots = keys.saturating_add(keys / 2).max(REACH) + REACH;
        Self {
            slots: (0..slots).map(|_| Slot::default()).collect(),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            used: AtomicU64::new(0),
            changed: (0..slots.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    #[inline]
    pub(crate) fn slot(&self, index: usize) -> Option<&Slot<E>> {
        self.slots.get(index)
    }

    /// Bytes of the table.
    pub(crate) fn bytes(&self) -> usize {
        std::mem::size_of_val(&*self.slots) + std::mem::size_of_val(&*self.changed)
    }

    pub(crate) fn places(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Remembers that a slot changes; called while it is held. Whoever takes the bits holds the slot afterwards, so a
    /// bit seen as set here is taken by somebody who has yet to read the slot.
    pub(crate) fn mark(&self, index: usize) {
        let bit = 1 << (index % 64);
        if let Some(word) = self.changed.get(index / 64)
            && word.load(Ordering::Relaxed) & bit == 0
        {
            word.fetch_or(bit, Ordering::Release);
        }
    }

    /// The slots that have changed since the last call; hold each to read it.
    #[expect(dead_code, reason = "for the journal, which is being written")]
    pub(crate) fn take_changed(&self) -> impl Iterator<Item = usize> {
        self.changed.iter().enumerate().flat_map(|(index, word)| {
            let bits = if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::AcqRel) };
            (0..64).filter(move |bit| bits & (1_u64 << bit) != 0).map(move |bit| index * 64 + bit)
        })
    }

    /// Where the key stands, if it does.
    #[inline]
    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        let first = self.home(key.home);
        for (offset, slot) in self.near(first).iter().enumerate() {
            if slot.is(key.id) {
                return Some(first + offset);
            }
            // Slots are never emptied, and a key is placed in one that is empty this near if there is one.
            if slot.is_empty() {
                if offset < NEAR {
                    return None;
                }
                break;
            }
        }
        self.find_at_second(key)
    }

    #[cold]
    fn find_at_second(&self, key: &Key) -> Option<usize> {
        let second = self.home(key.second_home);
        for (offset, slot) in self.near(second).iter().enumerate() {
            if slot.is(key.id) {
                return Some(second + offset);
            }
            if slot.is_empty() {
                return None;
            }
        }
        None
    }

    /// Where the key stands, placing it where it does not; `None` when all its places are in use. A slot for which
    /// `spared` holds is not given away.
    pub(crate) fn find_or_place(
        &self,
        key: &Key,
        now: Time,
        spared: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        match self.search(key, now, &spared) {
            Search::Found(index) => return Some(index),
            Search::Full => return None,
            Search::Free(_) => {}
        }
        let stripe = self.stripes.get((key.id.low % STRIPES as u64) as usize)?;
        let _placing = stripe.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match self.search(key, now, &spared) {
                Search::Found(index) => return Some(index),
                Search::Full => return None,
                // Another key may have been quicker; each round one of its places fills up.
                Search::Free(index) if self.place_at(index, key, now) => return Some(index),
                Search::Free(_) => {}
            }
        }
    }

    fn search(&self, key: &Key, now: Time, spared: impl Fn(usize) -> bool) -> Search {
        let homes = [self.home(key.home), self.home(key.second_home)];
        // How far from each home the first slot is that could be given to the key.
        let mut free = [REACH; 2];
        for (home, free) in homes.into_iter().zip(&mut free) {
            for (offset, slot) in self.near(home).iter().enumerate() {
                if slot.is(key.id) {
                    return Search::Found(home + offset);
                }
                let empty = slot.is_empty();
                if *free == REACH && (empty || (slot.idle_at() <= now && !spared(home + offset))) {
                    *free = offset;
                }
                if empty && offset < NEAR && home == homes[0] {
                    return Search::Free(home + *free);
                }
                if empty {
                    break;
                }
            }
        }
        match free {
            [REACH, REACH] => Search::Full,
            [first, second] if first < NEAR || first <= second => Search::Free(homes[0] + first),
            [_, second] => Search::Free(homes[1] + second),
        }
    }

    fn place_at(&self, index: usize, key: &Key, now: Time) -> bool {
        let Some(slot) = self.slots.get(index) else { return false };
        let held = slot.hold();
        let empty = slot.id().is_nobody();
        if !empty && slot.idle_at() > now {
            slot.release(held);
            return false;
        }
        if empty {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        slot.give_to(key.id, now.after(UNCHARGED));
        slot.release(0);
        true
    }

    #[inline]
    fn near(&self, home: usize) -> &[Slot<E>] {
        self.slots.get(home..home + REACH).unwrap_or_default()
    }

    /// The home is spread over the array by multiplication; a remainder would cost a division.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let homes = self.slots.len() - REACH;
        ((u128::from(hash) * homes as u128) >> 64) as usize
    }
}
