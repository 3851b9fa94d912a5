//! From an investigation to the report's `limiter`.

use ratewarden_model::Limiter;
use ratewarden_model::scan_report::{Algorithm, Observed, Outcome, Published, Timeline, TimelinePoint};

use super::prober::Seen;
use super::{Investigation, known};
use crate::infer::Fit;

/// The limiter as the report shows it, without what it is keyed by.
#[must_use]
pub fn describe(found: &Investigation, endpoint: &str) -> Limiter {
    let inference = found.inference.as_ref();
    let fit = inference.map(|inference| &inference.fit);
    let is_bucket = |fit: &&Fit| matches!(fit.algorithm, Algorithm::TokenBucket | Algorithm::LeakyQueue);
    let signal = found.signal.as_ref().map(ToString::to_string);
    Limiter {
        endpoints: vec![endpoint.to_owned()],
        detected: inference.is_some(),
        rejects_with: signal.or_else(|| inference.map(|_| "delay".to_owned())),
        algorithm: fit.map(|fit| fit.algorithm),
        limit: fit.filter(|fit| !is_bucket(fit)).and_then(|fit| fit.limit),
        window_ms: fit.and_then(|fit| fit.window).map(millis),
        window_at_least_ms: inference
            .filter(|inference| inference.fit.window.is_none() && !is_bucket(&&inference.fit))
            .and_then(|inference| inference.window_at_least)
            .map(millis),
        window_ends_on_the_minute: fit.is_some_and(|fit| fit.on_the_minute),
        rate_per_s: fit.filter(is_bucket).and_then(|fit| fit.rate).map(round_rate),
        burst: fit.filter(is_bucket).and_then(|fit| fit.burst),
        keyed_by: Vec::new(),
        counts_rejected: fit.and_then(|fit| fit.counts_rejected),
        published: found.verified.as_ref().map(|verified| Published {
            family: verified.published.family.to_owned(),
            limit: verified.published.limit,
            window_ms: verified
                .published
                .window
                .map(|window| u64::try_from(window.as_millis()).unwrap_or(u64::MAX)),
            agrees: verified.agrees,
        }),
        implementation: inference.and_then(|inference| known::recognise(inference, &found.seen)),
        confidence: inference.map(|inference| inference.confidence),
        observed: observed(&found.seen),
        timeline: timeline(found),
    }
}

fn observed(seen: &[Seen]) -> Observed {
    let seconds = match (seen.first(), seen.last()) {
        (Some(first), Some(last)) => {
            (last.observation.sent_at.saturating_sub(first.observation.sent_at)).as_secs_f64()
        }
        _ => 0.0,
    };
    Observed {
        requests: seen.len() as u64,
        rejected: seen.iter().filter(|seen| seen.is_rejected()).count() as u64,
        seconds: (seconds * 10.0).round() / 10.0,
    }
}

fn timeline(found: &Investigation) -> Timeline {
    let point = |seen: &Seen| TimelinePoint {
        at_ms: tenth(seen.observation.sent_at.as_secs_f64() * 1e3),
        latency_ms: tenth(seen.observation.latency.as_secs_f64() * 1e3),
        outcome: match (seen.is_admitted(), seen.is_rejected()) {
            (true, _) => Outcome::Admitted,
            (_, true) => Outcome::Rejected,
            _ => Outcome::Failed,
        },
    };
    let trace = found.inference.as_ref().map(|inference| inference.fit.trace.as_slice()).unwrap_or_default();
    Timeline {
        requests: found.seen.iter().map(point).collect(),
        model: trace.iter().map(|&(at, left)| [tenth(at * 1e3), tenth(left)]).collect(),
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Three significant digits: more was not measured.
fn round_rate(rate: f64) -> f64 {
    let digits = 2.0 - rate.abs().max(1e-9).log10().floor();
    let scale = 10_f64.powf(digits);
    (rate * scale).round() / scale
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "windows are positive and below 2^52 ms"
)]
fn millis(seconds: f64) -> u64 {
    (seconds * 1e3).round().max(0.0) as u64
}
