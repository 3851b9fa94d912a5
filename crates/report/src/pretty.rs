//! What a person on call at three reads: the score, what stands before the endpoint, what is wrong, the line that
//! shows it, and what mends it. Worst first, sentences before tables.
//!
//! Nothing is wider than the terminal but what must be copied whole: curl lines and configuration.

use ratewarden_model::scan_report::Limiter;
use ratewarden_model::{Finding, ScanReport, Snippet};

use crate::page::Page;
use crate::terminal::{BAD, BOLD, DIM, LINK, PLAIN, of_score, of_severity};
use crate::{Options, evidence, order, text};

#[cfg(test)]
mod tests;

/// Endpoints named under one limiter or finding; more are counted.
const ENDPOINTS: usize = 5;

pub(crate) fn render(report: &ScanReport, options: &Options) -> String {
    let mut page = Page::new(options);
    head(&mut page, report);
    page.heading(if report.limiters.len() == 1 { "Limiter" } else { "Limiters" });
    if report.limiters.is_empty() {
        page.paragraph(2, "None was looked for.", DIM);
    }
    for limiter in &report.limiters {
        limiter_block(&mut page, limiter);
    }
    let findings = order::worst_first(report);
    page.heading(&format!("Findings{}", severities(report)));
    if findings.is_empty() {
        let stopped = report.aborted.is_some();
        page.paragraph(
            2,
            if stopped { "None until the scan stopped." } else { "Nothing to mend was found." },
            PLAIN,
        );
    }
    for finding in &findings {
        finding_block(&mut page, finding);
    }
    notes(&mut page, report);
    deductions(&mut page, report, &findings);
    page.into_text()
}

fn head(page: &mut Page, report: &ScanReport) {
    page.paragraph(0, &text::one_line(&report.target), BOLD);
    page.paragraph(0, &format!("{} · Ratewarden {}", text::effort(report), report.version), DIM);
    page.blank();
    let (style, so_far) =
        if report.aborted.is_some() { (PLAIN, " so far") } else { (of_score(report.score), "") };
    let label = format!("  {}/100  {}{so_far}  ", report.score, report.grade);
    let columns = page.width().saturating_sub(label.chars().count()).min(40);
    page.spans(&[(&label, style.bold()), (&bar(report.score, columns), style)]);
    if let Some(why) = &report.aborted {
        page.blank();
        page.paragraph(2, &format!("STOPPED BEFORE ITS END: {}", text::one_line(why)), BAD.bold());
        page.paragraph(2, "The score counts only what was found until then.", BAD);
    }
    if !report.technologies.is_empty() {
        page.blank();
        let names = report.technologies.iter().map(|technology| match &technology.version {
            Some(version) => format!("{} {version}", technology.name),
            None => technology.name.clone(),
        });
        page.paragraph(2, &format!("Seen behind it: {}", names.collect::<Vec<_>>().join(", ")), PLAIN);
    }
}

/// ` · 1 high, 2 low`.
fn severities(report: &ScanReport) -> String {
    let counts = order::counts(report);
    if counts.is_empty() {
        return String::new();
    }
    let counts = counts.iter().map(|(severity, count)| format!("{count} {severity}"));
    format!(" · {}", counts.collect::<Vec<_>>().join(", "))
}

fn limiter_block(page: &mut Page, limiter: &Limiter) {
    endpoints(page, 2, "", &limiter.endpoints);
    page.paragraph(4, &text::limiter(limiter), if limiter.detected { BOLD } else { PLAIN });
    if let Some(observed) = text::observed(limiter) {
        page.paragraph(4, &observed, PLAIN);
    }
    match &limiter.published {
        Some(published) => {
            let style = if published.agrees == Some(false) { BAD } else { PLAIN };
            page.paragraph(4, &text::published(published), style);
        }
        None if limiter.detected => page.paragraph(4, "the answers publish no limit", PLAIN),
        None => {}
    }
    if let Some(program) = &limiter.implementation {
        page.paragraph(
            4,
            &format!("behaves like {} ({}), as configured by", program.name, program.confidence),
            PLAIN,
        );
        page.verbatim(6, &program.config, LINK);
    }
    page.blank();
}

fn endpoints(page: &mut Page, indent: usize, before: &str, endpoints: &[String]) {
    for endpoint in endpoints.iter().take(ENDPOINTS) {
        page.paragraph(indent, &format!("{before}{}", text::one_line(endpoint)), PLAIN);
    }
    if endpoints.len() > ENDPOINTS {
        page.paragraph(indent, &format!("{before}and {} more endpoints", endpoints.len() - ENDPOINTS), PLAIN);
    }
}

fn finding_block(page: &mut Page, finding: &Finding) {
    let severity = format!(" {} ", finding.severity.as_str().to_uppercase());
    page.titled(
        &severity,
        of_severity(finding.severity),
        &text::one_line(&finding.title),
        &order::points(finding),
    );
    page.paragraph(
        4,
        &format!("{} · {} · {}", finding.rule, finding.confidence, text::one_line(&finding.subject.label())),
        DIM,
    );
    page.blank();
    page.paragraph(4, &finding.description, PLAIN);
    endpoints(page, 6, "· ", &finding.endpoints);
    figures(page, finding);
    if let Some(line) = &finding.reproduce {
        page.blank();
        page.verbatim(4, &format!("$ {line}"), LINK);
    }
    page.blank();
    page.item(4, "→ ", &finding.remediation.summary);
    snippets(page, &finding.remediation.snippets);
    page.blank();
}

fn figures(page: &mut Page, finding: &Finding) {
    let figures = evidence::figures(&finding.evidence);
    let pages = evidence::pages(&finding.evidence);
    if !figures.is_empty() {
        page.blank();
        let figures = figures.iter().map(|figure| format!("{}: {}", figure.name, figure.value));
        page.paragraph(4, &figures.collect::<Vec<_>>().join(" · "), DIM);
    }
    if !pages.is_empty() {
        page.blank();
        let row = |size: &str, bytes: &str, latency: &str| format!("{size:>9}  {bytes:>9}  {latency:>9}");
        page.columns(4, &row("page size", "bytes", "latency"), DIM);
        for read in &pages {
            page.columns(4, &row(&read.size_label(), &read.bytes_label(), &read.latency_label()), DIM);
        }
    }
}

fn snippets(page: &mut Page, snippets: &[Snippet]) {
    let Some((first, others)) = snippets.split_first() else { return };
    page.paragraph(6, &format!("{}:", text::one_line(&first.target)), DIM);
    page.verbatim(8, &first.text, LINK);
    if !others.is_empty() {
        let names =
            others.iter().map(|snippet| text::one_line(&snippet.target)).collect::<Vec<_>>().join(", ");
        page.paragraph(6, &format!("also for {names}: in the html, markdown and json formats"), DIM);
    }
}

fn notes(page: &mut Page, report: &ScanReport) {
    if report.notes.is_empty() {
        return;
    }
    page.heading("Not seen, and why");
    for note in &report.notes {
        page.item(2, "· ", note);
    }
    page.blank();
}

fn deductions(page: &mut Page, report: &ScanReport, findings: &[&Finding]) {
    page.heading("Score");
    let row = |points: &str, what: &str| format!("{points:>5}  {what}");
    page.columns(2, &row("100", "to begin with"), PLAIN);
    for finding in findings.iter().filter(|finding| finding.deduction > 0) {
        let what = format!("{}  {}", finding.rule, text::one_line(&order::place(&finding.subject)));
        page.columns(2, &row(&order::points(finding), &what), PLAIN);
    }
    page.columns(2, &format!("      {}", order::sum_line(report)), BOLD);
    page.blank();
    let widest = report.categories.keys().map(|name| name.chars().count()).max().unwrap_or_default();
    for (name, score) in order::categories(report) {
        let label = format!("  {name:widest$}  {:>3}  ", score);
        let columns = page.width().saturating_sub(label.chars().count()).min(20);
        page.spans(&[
            (&label, PLAIN),
            (&bar(score, columns), if report.aborted.is_some() { PLAIN } else { of_score(score) }),
        ]);
    }
}

/// A bar of `columns` cells: never full below 100, never empty above 0.
fn bar(score: u32, columns: usize) -> String {
    let score = usize::try_from(score).unwrap_or(100).min(100);
    let full = (score * columns / 100).max(usize::from(score > 0)).min(columns);
    "█".repeat(full) + &"░".repeat(columns - full)
}
