//! The few statistics the probes need: a rank test, an effect size, a median and a slope.
//!
//! Latencies are skewed and have outliers, so nothing here compares two means: one garbage collection would decide
//! the outcome. The Mann-Whitney U test asks only about order, Cliff's delta says how much of one sample lies above
//! the other, and the ratio of medians says how much that is. A probe wants all three, for with many samples a rank
//! test alone calls a microsecond significant. A statistics crate was not taken: this is what we need of one.

/// What the rank test says of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// U of the first sample: the pairs in which it is larger, ties counted half.
    pub u: f64,
    /// The two-sided probability of an order at least this one-sided, if both samples came from one population.
    pub p: f64,
    /// Cliff's delta, from -1 (the first sample is always smaller) to 1 (always larger).
    pub delta: f64,
}

/// The Mann-Whitney U test with the normal approximation, corrected for ties and for continuity.
///
/// The approximation is good from about 8 values a sample; below that the probability it gives is too large rather
/// than too small at the thresholds used here. None where a sample is empty. Source: Hollander, Wolfe and Chicken,
/// *Nonparametric Statistical Methods*, 3rd ed., section 4.1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "samples have at most thousands of values")]
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<RankTest> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let (n, m) = (first.len() as f64, second.len() as f64);
    let mut pooled: Vec<(f64, bool)> = first.iter().map(|&value| (value, true)).collect();
    pooled.extend(second.iter().map(|&value| (value, false)));
    pooled.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rank_sum = 0.0;
    let mut ties = 0.0;
    let mut ranked = 0;
    for tied in pooled.chunk_by(|a, b| a.0 == b.0) {
        let size = tied.len() as f64;
        // The mean of the ranks ranked + 1 … ranked + size.
        let rank = ranked as f64 + f64::midpoint(size, 1.0);
        rank_sum += rank * tied.iter().filter(|(_, is_first)| *is_first).count() as f64;
        ties += size.powi(3) - size;
        ranked += tied.len();
    }
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let all = n + m;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)).max(1.0));
    let distance = ((u - n * m / 2.0).abs() - 0.5).max(0.0);
    // All values equal: no order at all.
    let p = if variance > 0.0 { two_sided(distance / variance.sqrt()) } else { 1.0 };
    Some(RankTest { u, p, delta: 2.0 * u / (n * m) - 1.0 })
}

/// The middle value, or the mean of the two middle ones. None for an empty sample.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len().is_multiple_of(2) {
        return Some(f64::midpoint(*sorted.get(sorted.len() / 2 - 1)?, upper));
    }
    Some(upper)
}

/// The exponent `k` of the power law `y = c·x^k` that fits best: least squares on the logarithms.
///
/// Points that are not positive are left out, for they have no logarithm. None where fewer than two different `x`
/// remain.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a handful of points")]
pub fn power_law_exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points
        .iter()
        .filter(|(x, y)| *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite())
        .map(|(x, y)| (x.ln(), y.ln()))
        .collect();
    let count = logs.len() as f64;
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let spread: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let shared: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (logs.len() >= 2 && spread > 1e-12).then(|| shared / spread)
}

/// The probability that a standard normal value is further from zero than `z`, on either side.
fn two_sided(z: f64) -> f64 {
    complementary_error(z / std::f64::consts::SQRT_2).clamp(0.0, 1.0)
}

/// erfc for `x >= 0` with a fractional error below 1.2e-7: the Chebyshev fit of *Numerical Recipes*, section 6.2.
fn complementary_error(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let polynomial = COEFFICIENTS.iter().rev().fold(0.0, |sum, &coefficient| sum * t + coefficient);
    t * (polynomial - x * x).exp()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// U by counting every pair: slow and obvious.
    fn u_by_pairs(first: &[f64], second: &[f64]) -> f64 {
        let pair = |a: f64, b: f64| {
            if a > b {
                1.0
            } else if a < b {
                0.0
            } else {
                0.5
            }
        };
        first.iter().map(|&a| second.iter().map(|&b| pair(a, b)).sum::<f64>()).sum()
    }

    /// The exact probability for small samples without ties, by going through every choice of ranks.
    fn exact_p(first: &[f64], second: &[f64]) -> f64 {
        let (n, all) = (first.len(), first.len() + second.len());
        let centre = (n * second.len()) as f64 / 2.0;
        let observed = (u_by_pairs(first, second) - centre).abs();
        let (mut extreme, mut total) = (0_u32, 0_u32);
        for choice in 0_u32..1 << all {
            if choice.count_ones() as usize == n {
                let ranks: usize = (0..all).filter(|bit| choice >> bit & 1 == 1).map(|bit| bit + 1).sum();
                let u = (ranks - n * (n + 1) / 2) as f64;
                total += 1;
                extreme += u32::from((u - centre).abs() >= observed - 1e-9);
            }
        }
        f64::from(extreme) / f64::from(total)
    }

    #[test]
    fn the_test_agrees_with_the_exact_one_near_the_thresholds() {
        let low: Vec<f64> = (0..8).map(f64::from).collect();
        for shift in [1.5, 2.5, 4.5, 6.5] {
            let high: Vec<f64> = low.iter().map(|value| value + shift).collect();
            let (exact, approximate) = (exact_p(&high, &low), mann_whitney(&high, &low).unwrap().p);
            assert!((exact - approximate).abs() < 0.01, "shift {shift}: {exact} {approximate}");
            assert!(approximate > exact * 0.8, "never much surer than the exact test: {exact} {approximate}");
        }
    }

    #[test]
    fn two_ways_of_saying_nothing() {
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        let same = mann_whitney(&[5.0; 20], &[5.0; 20]).unwrap();
        assert_eq!((same.p, same.delta), (1.0, 0.0));
        assert_eq!(median(&[]), None);
        assert_eq!(power_law_exponent(&[(1.0, 5.0), (1.0, 7.0)]), None);
        assert_eq!(power_law_exponent(&[(0.0, 5.0), (10.0, -1.0)]), None);
    }

    #[test]
    fn the_tail_is_that_of_the_normal_distribution() {
        for (z, p) in [(0.0, 1.0), (1.0, 0.317_310_5), (1.959_964, 0.05), (3.290_527, 0.001), (6.0, 1.973e-9)]
        {
            assert!((two_sided(z) - p).abs() < 1e-6 + p * 1e-3, "{z}: {} {p}", two_sided(z));
        }
    }

    #[test]
    fn an_outlier_does_not_make_a_difference() {
        let mut first = vec![1.0; 30];
        first[7] = 900.0;
        let test = mann_whitney(&first, &[1.0; 30]).unwrap();
        assert!(test.p > 0.05 && test.delta < 0.1, "{test:?}");
    }

    proptest! {
        #[test]
        fn u_and_delta_are_those_of_counting_pairs(
            first in prop::collection::vec(0_u8..20, 1..40),
            second in prop::collection::vec(0_u8..20, 1..40),
        ) {
            let first: Vec<f64> = first.into_iter().map(f64::from).collect();
            let second: Vec<f64> = second.into_iter().map(f64::from).collect();
            let test = mann_whitney(&first, &second).unwrap();
            let expected = u_by_pairs(&first, &second);
            prop_assert!((test.u - expected).abs() < 1e-6);
            prop_assert!((0.0..=1.0).contains(&test.p) && (-1.0..=1.0).contains(&test.delta));
            let mirrored = mann_whitney(&second, &first).unwrap();
            prop_assert!((mirrored.delta + test.delta).abs() < 1e-9 && (mirrored.p - test.p).abs() < 1e-9);
        }

        #[test]
        fn the_test_cares_for_order_only(values in prop::collection::vec((1_u32..1000, 1_u32..1000), 1..30)) {
            let (first, second): (Vec<f64>, Vec<f64>) =
                values.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
            let stretched = |sample: &[f64]| sample.iter().map(|value| value.powi(3)).collect::<Vec<_>>();
            prop_assert_eq!(mann_whitney(&first, &second), mann_whitney(&stretched(&first), &stretched(&second)));
        }

        #[test]
        fn a_power_law_is_found_again(exponent in -2.0_f64..3.0, factor in 0.1_f64..1e4) {
            let points: Vec<_> = [1.0, 10.0, 100.0, 1_000.0].map(|x: f64| (x, factor * x.powf(exponent))).into();
            prop_assert!((power_law_exponent(&points).unwrap() - exponent).abs() < 1e-6);
        }

        #[test]
        fn half_lie_below_the_median(values in prop::collection::vec(-1e6_f64..1e6, 1..50)) {
            let middle = median(&values).unwrap();
            prop_assert!(values.iter().filter(|&&value| value < middle).count() * 2 <= values.len());
            prop_assert!(values.iter().filter(|&&value| value > middle).count() * 2 <= values.len());
        }
    }
}
