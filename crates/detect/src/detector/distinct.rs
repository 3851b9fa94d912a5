//! Too many different values in a group's window: agents of an address, addresses of a token, paths that fail.

use super::{Over, Seen};
use crate::table::Table;
use crate::window::{Marks, Stretches};

/// Windows of at most so many seconds are short.
const SHORT: u32 = 30;

/// So many values there are at least where `marked` of `bits` are marked: each marked bit is a value of its own, and of a
/// field that fills the estimate says more, its error taken off.
pub(super) fn at_least(marked: u32, bits: u32) -> u32 {
    let (estimate, error) = crate::sketch::estimate(marked, bits);
    estimate.saturating_sub(error).max(marked)
}

fn judge<const N: usize>(marks: &Marks<N>, values: u32, percent: u32, stretches: &Stretches) -> Seen {
    let under = if marks.is_active() { Seen::Under } else { Seen::Quiet };
    let all = 64 * u32::try_from(N).unwrap_or(1);
    if at_least(marks.marked(), all) < values || !marks.is_mixed(percent) {
        return under;
    }
    let (count, error) = marks.distinct();
    Seen::Over(Over { count: count.into(), error: error.into(), since: marks.since(stretches) })
}

#[derive(Debug)]
pub(crate) struct Distinct<const N: usize> {
    table: Table<Marks<N>>,
    stretches: Stretches,
    values: u32,
    /// So many marked bits prove so many values.
    bits: u32,
    percent: u32,
}

impl<const N: usize> Distinct<N> {
    /// At most as many groups as `room` bytes have place for.
    pub(crate) fn new(values: u32, percent: u32, seconds: u32, room: usize) -> Self {
        let all = 64 * u32::try_from(N).unwrap_or(1);
        let enough = |&bits: &u32| at_least(bits, all) >= values;
        let bits = (1..=all).find(enough).unwrap_or(all);
        let most = room / (size_of::<Marks<N>>() + size_of::<u64>());
        // Few groups are alive within seconds, and a small table stays in the processor's caches.
        let most = if seconds <= SHORT { most / 4 } else { most };
        // A table rounds up to a power of two.
        let stretches = Marks::<N>::stretches(seconds);
        let table = Table::new(most / 2 + 1, 0, stretches.places());
        Self { table, stretches, values, bits, percent }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    #[inline(always)]
    pub(crate) fn see(&mut self, group: u64, second: u32, value: u64) -> Seen {
        if value == 0 {
            return Seen::Quiet;
        }
        let stretch = self.stretches.at(second);
        let (marks, _) = self.table.at(group, stretch.number);
        let Some(marked) = marks.add(second, stretch, value) else { return Seen::Quiet };
        if marked < self.bits {
            return if marks.is_active() { Seen::Under } else { Seen::Quiet };
        }
        judge(marks, self.values, self.percent, &self.stretches)
    }

    /// What there is to say of a group now that all calls of a second are in. How many of them brought a new value rises and
    /// falls from one call to the next.
    pub(crate) fn again(&mut self, group: u64, value: u64) -> Seen {
        if value == 0 {
            return Seen::Quiet;
        }
        let Self { table, values, percent, stretches, .. } = self;
        table.find(group).map_or(Seen::Quiet, |marks| judge(marks, *values, *percent, stretches))
    }

    /// Whether what it says depends on the order of calls until all of a second are in.
    pub(crate) const fn rises_and_falls(&self) -> bool {
        self.percent > 0
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(marks) = self.table.find(group) {
            marks.set_active(is_active);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hasher;

    #[test]
    fn nobody_is_over_with_fewer_values_than_the_threshold() {
        for seed in 0..300 {
            let hasher = Hasher::new(seed);
            let mut few = Distinct::<1>::new(10, 0, 60, 1 << 16);
            let mut many = Distinct::<4>::new(200, 0, 60, 1 << 16);
            for value in 1..200 {
                let hash = hasher.number(value);
                assert!(value >= 10 || few.see(1, 1000, hash) == Seen::Quiet, "{value} values, seed {seed}");
                assert_eq!(many.see(1, 1000, hash), Seen::Quiet, "{value} values, seed {seed}");
            }
        }
    }

    #[test]
    fn however_many_values_there_are_the_true_number_is_within_what_is_told() {
        let hasher = Hasher::new(7);
        let mut distinct = Distinct::<4>::new(300, 0, 6, 1 << 16);
        let mut is_over = false;
        for value in 0..200_000_u32 {
            let seen = distinct.see(1, 1000 + value / 100_000, hasher.number(value.into()));
            if let Seen::Over(over) = seen {
                let truth = u64::from(value + 1);
                assert!(over.count.abs_diff(truth) <= over.error, "{over:?} of {truth}");
            }
            assert!(!is_over || matches!(seen, Seen::Over(_)));
            is_over = matches!(seen, Seen::Over(_));
        }
        assert!(is_over);
    }

    #[test]
    fn a_crowd_of_many_values_that_come_again_and_again_is_not_mixed() {
        let hasher = Hasher::new(7);
        let mut agents = Distinct::<4>::new(10, 70, 20, 1 << 16);
        for place in 0..60_000_u64 {
            // Of a carrier's customers a thousand call at once, each every ten seconds.
            let agent = hasher.number(place * 7919 % 1_000);
            agents.see(1, 1000 + u32::try_from(place / 100).unwrap(), agent);
            if place % 100 == 99 && place > 12_000 {
                assert_eq!(agents.again(1, agent), Seen::Quiet, "{place}");
            }
        }
    }

    #[test]
    fn what_is_told_of_a_group_holds_the_true_number() {
        let mut outside = 0;
        for seed in 0..300 {
            let hasher = Hasher::new(seed);
            let mut distinct = Distinct::<2>::new(26, 0, 60, 1 << 16);
            let last = (1..=60).map(|value| distinct.see(1, 1000, hasher.number(value))).last();
            let Some(Seen::Over(over)) = last else { panic!("{last:?} of 60 values, seed {seed}") };
            outside += u32::from(over.count.abs_diff(60) > over.error);
        }
        assert!(outside <= 3, "{outside}");
    }
}
