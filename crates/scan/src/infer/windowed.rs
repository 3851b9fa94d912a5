//! What the three families with a window share: an exhaustive search over kinds, windows and limits, then the window
//! made exact.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, candidates};

/// What a hypothesis has beside its limit and window.
pub(super) trait Kind: Copy {
    /// The family.
    const ALGORITHM: Algorithm;

    /// Whether rejected calls are counted, where that makes a difference.
    fn counts_rejected(self) -> Option<bool>;
    /// How complicated it is, in misfits.
    fn penalty(self, limit: u64, conditions: Conditions) -> f64;
    /// Outcomes that it would have decided otherwise with this frame.
    fn misfits(self, frame: Frame, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace)
    -> u32;
}

/// A limit and a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Calls in a window.
    pub(super) limit: u64,
    /// In seconds.
    pub(super) window: f64,
}

/// The hypothesis that costs least, its window in the middle of those that fit as well. `kinds` gives those worth trying
/// with a window.
pub(super) fn best<K: Kind>(
    kinds: impl Fn(f64) -> Vec<K>,
    samples: &[Sample],
    conditions: Conditions,
) -> Option<Fit> {
    let limits = candidates::limits(samples);
    let mut cheapest: Option<(f64, K, Frame)> = None;
    for window in candidates::windows(samples) {
        for kind in kinds(window) {
            for &limit in &limits {
                let frame = Frame { limit, window };
                let cost = f64::from(kind.misfits(frame, samples, conditions, &mut ()))
                    + kind.penalty(limit, conditions)
                    + candidates::oddness(window);
                if cheapest.is_none_or(|(least, _, _)| cost < least) {
                    cheapest = Some((cost, kind, frame));
                }
            }
        }
    }
    let (_, kind, Frame { limit, window }) = cheapest?;
    let window = candidates::refine(window, window * 0.7, window * 1.4, |window| {
        f64::from(kind.misfits(Frame { limit, window }, samples, conditions, &mut ()))
    });
    let mut trace = Vec::new();
    let misfits = kind.misfits(Frame { limit, window }, samples, conditions, &mut trace);
    let penalty = kind.penalty(limit, conditions) + candidates::oddness(window);
    let mut fit = Fit::new(K::ALGORITHM, misfits, penalty);
    fit.limit = Some(limit);
    fit.window = Some(window);
    fit.counts_rejected = kind.counts_rejected();
    fit.trace = trace;
    Some(fit)
}
