//! `--expect 100/1m`, or `concurrent:5`: whether the limiter that was inferred is the one that was meant to be deployed.
//!
//! The tolerances are those that the inference itself is held to: limits within 10 % (±1 up to 10), windows within
//! 15 %, rates within 10 %. A window that was not seen whole contradicts only by being longer, and is said to be unseen;
//! a limiter that was not seen at all fails, for the proof is what was asked for.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ratewarden_model::scan_report::Algorithm;
use ratewarden_model::units::UnitError;
use ratewarden_model::{Limiter, Rate, format_duration};

use crate::gate::Broken;

const LIMIT_TOLERANCE: f64 = 0.10;
const WINDOW_TOLERANCE: f64 = 0.15;
/// Up to this limit, one more or less is meant rather than a share.
const SMALL_LIMIT: u64 = 10;

/// What is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Calls in a time.
    Rate(Rate),
    /// Calls under way at once, at least 1.
    Concurrent(u64),
}

/// What a limit on calls under way begins with; the rest is their number.
const CONCURRENT: &str = "concurrent:";

impl FromStr for Expected {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(calls) = text.strip_prefix(CONCURRENT) else { return text.parse().map(Self::Rate) };
        match calls.parse() {
            Ok(0) => Err(UnitError::Zero(text.to_owned())),
            Ok(calls) => Ok(Self::Concurrent(calls)),
            Err(_) => Err(UnitError::Rate(text.to_owned())),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => rate.fmt(f),
            Self::Concurrent(calls) => write!(f, "{CONCURRENT}{calls}"),
        }
    }
}

/// What was found where every limiter agrees, else what does not.
pub(crate) fn check(expected: Expected, limiters: &[Limiter]) -> Result<String, Broken> {
    let hint = "look whether the configuration reached the edge; a long window may need --depth deep";
    let broken =
        |what: String| Broken { error: format!("expected {expected}, but {what}"), hint: hint.to_owned() };
    if limiters.is_empty() {
        return Err(broken("no limiter was looked for".to_owned()));
    }
    let differing: Vec<_> = limiters
        .iter()
        .filter(|limiter| !agrees(expected, limiter))
        .map(|limiter| {
            let verb = if limiter.detected { "has" } else { "showed" };
            format!("{} {verb} {}", place(limiter), found(limiter))
        })
        .collect();
    if !differing.is_empty() {
        return Err(broken(differing.join("; ")));
    }
    let found: Vec<_> = limiters.iter().map(found).collect();
    Ok(format!("expected {expected}, found {}", found.join(" and ")))
}

fn place(limiter: &Limiter) -> String {
    match limiter.endpoints.as_slice() {
        [] => "the target".to_owned(),
        [one] => one.clone(),
        [first, others @ ..] => format!("{first} (and {} more)", others.len()),
    }
}

fn agrees(expected: Expected, limiter: &Limiter) -> bool {
    match expected {
        _ if !limiter.detected => false,
        Expected::Rate(rate) => agrees_with_rate(rate, limiter),
        Expected::Concurrent(calls) => {
            let limit = limiter.limit.filter(|_| limiter.algorithm == Some(Algorithm::Concurrency));
            limit.is_some_and(|limit| limit_agrees(calls, limit))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^52")]
fn limit_agrees(expected: u64, limit: u64) -> bool {
    limit.abs_diff(expected) <= u64::from(expected <= SMALL_LIMIT)
        || within(limit as f64, expected as f64, LIMIT_TOLERANCE)
}

#[expect(clippy::cast_precision_loss, reason = "windows are far below 2^52")]
fn agrees_with_rate(expected: Rate, limiter: &Limiter) -> bool {
    if let Some(rate) = limiter.rate_per_s {
        return within(rate, expected.per_second(), LIMIT_TOLERANCE);
    }
    let Some(limit) = limiter.limit else { return false };
    // Calls in flight are no rate, and a limit without any window might be just that.
    let is_window = limiter.window_ms.is_some() || limiter.window_at_least_ms.is_some();
    let per_ms = expected.per.as_secs_f64() * 1_000.0;
    let window_agrees = match (limiter.window_ms, limiter.window_at_least_ms) {
        (Some(window), _) => within(window as f64, per_ms, WINDOW_TOLERANCE),
        (None, Some(least)) => least as f64 <= per_ms * (1.0 + WINDOW_TOLERANCE),
        (None, None) => false,
    };
    is_window && limit_agrees(expected.calls, limit) && window_agrees
}

/// With a millionth to spare, so that 110 is within 10 % of 100 in binary too.
fn within(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= expected * (tolerance + 1e-6)
}

/// `token-bucket, 10/s, burst 20` or `fixed-window, 100 calls in at least 12s`.
pub(crate) fn found(limiter: &Limiter) -> String {
    if !limiter.detected {
        let observed = limiter.observed;
        return format!("no rejection in {} requests over {:.1} s", observed.requests, observed.seconds);
    }
    let mut parts = vec![
        limiter.algorithm.map_or("a limiter of unknown kind", |algorithm| algorithm.as_str()).to_owned(),
    ];
    if let Some(rate) = limiter.rate_per_s {
        parts.push(format!("{}/s", figure(rate)));
    }
    if let Some(limit) = limiter.limit {
        let window = |ms: u64| format_duration(Duration::from_millis(ms));
        parts.push(match (limiter.window_ms, limiter.window_at_least_ms) {
            (Some(ms), _) => format!("{limit} calls in {}", window(ms)),
            (None, Some(ms)) => {
                format!("{limit} calls in at least {} (no whole window was seen)", window(ms))
            }
            (None, None) => format!("{limit} calls"),
        });
    }
    if let Some(burst) = limiter.burst {
        parts.push(format!("burst {burst}"));
    }
    parts.join(", ")
}

/// Two decimals where they are needed.
pub(crate) fn figure(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use ratewarden_model::scan_report::Observed;

    use super::*;

    fn limiter(algorithm: Option<Algorithm>) -> Limiter {
        Limiter {
            endpoints: vec!["GET http://h/a".into()],
            detected: algorithm.is_some(),
            algorithm,
            observed: Observed { requests: 300, rejected: 0, seconds: 9.8 },
            ..Limiter::default()
        }
    }

    fn window(limit: u64, window_ms: Option<u64>, least: Option<u64>) -> Limiter {
        let algorithm = Some(Algorithm::FixedWindow);
        Limiter { limit: Some(limit), window_ms, window_at_least_ms: least, ..limiter(algorithm) }
    }

    fn bucket(rate_per_s: f64) -> Limiter {
        Limiter { rate_per_s: Some(rate_per_s), burst: Some(20), ..limiter(Some(Algorithm::TokenBucket)) }
    }

    fn holds(expected: &str, limiters: &[Limiter]) -> bool {
        check(expected.parse().unwrap(), limiters).is_ok()
    }

    #[test]
    fn a_window_agrees_within_its_tolerances() {
        for (limit, window_ms, agrees) in [
            (100, 60_000, true),
            (110, 69_000, true),
            (90, 51_000, true),
            (111, 60_000, false),
            (89, 60_000, false),
            (100, 70_000, false),
            (100, 50_000, false),
        ] {
            assert_eq!(
                holds("100/1m", &[window(limit, Some(window_ms), None)]),
                agrees,
                "{limit} in {window_ms}"
            );
        }
        for (limit, agrees) in [(2, true), (3, true), (4, true), (5, false), (1, false)] {
            assert_eq!(holds("3/1s", &[window(limit, Some(1_000), None)]), agrees, "{limit}");
        }
    }

    #[test]
    fn a_window_whose_end_was_not_seen_contradicts_only_by_being_longer() {
        assert!(holds("100/1m", &[window(100, None, Some(12_000))]));
        assert!(!holds("100/10s", &[window(100, None, Some(12_000))]));
        let said = check("100/1m".parse().unwrap(), &[window(100, None, Some(12_000))]).unwrap();
        assert!(said.contains("at least 12s (no whole window was seen)"), "{said}");
        assert!(!holds("100/1m", &[window(100, None, None)]), "calls in flight are no rate");
    }

    #[test]
    fn a_bucket_agrees_by_its_rate() {
        assert!(holds("10/1s", &[bucket(10.9)]) && holds("600/1m", &[bucket(9.1)]));
        assert!(!holds("10/1s", &[bucket(11.2)]) && !holds("10/1m", &[bucket(10.0)]));
    }

    #[test]
    fn calls_under_way_agree_by_their_number_and_kind() {
        let flight = |limit| Limiter { limit: Some(limit), ..limiter(Some(Algorithm::Concurrency)) };
        assert!(holds("concurrent:5", &[flight(5)]) && holds("concurrent:50", &[flight(46)]));
        assert!(!holds("concurrent:5", &[flight(7)]) && !holds("5/1s", &[flight(5)]));
        assert!(!holds("concurrent:5", &[window(5, Some(1_000), None)]));
        for wrong in ["concurrent:", "concurrent:0", "concurrent:-1", "concurrent 5"] {
            assert!(wrong.parse::<Expected>().is_err(), "{wrong}");
        }
        assert_eq!("concurrent:5".parse::<Expected>().unwrap().to_string(), "concurrent:5");
    }

    #[test]
    fn a_limit_that_was_not_seen_fails_and_every_limiter_has_to_agree() {
        assert!(!holds("10/1s", &[]) && !holds("10/1s", &[limiter(None)]));
        assert!(!holds("10/1s", &[bucket(10.0), limiter(None)]));
        assert!(holds("10/1s", &[bucket(10.0), window(10, Some(1_000), None)]));
        let said = check("10/1s".parse().unwrap(), &[bucket(10.0), limiter(None)]).unwrap_err().error;
        assert_eq!(said, "expected 10/1s, but GET http://h/a showed no rejection in 300 requests over 9.8 s");
    }
}
