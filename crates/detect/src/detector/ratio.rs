//! Too many calls of a group fail.

use super::{Over, Seen};
use crate::spec::Statuses;
use crate::table::{State, Table};
use crate::window::{Stretches, Window};

/// Groups that are kept.
const GROUPS: usize = 1 << 15;

#[derive(Debug)]
pub(crate) struct Ratio {
    table: Table<Pair>,
    stretches: Stretches,
    failed: Statuses,
    percent: u32,
    calls: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    all: Window,
    failed: Window,
}

impl State for Pair {
    fn weight(&self, now: u32, places: u32) -> u32 {
        self.all.weight(now, places)
    }

    fn touch(&self) -> u8 {
        self.all.touch()
    }
}

impl Ratio {
    pub(crate) fn new(failed: Statuses, percent: u32, calls: u32, seconds: u32) -> Self {
        let stretches = Window::stretches(seconds);
        Self {
            table: Table::new(GROUPS, 0, stretches.places()),
            stretches,
            failed,
            percent,
            calls: calls.max(1),
        }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    pub(crate) fn see(&mut self, group: u64, second: u32, status: u16) -> Seen {
        let stretch = self.stretches.at(second);
        let (pair, _) = self.table.at(group, stretch.number);
        let failed = u32::from(self.failed.has(status));
        if pair.all.add(second, stretch, 1).is_none() || pair.failed.add(second, stretch, failed).is_none() {
            return Seen::Quiet;
        }
        self.again(group, second)
    }

    /// What there is to say of a group now that all calls of a second are in: the share rises and falls from one to the
    /// next.
    pub(crate) fn again(&mut self, group: u64, second: u32) -> Seen {
        let Some(pair) = self.table.find(group) else { return Seen::Quiet };
        let all = pair.all.sum(second, &self.stretches).count;
        let failed = pair.failed.sum(second, &self.stretches);
        let is_over =
            all >= self.calls && u64::from(failed.count) * 100 >= u64::from(all) * u64::from(self.percent);
        if !is_over {
            return if pair.all.is_active() { Seen::Under } else { Seen::Quiet };
        }
        Seen::Over(Over { count: failed.count.into(), error: failed.error.into(), since: failed.since })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(pair) = self.table.find(group) {
            pair.all.set_active(is_active);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}
