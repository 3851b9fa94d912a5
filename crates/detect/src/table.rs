//! A table of states by key, of a bounded size, in which who does much stays and who came once goes.
//!
//! Four places a set, and two sets for a key, chosen by its hash: the second is for keys whose first set was full of the
//! living when they came. So a table fills up well, begins small, doubles up to its cap only when it must, and stays in the
//! processor's caches where few live at a time. At the cap a new key takes the place of the least in its sets: one whose
//! time is over, else the one with the least weight. Where a table has a memory, what is pushed out goes into [`Cells`], a
//! sketch of frequencies, and a key that is placed anew begins with what the sketch remembers of it, and with the
//! sketch's error. So a flood of keys that come once can take a slow attacker's place, but not his count.
//!
//! A map that forgets the least recently used was rejected: a flood of new keys empties it.

use crate::sketch::{Cells, Remembered};

/// Places of a set.
const WAYS: usize = 4;
/// Places a table begins with.
const FIRST: usize = 1024;

/// What a table keeps for a key.
pub(crate) trait State: Copy + Default {
    /// How much it would hurt to forget it, at `now`: 0 when its time is over, [`u32::MAX`] when it must stay. `places` is
    /// what the table was made with: the stretches of its rings.
    fn weight(&self, now: u32, places: u32) -> u32;

    /// Any byte of it that every call reads: what brings it near.
    fn touch(&self) -> u8;

    /// What it has counted, for the sketch.
    fn counted(&self, _places: u32) -> u32 {
        0
    }
}

/// The places of a set: its keys stand together at the head of a line of the processor's cache, so that looking for
/// one costs one line and the state another at most.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
struct Set<S> {
    keys: [u64; WAYS],
    states: [S; WAYS],
}

impl<S> Set<S> {
    /// Where `key` stands. All four are compared, since a branch for each is guessed wrong more often than not.
    #[inline(always)]
    fn way(&self, key: u64) -> Option<usize> {
        let [one, two, three, four] = self.keys.map(|other| other == key);
        let found = u8::from(one) | u8::from(two) << 1 | u8::from(three) << 2 | u8::from(four) << 3;
        (found != 0).then(|| found.trailing_zeros() as usize & (WAYS - 1))
    }
}

/// Where a new key goes, and the weight of what stands there; 0 where nothing does that lives.
#[derive(Debug, Clone, Copy)]
struct Least {
    set: usize,
    way: usize,
    weight: u32,
}

/// States by key; 0 is no key.
#[derive(Debug)]
pub(crate) struct Table<S> {
    sets: Vec<Set<S>>,
    /// The most places.
    most: usize,
    /// What has no place any more; made when the first live state is pushed out.
    rest: Option<Box<Cells>>,
    /// For how long the sketch remembers, in the unit of `now`; 0: there is none.
    memory: u32,
    places: u32,
}

impl<S: State> Table<S> {
    /// A table of at most `most` keys (rounded up to a power of two) that remembers who was pushed out for `memory`
    /// of the unit in which its callers count time; 0 for not at all. `places` is handed to the states.
    pub(crate) fn new(most: usize, memory: u32, places: u32) -> Self {
        let most = most.max(FIRST).next_power_of_two();
        let sets = vec![Set::default(); FIRST / WAYS];
        Self { sets, most, rest: None, memory, places }
    }

    /// The state of `key`, at `now`. A new one is the default, and comes with what is remembered of the key.
    #[inline]
    pub(crate) fn at(&mut self, key: u64, now: u32) -> (&mut S, Option<Remembered>) {
        let set = self.first(key);
        match self.sets[set].way(key) {
            Some(way) => (&mut self.sets[set].states[way], None),
            None => self.at_second(key, now),
        }
    }

    /// Reads what [`at`](Self::at) will need, and returns nothing that means anything. Many of these in a row wait for
    /// memory together; each `at` would wait alone, since what it branches on is what it waits for.
    #[inline(always)]
    pub(crate) fn touch(&self, key: u64) -> u8 {
        let set = &self.sets[self.first(key)];
        let way = set.way(key).unwrap_or_default();
        set.states[way].touch()
    }

    /// The state of `key`, if it has one.
    pub(crate) fn find(&mut self, key: u64) -> Option<&mut S> {
        let set =
            [self.first(key), self.second(key)].into_iter().find(|&set| self.sets[set].way(key).is_some())?;
        let way = self.sets[set].way(key)?;
        Some(&mut self.sets[set].states[way])
    }

    /// By how much the counts of new keys may be too large at `now`, for what the sketch made up.
    #[inline]
    pub(crate) fn noise(&self, now: u32) -> u32 {
        self.rest.as_ref().map_or(0, |cells| cells.noise(now))
    }

    /// Bytes it has allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.sets.capacity() * size_of::<Set<S>>() + self.rest.as_ref().map_or(0, |cells| cells.bytes())
    }

    /// The set in which a key is looked for first. The number of sets is a power of two.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked to the number of sets")]
    fn first(&self, key: u64) -> usize {
        // The high bits, since low ones of sums of hashes may be alike.
        key.rotate_left(23) as usize & (self.sets.len() - 1)
    }

    /// The set for a key whose first one was full of the living when it came: by other bits.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked to the number of sets")]
    fn second(&self, key: u64) -> usize {
        key.rotate_left(45) as usize & (self.sets.len() - 1)
    }

    /// The state of a key that does not stand in its first set.
    #[cold]
    #[inline(never)]
    fn at_second(&mut self, key: u64, now: u32) -> (&mut S, Option<Remembered>) {
        let set = self.second(key);
        if let Some(way) = self.sets[set].way(key) {
            return (&mut self.sets[set].states[way], None);
        }
        let mut least = self.least(key, now);
        // A place whose time is over is free; a table grows only for the living.
        while least.weight > 0 && self.sets.len() * WAYS < self.most {
            self.grow(now);
            least = self.least(key, now);
        }
        let Least { set, way, weight } = least;
        let old = self.sets[set].keys[way];
        if self.memory > 0 && weight > 0 {
            let memory = self.memory;
            let counted = self.sets[set].states[way].counted(self.places);
            let rest = self.rest.get_or_insert_with(|| Box::new(Cells::new(memory)));
            rest.add(old, counted, now);
        }
        self.put(set, way, key, S::default());
        let remembered = self.rest.as_mut().map(|cells| cells.recall(key, now)).unwrap_or_default();
        (&mut self.sets[set].states[way], Some(remembered))
    }

    fn put(&mut self, set: usize, way: usize, key: u64, state: S) {
        self.sets[set].keys[way] = key;
        self.sets[set].states[way] = state;
    }

    /// The place for a new key: one of its first set, else of its second, where nothing lives; else that of the two which has
    /// the least weight.
    #[inline]
    fn least(&self, key: u64, now: u32) -> Least {
        let first = self.least_of(self.first(key), now);
        if first.weight == 0 {
            return first;
        }
        let second = self.least_of(self.second(key), now);
        if second.weight < first.weight { second } else { first }
    }

    #[inline]
    fn least_of(&self, set: usize, now: u32) -> Least {
        let Set { keys, states } = &self.sets[set];
        let mut least = Least { set, way: 0, weight: u32::MAX };
        for (way, (&key, state)) in keys.iter().zip(states).enumerate() {
            let weight = if key == 0 { 0 } else { state.weight(now, self.places) };
            if weight == 0 {
                return Least { set, way, weight };
            }
            if weight < least.weight {
                least = Least { set, way, weight };
            }
        }
        least
    }

    fn grow(&mut self, now: u32) {
        let larger = vec![Set::default(); self.sets.len() * 2];
        let old = std::mem::replace(&mut self.sets, larger);
        let places = self.places;
        for (key, state) in old.into_iter().flat_map(|set| set.keys.into_iter().zip(set.states)) {
            if key == 0 || state.weight(now, places) == 0 {
                continue;
            }
            // Half of all places are free, and each key has eight to choose from.
            let Least { set, way, .. } = self.least(key, now);
            self.put(set, way, key, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, Default)]
    struct Count(u32);

    impl State for Count {
        fn weight(&self, _now: u32, _places: u32) -> u32 {
            self.0
        }
        fn counted(&self, _places: u32) -> u32 {
            self.0
        }
        fn touch(&self) -> u8 {
            0
        }
    }

    fn key(number: u64) -> u64 {
        crate::hash::Hasher::new(1).number(number)
    }

    #[test]
    fn keys_are_found_again_while_the_table_grows() {
        let mut table = Table::<Count>::new(1 << 16, 0, 1);
        for number in 0..10_000 {
            table.at(key(number), 0).0.0 = 1;
        }
        let found = (0..10_000).filter(|&number| table.find(key(number)).is_some()).count();
        assert!(found >= 9_950, "{found}");
        assert!(table.bytes() <= 2 * 16 * (1 << 16));
    }

    #[test]
    fn a_flood_of_new_keys_does_not_push_out_who_does_much() {
        let mut table = Table::<Count>::new(1024, 0, 1);
        for _ in 0..5 {
            table.at(key(u64::MAX), 0).0.0 += 1;
        }
        for number in 0..100_000 {
            table.at(key(number), 0).0.0 = 1;
        }
        assert_eq!(table.find(key(u64::MAX)).map(|count| count.0), Some(5));
        assert_eq!(table.sets.len() * WAYS, 1024);
    }

    #[test]
    fn the_count_of_who_is_pushed_out_is_remembered() {
        let mut table = Table::<Count>::new(1024, 3600, 1);
        let slow = key(u64::MAX);
        let mut told = 0;
        for round in 0..100 {
            let (state, new) = table.at(slow, round);
            state.0 += 1;
            told = state.0 + new.map_or(0, |new| new.count);
            for number in 0..5_000 {
                table.at(key(u64::from(round) * 5_000 + number), round).0.0 += 1;
            }
        }
        let noise = table.noise(100);
        assert!((100..=100 + noise).contains(&told), "{told}, {noise}");
    }

    #[test]
    fn what_must_stay_stays() {
        let mut table = Table::<Count>::new(1024, 0, 1);
        table.at(key(u64::MAX), 0).0.0 = u32::MAX;
        for number in 0..50_000 {
            table.at(key(number), 0).0.0 = 1_000;
        }
        assert!(table.find(key(u64::MAX)).is_some());
    }
}
