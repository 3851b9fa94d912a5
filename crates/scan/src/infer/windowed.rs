//! What the three families with a window share: an exhaustive search, then the window made exact.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, candidates};

/// A hypothesis with a limit and a window.
pub(super) trait Windowed: Copy {
    /// The family.
    const ALGORITHM: Algorithm;

    /// Calls in a window.
    fn limit(self) -> u64;
    /// The window in seconds.
    fn window(self) -> f64;
    /// The same with another window.
    fn with_window(self, window: f64) -> Self;
    /// Whether rejected calls are counted, where that makes a difference.
    fn counts_rejected(self) -> Option<bool>;
    /// How complicated it is, in misfits.
    fn penalty(self, conditions: Conditions) -> f64;
    /// Outcomes it would have decided otherwise.
    fn misfits(self, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace) -> u32;
}

/// The hypothesis that costs least, its window in the middle of those that fit as well.
pub(super) fn best<H: Windowed>(
    all: impl Iterator<Item = H>,
    samples: &[Sample],
    conditions: Conditions,
) -> Option<Fit> {
    let cost = |hypothesis: H| {
        f64::from(hypothesis.misfits(samples, conditions, &mut ()))
            + hypothesis.penalty(conditions)
            + candidates::oddness(hypothesis.window())
    };
    let (found, _) = all.map(|one| (one, cost(one))).min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let window = candidates::refine(found.window(), found.window() * 0.7, found.window() * 1.4, |window| {
        f64::from(found.with_window(window).misfits(samples, conditions, &mut ()))
    });
    let found = found.with_window(window);
    let mut trace = Vec::new();
    let misfits = found.misfits(samples, conditions, &mut trace);
    let penalty = found.penalty(conditions) + candidates::oddness(window);
    let mut fit = Fit::new(H::ALGORITHM, misfits, penalty);
    fit.limit = Some(found.limit());
    fit.window = Some(window);
    fit.counts_rejected = found.counts_rejected();
    fit.trace = trace;
    Some(fit)
}
