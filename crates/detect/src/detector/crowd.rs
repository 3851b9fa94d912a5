//! Too many calls of a group that several do together: a network's, and not one address's of it.

use super::distinct::Distinct;
use super::rate::Rate;
use super::{Over, Seen};

#[derive(Debug)]
pub(crate) struct Crowd {
    rate: Rate,
    members: Distinct<1>,
}

impl Crowd {
    pub(crate) fn new(rate: Rate, members: Distinct<1>) -> Self {
        Self { rate, members }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.rate.touch(group) ^ self.members.touch(group)
    }

    pub(crate) fn see(&mut self, group: u64, second: u32, member: u64) -> Seen {
        match (self.rate.see(group, second), self.members.see(group, second, member)) {
            (Seen::Over(over), Seen::Over(members)) => {
                Seen::Over(Over { since: over.since.min(members.since), ..over })
            }
            (Seen::Quiet, _) | (_, Seen::Quiet) => Seen::Quiet,
            _ => Seen::Under,
        }
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        self.rate.set_active(group, is_active);
        self.members.set_active(group, is_active);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.rate.bytes() + self.members.bytes()
    }
}
