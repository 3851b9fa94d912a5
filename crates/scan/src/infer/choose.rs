//! The best of all hypotheses, and how sure it is.

use ratewarden_model::Confidence;
use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, bucket, concurrency, counter, log, queue, window};

/// By how many misfits the best explanation must lead to be firm.
const DECISIVE: f64 = 1.5;

/// What the samples say of the limiter.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// The hypothesis that explains them best; [`Algorithm::Unknown`] where none does.
    pub fit: Fit,
    /// Where no whole window was seen: it is at least so many seconds long.
    pub window_at_least: Option<f64>,
    /// How sure it is.
    pub confidence: Confidence,
    /// The next best hypothesis of another algorithm.
    pub runner_up: Option<Fit>,
}

/// Explains the samples, which must be in order of time. None when nothing was rejected or delayed.
#[must_use]
pub fn infer(samples: &[Sample], conditions: Conditions) -> Option<Inference> {
    let first_rejected = samples.iter().position(|sample| !sample.admitted);
    let delays = queue::delayed(samples, conditions);
    let queue = queue::fit(samples, conditions).filter(|fit| is_queue(fit, samples, delays));
    if first_rejected.is_none() && queue.is_none() {
        return None;
    }
    if let Some(fit) = queue {
        return Some(Inference { fit, window_at_least: None, confidence: Confidence::Firm, runner_up: None });
    }
    let mut fits: Vec<Fit> = [window::fit, bucket::fit, log::fit, counter::fit, concurrency::fit]
        .into_iter()
        .filter_map(|family| family(samples, conditions))
        .collect();
    fits.sort_by(|a, b| a.cost().total_cmp(&b.cost()));
    let (best, runner_up) = ranked(fits, samples, conditions)?;
    let informative = samples.len() - first_rejected.unwrap_or(0);
    let readmitted = samples.iter().skip(first_rejected.unwrap_or(0)).any(|sample| sample.admitted);
    Some(conclude(best, runner_up, samples, conditions, informative, readmitted))
}

/// The cheapest of those that the clock is fine enough for, and the next. One that it is not fine enough for explains anything,
/// so it never displaces one that does nearly as well; where it does much better, it is the best of those that explain nothing.
fn ranked(mut fits: Vec<Fit>, samples: &[Sample], conditions: Conditions) -> Option<(Fit, Option<Fit>)> {
    let least = fits.first()?.cost();
    let resolved = |fit: &Fit| fit.cost() < least + DECISIVE && is_resolved(fit, samples, conditions);
    let best = fits.remove(fits.iter().position(resolved).unwrap_or(0));
    Some((best, (!fits.is_empty()).then(|| fits.remove(0))))
}

/// The delays themselves must be explained, not only the rejections.
fn is_queue(fit: &Fit, samples: &[Sample], delayed: usize) -> bool {
    let allowed = super::to_f64(samples.len()) * 0.15 + 1.0;
    delayed >= 3 && f64::from(fit.misfits) <= allowed.min(super::to_f64(delayed).max(2.0))
}

/// Whether the clock is fine enough for the hypothesis: calls of a very fast bucket return within the uncertainty,
/// windows can be shorter than it, and then a few rejections of any cause fit.
fn is_resolved(fit: &Fit, samples: &[Sample], conditions: Conditions) -> bool {
    const MANY: usize = 30;
    /// Nobody configures less than half a second; so short a window is claimed only with much to show for it.
    const SHORT_WINDOW: f64 = 0.5;
    if fit.algorithm == Algorithm::Concurrency {
        // Calls that are over within the uncertainty were perhaps never in flight together.
        let mut lengths: Vec<f64> = samples.iter().filter(|s| s.admitted).map(|s| s.done - s.at).collect();
        lengths.sort_by(f64::total_cmp);
        return lengths.get(lengths.len() / 2).is_some_and(|median| *median > 4.0 * conditions.jitter);
    }
    // Tokens that come at shorter intervals than the uncertainty admit any call.
    let blur =
        fit.rate.filter(|_| fit.algorithm == Algorithm::TokenBucket).map(|rate| rate * conditions.jitter);
    if blur.is_some_and(|blur| blur > 0.5) {
        return false;
    }
    let fast = blur.is_some_and(|blur| blur > 0.12);
    // Within two uncertainties of an edge either outcome fits: of so short a window that is half of all calls.
    if fit.window.is_some_and(|window| window < 8.0 * conditions.jitter) {
        return false;
    }
    let short = fit.window.is_some_and(|window| window < SHORT_WINDOW);
    if !(fast || short) {
        return true;
    }
    let rejected = samples.iter().filter(|sample| !sample.admitted).count();
    rejected >= MANY && f64::from(fit.misfits) <= 0.05 * super::to_f64(samples.len())
}

fn conclude(
    best: Fit,
    runner_up: Option<Fit>,
    samples: &[Sample],
    conditions: Conditions,
    informative: usize,
    readmitted: bool,
) -> Inference {
    let informative = super::to_f64(informative);
    let window_at_least = best.at_least.or_else(|| (!readmitted).then(|| blocked_span(samples)));
    let lead = runner_up.as_ref().map_or(f64::INFINITY, |other| other.cost() - best.cost());
    let explained =
        f64::from(best.misfits) <= (0.15 * informative).max(2.0) && is_resolved(&best, samples, conditions);
    if !explained {
        let mut fit = Fit::new(Algorithm::Unknown, best.misfits, 0.0);
        // How many were let through before the first rejection is a fact, whatever the algorithm.
        fit.limit = Some(samples.iter().take_while(|sample| sample.admitted).count() as u64);
        return Inference { fit, window_at_least, confidence: Confidence::Tentative, runner_up: Some(best) };
    }
    let firm = readmitted && lead >= DECISIVE && f64::from(best.misfits) <= (0.08 * informative).max(1.0);
    let confidence = if firm { Confidence::Firm } else { Confidence::Tentative };
    Inference { fit: best, window_at_least, confidence, runner_up }
}

/// From the first call to the last that was rejected: the window is longer than that.
fn blocked_span(samples: &[Sample]) -> f64 {
    let last = samples.iter().rev().find(|sample| !sample.admitted);
    match (samples.first(), last) {
        (Some(first), Some(last)) => last.at - first.at,
        _ => 0.0,
    }
}
