//! Words that several formats share: one wording, so that the terminal, the pull request and the page never disagree. What was
//! not observed is said as such ("no rejection in N requests over T s", "at least").
//!
//! Figures with their units are in [`figures`]; what text of others must be rid of before anybody sees it is in [`foreign`].

mod figures;
mod foreign;

use ratewarden_model::ScanReport;
use ratewarden_model::scan_report::{Algorithm, Limiter, Published};

pub(crate) use figures::{bytes, count, latency, number, number_of};
use figures::{milliseconds, rate, seconds};
pub use foreign::{clean, one_line};
pub(crate) use foreign::{steers, without_controls};

/// The algorithm in words.
pub(crate) const fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::FixedWindow => "fixed window",
        Algorithm::SlidingLog => "sliding log",
        Algorithm::SlidingCounter => "sliding window counter",
        Algorithm::TokenBucket => "token bucket",
        Algorithm::LeakyQueue => "leaky queue",
        Algorithm::Concurrency => "concurrency limit",
        Algorithm::Unknown => "a limiter whose algorithm could not be told",
    }
}

/// The whole limiter in one sentence: `token bucket: 10 calls/s, burst 20, counted per address; rejects with 429;
/// firm`, or `no rejection in 300 requests over 9.8 s`.
pub(crate) fn limiter(limiter: &Limiter) -> String {
    if !limiter.detected {
        let observed = limiter.observed;
        return format!(
            "no rejection in {} over {}",
            count(observed.requests, "request"),
            seconds(observed.seconds)
        );
    }
    let mut clauses = vec![figures(limiter)];
    clauses.extend(limiter.rejects_with.as_deref().map(rejects_with));
    if limiter.counts_rejected == Some(true) {
        clauses.push("rejected calls count too".to_owned());
    }
    clauses.extend(limiter.confidence.map(|confidence| confidence.to_string()));
    clauses.join("; ")
}

fn figures(limiter: &Limiter) -> String {
    let mut figures = Vec::new();
    match (limiter.limit, limiter.window_ms, limiter.algorithm) {
        (Some(limit), _, Some(Algorithm::Concurrency)) => {
            figures.push(format!("{} in flight", count(limit, "call")));
        }
        (Some(limit), Some(window), _) => {
            figures.push(format!("{} per {}", count(limit, "call"), milliseconds(window)));
        }
        (Some(limit), None, _) => figures.push(count(limit, "call")),
        (None, Some(window), _) => figures.push(format!("window {}", milliseconds(window))),
        (None, None, _) => {}
    }
    if let (None, Some(at_least)) = (limiter.window_ms, limiter.window_at_least_ms) {
        figures.push(format!("window at least {}", milliseconds(at_least)));
    }
    if limiter.window_ends_on_the_minute {
        figures.push("ends on a full minute of the clock".to_owned());
    }
    figures.extend(limiter.rate_per_s.map(rate));
    figures.extend(limiter.burst.map(|burst| match limiter.algorithm {
        Some(Algorithm::LeakyQueue) => format!("room for {burst}"),
        _ => format!("burst {burst}"),
    }));
    figures.extend(keyed_by(&limiter.keyed_by));
    let name = algorithm(limiter.algorithm.unwrap_or(Algorithm::Unknown));
    if figures.is_empty() { name.to_owned() } else { format!("{name}: {}", figures.join(", ")) }
}

/// `counted per address`, `shared by all callers`; none where nothing could be shown.
fn keyed_by(keys: &[String]) -> Option<String> {
    let words: Vec<_> = keys
        .iter()
        .filter(|key| *key != "global")
        .map(|key| key.split_once(':').map_or_else(|| key.clone(), |(kind, name)| format!("{kind} {name}")))
        .collect();
    match words.as_slice() {
        [] if keys.is_empty() => None,
        [] => Some("shared by all callers".to_owned()),
        words => Some(format!("counted per {}", words.join(" and "))),
    }
}

fn rejects_with(signal: &str) -> String {
    match signal {
        "200-error-body" => "rejects with an error in a 200".to_owned(),
        "delay" => "delays calls beyond the rate".to_owned(),
        "close" => "closes the connection".to_owned(),
        "challenge" => "answers with a challenge page".to_owned(),
        "grpc-resource-exhausted" => "rejects with gRPC RESOURCE_EXHAUSTED".to_owned(),
        "graphql-error" => "rejects with a GraphQL error".to_owned(),
        status => format!("rejects with {status}"),
    }
}

/// `41 of 312 requests rejected over 9.8 s`; none where nothing was rejected, for then the sentence says it.
pub(crate) fn observed(limiter: &Limiter) -> Option<String> {
    let observed = limiter.observed;
    limiter.detected.then(|| {
        let requests = count(observed.requests, "request");
        format!("{} of {requests} rejected over {}", observed.rejected, seconds(observed.seconds))
    })
}

/// What the answers say of the limit, and whether it is so.
pub(crate) fn published(published: &Published) -> String {
    let said = match (published.limit, published.window_ms) {
        (Some(limit), Some(window)) => format!(" say {} per {}", count(limit, "call"), milliseconds(window)),
        (Some(limit), None) => format!(" say {}", count(limit, "call")),
        (None, Some(window)) => format!(" say a window of {}", milliseconds(window)),
        (None, None) => " were seen".to_owned(),
    };
    let source = if published.family == "body" { "error bodies" } else { "headers" };
    format!("{source} ({}){said}: {}", published.family, agreement(published))
}

/// `agrees with what was seen` and its opposites.
pub(crate) const fn agreement(published: &Published) -> &'static str {
    match published.agrees {
        Some(true) => "agrees with what was seen",
        Some(false) => "does not agree with what was seen",
        None => "not contradicted by what was seen",
    }
}

/// `312 requests in 9.8 s, begun 2026-11-25T10:00:00Z`.
pub(crate) fn effort(report: &ScanReport) -> String {
    let requests = count(report.requests_sent, "request");
    format!("{requests} in {}, begun {}", milliseconds(report.duration_ms), report.started_at)
}

/// The text in parts: those between backticks are code (true). A backtick without a partner is just a character.
pub(crate) fn code_spans(text: &str) -> Vec<(bool, &str)> {
    let ticks = text.matches('`').count();
    if ticks == 0 || !ticks.is_multiple_of(2) || text.contains("``") {
        return vec![(false, text)];
    }
    let parts = text.split('`').enumerate().map(|(number, part)| (number % 2 == 1, part));
    parts.filter(|(_, part)| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests;
