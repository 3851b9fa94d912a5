//! Leaky queues: calls beyond the rate wait for their turn, beyond the queue they are rejected.
//!
//! nginx's `limit_req` without `nodelay` is the commonest. A call's turn is `max(now, last turn + 1/rate)`; it is
//! delayed until its turn, less what `delay=N` lets through at once. What gives a queue away are the delays, so
//! they are what is fitted, and the rejections must agree.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, to_count};

/// Fewer delayed calls than this are noise.
const FEWEST_DELAYED: usize = 3;

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let rate = rate_of_turns(samples, conditions)?;
    let mut best: Option<(f64, u64, Error)> = None;
    for step in -24..=24_i32 {
        let rate = rate * 1.005_f64.powi(step);
        for undelayed in (0..=10).chain([12, 15, 20, 25, 30, 40, 50]) {
            let error = error(rate, undelayed, samples, conditions, &mut ());
            if best
                .is_none_or(|(_, _, least)| (error.misfits, error.seconds) < (least.misfits, least.seconds))
            {
                best = Some((rate, undelayed, error));
            }
        }
    }
    let (rate, undelayed, _) = best?;
    let mut trace = Vec::new();
    let error = error(rate, undelayed, samples, conditions, &mut trace);
    // A busy machine delays calls too, but not those that a queue would.
    let delayed = delayed(samples, conditions);
    if error.explained < FEWEST_DELAYED.max(delayed * 2 / 3) {
        return None;
    }
    let mut fit = Fit::new(Algorithm::LeakyQueue, error.misfits, 0.0);
    fit.rate = Some(rate);
    fit.burst = Some(longest(rate, samples) + 1);
    fit.undelayed = Some(undelayed);
    fit.counts_rejected = Some(false);
    fit.trace = trace;
    Some(fit)
}

/// How many calls were delayed far beyond what the network explains.
pub(super) fn delayed(samples: &[Sample], conditions: Conditions) -> usize {
    samples.iter().filter(|sample| is_delayed(sample, conditions)).count()
}

fn is_delayed(sample: &Sample, conditions: Conditions) -> bool {
    let threshold = (4.0 * conditions.base_latency).max(conditions.base_latency + 0.025);
    sample.admitted && sample.latency > threshold + conditions.late
}

/// Delayed calls leave the queue one at a time, `1/rate` apart.
fn rate_of_turns(samples: &[Sample], conditions: Conditions) -> Option<f64> {
    if delayed(samples, conditions) < FEWEST_DELAYED {
        return None;
    }
    let mut turns: Vec<f64> =
        samples.iter().filter(|sample| is_delayed(sample, conditions)).map(|s| s.at + s.latency).collect();
    turns.sort_by(f64::total_cmp);
    let mut gaps: Vec<f64> = turns.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let gap = gaps[gaps.len() / 2];
    (gap > 0.002).then(|| 1.0 / gap)
}

/// The most calls that were waiting, by the turns at this rate.
fn longest(rate: f64, samples: &[Sample]) -> u64 {
    let (mut turn, mut most) = (f64::NEG_INFINITY, 0.0_f64);
    for sample in samples.iter().filter(|sample| sample.admitted) {
        turn = sample.at.max(turn + 1.0 / rate);
        most = most.max((turn - sample.at) * rate);
    }
    to_count(most)
}

/// How far a hypothesis is off.
#[derive(Debug, Clone, Copy, Default)]
struct Error {
    misfits: u32,
    /// Delays that this queue would have made about as long as they were.
    explained: usize,
    /// The sum of what the delays are off: it settles the rate among those that fit.
    seconds: f64,
}

fn error(
    rate: f64,
    undelayed: u64,
    samples: &[Sample],
    conditions: Conditions,
    trace: &mut impl Trace,
) -> Error {
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let spared = undelayed as f64 / rate;
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let room = longest(rate, samples) as f64;
    let (mut turn, mut error) = (f64::NEG_INFINITY, Error::default());
    for sample in samples {
        let next = sample.at.max(turn + 1.0 / rate);
        let waiting = (next - sample.at) * rate;
        trace.record(sample.at, (room - waiting).max(0.0));
        if sample.admitted {
            turn = next;
            let predicted = conditions.base_latency + (next - sample.at - spared).max(0.0);
            let tolerance = 0.012 + 0.35 / rate + 0.1 * predicted + conditions.jitter;
            let off = (predicted - sample.latency).abs();
            error.misfits += u32::from(off > tolerance);
            // The tolerance of a slow queue is wider than many a delay, so that alone explains nothing.
            let waited = sample.latency - conditions.base_latency;
            error.explained += usize::from(
                is_delayed(sample, conditions)
                    && off <= tolerance
                    && predicted - conditions.base_latency > 0.5 * waited,
            );
            error.seconds += off;
        } else {
            error.misfits += u32::from(waiting + 1.0 < room);
        }
    }
    error
}
