//! One self-contained page, to send to somebody: no request leaves it, whatever is in the report.
//!
//! The template escapes everything but the charts, the style and the script, which are ours. A content security policy
//! stands behind that: only this style and the one script of the given hash may run, and nothing may be loaded.

use askama::Template;
use ratewarden_model::scan_report::Limiter;
use ratewarden_model::{Finding, ScanReport, rules};

use crate::charts::{self, Chart};
use crate::evidence::{self, Figure, Page};
use crate::{ReportError, order, text};

#[cfg(test)]
mod tests;

const STYLE: &str = include_str!("../templates/report.css");
const SCRIPT: &str = include_str!("../templates/report.js");
/// The SHA-256 of the script in Base64; a test holds it to the file.
const SCRIPT_HASH: &str = "CgA5Kj2/QRbLkzeNbKnGcFeTx0bUw1/AGwhWlsHwxdA=";
/// Where the rules' pages are: links for the reader, never loaded by the page.
const HOME: &str = env!("CARGO_PKG_REPOSITORY");

pub(crate) fn render(report: &ScanReport) -> Result<String, ReportError> {
    let findings = order::worst_first(report);
    let page = ReportPage {
        style: STYLE,
        script: SCRIPT,
        script_hash: SCRIPT_HASH,
        report,
        // A scan that stopped shows no colour: what it did not try is neither good nor bad.
        grade_class: if report.aborted.is_some() { "unfinished" } else { grade_class(report.score) },
        effort: text::effort(report),
        sum: order::sum_line(report),
        counts: order::counts(report)
            .into_iter()
            .map(|(severity, count)| (severity.as_str(), count))
            .collect(),
        categories: order::categories(report)
            .into_iter()
            .map(|(name, score)| Bar::new(name, score))
            .collect(),
        limiters: report.limiters.iter().map(LimiterCard::new).collect::<Result<_, _>>()?,
        findings: findings.into_iter().map(FindingCard::new).collect::<Result<_, _>>()?,
        notes: report.notes.iter().map(|note| text::code_spans(note)).collect(),
    };
    Ok(page.render()?.trim_end().to_owned() + "\n")
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    style: &'static str,
    script: &'static str,
    script_hash: &'static str,
    report: &'a ScanReport,
    grade_class: &'static str,
    effort: String,
    sum: String,
    counts: Vec<(&'static str, usize)>,
    categories: Vec<Bar<'a>>,
    limiters: Vec<LimiterCard<'a>>,
    findings: Vec<FindingCard<'a>>,
    notes: Vec<Vec<(bool, &'a str)>>,
}

/// A category and its score.
struct Bar<'a> {
    name: &'a str,
    score: u32,
    class: &'static str,
}

impl<'a> Bar<'a> {
    fn new(name: &'a str, score: u32) -> Self {
        Self { name, score: score.min(100), class: grade_class(score) }
    }
}

const fn grade_class(score: u32) -> &'static str {
    match score {
        80.. => "good",
        60..=79 => "fair",
        _ => "bad",
    }
}

struct LimiterCard<'a> {
    limiter: &'a Limiter,
    sentence: String,
    observed: Option<String>,
    /// What the answers publish, and whether it is false.
    published: Option<(String, bool)>,
    has_failures: bool,
    chart: Option<Chart>,
}

impl<'a> LimiterCard<'a> {
    fn new(limiter: &'a Limiter) -> Result<Self, ReportError> {
        let failed = |point: &ratewarden_model::scan_report::TimelinePoint| {
            point.outcome == ratewarden_model::scan_report::Outcome::Failed
        };
        Ok(Self {
            limiter,
            sentence: text::limiter(limiter),
            observed: text::observed(limiter),
            published: limiter
                .published
                .as_ref()
                .map(|published| (text::published(published), published.agrees == Some(false))),
            has_failures: limiter.timeline.requests.iter().any(failed),
            chart: charts::timeline(&limiter.timeline)?,
        })
    }
}

struct FindingCard<'a> {
    finding: &'a Finding,
    severity: &'static str,
    subject: String,
    place: String,
    points: String,
    /// The page that explains the rule; none for a rule that this version does not know.
    page: Option<String>,
    description: Vec<(bool, &'a str)>,
    remedy: Vec<(bool, &'a str)>,
    figures: Vec<Figure>,
    pages: Vec<Page>,
    chart: Option<Chart>,
}

impl<'a> FindingCard<'a> {
    fn new(finding: &'a Finding) -> Result<Self, ReportError> {
        let pages = evidence::pages(&finding.evidence);
        Ok(Self {
            finding,
            severity: finding.severity.as_str(),
            subject: finding.subject.label(),
            place: order::place(&finding.subject),
            points: order::points(finding),
            page: rules::find(&finding.rule).map(|rule| format!("{HOME}/blob/main/{}", rule.page())),
            description: text::code_spans(&finding.description),
            remedy: text::code_spans(&finding.remediation.summary),
            figures: evidence::figures(&finding.evidence),
            chart: charts::pages(&pages)?,
            pages,
        })
    }
}
