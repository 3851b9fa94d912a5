//! Steps that come one after the other in a group's window.
//!
//! For each step a group keeps the latest second at which a chain may have begun that has come so far. A call of a step
//! takes over what the step before it has, so one look at a few numbers says whether all came in order within the window,
//! and nothing has to be remembered of single calls. The engine gives the calls of one second by their steps, so within a
//! second any order is in order, and how the calls lay in the log changes nothing.

use super::{Over, Seen};
use crate::spec::MAX_PARTS;
use crate::table::{State, Table};

#[derive(Debug)]
pub(crate) struct Chain {
    table: Table<Steps>,
    steps: usize,
    seconds: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    /// When the latest chain began that has come to this step; 0: none.
    begun: [u32; MAX_PARTS],
    last: u32,
    /// Until when a chain may still end.
    until: u32,
    is_active: bool,
}

impl State for Steps {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        match self.until {
            _ if self.is_active => u32::MAX,
            until if until < now => 0,
            _ => u32::try_from(self.begun.iter().filter(|&&begun| begun > 0).count()).unwrap_or(1),
        }
    }

    fn touch(&self) -> u8 {
        self.until.to_le_bytes()[0]
    }
}

impl Chain {
    /// At most as many groups as `bytes` has room for.
    pub(crate) fn new(steps: usize, seconds: u32, bytes: usize) -> Self {
        let most = bytes / (size_of::<Steps>() + size_of::<u64>());
        Self { table: Table::new(most / 2 + 1, 0, 1), steps: steps.clamp(1, MAX_PARTS), seconds }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    #[inline(never)]
    pub(crate) fn see(&mut self, group: u64, second: u32, step: usize) -> Seen {
        if step >= self.steps {
            return Seen::Quiet;
        }
        let (steps, _) = self.table.at(group, second);
        // What comes after its time cannot be put between what was already joined.
        if second < steps.last {
            return Seen::Quiet;
        }
        steps.last = second;
        let begun = if step == 0 { second.max(1) } else { steps.begun[step - 1] };
        steps.begun[step] = steps.begun[step].max(begun);
        if step == 0 {
            steps.until = second.saturating_add(self.seconds);
        }
        let begun = steps.begun[step];
        let is_whole = step + 1 == self.steps && begun > 0 && begun.saturating_add(self.seconds) >= second;
        if !is_whole {
            return if steps.is_active { Seen::Under } else { Seen::Quiet };
        }
        Seen::Over(Over { count: self.steps as u64, error: 0, since: begun })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(steps) = self.table.find(group) {
            steps.is_active = is_active;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The latest begin of a chain of `steps` calls that ends with the last call, by trying.
    fn slow(calls: &[(u32, usize)], step: usize, until: u32) -> Option<u32> {
        let fits = calls.iter().filter(|(second, is)| *is == step && *second <= until);
        fits.filter_map(|&(second, _)| if step == 0 { Some(second) } else { slow(calls, step - 1, second) })
            .max()
    }

    proptest! {
        #[test]
        fn steps_in_order_are_found_like_by_trying_all(
            mut calls in proptest::collection::vec((0_u32..40, 0_usize..3), 1..40),
            seconds in 0_u32..20,
        ) {
            calls.iter_mut().for_each(|call| call.0 += 1000);
            calls.sort_unstable();
            let mut chain = Chain::new(3, seconds, 1 << 20);
            for (index, &(second, step)) in calls.iter().enumerate() {
                let found = matches!(chain.see(7, second, step), Seen::Over(_));
                let begun = (step == 2).then(|| slow(&calls[..=index], 2, second)).flatten();
                prop_assert_eq!(found, begun.is_some_and(|begun| begun + seconds >= second));
            }
        }
    }
}
