//! How many different callers there were: exact for few, estimated for many.
//!
//! `HyperLogLog` (Flajolet, Fusy, Gandouet and Meunier, 2007) with 2^14 registers and linear counting below: one byte each,
//! standard error 1.04 / √16384 = 0.8 %. The first [`EXACT`] ids are kept as they are, so the small numbers that people
//! compare by hand are right. Ids must be keyed hashes already.

use std::collections::HashSet;

/// So many are counted exactly.
const EXACT: usize = 4_096;

/// Bits of an id that choose a register.
const BITS: u32 = 14;

/// The standard error of an estimate, as a share.
pub(crate) const ERROR: f64 = 0.0082;

/// Counts different ids.
#[derive(Debug)]
pub(crate) enum Distinct {
    Few(HashSet<u128>),
    Many(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Few(HashSet::new())
    }
}

impl Distinct {
    pub(crate) fn add(&mut self, id: u128) {
        match self {
            Self::Few(ids) => {
                ids.insert(id);
                if ids.len() > EXACT {
                    let mut registers = vec![0; 1 << BITS].into_boxed_slice();
                    ids.iter().for_each(|&id| note(&mut registers, id));
                    *self = Self::Many(registers);
                }
            }
            Self::Many(registers) => note(registers, id),
        }
    }

    /// How many there were, and whether that is exact.
    pub(crate) fn count(&self) -> (u64, bool) {
        match self {
            Self::Few(ids) => (ids.len() as u64, true),
            Self::Many(registers) => (estimate(registers), false),
        }
    }
}

fn note(registers: &mut [u8], id: u128) {
    let place = usize::try_from(id >> (128 - BITS)).unwrap_or(0);
    // The first one among the bits that did not choose the register.
    let rank = u8::try_from((id << BITS).leading_zeros().min(128 - BITS) + 1).unwrap_or(u8::MAX);
    if let Some(register) = registers.get_mut(place) {
        *register = rank.max(*register);
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, positive and far below 2^52"
)]
fn estimate(registers: &[u8]) -> u64 {
    let m = registers.len() as f64;
    let sum: f64 = registers.iter().map(|&rank| (-f64::from(rank)).exp2()).sum();
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let zero = registers.iter().filter(|&&rank| rank == 0).count();
    let estimate = if raw <= 2.5 * m && zero > 0 { m * (m / zero as f64).ln() } else { raw };
    estimate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splitmix64 (Steele, Lea and Flood, 2014): ids as even as keyed hashes.
    fn mixed(seed: u64) -> u128 {
        let word = |seed: u64| {
            let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        u128::from(word(2 * seed + 1)) << 64 | u128::from(word(2 * seed + 2))
    }

    #[test]
    fn few_are_exact_and_many_are_within_four_errors() {
        let mut distinct = Distinct::default();
        for id in 0..1_000_000_u64 {
            distinct.add(mixed(id));
            distinct.add(mixed(id / 2));
            if [100, 4_095].contains(&id) {
                assert_eq!(distinct.count(), (id + 1, true));
            }
            if [10_000, 50_000, 999_999].contains(&id) {
                let (count, exact) = distinct.count();
                let off = (count as f64 / (id + 1) as f64 - 1.0).abs();
                assert!(!exact && off < 4.0 * ERROR, "{count} for {}", id + 1);
            }
        }
    }
}
