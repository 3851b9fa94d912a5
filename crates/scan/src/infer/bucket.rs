//! Token buckets: tokens return continuously, up to a burst. GCRA and nginx's `limit_req … nodelay` decide the
//! same.
//!
//! A bucket is taken to be full before the first sample. `burst` is its depth: what is admitted at one instant
//! from idle.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, candidates};

/// Rates tried in the first pass: from one call a minute to 400 a second, 1 % apart. A wrong rate drifts, and a
/// coarser grid would miss the right depth beside it.
const RATE_LOW: f64 = 1.0 / 60.0;
const RATE_STEP: f64 = 1.01;
const RATE_STEPS: i32 = 1_015;
/// How many of them are looked at closely.
const REFINED: usize = 40;

/// What becomes of small differences that add up over many calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drift {
    /// The state is set to what was seen: for a first pass over a coarse grid.
    Forgiven,
    /// They add up until they are a misfit: this is what makes the rate exact.
    Counted,
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    if candidates::edges(samples).is_empty() {
        return None;
    }
    let mut coarse: Vec<(u32, f64, u64)> = Vec::new();
    for step in 0..RATE_STEPS {
        let rate = RATE_LOW * RATE_STEP.powi(step);
        let best = bursts(samples, rate)
            .into_iter()
            .map(|burst| (misfits(rate, burst, Drift::Forgiven, samples, conditions, &mut ()), rate, burst))
            .min_by_key(|&(wrong, _, burst)| (wrong, burst));
        coarse.extend(best);
    }
    coarse.sort_by_key(|&(wrong, _, _)| wrong);
    let wrong = |rate: f64, burst: u64| misfits(rate, burst, Drift::Counted, samples, conditions, &mut ());
    let fine = coarse.into_iter().take(REFINED).flat_map(|(_, rate, burst)| {
        let depths = burst.saturating_sub(2).max(1)..=burst + 2;
        let rates = (-12..=12_i32).map(move |step| rate * 1.001_f64.powi(step));
        rates.flat_map(move |rate| depths.clone().map(move |burst| (rate, burst)))
    });
    let (rate, mut burst) = fine.min_by_key(|&(rate, burst)| wrong(rate, burst))?;
    let rate = middle(rate, |rate| wrong(rate, burst));
    // A bucket that is one deeper may fit as well; the shallowest that fits is what was seen.
    while burst > 1 && wrong(rate, burst - 1) <= wrong(rate, burst) {
        burst -= 1;
    }
    let rate = middle(rate, |rate| wrong(rate, burst));
    let mut trace = Vec::new();
    let mut fit = Fit::new(
        Algorithm::TokenBucket,
        misfits(rate, burst, Drift::Counted, samples, conditions, &mut trace),
        0.1,
    );
    fit.rate = Some(rate);
    fit.burst = Some(burst);
    fit.counts_rejected = Some(false);
    fit.trace = trace;
    Some(fit)
}

/// Depths worth trying at a rate: what the first run admitted less what returned during it, counted from its start and
/// from the end of its longest pause, for a pause fills the bucket to the brim.
fn bursts(samples: &[Sample], rate: f64) -> Vec<u64> {
    let run: Vec<&Sample> = samples.iter().take_while(|sample| sample.admitted).collect();
    let Some(last) = run.last() else { return Vec::new() };
    let pause = (1..run.len()).max_by(|&a, &b| {
        let gap = |index: usize| run[index].at - run[index - 1].at;
        gap(a).total_cmp(&gap(b))
    });
    let mut found: Vec<u64> = [0, pause.unwrap_or(0)]
        .into_iter()
        .flat_map(|from| {
            let depth = super::to_f64(run.len() - from) - rate * (last.at - run[from].at);
            let depth = super::to_count(depth).max(1);
            depth.saturating_sub(3).max(1)..=depth + 3
        })
        .collect();
    found.extend([1, 2, 3, 5, 8, 10, 15, 20, 21, 25, 30, 40, 50, 51, 60, 80, 100, 101]);
    found.sort_unstable();
    found.dedup();
    found
}

/// The middle of the rates around `best` that fit as well.
fn middle(best: f64, wrong: impl Fn(f64) -> u32) -> f64 {
    const STEP: f64 = 1.001;
    const FARTHEST: usize = 500;
    let least = wrong(best);
    let edge = |factor: f64| {
        let rates = std::iter::successors(Some(best), |rate| Some(rate * factor));
        rates.take(FARTHEST).take_while(|&rate| wrong(rate) <= least).last().unwrap_or(best)
    };
    (edge(STEP) * edge(1.0 / STEP)).sqrt()
}

fn misfits(
    rate: f64,
    burst: u64,
    drift: Drift,
    samples: &[Sample],
    conditions: Conditions,
    trace: &mut impl Trace,
) -> u32 {
    let interval = 1.0 / rate;
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let depth = (burst - 1) as f64 * interval;
    // The call and the one that emptied the bucket may each be off by the jitter; implementations round besides.
    let slack = 2.0 * conditions.jitter + 0.02 * interval;
    // The theoretical arrival time of GCRA: a call conforms from `arrival - depth` on. Unlike a count of tokens it
    // remembers for how long a call would have conformed already, so the tolerance is one of time.
    let (mut arrival, mut wrong) = (f64::NEG_INFINITY, 0);
    for sample in samples {
        let conforms_from = arrival - depth;
        trace.record(sample.at, left(arrival, sample.at, depth, rate));
        if sample.admitted {
            let early = sample.at < conforms_from - slack;
            wrong += u32::from(early);
            let early = early || (drift == Drift::Forgiven && sample.at < conforms_from);
            // A misfit is counted once; then the state is what must have been.
            let from = if early { sample.at + depth } else { arrival };
            arrival = from.max(sample.at) + interval;
        } else if sample.at > conforms_from {
            let late = sample.at > conforms_from + slack;
            wrong += u32::from(late);
            if late || drift == Drift::Forgiven {
                arrival = sample.at + depth;
            }
        }
    }
    wrong
}

/// Tokens in the bucket at `at`.
fn left(arrival: f64, at: f64, depth: f64, rate: f64) -> f64 {
    (depth * rate + 1.0 - (arrival - at).max(0.0) * rate).max(0.0)
}
