//! Who does most, in memory of a fixed size, whoever and however many they are.
//!
//! [`Sketch`] is Space-Saving (Metwally, Agrawal and El Abbadi, *Efficient Computation of Frequent and Top-k Elements
//! in Data Streams*, 2005): a new caller takes the place of the one with the fewest calls and its count with it, as
//! an error that is remembered. So `count - error <= calls <= count` for each that is listed, and who is not listed
//! has at most [`Summary::floor`] calls. Summaries are merged as in Agarwal et al., *Mergeable Summaries* (2012).
//!

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Counts of the most frequent.
#[derive(Debug)]
pub struct Sketch<L> {
    most: usize,
    places: HashMap<u128, usize, BuildHasherDefault<Hashed>>,
    held: Vec<(u128, L)>,
    counts: Vec<u64>,
    errors: Vec<u64>,
    /// The fewest calls of any place, as of the last look; no place before `cursor` has so few any more.
    fewest: u64,
    cursor: usize,
}

/// What a sketch held at one time, or several together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary<L> {
    /// The most frequent first.
    pub ranked: Vec<Ranked<L>>,
    /// The most that anybody has who is not in it.
    pub floor: u64,
}

/// A caller and its count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked<L> {
    /// A hash of who it is.
    pub id: u128,
    /// What it is called.
    pub label: L,
    /// At most `error` too many.
    pub count: u64,
    /// The bound of the error.
    pub error: u64,
}

impl<L: Clone> Sketch<L> {
    /// A sketch of at most `most` places.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            places: HashMap::default(),
            held: Vec::new(),
            counts: Vec::new(),
            errors: Vec::new(),
            fewest: 0,
            cursor: 0,
        }
    }

    /// Counts one call. `label` is asked only when the caller is not held yet.
    pub fn add(&mut self, id: u128, label: impl FnOnce() -> L) {
        if let Some(count) = self.places.get(&id).and_then(|&place| self.counts.get_mut(place)) {
            *count += 1;
            return;
        }
        if self.held.len() < self.most {
            self.places.insert(id, self.held.len());
            self.held.push((id, label()));
            self.counts.push(1);
            self.errors.push(0);
            return;
        }
        let place = self.weakest();
        let found = (self.held.get_mut(place), self.counts.get_mut(place), self.errors.get_mut(place));
        if let (Some(held), Some(count), Some(error)) = found {
            self.places.remove(&held.0);
            self.places.insert(id, place);
            *held = (id, label());
            *error = *count;
            *count += 1;
        }
    }

    /// The place with the fewest calls. Counts only grow, so the search goes on where the last one ended: a flood of
    /// callers who come once costs a step each, not a look at all places.
    fn weakest(&mut self) -> usize {
        let rest = self.counts.get(self.cursor..).unwrap_or_default();
        if let Some(further) = rest.iter().position(|&count| count == self.fewest) {
            self.cursor += further;
            return self.cursor;
        }
        self.fewest = self.counts.iter().copied().min().unwrap_or_default();
        self.cursor = self.counts.iter().position(|&count| count == self.fewest).unwrap_or_default();
        self.cursor
    }

    /// What it holds.
    #[must_use]
    pub fn summary(&self) -> Summary<L> {
        let counts = self.held.iter().zip(self.counts.iter().zip(&self.errors));
        let ranked = counts.map(|((id, label), (&count, &error))| Ranked {
            id: *id,
            label: label.clone(),
            count,
            error,
        });
        let is_full = self.held.len() >= self.most;
        let floor = if is_full { self.counts.iter().copied().min().unwrap_or_default() } else { 0 };
        Summary { ranked: ranked.collect(), floor }.cut(self.most)
    }
}

impl<L> Default for Summary<L> {
    fn default() -> Self {
        Self { ranked: Vec::new(), floor: 0 }
    }
}

impl<L: Clone> Summary<L> {
    /// Both together, `most` callers at most.
    #[must_use]
    pub fn merged(self, other: &Self, most: usize) -> Self {
        let floors = (self.floor, other.floor);
        let mut ranked = self.ranked;
        let mut places: HashMap<u128, usize, BuildHasherDefault<Hashed>> =
            ranked.iter().enumerate().map(|(place, one)| (one.id, place)).collect();
        for one in &mut ranked {
            // Until it is found there, it may have been among those that the other has not.
            one.count += floors.1;
            one.error += floors.1;
        }
        for one in &other.ranked {
            match places.get(&one.id).and_then(|&place| ranked.get_mut(place)) {
                Some(both) => {
                    both.count = both.count - floors.1 + one.count;
                    both.error = both.error - floors.1 + one.error;
                }
                None => {
                    let (count, error) = (one.count + floors.0, one.error + floors.0);
                    places.insert(one.id, ranked.len());
                    ranked.push(Ranked { id: one.id, label: one.label.clone(), count, error });
                }
            }
        }
        Self { ranked, floor: floors.0 + floors.1 }.cut(most)
    }

    fn cut(mut self, most: usize) -> Self {
        self.ranked.sort_unstable_by_key(|one| (std::cmp::Reverse(one.count), one.id));
        if let Some(first) = self.ranked.get(most) {
            self.floor = self.floor.max(first.count);
        }
        self.ranked.truncate(most);
        self
    }
}

/// Ids are keyed hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, id: u128) {
        #[expect(clippy::cast_possible_truncation, reason = "either half of a hash is one")]
        let half = (id >> 64) as u64 ^ id as u64;
        self.0 = half;
    }
}

#[cfg(test)]
mod tests;
