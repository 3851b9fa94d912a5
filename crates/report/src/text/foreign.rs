//! Text that others wrote (a target's answers, a log, a name), made harmless before it is shown.

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
