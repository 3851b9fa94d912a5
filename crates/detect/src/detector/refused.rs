//! Many different credentials are refused, and they are most of those that were shown.
//!
//! Behind an address of a carrier, and at a busy route, some credentials have expired at any time, and programs go on
//! trying them. Counting refused ones alone accuses whoever is large. Who guesses has hardly any that is right, so the
//! credentials that were accepted within an hour stand beside those that were refused.

use super::distinct::at_least;
use super::{Over, Seen};
use crate::table::{State as _, Table};
use crate::window::{Marks, Stretches};

/// Seconds for which an accepted credential is remembered, at least.
const REMEMBERED: u32 = 3600;

/// So many times the threshold is too much whatever was accepted.
const MUCH: u32 = 10;

#[derive(Debug)]
pub(crate) struct Refused {
    refused: Table<Marks<4>>,
    accepted: Table<Marks<4>>,
    stretches: Stretches,
    longer: Stretches,
    credentials: u32,
    percent: u32,
}

impl Refused {
    /// At most as many groups as `room` bytes have place for.
    pub(crate) fn new(credentials: u32, percent: u32, seconds: u32, room: usize) -> Self {
        let most = room / 2 / (size_of::<Marks<4>>() + size_of::<u64>());
        let stretches = Marks::<4>::stretches(seconds);
        let longer = Marks::<4>::stretches(seconds.max(REMEMBERED));
        // A table rounds up to a power of two.
        Self {
            refused: Table::new(most / 2 + 1, 0, stretches.places()),
            accepted: Table::new(most / 2 + 1, 0, longer.places()),
            stretches,
            longer,
            credentials,
            percent,
        }
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.accepted.touch(group)
    }

    #[inline(never)]
    pub(crate) fn see(&mut self, group: u64, second: u32, token: u64, status: u16) -> Seen {
        if token == 0 {
            return Seen::Quiet;
        }
        if !matches!(status, 401 | 403) {
            // A redirect may lead to where one logs in.
            if (200..300).contains(&status) {
                let stretch = self.longer.at(second);
                self.accepted.at(group, stretch.number).0.add(second, stretch, token);
            }
            return Seen::Quiet;
        }
        let stretch = self.stretches.at(second);
        let (marks, _) = self.refused.at(group, stretch.number);
        let Some(marked) = marks.add(second, stretch, token) else { return Seen::Quiet };
        let under = if marks.is_active() { Seen::Under } else { Seen::Quiet };
        if at_least(marked, 256) < self.credentials {
            return under;
        }
        let (count, error) = marks.distinct();
        let (number, places) = (self.longer.at(second).number, self.longer.places());
        let accepted = self.accepted.find(group).filter(|marks| marks.weight(number, places) > 0);
        let all = count + accepted.map_or(0, |marks| marks.distinct().0);
        // Who sends made-up ones to where none is asked for looks accepted, so very many are too many in any company.
        let is_much = count >= self.credentials.saturating_mul(MUCH);
        if !is_much && u64::from(count) * 100 < u64::from(all) * u64::from(self.percent) {
            return under;
        }
        Seen::Over(Over { count: count.into(), error: error.into(), since: marks.since(&self.stretches) })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(marks) = self.refused.find(group) {
            marks.set_active(is_active);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.refused.bytes() + self.accepted.bytes()
    }
}
