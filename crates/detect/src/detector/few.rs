//! A few different values in a group's window, exactly: who meets a rule of somebody else's with a small number in it, and
//! which of several rules hold together.
//!
//! A group keeps its newest sixteen values, each with the second it was last seen in. The newest sixteen are all that
//! is needed to know whether there are up to sixteen in a window, so memory is of a fixed size and nothing is estimated;
//! of more it says "at least". Seconds are all a call has, so values that lie up to one second too far apart count as well.

use super::{Over, Seen};
use crate::table::{State, Table};

/// Values of a group; more are not told apart.
pub(crate) const VALUES: u32 = 16;

#[derive(Debug)]
pub(crate) struct Few {
    table: Table<Newest>,
    values: u32,
    seconds: u32,
}

/// The newest values, by half of their hash, and when they were seen last; 0: none.
#[derive(Debug, Clone, Copy, Default)]
struct Newest {
    values: [u32; VALUES as usize],
    seen: [u32; VALUES as usize],
    /// Until when any of them counts.
    until: u32,
    is_active: bool,
}

impl State for Newest {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        match self.until {
            _ if self.is_active => u32::MAX,
            until if until < now => 0,
            _ => u32::try_from(self.seen.iter().filter(|&&seen| seen > 0).count()).unwrap_or(VALUES),
        }
    }

    fn touch(&self) -> u8 {
        self.until.to_le_bytes()[0]
    }
}

impl Few {
    /// At most as many groups as `bytes` has room for.
    pub(crate) fn new(values: u32, seconds: u32, bytes: usize) -> Self {
        let most = bytes / (size_of::<Newest>() + size_of::<u64>());
        Self { table: Table::new(most / 2 + 1, 0, 1), values: values.clamp(1, VALUES), seconds }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    #[inline(never)]
    pub(crate) fn see(&mut self, group: u64, second: u32, value: u64) -> Seen {
        if value == 0 {
            return Seen::Quiet;
        }
        let (newest, _) = self.table.at(group, second);
        newest.until = newest.until.max(second.saturating_add(self.seconds));
        newest.add(second, value);
        let counted =
            newest.seen.iter().filter(|&&seen| seen > 0 && seen.saturating_add(self.seconds) >= second);
        let (count, since) = counted.fold((0, second), |(count, since), &seen| (count + 1, since.min(seen)));
        if count < self.values {
            return if newest.is_active { Seen::Under } else { Seen::Quiet };
        }
        Seen::Over(Over { count: count.into(), error: 0, since })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(newest) = self.table.find(group) {
            newest.is_active = is_active;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

impl Newest {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is one")]
    fn add(&mut self, second: u32, value: u64) {
        let value = (value >> 32) as u32 ^ value as u32;
        let is_it = |place: &usize| self.seen[*place] > 0 && self.values[*place] == value;
        let all = 0..VALUES as usize;
        let known = all.clone().find(is_it);
        let oldest = || all.min_by_key(|&place| self.seen[place]).unwrap_or_default();
        let place = known.unwrap_or_else(oldest);
        // A call that is late does not push out a newer value.
        if self.seen[place] <= second {
            (self.values[place], self.seen[place]) = (value, second.max(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn up_to_sixteen_values_of_a_window_are_counted_exactly(
            calls in proptest::collection::vec((0_u32..4, 1_u64..12), 1..200),
            values in 1_u32..10,
            seconds in 1_u32..20,
        ) {
            let mut few = Few::new(values, seconds, 1 << 20);
            let (mut now, mut all) = (1000, Vec::new());
            for (passed, value) in calls {
                now += passed;
                all.push((now, value));
                let mut inside: Vec<u64> =
                    all.iter().filter(|(second, _)| second + seconds >= now).map(|&(_, value)| value).collect();
                inside.sort_unstable();
                inside.dedup();
                let count = u32::try_from(inside.len()).unwrap();
                match few.see(7, now, value << 32) {
                    Seen::Over(over) => {
                        prop_assert!(count >= values);
                        prop_assert_eq!(over.count, u64::from(count));
                    }
                    _ => prop_assert!(count < values),
                }
            }
        }
    }
}
