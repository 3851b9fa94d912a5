//! Too many different values of one thing, and of another as well: networks of a credential that several programs use.

use super::Seen;
use super::distinct::Distinct;

#[derive(Debug)]
pub(crate) struct Both {
    values: Distinct<4>,
    others: Distinct<1>,
}

impl Both {
    pub(crate) fn new(values: Distinct<4>, others: Distinct<1>) -> Self {
        Self { values, others }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.values.touch(group) ^ self.others.touch(group)
    }

    /// A call that does not say the other value brings a new one with each value: what a log does not hold excuses nobody.
    pub(crate) fn see(&mut self, group: u64, second: u32, value: u64, other: u64) -> Seen {
        let other = if other == 0 { value } else { other };
        match (self.values.see(group, second, value), self.others.see(group, second, other)) {
            (Seen::Over(over), Seen::Over(_)) => Seen::Over(over),
            (Seen::Quiet, _) | (_, Seen::Quiet) => Seen::Quiet,
            _ => Seen::Under,
        }
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        self.values.set_active(group, is_active);
        self.others.set_active(group, is_active);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.values.bytes() + self.others.bytes()
    }
}
