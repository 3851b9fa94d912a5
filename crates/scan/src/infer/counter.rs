//! Sliding counters: this window's count plus what is left of the last one's.
//!
//! `estimate = last × (1 − part of this window gone) + this`; a call is admitted while the estimate is below the
//! limit. HAProxy's `http_req_rate` starts its windows with a key's first call and counts rejected calls too;
//! Flask-Limiter's `sliding-window-counter` uses the clock's windows and does not.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, candidates};

#[derive(Debug, Clone, Copy)]
struct Params {
    limit: u64,
    window: f64,
    /// An edge of a window.
    phase: f64,
    /// Where the phase is from.
    start: Start,
    counts_rejected: bool,
}

/// Where a window's edges are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    FirstCall,
    /// Multiples of the window in Unix time.
    Clock,
    /// Any other clock: one that is not set like ours.
    OtherClock,
}

/// How many phases of another clock are tried.
const PHASES: u32 = 20;

fn phases(first: f64, window: f64, conditions: Conditions) -> impl Iterator<Item = (f64, Start)> {
    let clock = -conditions.unix_at_zero.rem_euclid(window);
    let others = (1..PHASES).map(move |step| first - window * f64::from(step) / f64::from(PHASES));
    [(first, Start::FirstCall), (clock, Start::Clock)]
        .into_iter()
        .chain(others.map(|phase| (phase, Start::OtherClock)))
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let first = samples.first()?;
    if candidates::edges(samples).is_empty() {
        return None;
    }
    let limits = candidates::limits(samples);
    let mut best: Option<(Params, f64)> = None;
    for window in candidates::windows(samples) {
        for counts_rejected in [false, true] {
            for (phase, start) in phases(first.at, window, conditions) {
                for &limit in &limits {
                    let params = Params { limit, window, phase, start, counts_rejected };
                    let cost = f64::from(misfits(params, samples, conditions, &mut ()))
                        + penalty(params, conditions);
                    if best.is_none_or(|(_, least)| cost < least) {
                        best = Some((params, cost));
                    }
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
    let mut fit = Fit::new(Algorithm::SlidingCounter, misfits, penalty(params, conditions));
    fit.limit = Some(params.limit);
    fit.window = Some(params.window);
    fit.counts_rejected = Some(params.counts_rejected);
    fit.trace = trace;
    Some(fit)
}

fn penalty(params: Params, conditions: Conditions) -> f64 {
    let start = match params.start {
        Start::FirstCall | Start::Clock => 0.0,
        Start::OtherClock => 1.0,
    };
    let likely = conditions.counter_is_likely && params.counts_rejected && params.start == Start::FirstCall;
    let kind = if likely { -0.8 } else { 0.9 + if params.counts_rejected { 0.2 } else { 0.0 } };
    start + kind + candidates::oddness(params.window)
}

fn misfits(params: Params, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace) -> u32 {
    let Params { limit, window, phase, counts_rejected, .. } = params;
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let limit = limit as f64;
    let (mut last, mut this, mut index) = (0.0, 0.0, f64::NEG_INFINITY);
    let mut wrong = 0;
    for sample in samples {
        let now = ((sample.at - phase) / window).floor();
        if now > index {
            last = if (now - index - 1.0).abs() < 0.5 { this } else { 0.0 };
            this = 0.0;
            index = now;
        }
        let gone = (sample.at - phase) / window - now;
        let estimate: f64 = last * (1.0 - gone) + this;
        // What the timing uncertainty can make of it, and at an edge the whole step.
        let near_edge = gone * window < conditions.jitter || (1.0 - gone) * window < conditions.jitter;
        let phase_tolerance =
            if params.start == Start::OtherClock { window / f64::from(PHASES) / 2.0 } else { 0.0 };
        let tolerance = 0.05
            + last / window * phase_tolerance
            + last / window * conditions.jitter
            + if near_edge { limit } else { 0.0 };
        trace.record(sample.at, (limit - estimate).max(0.0));
        wrong += u32::from(if sample.admitted {
            estimate >= limit + tolerance
        } else {
            estimate + 1.0 <= limit - tolerance
        });
        if sample.admitted || counts_rejected {
            this += 1.0;
        }
    }
    wrong
}
