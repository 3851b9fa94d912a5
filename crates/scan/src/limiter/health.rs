//! Stops when the target suffers.
//!
//! A target suffers when calls get slow without a limiter's shape, or fail in a way that is no rejection. The
//! shape that excuses slowness is a queue that lets calls out at a steady beat although each of them would be
//! quick: then it is the limiter that waits, not the server that works.

use std::time::Duration;

use super::Prober;
use super::prober::Seen;
use super::samples;
use crate::infer::{self, Inference};

/// Calls that are looked at together.
const LAST: usize = 10;
/// How many times the baseline the median may be.
const TIMES: u32 = 5;
/// Slower than the baseline by less than this is not suffering, whatever the ratio.
const FLOOR: Duration = Duration::from_millis(50);
/// So many of the last calls may fail.
const FAILURES: usize = 4;

/// Whether the last answers give reason to stop and look.
pub(super) fn is_suspicious(answered: &[Seen], baseline: Duration) -> bool {
    let last = &answered[answered.len().saturating_sub(LAST)..];
    fails(last) || (last.len() == LAST && median(last) > slow(baseline))
}

fn fails(last: &[Seen]) -> bool {
    last.iter().filter(|seen| seen.has_failed()).count() > FAILURES
}

fn slow(baseline: Duration) -> Duration {
    (baseline * TIMES).max(baseline + FLOOR)
}

fn median(last: &[Seen]) -> Duration {
    let mut latencies: Vec<Duration> = last.iter().map(|seen| seen.observation.latency).collect();
    latencies.sort_unstable();
    latencies.get(latencies.len() / 2).copied().unwrap_or_default()
}

/// Why the scan must stop, or None when a limiter explains what was seen.
pub(super) fn diagnose(prober: &Prober<'_>) -> Option<String> {
    let last = &prober.seen[prober.seen.len().saturating_sub(2 * LAST)..];
    if fails(&last[last.len().saturating_sub(LAST)..]) {
        return Some(failing(prober));
    }
    if is_queue(prober) {
        return None;
    }
    let (now, before) = (median(last), prober.ctx.baseline_latency);
    Some(format!(
        "the target suffers: the median latency went from {} to {} ms without a limiter's shape",
        before.as_millis(),
        now.as_millis()
    ))
}

/// Says what the target fails with.
pub(super) fn failing(prober: &Prober<'_>) -> String {
    let what = prober.seen.iter().rev().find_map(|seen| match &seen.observation.verdict {
        crate::observe::Verdict::Failed(what) => Some(what.clone()),
        _ => None,
    });
    format!("the target answers with errors that are not rejections ({})", what.unwrap_or_default())
}

/// Whether a limiter's queue explains the delays: the beat at which calls come out is much slower than the time
/// one of them takes, so no worker is busy while they wait.
pub(super) fn is_queue(prober: &Prober<'_>) -> bool {
    let (samples, conditions) = samples::of(prober);
    infer::infer(&samples, conditions).is_some_and(|inference| waits(prober, &inference))
}

/// Whether calls of this queue wait, rather than being worked on.
pub(super) fn waits(prober: &Prober<'_>, inference: &Inference) -> bool {
    let (Some(rate), infer::Fit { undelayed: Some(_), .. }) = (inference.fit.rate, &inference.fit) else {
        return false;
    };
    let round_trip = prober.ctx.client.round_trip().unwrap_or_default();
    let work = prober.ctx.baseline_latency.saturating_sub(round_trip);
    rate * work.as_secs_f64() < 0.3
}
