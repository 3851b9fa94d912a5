//! A fixed array of slots in which keys stand near their home.

use std::sync::PoisonError;
use std::time::Duration;

use ratewarden_limiter::Time;

use crate::key::Key;
use crate::memory;
use crate::slot::{Extra, Slot};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Slots from a home on in which a key may stand. A key has two homes: the first it shares with its caller's other
/// limits, so that what one call touches lies side by side; the second is its own. Filled to the capacity, fewer
/// than one caller in a thousand finds both full (`tests/places.rs`).
#[cfg(not(feature = "shuttle"))]
pub(crate) const REACH: usize = 48;
// So few that keys take each other's places all the time.
#[cfg(feature = "shuttle")]
pub(crate) const REACH: usize = 4;

/// A key stands at its first home if there is room this near, else where its neighbourhood is less crowded. Always
/// trying the whole first home left 6 % of callers with five limits without a place.
#[cfg(not(feature = "shuttle"))]
const NEAR: usize = 8;
#[cfg(feature = "shuttle")]
const NEAR: usize = 2;

/// Locks against two threads placing the same new key twice; a key's lock follows from its id.
#[cfg(not(feature = "shuttle"))]
const STRIPES: usize = 64;
#[cfg(feature = "shuttle")]
const STRIPES: usize = 2;

/// Bytes.
const CACHE_LINE: usize = 64;

/// A new key that was not charged (another limit rejected the call) is kept this long.
const UNCHARGED: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Table<E> {
    slots: Box<[Slot<E>]>,
    /// Slots that a key can have as its home.
    homes: u64,
    /// The first slot at the beginning of a cache line; homes are an even number of slots from it, so that the first
    /// two slots of a home are one line.
    first_home: usize,
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
        let slots: Box<[Slot<E>]> = memory::filled(keys.saturating_add(keys / 2).max(REACH) + REACH + 1);
        let to_line = slots.as_ptr().align_offset(CACHE_LINE);
        Self {
            homes: (slots.len() - REACH - 1) as u64,
            first_home: usize::from(to_line == 1),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            used: AtomicU64::new(0),
            changed: (0..slots.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            slots,
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
    pub(crate) fn take_changed(&self) -> impl Iterator<Item = usize> {
        self.changed.iter().enumerate().flat_map(|(index, word)| {
            let bits = if word.load(Ordering::Relaxed) == 0 { 0 } else { word.swap(0, Ordering::AcqRel) };
            (0..64).filter(move |bit| bits & (1_u64 << bit) != 0).map(move |bit| index * 64 + bit)
        })
    }

    /// Where the key stands, if it does.
    #[inline]
    pub(crate) fn find(&self, key: &Key) -> Option<usize> {
        let homes = self.homes_of(key);
        for home in homes {
            for index in home..home + NEAR {
                let slot = self.slots.get(index)?;
                if slot.is(key.id) {
                    return Some(index);
                }
                // Slots are never emptied, and a key is placed farther away only when all near both homes are in use.
                if slot.is_empty() {
                    return None;
                }
            }
        }
        self.find_far(key, homes)
    }

    #[cold]
    fn find_far(&self, key: &Key, homes: [usize; 2]) -> Option<usize> {
        for home in homes {
            for index in home + NEAR..home + REACH {
                let slot = self.slots.get(index)?;
                if slot.is(key.id) {
                    return Some(index);
                }
                if slot.is_empty() {
                    break;
                }
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
        let homes = self.homes_of(key);
        // How far from each home the first slot is that could be given to the key.
        let mut free = [REACH; 2];
        let near = [(0, 0..NEAR), (1, 0..NEAR)];
        let far = [(0, NEAR..REACH), (1, NEAR..REACH)];
        for (at, offsets) in near.into_iter().chain(far) {
            let home = homes[at];
            for offset in offsets {
                let Some(slot) = self.slots.get(home + offset) else { break };
                if slot.is(key.id) {
                    return Search::Found(home + offset);
                }
                let empty = slot.is_empty();
                if free[at] == REACH && (empty || (slot.idle_at() <= now && !spared(home + offset))) {
                    free[at] = offset;
                }
                if empty && offset < NEAR {
                    return Self::less_crowded(homes, free);
                }
                if empty {
                    break;
                }
            }
        }
        Self::less_crowded(homes, free)
    }

    /// A key stands at its first home if there is room near, else where the room is nearer.
    fn less_crowded(homes: [usize; 2], free: [usize; 2]) -> Search {
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
    fn homes_of(&self, key: &Key) -> [usize; 2] {
        [self.home(key.home), self.home(key.second_home)]
    }

    /// The home is spread over the array by multiplication; a remainder would cost a division.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        (((u128::from(hash) * u128::from(self.homes)) >> 64) as usize & !1) + self.first_home
    }
}
