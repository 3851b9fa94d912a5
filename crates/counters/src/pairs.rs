//! Who was where: callers that proved who they are, each with the addresses it did so from.
//!
//! It is asked when an address is locked out, and told of every call of such a caller that is let through, so both are
//! a look at a few slots that lie together (6 to 9 ns, 40 with 40,000 pairs that miss the cache): no lock, and a write
//! only when a [`TICK`] has passed since the last.
//!
//! - **Bounded.** [`PLACES`] places of 24 bytes, allocated once. A pair that has not been noted for [`FORGOTTEN`] is
//!   forgotten, and only then is its place another's.
//! - **A flood harms who makes it.** A caller's pairs all stand in one set of [`WAYS`] places and take at most [`SHARE`]
//!   of them, so one credential used from a million addresses fills its own share. No new pair takes the place of one
//!   that is in use: when there is no place it is left out, and counted.
//!
//! With a store on disk it outlives the process: a thread takes what was noted ([`Pairs::take_noted`]) and writes it, and
//! the next process puts it back. Otherwise a lock-out that is restored would spare nobody.
//!
//! Pushing out what was not used for longest was rejected: whoever calls from enough addresses could then make all
//! others forgotten, just before the lock-out that they cause.

use std::time::Duration;

use ratewarden_limiter::Time;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Pairs that are remembered at most: 1.5 MiB.
pub const PLACES: usize = 65_536;

/// Places of a set.
const WAYS: usize = 16;

/// Places of a set that one caller may have.
const SHARE: usize = 8;

/// Times are kept to this.
const TICK: Duration = Duration::from_secs(300);

/// A pair that was not noted for this long, to within a tick, is forgotten: a day.
const FORGOTTEN: u64 = REMEMBERED.as_secs() / TICK.as_secs();

/// A pair that was not noted for this long is forgotten, to within five minutes.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// The tick in which a process starts: what was noted in the day before has one too.
const FIRST: u64 = FORGOTTEN + 1;

/// A caller at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    id: u128,
    caller: u128,
}

/// A pair as it is kept on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// The pair's keyed hash; it means the same only under the same secret.
    pub id: u128,
    /// What of the caller's hash says where the pair stands, and whose share that is.
    pub place: u64,
    /// How long ago it was noted, or up to five minutes more.
    pub age: Duration,
}

/// What was taken of pairs already.
#[derive(Debug, Default)]
pub struct Taken {
    changes: u64,
    /// Of each place, what [`Slot::used`] was.
    used: Vec<u64>,
}

/// The pairs of a process.
#[derive(Debug)]
pub struct Pairs {
    sets: Box<[[Slot; WAYS]]>,
    /// Held while a place is given away, which is seldom.
    placing: Mutex<()>,
    taken: AtomicU64,
    left_out: AtomicU64,
    /// Grows with each change of what [`Pairs::take_noted`] returns.
    changes: AtomicU64,
}

/// One place. Who reads it while it is given away sees the halves of two ids, which are nobody's, or a pair that was
/// forgotten just now.
#[derive(Debug, Default)]
struct Slot {
    high: AtomicU64,
    low: AtomicU64,
    /// A part of the caller's hash above, the tick of the last use below; 0 where nobody is.
    used: AtomicU64,
}

impl Pair {
    /// `caller` and `address` must be keyed hashes under one secret: then nobody can choose two pairs with one id.
    #[must_use]
    pub const fn new(caller: u128, address: u128) -> Self {
        Self { id: caller ^ address.rotate_left(64), caller }
    }

    /// The keyed hash of both.
    #[must_use]
    pub const fn id(self) -> u128 {
        self.id
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of an id")]
    const fn halves(self) -> (u64, u64) {
        ((self.id >> 64) as u64, self.id as u64)
    }

    /// What tells callers of one set apart.
    const fn tag(self) -> u64 {
        (self.caller >> 96) as u32 as u64
    }
}

impl Default for Pairs {
    fn default() -> Self {
        let sets = (0..PLACES / WAYS).map(|_| Default::default()).collect();
        let [taken, left_out, changes] = [0; 3].map(AtomicU64::new);
        Self { sets, placing: Mutex::new(()), taken, left_out, changes }
    }
}

impl Pairs {
    /// Whether the pair was noted in the last day.
    #[must_use]
    pub fn knows(&self, pair: Pair, now: Time) -> bool {
        self.find(pair, tick(now)).is_some()
    }

    /// Notes that the pair was seen. Returns whether it is remembered now.
    pub fn note(&self, pair: Pair, now: Time) -> bool {
        let tick = tick(now);
        let is_placed = self.note_at(pair, tick, tick);
        if !is_placed {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        is_placed
    }

    /// What was noted and not taken before, so that it can be kept. A new `taken` takes all again.
    pub fn take_noted(&self, taken: &mut Taken, now: Time) -> Vec<Noted> {
        let changes = self.changes.load(Ordering::Acquire);
        if taken.changes == changes {
            return Vec::new();
        }
        taken.changes = changes;
        taken.used.resize(self.sets.len() * WAYS, 0);
        let (mut noted, tick) = (Vec::new(), tick(now));
        for ((index, set), before) in (0..).zip(&self.sets).zip(taken.used.chunks_exact_mut(WAYS)) {
            // Nobody gives a place of the set away meanwhile.
            let _placing = self.placing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (slot, before) in set.iter().zip(before) {
                let used = slot.used.load(Ordering::Acquire);
                if std::mem::replace(before, used) != used && is_in_use(used, tick) {
                    noted.push(slot.noted(used, index, now));
                }
            }
        }
        noted
    }

    /// Puts back what was noted before the start. Returns whether there was a place for it; what is to be forgotten needs
    /// none.
    pub fn restore(&self, noted: &Noted, now: Time) -> bool {
        let last = (secs(now).saturating_sub(noted.age.as_secs())) / TICK.as_secs();
        let (tag, set) = (noted.place >> 32, noted.place & u64::from(u32::MAX));
        let pair = Pair { id: noted.id, caller: u128::from(tag) << 96 | u128::from(set) };
        !is_in_use(last, tick(now)) || self.note_at(pair, tick(now), last)
    }

    /// Notes that the pair was seen in the tick `last`.
    fn note_at(&self, pair: Pair, tick: u64, last: u64) -> bool {
        let noted = pair.tag() << 32 | last;
        if let Some((slot, used)) = self.find(pair, tick) {
            if used < noted {
                // Another's write is as good, and a place that was given away meanwhile is not ours.
                let _ = slot.used.compare_exchange(used, noted, Ordering::Relaxed, Ordering::Relaxed);
                self.changes.fetch_add(1, Ordering::Release);
            }
            return true;
        }
        self.place_for(pair, tick).is_some() && self.place(pair, tick, noted)
    }

    /// Places that are taken, forgotten pairs included, and notes that were left out because there was no place.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.left_out.load(Ordering::Relaxed))
    }

    fn set(&self, pair: Pair) -> &[Slot] {
        let index = pair.caller as usize % self.sets.len().max(1);
        self.sets.get(index).map_or(&[], <[Slot; WAYS]>::as_slice)
    }

    /// Where it stands, and what was read of its use.
    fn find(&self, pair: Pair, tick: u64) -> Option<(&Slot, u64)> {
        let (high, low) = pair.halves();
        let stands = |slot: &&Slot| {
            slot.high.load(Ordering::Relaxed) == high && slot.low.load(Ordering::Relaxed) == low
        };
        let slot = self.set(pair).iter().find(stands)?;
        let used = slot.used.load(Ordering::Acquire);
        is_in_use(used, tick).then_some((slot, used))
    }

    /// A place that the pair may have.
    fn place_for(&self, pair: Pair, tick: u64) -> Option<&Slot> {
        let (mut free, mut own) = (None, 0);
        for slot in self.set(pair) {
            let used = slot.used.load(Ordering::Relaxed);
            if !is_in_use(used, tick) {
                free = free.or(Some(slot));
            } else if used >> 32 == pair.tag() {
                own += 1;
            }
        }
        free.filter(|_| own < SHARE)
    }

    /// Gives it a place, unless it has one meanwhile.
    fn place(&self, pair: Pair, tick: u64, noted: u64) -> bool {
        let _placing = self.placing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.find(pair, tick).is_some() {
            return true;
        }
        let Some(slot) = self.place_for(pair, tick) else { return false };
        let (high, low) = pair.halves();
        if slot.used.swap(0, Ordering::Relaxed) == 0 {
            self.taken.fetch_add(1, Ordering::Relaxed);
        }
        slot.high.store(high, Ordering::Relaxed);
        slot.low.store(low, Ordering::Relaxed);
        slot.used.store(noted, Ordering::Release);
        self.changes.fetch_add(1, Ordering::Release);
        true
    }
}

impl Slot {
    /// What stands there, in the set `index`; only while no place of it is given away.
    fn noted(&self, used: u64, index: u64, now: Time) -> Noted {
        let [high, low] = [&self.high, &self.low].map(|half| u128::from(half.load(Ordering::Relaxed)));
        let begun = (used & u64::from(u32::MAX)) * TICK.as_secs();
        let age = Duration::from_secs(secs(now).saturating_sub(begun));
        Noted { id: high << 64 | low, place: used >> 32 << 32 | index, age }
    }
}

/// Seconds, of which each [`TICK`] is one tick.
fn secs(now: Time) -> u64 {
    now.since(Time::START).as_secs() + FIRST * TICK.as_secs()
}

/// The tick of now; never 0.
fn tick(now: Time) -> u64 {
    (secs(now) / TICK.as_secs()).min(u64::from(u32::MAX))
}

fn is_in_use(used: u64, tick: u64) -> bool {
    let last = used & u64::from(u32::MAX);
    last != 0 && tick.saturating_sub(last) <= FORGOTTEN
}
