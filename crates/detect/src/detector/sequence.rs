//! Numbers that are walked: ids in paths, pages, cursors.
//!
//! Numbers are cut into blocks of 512, and a group is told apart by the block, so a stray number far away spoils
//! nothing. In a block each number is one bit, so distinct numbers are exact, and the order in which they come does not
//! matter: up, down, mixed, or spread over connections. Numbers are walked when a quarter of those from the lowest to the
//! highest were asked for; who picks here and there fills no stretch.

use super::{Over, Seen};
use crate::hash::both;
use crate::table::{State, Table};

/// Numbers of a block, a power of two.
const BLOCK: u64 = 512;
const WORDS: usize = 8;
/// Groups that are kept.
const GROUPS: usize = 1 << 15;

#[derive(Debug)]
pub(crate) struct Sequence {
    table: Table<Walk>,
    /// Seconds of half a window.
    half: u32,
    numbers: u32,
}

/// Two halves of a window.
#[derive(Debug, Clone, Copy, Default)]
struct Walk {
    first: u32,
    number: u32,
    is_active: bool,
    halves: [[u64; WORDS]; 2],
}

impl State for Walk {
    fn weight(&self, now: u32, _places: u32) -> u32 {
        match self.number.saturating_add(2) {
            _ if self.is_active => u32::MAX,
            over if over <= now => 0,
            _ => self.union().iter().map(|word| word.count_ones()).sum(),
        }
    }

    fn touch(&self) -> u8 {
        self.number.to_le_bytes()[0]
    }
}

impl Walk {
    fn union(&self) -> [u64; WORDS] {
        std::array::from_fn(|word| self.halves[0][word] | self.halves[1][word])
    }

    fn advance(&mut self, second: u32, number: u32) {
        let gone = number - self.number;
        if gone >= 2 {
            self.halves = [[0; WORDS]; 2];
            self.first = second;
        } else {
            self.halves[number as usize % 2] = [0; WORDS];
        }
        self.number = number;
    }
}

impl Sequence {
    pub(crate) fn new(numbers: u32, seconds: u32) -> Self {
        Self { table: Table::new(GROUPS, 0, 1), half: seconds.max(1), numbers: numbers.clamp(2, 400) }
    }

    /// The group of a call whose other parts make `key`.
    #[inline]
    pub(crate) fn group(key: u64, number: u64) -> u64 {
        both(key, number / BLOCK + 1)
    }

    /// Brings near what [`see`](Self::see) will ask of the group.
    #[inline(always)]
    pub(crate) fn touch(&self, group: u64) -> u8 {
        self.table.touch(group)
    }

    pub(crate) fn see(&mut self, group: u64, second: u32, number: u64) -> Seen {
        let half = second / self.half;
        let (walk, _) = self.table.at(group, half);
        if half > walk.number {
            walk.advance(second, half);
        } else if walk.number - half >= 2 {
            return Seen::Quiet;
        }
        let bit = (number % BLOCK) as usize;
        walk.halves[half as usize % 2][bit / 64] |= 1 << (bit % 64);
        let union = walk.union();
        let count: u32 = union.iter().map(|word| word.count_ones()).sum();
        if count < self.numbers || count * 4 < span(&union) {
            return if walk.is_active { Seen::Under } else { Seen::Quiet };
        }
        let since = walk.first.max(walk.number.saturating_sub(1).saturating_mul(self.half));
        Seen::Over(Over { count: count.into(), error: 0, since })
    }

    pub(crate) fn set_active(&mut self, group: u64, is_active: bool) {
        if let Some(walk) = self.table.find(group) {
            walk.is_active = is_active;
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

/// From the lowest set bit to the highest.
fn span(words: &[u64; WORDS]) -> u32 {
    let mut bits = (0..64 * WORDS).filter(|bit| words[bit / 64] >> (bit % 64) & 1 == 1);
    let lowest = bits.next();
    let highest = bits.next_back().or(lowest);
    lowest.zip(highest).map_or(0, |(lowest, highest)| u32::try_from(highest + 1 - lowest).unwrap_or(0))
}
