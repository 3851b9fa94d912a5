//! Counts of values, from which quantiles are read.
//!
//! Buckets grow with the values (64 to each doubling), so a quantile is never too low and at most 1/64 (1.6 %) too high;
//! below 128 it is exact. That is the idea of HDR histograms and of `DDSketch` (Masson, Rim and Lee, 2019), with a fixed
//! range instead of a merge. At most 3,776 buckets, 30 KiB, whatever is put in.

/// Buckets for each doubling, as a power of two.
const BITS: u32 = 6;

/// Counts of whole numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn add(&mut self, value: u64) {
        let bucket = bucket(value);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// How many values there are.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// The largest.
    pub(crate) const fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value that at least `thousandths` of all are not over.
    pub(crate) fn quantile(&self, thousandths: u64) -> u64 {
        self.quantile_of(self.total, thousandths)
    }

    /// The same of the values that are not over `most`.
    pub(crate) fn quantile_up_to(&self, most: u64, thousandths: u64) -> u64 {
        self.quantile_of(self.total - self.above(most), thousandths)
    }

    /// How many values are over `most`, to the bucket.
    pub(crate) fn above(&self, most: u64) -> u64 {
        self.counts.iter().skip(bucket(most) + 1).sum()
    }

    fn quantile_of(&self, total: u64, thousandths: u64) -> u64 {
        let wanted = (u128::from(total) * u128::from(thousandths)).div_ceil(1_000);
        let mut seen = 0_u128;
        for (bucket, &count) in self.counts.iter().enumerate() {
            seen += u128::from(count);
            if count > 0 && seen >= wanted {
                return top(bucket).min(self.max);
            }
        }
        self.max
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 3,775")]
const fn bucket(value: u64) -> usize {
    if value < 1 << BITS {
        return value as usize;
    }
    let doublings = 63 - value.leading_zeros() - BITS;
    let part = (value >> doublings) & ((1 << BITS) - 1);
    (((doublings as u64 + 1) << BITS) + part) as usize
}

/// The largest value of a bucket.
const fn top(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 1 << BITS {
        return bucket;
    }
    let doublings = (bucket >> BITS) - 1;
    let part = (bucket & ((1 << BITS) - 1)) | 1 << BITS;
    ((part + 1) << doublings).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quantile_is_never_too_low_and_a_sixty_fourth_too_high_at_most(
            mut values in prop::collection::vec(prop_oneof![0_u64..300, any::<u64>()], 1..300), thousandths in 1_u64..=1_000,
        ) {
            let mut histogram = Histogram::default();
            values.iter().for_each(|&value| histogram.add(value));
            values.sort_unstable();
            let place = (values.len() * thousandths as usize).div_ceil(1_000) - 1;
            let (exact, found) = (values[place], histogram.quantile(thousandths));
            prop_assert!(exact <= found && found - exact <= exact / 64, "{exact} {found}");
            prop_assert!(exact >= 128 || found == exact);
            prop_assert_eq!(histogram.above(values[values.len() - 1]), 0);
            prop_assert!(histogram.counts.len() <= 3_776);
        }
    }
}
