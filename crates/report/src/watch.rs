//! What was seen in traffic: for people, and the document `ratewarden.watch/1`.

use ratewarden_model::{Finding, Severity, WatchReport, WatchedSource};

use crate::page::Page;
use crate::terminal::{BAD, BOLD, DIM, PLAIN, of_severity};
use crate::{Options, ReportError, evidence, json, text};

/// Sources that are listed; more are counted.
const SOURCES: usize = 12;
/// Reasons of a source that are listed.
const REASONS: usize = 3;

/// For a person at a terminal. The text ends with a newline.
#[must_use]
pub fn render_watch_pretty(report: &WatchReport, options: &Options) -> String {
    let mut page = Page::new(options);
    head(&mut page, report);
    page.heading(&format!("Findings{}", counts(&report.findings)));
    if report.findings.is_empty() {
        page.paragraph(2, "No abuse was seen.", PLAIN);
    }
    for finding in &report.findings {
        block(&mut page, finding);
    }
    if !report.notes.is_empty() {
        page.heading("Notes");
        report.notes.iter().for_each(|note| page.item(2, "· ", &text::clean(note)));
    }
    page.into_text()
}

/// The document, indented.
///
/// # Errors
/// Where the serializer refuses, which no report of our own making brings about.
pub fn render_watch_json(report: &WatchReport) -> Result<String, ReportError> {
    json::document(report)
}

/// A finding as a line of NDJSON, without its line end.
///
/// # Errors
/// As [`render_watch_json`].
pub fn render_finding_line(state: &str, finding: &Finding) -> Result<String, ReportError> {
    let mut value = serde_json::to_value(finding)?;
    if let Some(fields) = value.as_object_mut() {
        fields.shift_insert(0, "state".to_owned(), state.into());
    }
    Ok(json::safe(&serde_json::to_string(&value)?))
}

/// One finding for a person, as it opens or ends.
#[must_use]
pub fn render_finding_pretty(finding: &Finding, options: &Options) -> String {
    let mut page = Page::new(options);
    block(&mut page, finding);
    page.into_text()
}

fn head(page: &mut Page, report: &WatchReport) {
    let sum = |of: fn(&WatchedSource) -> u64| report.sources.iter().map(of).sum::<u64>();
    let (lines, calls, unreadable) = (sum(|s| s.lines), sum(|s| s.calls), sum(|s| s.unreadable));
    let time = match (&report.from, &report.to) {
        (Some(from), Some(to)) if from == to => format!(" at {from}"),
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        _ => String::new(),
    };
    page.paragraph(0, &format!("{}{time}", counted(calls, "call")), BOLD);
    page.paragraph(
        0,
        &format!(
            "{} of {} source{}, {} unreadable · Ratewarden {}",
            counted(lines, "line"),
            report.sources.len(),
            plural(report.sources.len() as u64),
            text::number_of(unreadable),
            report.version
        ),
        DIM,
    );
    for source in report.sources.iter().take(SOURCES) {
        of_source(page, source);
    }
    if report.sources.len() > SOURCES {
        page.paragraph(2, &format!("and {} more sources", report.sources.len() - SOURCES), DIM);
    }
}

fn of_source(page: &mut Page, source: &WatchedSource) {
    let form = source.form.as_deref().unwrap_or("no known form");
    let unreadable = match source.unreadable {
        0 => String::new(),
        lines => format!(", {} unreadable", text::number_of(lines)),
    };
    let name = text::clean(&source.name);
    page.paragraph(2, &format!("{name} · {form} · {}{unreadable}", counted(source.calls, "call")), PLAIN);
    for reason in source.reasons.iter().take(REASONS) {
        let line = format!(
            "{}, first line {}: {}; its shape: {}",
            counted(reason.lines, "line"),
            text::number_of(reason.first_line),
            reason.reason,
            text::clean(&reason.sample)
        );
        page.item(4, "· ", &line);
    }
    if let Some(error) = &source.error {
        page.item(4, "! ", &text::clean(error));
    }
    if source.calls == 0 && source.lines > 0 {
        page.paragraph(4, "no line of it is a call: name its form with --log-format or --json-fields", BAD);
    }
}

/// `1 line`, `2 lines`.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", text::number_of(count), plural(count))
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// ` · 1 high, 2 low`.
fn counts(findings: &[Finding]) -> String {
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<String> = Severity::WORST_FIRST
        .into_iter()
        .filter(|severity| of(*severity) > 0)
        .map(|severity| format!("{} {severity}", of(severity)))
        .collect();
    if counts.is_empty() { String::new() } else { format!(" · {}", counts.join(", ")) }
}

fn block(page: &mut Page, finding: &Finding) {
    let tag = format!(" {} ", finding.severity.as_str().to_uppercase());
    let count = finding.seen.as_ref().map(|seen| text::number_of(seen.count)).unwrap_or_default();
    let title = format!(
        "{}: {}",
        text::one_line(&text::clean(&finding.title)),
        text::clean(&finding.subject.label())
    );
    page.titled(&tag, of_severity(finding.severity), &title, &count);
    let Some(seen) = &finding.seen else { return };
    let error = if seen.count_error > 0 { format!(" (± {})", seen.count_error) } else { String::new() };
    page.paragraph(
        4,
        &format!(
            "{} · {} {} · {} to {} · count {}{error}, threshold {}",
            finding.rule,
            finding.subject.kind(),
            text::clean(&finding.subject.label()),
            seen.first_seen,
            seen.last_seen,
            seen.count,
            seen.threshold
        ),
        DIM,
    );
    let figures = evidence::figures(&finding.evidence);
    if !figures.is_empty() {
        let figures = figures.iter().map(|figure| format!("{}: {}", figure.name, text::clean(&figure.value)));
        page.paragraph(4, &figures.collect::<Vec<_>>().join(" · "), PLAIN);
    }
    seen.samples.iter().for_each(|sample| page.item(6, "· ", &text::clean(sample)));
    page.item(4, "→ ", &finding.remediation.summary);
    page.blank();
}

#[cfg(test)]
mod tests;
