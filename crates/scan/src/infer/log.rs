//! Sliding logs: each call is kept until it is a window old.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, candidates, to_f64};

#[derive(Debug, Clone, Copy)]
struct Params {
    limit: u64,
    window: f64,
    counts_rejected: bool,
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    if candidates::edges(samples).is_empty() {
        // Without a readmission it cannot be told from a fixed window, which is the commoner.
        return None;
    }
    let limits = candidates::limits(samples);
    let mut best: Option<(Params, f64)> = None;
    for window in candidates::windows(samples) {
        for counts_rejected in [false, true] {
            for &limit in &limits {
                let params = Params { limit, window, counts_rejected };
                let cost = f64::from(misfits(params, samples, conditions, &mut ()))
                    + penalty(counts_rejected)
                    + candidates::oddness(window);
                if best.is_none_or(|(_, least)| cost < least) {
                    best = Some((params, cost));
                }
            }
        }
    }
    let (mut params, _) = best?;
    params.window = candidates::refine(params.window, params.window * 0.7, params.window * 1.4, |window| {
        f64::from(misfits(Params { window, ..params }, samples, conditions, &mut ()))
    });
    let mut trace = Vec::new();
    let misfits = misfits(params, samples, conditions, &mut trace);
    let cost = penalty(params.counts_rejected) + candidates::oddness(params.window);
    let mut fit = Fit::new(Algorithm::SlidingLog, misfits, cost);
    fit.limit = Some(params.limit);
    fit.window = Some(params.window);
    fit.counts_rejected = Some(params.counts_rejected);
    fit.trace = trace;
    Some(fit)
}

fn penalty(counts_rejected: bool) -> f64 {
    if counts_rejected { 1.2 } else { 0.3 }
}

fn misfits(params: Params, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace) -> u32 {
    let Params { limit, window, counts_rejected } = params;
    // Samples are in order of time, so what is still in the window is a suffix: two cursors suffice.
    let mut counted: Vec<f64> = Vec::with_capacity(samples.len());
    let (mut surely_gone, mut maybe_gone) = (0, 0);
    let mut wrong = 0;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    for sample in samples {
        while counted.get(surely_gone).is_some_and(|&at| at < sample.at - window - 2.0 * conditions.jitter) {
            surely_gone += 1;
        }
        while counted.get(maybe_gone).is_some_and(|&at| at < sample.at - window + 2.0 * conditions.jitter) {
            maybe_gone += 1;
        }
        let (most, least) = (counted.len() - surely_gone, counted.len() - maybe_gone.max(surely_gone));
        trace.record(sample.at, to_f64(limit.saturating_sub(most)));
        wrong += u32::from(if sample.admitted { least >= limit } else { most < limit });
        if sample.admitted || counts_rejected {
            counted.push(sample.at);
        }
    }
    wrong
}
