//! Which windows and limits are worth trying.
//!
//! Windows are nearly always round numbers in configurations, so those come first; the rest comes from the
//! data: each change from rejection to admission brackets an edge.

use super::Sample;

/// Windows that people configure, in seconds.
pub(super) const ROUND_SECONDS: [f64; 27] = [
    0.1, 0.2, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0,
    30.0, 45.0, 60.0, 90.0, 120.0, 300.0, 600.0, 900.0,
];

/// What a window costs that nobody would configure, in misfits: with enough odd windows anything can be explained.
pub(super) fn oddness(window: f64) -> f64 {
    const USUAL: [f64; 16] =
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 3600.0];
    let usual = USUAL.into_iter().any(|usual| (usual - window).abs() <= 0.01 * usual);
    match (usual, is_round(window)) {
        (true, _) => 0.0,
        (false, true) => 0.4,
        (false, false) => 2.0,
    }
}

/// Whether people configure such a window (in seconds).
#[must_use]
pub fn is_round(window: f64) -> bool {
    ROUND_SECONDS.into_iter().any(|round| (round - window).abs() <= 0.01 * round)
}

/// The interval in which calls became possible again: after `from`, at the latest at `to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// In seconds, as [`Sample::at`].
    pub from: f64,
    /// In seconds, as [`Sample::at`].
    pub to: f64,
}

impl Edge {
    pub(super) fn middle(self) -> f64 {
        f64::midpoint(self.from, self.to)
    }
}

/// Every change from rejection to admission.
pub(super) fn edges(samples: &[Sample]) -> Vec<Edge> {
    samples
        .windows(2)
        .filter(|pair| !pair[0].admitted && pair[1].admitted)
        .map(|pair| Edge { from: pair[0].at, to: pair[1].at })
        .collect()
}

/// Windows worth trying: round ones that are not longer than what was observed, and those the edges suggest.
pub(super) fn windows(samples: &[Sample]) -> Vec<f64> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Vec::new() };
    let span = last.at - first.at;
    let edges = edges(samples);
    let mut found: Vec<f64> = ROUND_SECONDS.into_iter().filter(|&window| window <= span * 1.05).collect();
    for edge in edges.iter().take(12) {
        for part in 0..=8 {
            let at = edge.from + (edge.to - edge.from) * f64::from(part) / 8.0;
            found.push(at - first.at);
        }
    }
    for (index, early) in edges.iter().enumerate().take(8) {
        found.extend(edges.iter().skip(index + 1).take(8).map(|late| late.middle() - early.middle()));
    }
    found.retain(|&window| window > 0.05 && window.is_finite());
    found.sort_by(f64::total_cmp);
    found.dedup_by(|a, b| (*a - *b).abs() < 0.002 * *b);
    found
}

/// Where a clock may have its edges: inside the brackets of the first few, and at the start.
pub(super) fn phases(samples: &[Sample]) -> Vec<f64> {
    let mut found = Vec::new();
    for edge in edges(samples).iter().take(3) {
        found.extend([0.02, 0.25, 0.5, 0.75, 0.98].map(|part| edge.from + (edge.to - edge.from) * part));
    }
    found
}

/// Limits worth trying: the admissions before each rejection that follows an admission, and a little around.
pub(super) fn limits(samples: &[Sample]) -> Vec<u64> {
    let mut found = Vec::new();
    let mut run: u64 = 0;
    let mut total: u64 = 0;
    for pair in samples.windows(2) {
        if pair[0].admitted {
            run += 1;
            total += 1;
            if !pair[1].admitted {
                found.extend([run.saturating_sub(1), run, run + 1]);
                if found.len() < 12 {
                    found.extend([total.saturating_sub(1), total, total + 1]);
                }
                run = 0;
            }
        }
    }
    // In the order of time: the first run says most, and an end of the list cut off by size would lose it.
    let mut seen = std::collections::HashSet::new();
    found.retain(|&limit| limit > 0 && seen.insert(limit));
    found.truncate(24);
    found.sort_unstable();
    found
}

/// The middle of all values around `best` that cost no more than it, a round one where there is any.
pub(super) fn refine(best: f64, low: f64, high: f64, cost: impl Fn(f64) -> f64) -> f64 {
    const STEPS: u32 = 240;
    let least = cost(best);
    let step = (high - low) / f64::from(STEPS);
    let fits = |value: f64| cost(value) <= least;
    let (mut from, mut to) = (best, best);
    while from - step >= low && fits(from - step) {
        from -= step;
    }
    while to + step <= high && fits(to + step) {
        to += step;
    }
    let margin = step.max(0.005 * best);
    ROUND_SECONDS
        .into_iter()
        .filter(|&round| round >= from - margin && round <= to + margin && fits(round))
        .min_by(|a, b| (a - best).abs().total_cmp(&(b - best).abs()))
        .unwrap_or_else(|| f64::midpoint(from, to))
}
