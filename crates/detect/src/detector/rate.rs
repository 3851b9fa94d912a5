//! Too many calls of a group in a window, at once or for long; or in a day.

use super::{Over, Seen};
use crate::table::Table;
use crate::window::{Stretches, Window};

/// Groups that are kept.
const GROUPS: usize = 1 << 17;
/// Windows of so many seconds and more are for slow attackers, whom a flood of new groups must not make forgotten.
const SLOW: u32 = 600;
const DAY: u32 = 86_400;
/// Windows of at most so many seconds are short.
const SHORT: u32 = 30;

#[derive(Debug)]
pub(crate) struct Rate {
    table: Table<Window>,
    stretches: Stretches,
    calls: u32,
    filled: u32,
    /// Counts begin anew with each day, in UTC.
    days: Option<Table<Day>>,
}

/// Calls of a day.
#[derive(Debug, Clone, Copy, Default)]
struct Day {
    number: u32,
    first: u32,
    calls: u32,
    is_active: bool,
}

impl crate::table::State for Day {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        if self.is_active {
            u32::MAX
        } else if self.number < now / DAY {
            0
        } else {
            self.calls
        }
    }

    fn touch(&self) -> u8 {
        self.number.to_le_bytes()[0]
    }
}

impl Rate {
    /// `bytes` is what its groups may take, where that is less than usual; then nobody who is pushed out is remembered.
    pub(crate) fn new(calls: u32, filled: u32, seconds: u32, bytes: Option<usize>) -> Self {
        let stretches = Window::stretches(seconds);
        // Two generations of half a window each: what is remembered is never older than the window.
        let memory = if seconds >= SLOW && bytes.is_none() { stretches.places() / 2 } else { 0 };
        let slot = size_of::<Window>() + size_of::<u64>();
        // A table rounds up to a power of two.
        // Few groups are alive within seconds, and a small table stays in the processor's caches.
        let usual = if seconds <= SHORT { GROUPS / 4 } else { GROUPS };
        let groups = bytes.map_or(usual, |bytes| usual.min(bytes / slot / 2 + 1));
        Self {
            table: Table::new(groups, memory, stretches.places()),
            stretches,
            calls: calls.max(1),
            filled,
            days: None,
        }
    }

    pub(crate) fn daily(calls: u64) -> Self {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        Self { days: Some(Table::new(GROUPS, 0, 1)), ..Self::new(calls, 1, DAY, None) }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.days.as_ref().map_or_else(|| self.table.touch(group), |days| days.touch(group))
    }

    #[inline(always)]
    pub(crate) fn see(&mut self, group: u64, second: u32) -> Seen {
        if let Some(days) = &mut self.days {
            return see_day(days, self.calls, group, second);
        }
        let stretch = self.stretches.at(second);
        let (window, remembered) = self.table.at(group, stretch.number);
        let Some(mut sum) = window.add(second, stretch, 1) else { return Seen::Quiet };
        if let Some(remembered) = remembered.filter(|remembered| remembered.count > 0) {
            window.seed(stretch, remembered.count);
            sum += remembered.count;
        }
        if sum < self.calls {
            return if window.is_active() { Seen::Under } else { Seen::Quiet };
        }
        let sum = window.sum(second, &self.stretches);
        let is_active = window.is_active();
        // What a sketch may have made up is never enough for a finding.
        let noise = self.table.noise(stretch.number);
        if sum.count.saturating_sub(noise) < self.calls || sum.filled < self.filled {
            return if is_active { Seen::Under } else { Seen::Quiet };
        }
        Seen::Over(Over { count: sum.count.into(), error: (sum.error + noise).into(), since: sum.since })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(day) = self.days.as_mut().and_then(|days| days.find(group)) {
            day.is_active = is_active;
        } else if let Some(window) = self.table.find(group) {
            window.set_active(is_active);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes() + self.days.as_ref().map_or(0, Table::bytes)
    }
}

fn see_day(days: &mut Table<Day>, most: u32, group: u64, second: u32) -> Seen {
    let number = second / DAY;
    let (day, _) = days.at(group, second);
    if day.number != number {
        if number < day.number {
            return Seen::Quiet;
        }
        *day = Day { number, first: second, calls: 0, is_active: day.is_active };
    }
    day.calls = day.calls.saturating_add(1);
    if day.calls <= most {
        return if day.is_active { Seen::Under } else { Seen::Quiet };
    }
    Seen::Over(Over { count: day.calls.into(), error: 0, since: day.first })
}
