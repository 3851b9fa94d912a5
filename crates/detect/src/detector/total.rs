//! A number that calls have, over all calls of a group's window: its sum, its average, or how many of 100 are above.
//!
//! A percentile is never worked out: the bound is known, and the percentile is above it exactly when fewer calls than
//! that many of 100 lie at or below (nearest rank). So two counts for each stretch are enough, and nothing is estimated but
//! the window's edge: a ring of stretches reaches back over the whole window and up to one stretch more.

use super::{Over, Seen};
use crate::spec::Measure;
use crate::table::{State, Table};
use crate::window::{Stretches, Window};

/// Stretches of a ring.
const PLACES: usize = 8;

#[derive(Debug)]
pub(crate) struct Total {
    table: Table<Ring>,
    stretches: Stretches,
    measure: Measure,
    bound: f64,
    or_equal: bool,
    /// So many of the number's units are one of the bound's.
    scale: f64,
}

/// Sums by stretches of time.
#[derive(Debug, Clone, Copy, Default)]
struct Ring {
    /// The newest stretch.
    number: u32,
    first: u32,
    is_active: bool,
    calls: [u32; PLACES],
    /// What was summed up, or calls above the bound.
    sums: [u64; PLACES],
}

impl State for Ring {
    fn weight(&self, now: u32, places: u32) -> u32 {
        match self.number.saturating_add(places) {
            _ if self.is_active => u32::MAX,
            over if over <= now => 0,
            _ => self.calls.iter().fold(0, |sum: u32, &calls| sum.saturating_add(calls)).min(u32::MAX - 1),
        }
    }

    fn touch(&self) -> u8 {
        self.number.to_le_bytes()[0]
    }
}

impl Total {
    /// At most as many groups as `bytes` has room for.
    pub(crate) fn new(
        measure: Measure,
        (bound, or_equal): (f64, bool),
        scale: f64,
        seconds: u32,
        bytes: usize,
    ) -> Self {
        let most = bytes / (size_of::<Ring>() + size_of::<u64>());
        let stretches = Window::stretches(seconds);
        let table = Table::new(most / 2 + 1, 0, stretches.places());
        Self { table, stretches, measure, bound, or_equal, scale }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    #[inline(never)]
    pub(crate) fn see(&mut self, group: u64, second: u32, value: u64) -> Seen {
        let stretch = self.stretches.at(second);
        let places = self.stretches.places();
        let (ring, _) = self.table.at(group, stretch.number);
        if !ring.advance(second, stretch.number, places) {
            return Seen::Quiet;
        }
        let exceeds =
            |value: f64| value > self.bound || (self.or_equal && value.total_cmp(&self.bound).is_eq());
        let of_unit = |value: u64| value as f64 / self.scale;
        let added = match self.measure {
            Measure::Percentile(_) => u64::from(exceeds(of_unit(value))),
            Measure::Sum | Measure::Average => value,
        };
        let place = (stretch.number % places) as usize;
        ring.calls[place] = ring.calls[place].saturating_add(1);
        ring.sums[place] = ring.sums[place].saturating_add(added);
        let calls: u64 = ring.calls.iter().map(|&calls| u64::from(calls)).sum();
        let sum = ring.sums.iter().fold(0, |sum: u64, &one| sum.saturating_add(one));
        let (is_over, count) = match self.measure {
            Measure::Sum => (exceeds(of_unit(sum)), of_unit(sum)),
            Measure::Average => (exceeds(of_unit(sum) / calls as f64), of_unit(sum) / calls as f64),
            Measure::Percentile(of) => ((calls - sum) * 100 < u64::from(of) * calls, sum as f64),
        };
        if !is_over {
            return if ring.is_active { Seen::Under } else { Seen::Quiet };
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; saturates"
        )]
        let count = count.round() as u64;
        Seen::Over(Over { count, error: 0, since: ring.first })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(ring) = self.table.find(group) {
            ring.is_active = is_active;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

impl Ring {
    /// Makes room for a call; false where it is longer ago than the ring goes.
    fn advance(&mut self, second: u32, number: u32, places: u32) -> bool {
        if number < self.number {
            return self.number - number < places;
        }
        for gone in 0..(number - self.number).min(places) {
            let place = ((number - gone) % places) as usize;
            (self.calls[place], self.sums[place]) = (0, 0);
        }
        self.number = number;
        if self.calls == [0; PLACES] {
            self.first = second;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(measure: Measure, bound: f64, mut values: Vec<u64>) -> bool {
        values.sort_unstable();
        let sum: u64 = values.iter().sum();
        match measure {
            Measure::Sum => sum as f64 > bound,
            Measure::Average => sum as f64 / values.len() as f64 > bound,
            Measure::Percentile(of) => {
                let rank = (values.len() * usize::from(of)).div_ceil(100).max(1);
                values[rank - 1] as f64 > bound
            }
        }
    }

    proptest! {
        #[test]
        fn a_total_is_that_of_a_window_that_is_at_most_a_stretch_too_long(
            calls in proptest::collection::vec((0_u32..9, 0_u64..100), 1..120),
            bound in 1_u32..90,
            kind in 0_u8..12,
        ) {
            let measure = match kind {
                0..=1 => Measure::Sum,
                2..=3 => Measure::Average,
                of => Measure::Percentile(of * 9),
            };
            let mut total = Total::new(measure, (bound.into(), false), 1.0, 70, 1 << 20);
            let (mut now, mut all) = (10_000, Vec::new());
            for (passed, value) in calls {
                now += passed;
                all.push((now, value));
                // Seventy seconds are seven stretches of ten; the ring has eight.
                let from = (now / 10 - 7) * 10;
                let inside = all.iter().filter(|(second, _)| *second >= from).map(|&(_, value)| value).collect();
                let found = matches!(total.see(7, now, value), Seen::Over(_));
                prop_assert_eq!(found, holds(measure, bound.into(), inside), "{:?} {}", measure, now);
            }
        }
    }
}
