//! Holds a report against the truth.

use ratewarden_model::scan_report::Algorithm;
use ratewarden_model::{Limiter, ScanReport};

use super::cases::Truth;

/// Whether a property was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Right,
    Wrong(String),
}

/// The properties that were judged, each with its mark.
pub(super) type Marks = Vec<(&'static str, Mark)>;

/// Standard depth's own promise.
const MOST_REQUESTS: u64 = 400;
/// The same in seconds.
const MOST_SECONDS: f64 = 15.0;

pub(super) fn judge(report: &ScanReport, truth: &Truth, seconds: f64) -> Marks {
    let mut marks = Marks::new();
    let Some(found) = report.limiters.first() else {
        return vec![("presence", Mark::Wrong("no entry in the report".to_owned()))];
    };
    let mut mark = |what, right: bool, why: String| {
        marks.push((what, if right { Mark::Right } else { Mark::Wrong(why) }));
    };
    let limited = truth.algorithm.is_some();
    mark("presence", found.detected == limited, format!("detected is {}", found.detected));
    let claims_none = report.findings.iter().any(|finding| finding.rule == "scan.no-limit");
    mark("no false no-limit", claims_none != limited, format!("scan.no-limit is claimed: {claims_none}"));
    mark("no abort", report.aborted.is_none(), format!("{:?}", report.aborted));
    mark(
        "within the budget",
        report.requests_sent <= MOST_REQUESTS && seconds <= MOST_SECONDS,
        format!("{} requests, {seconds:.1} s", report.requests_sent),
    );
    let claimed: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| finding.rule.as_str())
        .filter(|rule| rule.starts_with("scan.bypass."))
        .collect();
    mark("no false bypass", claimed.iter().all(|rule| truth.bypasses.contains(rule)), format!("{claimed:?}"));
    if !truth.bypasses.is_empty() {
        mark(
            "bypass found",
            truth.bypasses.iter().all(|rule| claimed.contains(rule)),
            format!("{claimed:?}"),
        );
    }
    if limited {
        marks.extend(figures(found, truth));
    }
    marks
}

fn figures(found: &Limiter, truth: &Truth) -> Marks {
    let mut marks = Marks::new();
    let mut mark = |what, right: bool, why: String| {
        marks.push((what, if right { Mark::Right } else { Mark::Wrong(why) }));
    };
    mark("algorithm", found.algorithm == truth.algorithm, format!("{:?}", found.algorithm));
    let limit = found.limit.or(found.burst);
    if let Some(wanted) = truth.limit {
        let right = limit.is_some_and(|limit| limit.abs_diff(wanted) <= (wanted / 10).max(1));
        mark("limit or burst", right, format!("{limit:?} for {wanted}"));
    }
    if let Some(wanted) = truth.rate {
        let right = found.rate_per_s.is_some_and(|rate| (rate - wanted).abs() <= 0.1 * wanted);
        mark("rate", right, format!("{:?} for {wanted}", found.rate_per_s));
    }
    if let Some(wanted) = truth.window {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a scan")]
        let right =
            found.window_ms.is_some_and(|window| (window as f64 / 1e3 - wanted).abs() <= 0.15 * wanted);
        mark("window", right, format!("{:?} ms for {wanted} s", found.window_ms));
    }
    let keys: Vec<&str> = found.keyed_by.iter().map(String::as_str).collect();
    mark("key", keys == truth.key, format!("{keys:?} for {:?}", truth.key));
    marks
}

/// One line on a limiter.
pub(super) fn describe(limiter: &Limiter) -> String {
    if !limiter.detected {
        return format!("none in {} over {} s", limiter.observed.requests, limiter.observed.seconds);
    }
    let algorithm = limiter.algorithm.unwrap_or(Algorithm::Unknown).as_str();
    let mut parts = vec![algorithm.to_owned()];
    parts.extend(limiter.limit.map(|limit| format!("{limit}")));
    parts.extend(limiter.window_ms.map(|window| format!("/{window} ms")));
    parts.extend(limiter.window_at_least_ms.map(|least| format!("/≥{least} ms")));
    parts.extend(limiter.rate_per_s.map(|rate| format!("{rate}/s")));
    parts.extend(limiter.burst.map(|burst| format!("burst {burst}")));
    parts.push(limiter.keyed_by.join("+"));
    parts.join(" ")
}
