//! Axes that a reader can read: ends and steps at round numbers.

/// An axis from zero to a round end, with its labelled steps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) end: f64,
    pub(super) steps: Vec<f64>,
}

/// An axis that holds `largest`, with at most about `labels` steps of 1, 2 or 5 times a power of ten.
pub(super) fn linear(largest: f64, labels: usize) -> Axis {
    let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
    let raw = largest / count(labels.max(1));
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|part| part * power).into_iter().find(|step| *step >= raw * 0.999);
    let step = step.unwrap_or(raw);
    let whole = (0..=1_000).map(|number| count(number) * step).take_while(|at| *at <= largest * 1.001);
    Axis { end: largest, steps: whole.collect() }
}

/// The exponents of the powers of ten around a range of positive values, both ends included.
pub(super) fn decades(smallest: f64, largest: f64) -> Vec<f64> {
    let first = smallest.clamp(1e-6, 1e30).log10().floor();
    let last = largest.clamp(1e-6, 1e30).log10().ceil().max(first + 1.0);
    (0..=40).map(|number| first + count(number)).take_while(|at| *at <= last).collect()
}

/// A small count as a coordinate.
#[expect(clippy::cast_precision_loss, reason = "counts of a chart are far below 2^52")]
pub(super) const fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(linear(9.8, 10).steps, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(linear(87.0, 5).steps, [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(linear(0.0, 5).end, 1.0);
        assert_eq!(linear(f64::NAN, 5).end, 1.0);
        assert!(linear(1e12, 4).steps.len() <= 6);
    }

    #[test]
    fn decades_hold_the_range() {
        assert_eq!(decades(318.0, 3_114_900.0), [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(decades(10.0, 10.0), [1.0, 2.0]);
        assert!(decades(0.0, f64::MAX).len() <= 41);
    }
}
