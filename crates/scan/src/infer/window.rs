//! Fixed windows: a counter that starts anew at each edge.
//!
//! Two kinds are in use. Some windows start with a key's first call (express-rate-limit), others at round times
//! of a clock. Whether rejected calls are counted makes no difference to a fixed window.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, candidates};

#[derive(Debug, Clone, Copy)]
enum Start {
    /// With the first call after the last window ended.
    FirstCall,
    /// At `phase` plus any multiple of the window.
    Clock { phase: f64 },
}

#[derive(Debug, Clone, Copy)]
struct Params {
    limit: u64,
    window: f64,
    start: Start,
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let edges = candidates::edges(samples);
    if edges.is_empty() {
        return unseen_end(samples);
    }
    let mut best: Option<(Params, f64)> = None;
    let limits = candidates::limits(samples);
    let phases = candidates::phases(samples);
    for window in candidates::windows(samples) {
        let clocks = phases.iter().map(|&phase| Start::Clock { phase });
        for start in std::iter::once(Start::FirstCall).chain(clocks) {
            for &limit in &limits {
                let params = Params { limit, window, start };
                let cost = f64::from(misfits(params, samples, conditions, &mut ()))
                    + penalty(start)
                    + lone_call(limit)
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
    let cost = penalty(params.start) + lone_call(params.limit) + candidates::oddness(params.window);
    let mut fit = Fit::new(Algorithm::FixedWindow, misfits, cost);
    fit.limit = Some(params.limit);
    fit.window = Some(params.window);
    fit.trace = trace;
    Some(fit)
}

fn penalty(start: Start) -> f64 {
    match start {
        Start::FirstCall => 0.0,
        Start::Clock { .. } => 0.6,
    }
}

/// One call in each interval is what a bucket of depth one does too, and that is the commoner.
fn lone_call(limit: u64) -> f64 {
    if limit == 1 { 0.5 } else { 0.0 }
}

/// Rejected until the end of the observation: the limit is seen, the window is only "at least".
fn unseen_end(samples: &[Sample]) -> Option<Fit> {
    let limit = samples.iter().take_while(|sample| sample.admitted).count();
    let late = samples.iter().skip(limit).filter(|sample| sample.admitted).count();
    if limit == samples.len() {
        return None;
    }
    let mut fit = Fit::new(Algorithm::FixedWindow, u32::try_from(late).unwrap_or(u32::MAX), 0.0);
    fit.limit = Some(limit as u64);
    let mut left = super::to_f64(limit);
    for sample in samples {
        fit.trace.push((sample.at, left));
        left = (left - f64::from(u8::from(sample.admitted))).max(0.0);
    }
    Some(fit)
}

fn misfits(params: Params, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace) -> u32 {
    let Params { limit, window, start } = params;
    let Some(first) = samples.first() else { return 0 };
    let mut end = match start {
        Start::FirstCall => first.at + window,
        Start::Clock { phase } => phase + ((first.at - phase) / window).floor() * window + window,
    };
    let (mut count, mut wrong) = (0, 0);
    let slack = 2.0 * conditions.jitter;
    for sample in samples {
        // Where the edge is within the uncertainty, the outcome says on which side the call fell.
        let over = sample.at > end + slack || (sample.at > end - slack && sample.admitted && count >= limit);
        if over && !sample.admitted {
            // A window that has just begun rejects nobody.
            wrong += 1;
            continue;
        }
        if over {
            count = 0;
            end = match start {
                Start::FirstCall => sample.at + window,
                Start::Clock { .. } => end + ((sample.at - end).max(0.0) / window).floor() * window + window,
            };
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
        trace.record(sample.at, limit.saturating_sub(count) as f64);
        if sample.admitted {
            wrong += u32::from(count >= limit);
            count += 1;
        } else {
            wrong += u32::from(count < limit && sample.at > end - window + slack);
        }
    }
    wrong
}
