//! The experiment that only one of two explanations survives.

use std::time::Duration;

use ratewarden_model::Confidence;
use ratewarden_model::scan_report::Algorithm;

use super::prober::{Prober, Seen};
use super::{Stop, pace, samples};
use crate::infer::{self, Fit, Inference};

/// Two explanations are as good as equal when their costs differ by less than this.
const UNDECIDED: f64 = 2.0;

pub(super) async fn decide(prober: &mut Prober<'_>) -> Result<(), Stop> {
    let (samples, conditions) = samples::of(prober);
    let Some(inference) = infer::infer(&samples, conditions) else { return Ok(()) };
    if may_be_concurrency(&inference) {
        return at_once(prober, in_flight(&inference)).await;
    }
    if let Some((limit, window)) = undecided_window(&inference) {
        split_load(prober, limit, window).await?;
    }
    if let Some((limit, window)) = may_be_counter(&inference, conditions.counter_is_likely) {
        bursts_after_rest(prober, limit, window).await?;
    }
    Ok(())
}

/// A sliding counter that has been seen for little more than a window looks like many others, and like a bucket.
fn may_be_counter(inference: &Inference, counts_rejected: bool) -> Option<(u64, f64)> {
    let counter = |fit: &Fit| fit.algorithm == Algorithm::SlidingCounter;
    let rival = inference.runner_up.as_ref().filter(|_| inference.confidence == Confidence::Tentative);
    let fit = Some(&inference.fit).filter(|fit| counter(fit)).or_else(|| rival.filter(|fit| counter(fit)))?;
    // With one call at a time all algorithms are the same. Where rejected calls count, every cycle would shut the limiter
    // for longer than the budget lasts.
    let lone = inference.fit.burst == Some(1) || fit.limit == Some(1);
    (!counts_rejected && !lone).then_some((fit.limit?, fit.window?))
}

/// Rest, burst, knock until some calls have returned; and again. After a rest a counter admits its limit, and then
/// nothing until the edge of its window, which so shows itself twice; a bucket returns calls at once.
async fn bursts_after_rest(prober: &mut Prober<'_>, limit: u64, window: f64) -> Result<(), Stop> {
    let budget = std::sync::Arc::clone(prober.ctx.client.budget());
    let deadline = pace::inference_deadline(budget.max_time()).as_secs_f64();
    let reserve = pace::reserve(budget.max_requests());
    let cost = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(40);
    let (_, conditions) = samples::of(prober);
    let spacing = Duration::from_secs_f64((3.0 * conditions.jitter).clamp(0.005, 0.03));
    // Not a whole number of windows, so that the bursts fall on different places of them.
    for rest in [window * 1.3 + 0.1, window * 1.65 + 0.1] {
        let begin = prober.now().as_secs_f64() + rest;
        if begin + window * 1.3 > deadline || budget.requests_left() < reserve.saturating_add(cost) {
            break;
        }
        wait_until(prober, begin).await;
        let calls = std::iter::repeat_n(spacing, usize::try_from(limit + 4).unwrap_or(0));
        prober.volley(calls, |answered| answered.iter().any(|seen| !seen.is_admitted())).await?;
        let mut returned = 0;
        let gap = Duration::from_secs_f64((window / 32.0).clamp(0.02, 0.25));
        for _ in 0..36 {
            prober.rest(gap).await;
            returned += u32::from(prober.knock().await?.is_admitted());
            if returned == 4 {
                break;
            }
        }
    }
    Ok(())
}

fn may_be_concurrency(inference: &Inference) -> bool {
    let is = |algorithm| algorithm == Algorithm::Concurrency;
    is(inference.fit.algorithm)
        || inference.fit.algorithm == Algorithm::Unknown
        || inference
            .runner_up
            .as_ref()
            .is_some_and(|other| is(other.algorithm) && other.misfits <= inference.fit.misfits + 1)
}

/// The limit on calls in flight that explains what was seen, or nearly.
fn in_flight(inference: &Inference) -> Option<u64> {
    let fits = std::iter::once(&inference.fit).chain(&inference.runner_up);
    fits.filter(|fit| fit.algorithm == Algorithm::Concurrency).find_map(|fit| fit.limit)
}

/// Several volleys at one instant: a limit on calls in flight admits the same number each time, and then nothing until the
/// first of them has ended, as a few calls at once after each volley show; a bucket that is as quick has tokens before.
async fn at_once(prober: &mut Prober<'_>, limit: Option<u64>) -> Result<(), Stop> {
    /// Calls of a volley.
    const MOST: usize = 30;
    /// Those that follow it, spread over the time that one of them takes.
    const AFTER: u32 = 4;
    let base = prober.ctx.baseline_latency;
    let after = std::iter::repeat_n(base / (AFTER + 1), if limit.is_some() { AFTER as usize } else { 0 });
    // Rejections that only came with the last calls of the search leave little to decide with; then what is kept for other
    // probes is used, for without an explanation those prove nothing.
    let kept = pace::reserve(prober.ctx.client.budget().max_requests());
    let is_late = prober.ctx.client.budget().requests_left() < kept + MOST as u32;
    let (size, reserve) = match limit.and_then(|limit| usize::try_from(limit).ok()) {
        Some(limit) if is_late => ((limit + 3).clamp(4, MOST), 4),
        _ => (MOST, kept),
    };
    for _ in 0..3 {
        let left = prober.ctx.client.budget().requests_left().saturating_sub(reserve);
        let affordable = usize::try_from(left).unwrap_or(0).saturating_sub(after.len());
        let volley = prober.ctx.config.max_in_flight.min(affordable).min(size);
        if volley < 4 || prober.now() > pace::inference_deadline(prober.ctx.client.budget().max_time()) {
            break;
        }
        let gaps = std::iter::repeat_n(Duration::ZERO, volley).chain(after.clone());
        prober.volley(gaps, |_| false).await?;
        prober.rest(Duration::from_millis(120).max(base * 2)).await;
    }
    Ok(())
}

/// The limit and window, where a fixed window and a sliding one explain what was seen equally well.
fn undecided_window(inference: &Inference) -> Option<(u64, f64)> {
    let other = inference.runner_up.as_ref()?;
    let is_window = |algorithm| {
        matches!(algorithm, Algorithm::FixedWindow | Algorithm::SlidingLog | Algorithm::SlidingCounter)
    };
    let near = f64::from(other.misfits) - f64::from(inference.fit.misfits) < UNDECIDED;
    let fits = near && is_window(other.algorithm) && is_window(inference.fit.algorithm);
    fits.then_some(())?;
    Some((inference.fit.limit?, inference.fit.window?))
}

/// Half of the calls at the edge, the other half in the middle of the window. At the next edge a fixed window
/// returns all of them, a log only the first half, a counter a part.
async fn split_load(prober: &mut Prober<'_>, limit: u64, window: f64) -> Result<(), Stop> {
    let budget = std::sync::Arc::clone(prober.ctx.client.budget());
    let deadline = pace::inference_deadline(budget.max_time()).as_secs_f64();
    let reserve = pace::reserve(budget.max_requests());
    let cost = limit.saturating_mul(5) / 2 + 8;
    let affordable = u64::from(budget.requests_left().saturating_sub(reserve));
    // One whole window of silence makes the state known, whatever the algorithm.
    let begin = prober.now().as_secs_f64() + window * 1.08 + 0.05;
    if limit < 2 || cost > affordable || begin + window * 1.15 > deadline {
        return Ok(());
    }
    let (_, conditions) = samples::of(prober);
    let spacing = Duration::from_secs_f64((3.0 * conditions.jitter).clamp(0.005, 0.03));
    let calls = |number: u64| std::iter::repeat_n(spacing, usize::try_from(number).unwrap_or(0));
    let until_rejected = |answered: &[Seen]| answered.iter().any(|seen| !seen.is_admitted());
    wait_until(prober, begin).await;
    prober.volley(calls(limit.div_ceil(2)), until_rejected).await?;
    wait_until(prober, begin + window * 0.5).await;
    prober.volley(calls(limit / 2 + 2), until_rejected).await?;
    wait_until(prober, begin + window * 1.04 + 0.03).await;
    prober.volley(calls(limit + 1), until_rejected).await?;
    Ok(())
}

async fn wait_until(prober: &Prober<'_>, at: f64) {
    let now = prober.now().as_secs_f64();
    prober.rest(Duration::from_secs_f64((at - now).max(0.0))).await;
}
