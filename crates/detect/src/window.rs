//! Sliding windows of a key, as rings of counts over stretches of absolute time.
//!
//! A window of `W` seconds is cut into stretches, counted from 1970, and holds the newest of them: as many as reach back
//! over the last `W` seconds whatever part of the current one has passed. So whoever does `N` calls within any `W` seconds
//! is seen to have done at least `N`, and the count is too large by no more than what stands in stretches that begin
//! before the window does, which is told as its error. Stretches of absolute time make the sum independent of the order
//! in which calls come, as long as they come before their stretch has left the ring.
//!
//! Tables of windows count time by stretches: `now` of their [`State`] is the number of the current one.

use crate::sketch::Bits;
use crate::table::State;

/// Marks a state whose finding is open.
const ACTIVE: u32 = 1 << 31;
const NUMBER: u32 = ACTIVE - 1;

/// How a window is cut, and the stretch that is current.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretches {
    /// Seconds of the window.
    seconds: u32,
    /// Seconds of a stretch.
    length: u32,
    /// Stretches of the ring.
    places: u32,
    second: u32,
    now: Stretch,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stretch {
    /// Which it is, from 1970.
    pub(crate) number: u32,
    /// Where it is in a ring.
    place: u32,
    /// Stretches of the ring.
    places: u32,
}

impl Stretches {
    /// A window of `seconds` in rings of at most `most` places.
    fn new(seconds: u32, most: u32) -> Self {
        let seconds = seconds.max(1);
        // Stretches that divide the window make the error small.
        let parts =
            (most / 2 + 1..most).rev().find(|parts| seconds.is_multiple_of(*parts)).unwrap_or(most - 1);
        let length = seconds.div_ceil(parts);
        let places = 1 + (seconds - 1).div_ceil(length);
        Self { seconds, length, places, second: 0, now: Stretch { number: 0, place: 0, places } }
    }

    /// Stretches of a ring: what tables of windows are told.
    pub(crate) const fn places(&self) -> u32 {
        self.places
    }

    /// The stretch of `second`. Calls come by seconds, so the divisions are mostly those of the call before.
    #[inline]
    pub(crate) fn at(&mut self, second: u32) -> Stretch {
        if second != self.second {
            self.second = second;
            let number = second / self.length;
            self.now = Stretch { number, place: number % self.places, places: self.places };
        }
        self.now
    }
}

impl Stretch {
    /// Where the stretch so many before it is in the ring.
    fn back(self, stretches: u32) -> usize {
        (self.number.wrapping_sub(stretches) % self.places) as usize
    }
}

/// Where a ring stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    /// The first call since the ring was empty.
    first: u32,
    /// The number of the newest stretch, and whether a finding is open.
    number: u32,
}

/// What a ring has to do to take a call.
enum Step {
    /// The stretch is there.
    Here,
    /// So many stretches begin anew.
    Forward(u32),
    /// Longer ago than the ring remembers.
    TooLate,
}

impl Head {
    #[inline]
    fn step(&mut self, stretch: Stretch) -> Step {
        let newest = self.number & NUMBER;
        let number = stretch.number;
        if number == newest {
            return Step::Here;
        }
        if number > newest {
            self.number = (self.number & ACTIVE) | number;
            return Step::Forward(number - newest);
        }
        if newest - number < stretch.places { Step::Here } else { Step::TooLate }
    }

    #[inline]
    fn is_active(self) -> bool {
        self.number & ACTIVE != 0
    }

    #[inline]
    fn set_active(&mut self, is_active: bool) {
        self.number = if is_active { self.number | ACTIVE } else { self.number & NUMBER };
    }

    /// The first second that the counts of a ring are of.
    fn since(self, stretches: &Stretches) -> u32 {
        let oldest = (self.number & NUMBER).saturating_sub(stretches.places - 1);
        self.first.max(oldest.saturating_mul(stretches.length))
    }

    /// Whether all stretches of a ring of `places` have passed when the stretch `now` is current.
    fn is_over(self, now: u32, places: u32) -> bool {
        (self.number & NUMBER).saturating_add(places) <= now
    }
}

/// Places of a [`Window`].
const PLACES: u32 = 8;

/// Calls of a key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    head: Head,
    counts: [u16; PLACES as usize],
}

/// What a window holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) count: u32,
    /// At most so many too many.
    pub(crate) error: u32,
    pub(crate) since: u32,
    /// Stretches with any call.
    pub(crate) filled: u32,
}

impl Window {
    pub(crate) fn stretches(seconds: u32) -> Stretches {
        Stretches::new(seconds, PLACES)
    }

    /// Adds `calls`, and returns the sum; `None` where that is longer ago than the ring goes.
    #[inline]
    pub(crate) fn add(&mut self, second: u32, stretch: Stretch, calls: u32) -> Option<u32> {
        match self.head.step(stretch) {
            Step::Here => self.head.first = self.head.first.min(second),
            Step::Forward(steps) => self.advance(second, stretch, steps),
            Step::TooLate => return None,
        }
        // Summed up before it is written: what was just written in part cannot be read as a whole without a wait.
        let others: u32 = self.counts.iter().map(|&count| u32::from(count)).sum();
        let count = &mut self.counts[stretch.place as usize];
        let before = u32::from(*count);
        let after = before.saturating_add(calls).min(u16::MAX.into());
        *count = u16::try_from(after).unwrap_or(u16::MAX);
        Some(others + (after - before))
    }

    #[inline(never)]
    fn advance(&mut self, second: u32, stretch: Stretch, steps: u32) {
        // Most come after a silence that is longer than the ring.
        if steps >= stretch.places {
            self.counts = [0; PLACES as usize];
        } else {
            (0..steps).for_each(|back| self.counts[stretch.back(back)] = 0);
        }
        if self.counts == [0; PLACES as usize] {
            self.head.first = second;
        }
    }

    /// Puts what a sketch remembers of the key into the middle of a new ring, from where it leaves in half a window.
    pub(crate) fn seed(&mut self, stretch: Stretch, calls: u32) {
        let count = &mut self.counts[stretch.back(stretch.places / 2)];
        *count = u16::try_from(calls).unwrap_or(u16::MAX);
        self.head.first = 0;
    }

    /// What it holds, at `second` or after it.
    pub(crate) fn sum(&self, second: u32, stretches: &Stretches) -> Sum {
        let newest = self.head.number & NUMBER;
        let begins_before = |number: u32| number * stretches.length + stretches.seconds <= second;
        let old = (0..stretches.places.min(newest + 1))
            .map(|back| newest - back)
            .filter(|&number| begins_before(number));
        Sum {
            count: self.counts.iter().map(|&count| u32::from(count)).sum(),
            error: old.map(|number| u32::from(self.counts[(number % stretches.places) as usize])).sum(),
            since: self.head.since(stretches),
            filled: u32::try_from(self.counts.iter().filter(|&&count| count > 0).count()).unwrap_or(PLACES),
        }
    }

    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.head.is_active()
    }

    #[inline]
    pub(crate) fn set_active(&mut self, is_active: bool) {
        self.head.set_active(is_active);
    }
}

impl State for Window {
    fn weight(&self, now: u32, places: u32) -> u32 {
        if self.is_active() {
            return u32::MAX;
        }
        if self.head.is_over(now, places) {
            return 0;
        }
        self.counts.iter().map(|&count| u32::from(count)).sum()
    }

    /// The newer half: the older may have come from the sketch, and must not go there twice.
    fn counted(&self, places: u32) -> u32 {
        let newest = self.head.number & NUMBER;
        let newer = (0..places / 2).map(|back| (newest.saturating_sub(back) % places) as usize);
        newer.map(|place| u32::from(self.counts[place])).sum()
    }

    fn touch(&self) -> u8 {
        self.head.number.to_le_bytes()[0]
    }
}

/// Places of [`Marks`].
const FIELDS: u32 = 4;

/// Distinct values of a key, and the calls they came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks<const N: usize> {
    head: Head,
    fields: [Bits<N>; FIELDS as usize],
    calls: [u32; FIELDS as usize],
}

impl<const N: usize> Default for Marks<N> {
    fn default() -> Self {
        Self {
            head: Head::default(),
            fields: [Bits::default(); FIELDS as usize],
            calls: [0; FIELDS as usize],
        }
    }
}

impl<const N: usize> Marks<N> {
    pub(crate) fn stretches(seconds: u32) -> Stretches {
        Stretches::new(seconds, FIELDS)
    }

    /// Marks `value`, and returns how many bits are marked in all.
    #[inline]
    pub(crate) fn add(&mut self, second: u32, stretch: Stretch, value: u64) -> Option<u32> {
        match self.head.step(stretch) {
            Step::Here => self.head.first = self.head.first.min(second),
            Step::Forward(steps) => self.advance(second, stretch, steps),
            Step::TooLate => return None,
        }
        let place = stretch.place as usize;
        // Put together before it is written: what was just written in part cannot be read as a whole without a wait.
        let mut union = self.union();
        union.mark(value);
        self.fields[place].mark(value);
        self.calls[place] = self.calls[place].saturating_add(1);
        Some(union.marked())
    }

    #[inline(never)]
    fn advance(&mut self, second: u32, stretch: Stretch, steps: u32) {
        if steps >= stretch.places {
            (self.fields, self.calls) = ([Bits::default(); FIELDS as usize], [0; FIELDS as usize]);
        } else {
            for place in (0..steps).map(|back| stretch.back(back)) {
                (self.fields[place], self.calls[place]) = (Bits::default(), 0);
            }
        }
        if self.calls == [0; FIELDS as usize] {
            self.head.first = second;
        }
    }

    #[inline]
    fn union(&self) -> Bits<N> {
        self.fields[0].with(&self.fields[1]).with(&self.fields[2].with(&self.fields[3]))
    }

    /// About how many distinct values there are, and the error of that. Of a full field they are as many as it holds at
    /// least, and as many as there were calls at most.
    pub(crate) fn distinct(&self) -> (u32, u32) {
        let union = self.union();
        let (values, error) = union.estimate();
        if !union.is_full() {
            return (values, error);
        }
        let least = values.saturating_sub(error).max(union.marked());
        (least, self.calls().saturating_sub(least))
    }

    /// Whether `percent` of the calls brought a new value, as far as the field can tell them apart: of a full one it tells
    /// fewer than there are, so that whoever sends very many ends as a flood and no crowd is taken for one who mixes.
    pub(crate) fn is_mixed(&self, percent: u32) -> bool {
        let (values, _) = self.union().estimate();
        u64::from(values) * 100 >= u64::from(percent) * u64::from(self.calls())
    }

    /// Bits that are marked: so many values there are at least.
    pub(crate) fn marked(&self) -> u32 {
        self.union().marked()
    }

    fn calls(&self) -> u32 {
        self.calls.iter().fold(0, |sum: u32, &calls| sum.saturating_add(calls))
    }

    pub(crate) fn since(&self, stretches: &Stretches) -> u32 {
        self.head.since(stretches)
    }

    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.head.is_active()
    }

    #[inline]
    pub(crate) fn set_active(&mut self, is_active: bool) {
        self.head.set_active(is_active);
    }
}

impl<const N: usize> State for Marks<N> {
    fn weight(&self, now: u32, places: u32) -> u32 {
        if self.is_active() {
            return u32::MAX;
        }
        if self.head.is_over(now, places) { 0 } else { self.union().marked() }
    }

    fn touch(&self) -> u8 {
        self.head.number.to_le_bytes()[0]
    }
}

#[cfg(test)]
mod tests;
