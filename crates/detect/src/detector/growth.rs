//! A page size that grows: who asks for 10, 100, 1 000, 10 000 tries how much one call can read.

use super::{Over, Seen};
use crate::table::{State, Table};

/// Groups that are kept.
const GROUPS: usize = 1 << 15;

#[derive(Debug)]
pub(crate) struct Growth {
    table: Table<Climb>,
    times: u32,
    factor: u32,
    limit: u32,
    seconds: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Climb {
    first: u32,
    last: u32,
    start: u32,
    top: u32,
    rises: u32,
    seconds: u32,
}

impl State for Climb {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        if self.last.saturating_add(self.seconds) < now { 0 } else { self.rises + 1 }
    }

    fn touch(&self) -> u8 {
        self.last.to_le_bytes()[0]
    }
}

impl Growth {
    pub(crate) fn new(times: u32, factor: u32, limit: u32, seconds: u32) -> Self {
        Self { table: Table::new(GROUPS, 0, 1), times, factor, limit, seconds }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    pub(crate) fn see(&mut self, group: u64, second: u32, limit: u32) -> Seen {
        if limit == 0 {
            return Seen::Quiet;
        }
        let (climb, _) = self.table.at(group, second);
        if climb.rises == 0 && climb.start == 0 || climb.last.saturating_add(self.seconds) < second {
            *climb = Climb {
                first: second,
                last: second,
                start: limit,
                top: limit,
                rises: 0,
                seconds: self.seconds,
            };
            return Seen::Quiet;
        }
        // Lower sizes in between do not hide that the highest grows.
        climb.start = climb.start.min(limit);
        if limit <= climb.top {
            return Seen::Quiet;
        }
        (climb.top, climb.rises, climb.last) = (limit, climb.rises + 1, second);
        let is_far =
            u64::from(limit) >= u64::from(climb.start) * u64::from(self.factor) && limit >= self.limit;
        if climb.rises < self.times || !is_far {
            return Seen::Quiet;
        }
        Seen::Over(Over { count: limit.into(), error: 0, since: climb.first })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}
