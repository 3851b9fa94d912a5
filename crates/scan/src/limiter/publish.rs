//! Published limits, verified: what the answers say against what the limiter did.

use std::time::Duration;

use ratewarden_model::Confidence;
use ratewarden_model::scan_report::Algorithm;

use super::prober::Seen;
use crate::infer::{Fit, Inference};
use crate::published::{PublishedLimit, Unit};

/// So many published limits are verified.
const MOST: usize = 16;

/// What the answers publish and whether it is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What they say.
    pub published: PublishedLimit,
    /// Whether rejections carry it too, or a Retry-After.
    pub on_rejections: bool,
    /// Whether it agrees; None where behaviour could not show it.
    pub agrees: Option<bool>,
    /// In what it disagrees.
    pub disagreement: Option<Disagreement>,
}

/// In what a published limit disagrees with behaviour.
#[derive(Debug, Clone, PartialEq)]
pub enum Disagreement {
    /// The limit is another.
    Limit {
        /// As published.
        published: u64,
        /// As observed.
        observed: u64,
    },
    /// The window is another.
    Window {
        /// As published.
        published: Duration,
        /// As observed.
        observed: Duration,
        /// Whether a whole window was seen; else it is at least so long.
        whole: bool,
    },
    /// More calls were admitted than the published limit allows, and none was rejected.
    NotEnforced {
        /// As published.
        published: u64,
        /// Calls admitted.
        admitted: u64,
        /// In this time.
        within: Duration,
    },
    /// Rejections say that calls are left.
    LeftOnRejection {
        /// The number they say.
        remaining: u64,
        /// In so many rejections.
        rejections: u64,
    },
    /// What is left does not fall although calls are admitted.
    RemainingStands {
        /// The number that stands.
        remaining: u64,
        /// During so many admitted calls.
        admitted: u64,
    },
}

/// Verifies every limit on requests that is published. Several may be (a burst and a day's quota): one that agrees is
/// enough, for only the tightest shows in behaviour.
pub(super) fn verify(seen: &[Seen], inference: Option<&Inference>) -> Option<Verified> {
    let mut published: Vec<&PublishedLimit> = Vec::new();
    for limit in seen.iter().flat_map(|seen| &seen.published) {
        let counts = matches!(limit.unit, Unit::Requests | Unit::ConcurrentRequests);
        let known = |other: &&PublishedLimit| {
            (other.family, &other.name, other.limit) == (limit.family, &limit.name, limit.limit)
        };
        if counts && published.len() < MOST && !published.iter().any(known) {
            published.push(limit);
        }
    }
    let on_rejections = seen
        .iter()
        .any(|seen| seen.is_rejected() && (!seen.published.is_empty() || seen.retry_after.is_some()));
    let judged: Vec<_> = published
        .into_iter()
        .map(|limit| {
            let (agrees, disagreement) = match inference {
                Some(inference) => judged(limit, inference, left_at_first(limit, seen)),
                None => not_enforced(limit, seen),
            };
            Verified { published: limit.clone(), on_rejections, agrees, disagreement }
        })
        .collect();
    let rank = |verified: &&Verified| match verified.agrees {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    };
    let mut best = judged.iter().min_by_key(rank)?.clone();
    if let Some(stands) = left_on_rejection(seen).or_else(|| remaining_stands(seen)) {
        best.agrees = Some(false);
        best.disagreement = best.disagreement.or(Some(stands));
    }
    Some(best)
}

/// Whether windows are published and none is the one that was inferred.
pub(super) fn says_another_window(seen: &[Seen], fit: &Fit) -> bool {
    let mut said =
        seen.iter().flat_map(|seen| &seen.published).filter_map(|published| published.window).peekable();
    let is_that = |said: Duration| fit.window.is_some_and(|window| within(said.as_secs_f64(), window, 0.15));
    said.peek().is_some() && !said.any(is_that)
}

/// What the first answer that publishes this limit said was left before its call.
fn left_at_first(limit: &PublishedLimit, seen: &[Seen]) -> Option<u64> {
    let same = |other: &&PublishedLimit| (&other.name, other.limit) == (&limit.name, limit.limit);
    let first = seen.iter().find_map(|seen| Some((seen, seen.published.iter().find(same)?)));
    first.and_then(|(seen, said)| Some(said.remaining? + u64::from(seen.is_admitted())))
}

type Judgement = (Option<bool>, Option<Disagreement>);

/// An explanation that is not sure contradicts nobody who agrees with the next best one.
fn judged(published: &PublishedLimit, inference: &Inference, left_at_first: Option<u64>) -> Judgement {
    let judgement = compare(published, &inference.fit, inference.window_at_least, left_at_first);
    let other = inference.runner_up.as_ref().filter(|_| inference.confidence == Confidence::Tentative);
    match other.filter(|_| judgement.0 == Some(false)) {
        Some(other) if compare(published, other, None, left_at_first).0 != Some(false) => (None, None),
        _ => judgement,
    }
}

fn compare(
    published: &PublishedLimit,
    fit: &Fit,
    window_at_least: Option<f64>,
    left_at_first: Option<u64>,
) -> Judgement {
    let Some(limit) = published.limit else { return (None, None) };
    match fit.algorithm {
        Algorithm::Unknown => (None, None),
        Algorithm::TokenBucket | Algorithm::LeakyQueue => with_bucket(published, limit, fit),
        _ => {
            let Some(observed) = fit.limit else { return (None, None) };
            if is_near(limit, observed) {
                return with_window(published, fit, window_at_least);
            }
            // A window that ended during the first run admitted up to twice its limit, one that was half spent less.
            let cut = !fit.whole && (limit..=2 * limit).contains(&observed);
            let spent = !fit.whole && left_at_first.is_some_and(|left| is_near(left, observed));
            if cut || spent {
                return (None, None);
            }
            (Some(false), Some(Disagreement::Limit { published: limit, observed }))
        }
    }
}

fn with_bucket(published: &PublishedLimit, limit: u64, fit: &Fit) -> Judgement {
    let (Some(burst), Some(rate)) = (fit.burst, fit.rate) else { return (None, None) };
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let by_rate =
        published.window.is_some_and(|window| within(limit as f64 / window.as_secs_f64(), rate, 0.15));
    // A window of the same rate whose limit is the burst, or the burst alone, both say the truth.
    if is_near(limit, burst) || by_rate {
        (Some(true), None)
    } else if published.window.is_none() {
        // A number without a window may be the rate of some interval: nothing to hold it against.
        (None, None)
    } else {
        (Some(false), Some(Disagreement::Limit { published: limit, observed: burst }))
    }
}

/// The limit is right: is the window? Of one that was not seen whole only a shorter one is wrong.
fn with_window(published: &PublishedLimit, fit: &Fit, window_at_least: Option<f64>) -> Judgement {
    const TOLERANCE: f64 = 0.15;
    let (Some(said), Some(seen)) = (published.window, fit.window.or(window_at_least)) else {
        return (Some(true), None);
    };
    let whole = fit.whole && fit.window.is_some();
    let shorter = said.as_secs_f64() < (1.0 - TOLERANCE) * seen;
    let agrees = fit.window.is_some() && within(said.as_secs_f64(), seen, TOLERANCE);
    if agrees {
        (Some(true), None)
    } else if whole || shorter {
        let observed = Duration::from_secs_f64(seen);
        (Some(false), Some(Disagreement::Window { published: said, observed, whole }))
    } else {
        (None, None)
    }
}

/// Nothing was rejected: a lie only if more was admitted within one window than published.
fn not_enforced(published: &PublishedLimit, seen: &[Seen]) -> (Option<bool>, Option<Disagreement>) {
    let Some(limit) = published.limit else { return (None, None) };
    let admitted: Vec<Duration> =
        seen.iter().filter(|seen| seen.is_admitted()).map(|seen| seen.observation.sent_at).collect();
    let (Some(first), Some(last)) = (admitted.first(), admitted.last()) else { return (None, None) };
    let within = *last - *first;
    // Without a published window, two of the shortest usual ones must be granted; and an edge doubles any window.
    let windows = published
        .window
        .map_or(within.as_secs_f64() + 1.0, |window| within.as_secs_f64() / window.as_secs_f64() + 1.0);
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let allowed = limit as f64 * (windows.ceil() + 1.0);
    let count = admitted.len() as u64;
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let exceeded = count as f64 > allowed;
    if exceeded {
        (Some(false), Some(Disagreement::NotEnforced { published: limit, admitted: count, within }))
    } else {
        (None, None)
    }
}

/// Every limit that a rejection publishes says that calls are left: none of them can be the one that rejected.
fn left_on_rejection(seen: &[Seen]) -> Option<Disagreement> {
    const FEWEST: usize = 3;
    let least = |seen: &Seen| seen.published.iter().filter_map(|published| published.remaining).min();
    let left: Vec<u64> = seen.iter().filter(|seen| seen.is_rejected()).filter_map(least).collect();
    let remaining = *left.iter().min()?;
    (left.len() >= FEWEST && remaining >= 2)
        .then_some(Disagreement::LeftOnRejection { remaining, rejections: left.len() as u64 })
}

/// A constant where a counter should be.
fn remaining_stands(seen: &[Seen]) -> Option<Disagreement> {
    let quick: Vec<u64> = seen
        .iter()
        .filter(|seen| seen.is_admitted())
        .take(40)
        .filter_map(|seen| seen.published.first()?.remaining)
        .collect();
    let (first, least) = (quick.first()?, quick.iter().min()?);
    let stands = quick.len() >= 15 && quick.iter().all(|remaining| remaining == first) && *least > 0;
    // A fast bucket may well be full again before each call; then what is left is the limit less this call.
    let limit = seen.iter().find_map(|seen| seen.published.first()?.limit);
    let may_be_full = limit.is_some_and(|limit| first + 1 >= limit);
    (stands && !may_be_full)
        .then_some(Disagreement::RemainingStands { remaining: *first, admitted: quick.len() as u64 })
}

fn is_near(a: u64, b: u64) -> bool {
    a.abs_diff(b) <= (b / 10).max(1)
}

fn within(a: f64, b: f64, part: f64) -> bool {
    (a - b).abs() <= part * b
}

#[cfg(test)]
mod tests;
