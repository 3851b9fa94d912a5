//! A comment on a pull request, or the summary of a CI step.
//!
//! GitHub refuses a comment over 65 536 bytes, so the text is held under 60 kB: the score, the limiters and the
//! table of findings come first, and details are added while they fit, the worst first. What does not fit is
//! counted, never dropped in silence.

use ratewarden_model::scan_report::Limiter;
use ratewarden_model::{Finding, ScanReport};

use crate::{evidence, order, text};

mod escape;
#[cfg(test)]
mod tests;

use escape::{block, cell_code, code, html, inline, prose};

/// The most a report may have, in bytes.
const MOST_BYTES: usize = 60_000;
/// Kept free for the closing lines.
const RESERVE: usize = 4_000;
/// Rows of a table, and its bytes; more are counted.
const ROWS: usize = 60;
const TABLE_BYTES: usize = 12_000;

pub(crate) fn render(report: &ScanReport) -> String {
    let findings = order::worst_first(report);
    let mut page = head(report);
    limiters(&mut page, report);
    table(&mut page, report, &findings);
    let mut left_out = 0;
    for finding in &findings {
        let section = details(finding);
        if left_out > 0 || page.len() + section.len() > MOST_BYTES - RESERVE {
            left_out += 1;
        } else {
            page.push_str(&section);
        }
    }
    if left_out > 0 {
        let what = if left_out == 1 { "1 finding is".to_owned() } else { format!("{left_out} findings are") };
        page.push_str(&format!(
            "\n> The details of {what} left out here for length; the JSON and HTML reports have them.\n"
        ));
    }
    page.push_str(&foot(report));
    page
}

fn head(report: &ScanReport) -> String {
    let mut page = format!(
        "## {} Ratewarden: {}/100 ({}{})\n\n{} · {}\n\n",
        if report.aborted.is_some() { "⚪" } else { mark(report.score) },
        report.score,
        report.grade,
        if report.aborted.is_some() { " so far" } else { "" },
        code(&report.target),
        inline(&text::effort(report)),
    );
    if let Some(why) = &report.aborted {
        page.push_str(&format!("> [!CAUTION]\n> **The scan stopped before its end:** {}\n\n", inline(why)));
    }
    page
}

/// Colour, and a letter beside it for those who do not see it.
const fn mark(score: u32) -> &'static str {
    match score {
        80.. => "🟢",
        60..=79 => "🟡",
        _ => "🔴",
    }
}

fn limiters(page: &mut String, report: &ScanReport) {
    if report.limiters.is_empty() {
        return;
    }
    page.push_str("| Endpoint | Limiter | Published | Behaves like |\n|---|---|---|---|\n");
    rows(page, report.limiters.iter().map(limiter_row), "limiters");
    page.push('\n');
}

fn limiter_row(limiter: &Limiter) -> String {
    let mut endpoints: Vec<_> =
        limiter.endpoints.iter().take(3).map(|endpoint| cell_code(endpoint)).collect();
    if limiter.endpoints.len() > 3 {
        endpoints.push(format!("and {} more", limiter.endpoints.len() - 3));
    }
    let sentence = match text::observed(limiter) {
        Some(observed) => format!("{} ({observed})", text::limiter(limiter)),
        None => text::limiter(limiter),
    };
    let published =
        limiter.published.as_ref().map_or_else(|| "–".to_owned(), |said| inline(&text::published(said)));
    let program = limiter.implementation.as_ref().map_or_else(
        || "–".to_owned(),
        |program| {
            format!("{} ({}): {}", inline(&program.name), program.confidence, cell_code(&program.config))
        },
    );
    format!("| {} | {} | {published} | {program} |\n", endpoints.join(", "), inline(&sentence))
}

fn finding_row(finding: &&Finding) -> String {
    format!(
        "| **{}** | {} ({}) | {} | {} |\n",
        finding.severity,
        inline(&finding.title),
        cell_code(&finding.rule),
        cell_code(&order::place(&finding.subject)),
        order::points(finding),
    )
}

/// Adds the rows that fit, and counts the others under the table's last line.
fn rows(page: &mut String, mut rows: impl ExactSizeIterator<Item = String>, what: &str) {
    let (all, end) = (rows.len(), page.len() + TABLE_BYTES);
    let mut written = 0;
    while written < ROWS
        && let Some(row) = rows.next()
        && page.len() + row.len() <= end
    {
        page.push_str(&row);
        written += 1;
    }
    if written < all {
        page.push_str(&format!("| and {} more {what} | | | |\n", all - written));
    }
}

fn table(page: &mut String, report: &ScanReport, findings: &[&Finding]) {
    if findings.is_empty() {
        let nothing =
            if report.aborted.is_some() { "No finding until then." } else { "Nothing to mend was found." };
        page.push_str(&format!("{nothing}\n\n"));
        return;
    }
    page.push_str("| Severity | Finding | Where | Points |\n|---|---|---|--:|\n");
    rows(page, findings.iter().map(finding_row), "findings");
    page.push_str(&format!(
        "| | | **{}** | **−{}** |\n\n",
        order::sum_line(report),
        order::points_taken(report)
    ));
}

fn details(finding: &Finding) -> String {
    let mut lines = vec![
        format!("<details><summary><b>{}</b> {}</summary>\n", finding.severity, html(&finding.title)),
        format!("{} · {} · {}\n", code(&finding.rule), finding.confidence, code(&finding.subject.label())),
        prose(&finding.description) + "\n",
    ];
    if !finding.endpoints.is_empty() {
        lines.extend(finding.endpoints.iter().take(20).map(|endpoint| format!("- {}", code(endpoint))));
        if finding.endpoints.len() > 20 {
            lines.push(format!("- and {} more", finding.endpoints.len() - 20));
        }
        lines.push(String::new());
    }
    evidence_tables(&mut lines, finding);
    lines.extend(finding.reproduce.iter().map(|line| format!("To see it:\n\n{}", block("sh", line))));
    lines.push(format!("**What to do.** {}\n", prose(&finding.remediation.summary)));
    for snippet in &finding.remediation.snippets {
        lines.push(format!("{}:\n\n{}", inline(&snippet.target), block("", &snippet.text)));
    }
    if !finding.references.is_empty() {
        lines.push(format!("{}\n", inline(&finding.references.join(", "))));
    }
    lines.push("</details>\n\n".to_owned());
    lines.join("\n")
}

fn evidence_tables(lines: &mut Vec<String>, finding: &Finding) {
    let figures = evidence::figures(&finding.evidence);
    if !figures.is_empty() {
        lines.push("| Seen | |\n|---|---|".to_owned());
        lines.extend(
            figures.iter().map(|figure| format!("| {} | {} |", inline(&figure.name), inline(&figure.value))),
        );
        lines.push(String::new());
    }
    let pages = evidence::pages(&finding.evidence);
    if !pages.is_empty() {
        lines.push("| Page size | Bytes | Latency |\n|---|--:|--:|".to_owned());
        lines.extend(pages.iter().take(ROWS).map(|read| {
            format!("| {} | {} | {} |", read.size_label(), read.bytes_label(), read.latency_label())
        }));
        lines.push(String::new());
    }
}

fn foot(report: &ScanReport) -> String {
    let mut foot = String::new();
    let mut notes = report.notes.iter();
    while let Some(note) = notes.next() {
        let line = format!("\n- {}", prose(note));
        if foot.len() + line.len() > RESERVE - 1_000 {
            foot.push_str(&format!("\n- and {} more notes", notes.len() + 1));
            break;
        }
        foot.push_str(&line);
    }
    if !foot.is_empty() {
        foot = format!("\n**Not seen, and why**\n{foot}\n");
    }
    foot + &format!("\n<sub>Ratewarden {}</sub>\n", inline(&report.version))
}
