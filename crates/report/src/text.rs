//! Words and figures that several formats share: one wording, so that the terminal, the pull request and the page
//! never disagree. What was not observed is said as such ("no rejection in N requests over T s", "at least").

use ratewarden_model::scan_report::{Algorithm, Limiter, Published};
use ratewarden_model::{Finding, ScanReport, Subject};
use serde_json::Value;

/// Text without characters that steer a terminal or turn the reading direction. Line breaks stay, tabs become
/// spaces; printing escape sequences of a target is how a scanned server would write on its scanner's screen.
#[must_use]
pub fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\t', "    ").chars().filter(|&c| c == '\n' || !steers(c)).collect()
}

/// C0, DEL, C1, separators of lines, marks of direction, and characters without width that hide in names.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                     | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// A count with its thousands apart: `12 345`. Up to four digits stand together.
pub(crate) fn number_of(count: u64) -> String {
    let digits = count.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// One line: breaks become spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The report with [`clean`] done to every text in it.
pub(crate) fn without_controls(report: &ScanReport) -> ScanReport {
    let mut report = report.clone();
    let tidy = |text: &mut String| {
        if text.contains(|c| c != '\n' && steers(c)) {
            *text = clean(text);
        }
    };
    [&mut report.schema, &mut report.version, &mut report.target, &mut report.started_at]
        .into_iter()
        .for_each(tidy);
    report.aborted.iter_mut().chain(&mut report.notes).for_each(tidy);
    for limiter in &mut report.limiters {
        limiter
            .endpoints
            .iter_mut()
            .chain(&mut limiter.keyed_by)
            .chain(&mut limiter.rejects_with)
            .for_each(tidy);
        limiter.published.iter_mut().for_each(|published| tidy(&mut published.family));
        limiter.implementation.iter_mut().for_each(|program| {
            tidy(&mut program.name);
            tidy(&mut program.config);
        });
    }
    for technology in &mut report.technologies {
        tidy(&mut technology.name);
        tidy(&mut technology.evidence);
        technology.version.iter_mut().for_each(tidy);
    }
    report.categories = report.categories.iter().map(|(name, score)| (clean(name), *score)).collect();
    report.findings.iter_mut().for_each(|finding| tidy_finding(finding, tidy));
    report
}

fn tidy_finding(finding: &mut Finding, tidy: impl Fn(&mut String) + Copy) {
    match &mut finding.subject {
        Subject::Endpoint { method, url } => [method, url].into_iter().for_each(tidy),
        Subject::Named { value, .. } => tidy(value),
    }
    let Finding { rule, category, title, description, fingerprint, .. } = finding;
    [rule, category, title, description, fingerprint].into_iter().for_each(tidy);
    finding.endpoints.iter_mut().chain(&mut finding.references).chain(&mut finding.reproduce).for_each(tidy);
    tidy(&mut finding.remediation.summary);
    for snippet in &mut finding.remediation.snippets {
        tidy(&mut snippet.target);
        tidy(&mut snippet.text);
    }
    let evidence = std::mem::take(&mut finding.evidence);
    finding.evidence = evidence.into_iter().map(|(key, value)| (clean(&key), tidy_value(value))).collect();
}

fn tidy_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => items.into_iter().map(tidy_value).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (clean(&key), tidy_value(value))).collect())
        }
        other => other,
    }
}

/// `1 request`, `300 requests`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// At most two decimals, or three significant digits below one; no trailing zeros. Below a ten-thousandth as a power.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value != 0.0 && value.abs() < 1e-4 {
        return format!("{value:.1e}");
    }
    let mut decimals = 2;
    let mut scaled = value.abs();
    while scaled > 0.0 && scaled < 1.0 && decimals < 6 {
        scaled *= 10.0;
        decimals += 1;
    }
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Seconds with one decimal (two below one): what a stopwatch would show.
pub(crate) fn seconds(value: f64) -> String {
    let rounded =
        if value.abs() < 1.0 { (value * 100.0).round() / 100.0 } else { (value * 10.0).round() / 10.0 };
    format!("{} s", number(rounded))
}

/// Milliseconds in the unit a person would say: `500 ms`, `12 s`, `5 min`, `24 h`.
pub(crate) fn milliseconds(millis: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "2^52 ms are 140 000 years")]
    match millis {
        0..1_000 => format!("{millis} ms"),
        7_200_000.. if millis.is_multiple_of(3_600_000) => format!("{} h", millis / 3_600_000),
        3_600_000 => "1 h".to_owned(),
        120_000.. if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        _ => seconds(millis as f64 / 1_000.0),
    }
}

/// A latency: milliseconds, and seconds from one second.
pub(crate) fn latency(millis: f64) -> String {
    if millis < 1_000.0 {
        format!("{} ms", number(millis))
    } else {
        format!("{} s", number(millis / 1_000.0))
    }
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

/// Bytes in decimal units: `312 B`, `4.2 kB`, `1.3 MB`.
pub(crate) fn bytes(value: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let (mut scaled, mut unit) = (value, 0);
    while scaled.abs() >= 999.5 && unit + 1 < units.len() {
        scaled /= 1_000.0;
        unit += 1;
    }
    let digits = if scaled.abs() >= 99.95 || unit == 0 { 0 } else { 1 };
    let text = format!("{scaled:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {}", units[unit])
}

/// Calls a second, or a minute or an hour where that is the rounder way to say it.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second >= 1.0 || per_second <= 0.0 {
        format!("{} calls/s", number(per_second))
    } else if per_second >= 1.0 / 60.0 {
        format!("{} calls/min", number(per_second * 60.0))
    } else {
        format!("{} calls/h", number(per_second * 3_600.0))
    }
}

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

#[cfg(test)]
mod tests;
