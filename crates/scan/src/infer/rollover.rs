//! A window of which one end was seen, and which may have begun before the first call.
//!
//! A window that starts with a key's first call is known when it ends. One that starts at a time of the clock, as those of a
//! calendar quota do, was cut off where the scan began: the time to its end is only the least that it can be long. Both
//! explain one end alike. So a window that nobody would configure is not claimed when a cut one explains what was seen, and
//! neither is any when the end fell on a full minute, which chance makes of one in thirty at most.

use ratewarden_model::scan_report::Algorithm;

use super::candidates::{self, Edge};
use super::{Conditions, Fit, Sample, Trace};

/// What it costs, in misfits, that the end fell on no full minute: those of a calendar need no explanation. Less than a window
/// of a clock whose length is claimed ([`super::window`]), for the length of one that ended once is anybody's guess.
const ELSEWHERE: f64 = 0.5;
/// What it costs, in misfits, that somebody spent a part of the first window before the first call.
const SPENT: f64 = 0.5;
/// In seconds.
const MINUTE: f64 = 60.0;
/// How far apart clocks that are set may be, in seconds.
const CLOCKS: f64 = 0.1;
/// An end that is known less exactly than this part of a minute falls on a full one by chance.
const CHANCE: f64 = 1.0 / 30.0;

/// What one end of a window divides.
#[derive(Debug, Clone, Copy)]
struct Divided {
    end: Edge,
    /// Calls that the first window admitted, where it rejected some: a part may have been spent before.
    first: Option<u64>,
    limit: u64,
}

/// The best of the ends that calls returned at, and of the one that answers spoke of.
pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let edges = candidates::edges(samples);
    let ends = edges.into_iter().take(3).chain(conditions.renewed);
    let best = ends
        .map(|end| Divided::by(end, samples))
        .min_by(|a, b| a.cost(samples, conditions).total_cmp(&b.cost(samples, conditions)))?;
    let mut trace = Vec::new();
    let misfits = best.misfits(samples, conditions, &mut trace);
    let penalty = best.cost(samples, conditions) - f64::from(misfits);
    let mut fit = Fit::new(Algorithm::FixedWindow, misfits, penalty);
    fit.limit = Some(best.limit);
    fit.whole = false;
    fit.at_least = Some(best.at_least(samples));
    fit.on_the_minute = is_on_the_minute(best.end, conditions);
    fit.trace = trace;
    Some(fit)
}

/// Whether a full minute of the clock lies in the bracket, and the bracket is so narrow that this means something. Time
/// zones differ by whole minutes, so the ends of hours and days are such ends too.
pub(super) fn is_on_the_minute(end: Edge, conditions: Conditions) -> bool {
    let slack = CLOCKS + 2.0 * conditions.jitter;
    let from = conditions.unix_at_zero + end.from - slack;
    let to = conditions.unix_at_zero + end.to + slack;
    (to / MINUTE).floor() > (from / MINUTE).floor() && to - from <= CHANCE * MINUTE + 2.0 * CLOCKS
}

impl Divided {
    fn by(end: Edge, samples: &[Sample]) -> Self {
        let at = samples.partition_point(|sample| sample.at < end.middle());
        let (before, after) = samples.split_at(at);
        let run = |part: &[Sample]| part.iter().take_while(|sample| sample.admitted).count();
        let (first, later) = (run(before), run(after));
        // What the last window admits until the observation ends may be less than it would have.
        let is_full = |part: &[Sample], run: usize| run < part.len();
        let limit = if is_full(after, later) { later } else { later.max(first) };
        Self { end, first: is_full(before, first).then_some(first as u64), limit: limit.max(1) as u64 }
    }

    fn cost(self, samples: &[Sample], conditions: Conditions) -> f64 {
        let spent = self.first.is_some_and(|first| first < self.limit);
        f64::from(self.misfits(samples, conditions, &mut ()))
            + if is_on_the_minute(self.end, conditions) { 0.0 } else { ELSEWHERE }
            + if spent { SPENT } else { 0.0 }
            // One call at a time is what a bucket of depth one admits too, and that is the commoner.
            + if self.limit == 1 { 0.5 } else { 0.0 }
    }

    /// Both windows admit until they are full, and then nothing.
    fn misfits(self, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace) -> u32 {
        let end = self.end.middle();
        let slack = 2.0 * conditions.jitter;
        let (mut left, mut is_over, mut wrong) = (self.first.unwrap_or(self.limit).min(self.limit), false, 0);
        for sample in samples {
            if !is_over && sample.at >= end {
                (left, is_over) = (self.limit, true);
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
            trace.record(sample.at, left as f64);
            // Within the uncertainty of the end a call may have fallen on either side.
            let near = (sample.at - self.end.from).abs().min((sample.at - self.end.to).abs()) <= slack;
            wrong += u32::from(sample.admitted == (left == 0) && !near);
            left = left.saturating_sub(u64::from(sample.admitted));
        }
        wrong
    }

    /// The longer of what was seen of the first window and of the second.
    fn at_least(self, samples: &[Sample]) -> f64 {
        let first = samples.first().map_or(0.0, |sample| self.end.from - sample.at);
        let rejected = samples.iter().rev().find(|sample| !sample.admitted);
        let second = rejected.map_or(0.0, |sample| sample.at - self.end.to);
        first.max(second).max(0.0)
    }
}
