//! The order findings are shown in, and the sum that makes the score.

use ratewarden_model::{Finding, ScanReport, Severity, Subject, rules};

/// The findings, the worst first: by severity, then by points, else as the scan made them.
pub(crate) fn worst_first(report: &ScanReport) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.deduction)));
    findings
}

/// How many findings there are of each severity that occurs, the worst first.
pub(crate) fn counts(report: &ScanReport) -> Vec<(Severity, usize)> {
    Severity::WORST_FIRST
        .into_iter()
        .map(|severity| {
            let count = report.findings.iter().filter(|finding| finding.severity == severity).count();
            (severity, count)
        })
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The categories with their scores: ours in the order of the catalogue, then any other by name.
pub(crate) fn categories(report: &ScanReport) -> Vec<(&str, u32)> {
    let known = |name: &str| rules::CATEGORIES.iter().position(|&category| category == name);
    let mut categories: Vec<_> =
        report.categories.iter().map(|(name, category)| (name.as_str(), category.score)).collect();
    categories.sort_by_key(|(name, _)| known(name).unwrap_or(usize::MAX));
    categories
}

/// All points taken; may be more than 100.
pub(crate) fn points_taken(report: &ScanReport) -> u32 {
    report.findings.iter().fold(0, |sum, finding| sum.saturating_add(finding.deduction))
}

/// The last line of the table of deductions: how the score comes about.
pub(crate) fn sum_line(report: &ScanReport) -> String {
    let taken = points_taken(report);
    if taken > 100 {
        format!("100 − {taken}, not below 0 = {} ({})", report.score, report.grade)
    } else {
        format!("100 − {taken} = {} ({})", report.score, report.grade)
    }
}

/// `−20`, and `0` where the finding costs nothing.
pub(crate) fn points(finding: &Finding) -> String {
    if finding.deduction == 0 { "0".to_owned() } else { format!("−{}", finding.deduction) }
}

/// What the finding is about, short: `GET /v1/items`, without the host that the page's head already names.
pub(crate) fn place(subject: &Subject) -> String {
    match subject {
        Subject::Endpoint { method, url } => {
            let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let path = after_scheme.find('/').map_or("/", |start| &after_scheme[start..]);
            format!("{method} {path}")
        }
        Subject::Named { value, .. } => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_worst_finding_comes_first_and_the_dearest_of_equals() {
        let report = sample::unlimited();
        let order: Vec<_> = worst_first(&report).iter().map(|f| (f.severity, f.deduction)).collect();
        assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");
        assert!(order.len() > 2);
    }

    #[test]
    fn the_sum_line_is_arithmetic_that_holds() {
        let report = sample::token_bucket();
        assert_eq!(
            sum_line(&report),
            format!("100 − {} = {} ({})", points_taken(&report), report.score, report.grade)
        );
        let zero = sample::everything_wrong();
        assert!(points_taken(&zero) > 100);
        assert!(sum_line(&zero).ends_with("not below 0 = 0 (F)"));
    }

    #[test]
    fn categories_stand_in_the_order_of_the_catalogue() {
        let report = sample::clean();
        let names: Vec<_> = categories(&report).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, rules::CATEGORIES);
    }

    #[test]
    fn a_place_is_method_and_path() {
        let endpoint = |url: &str| Subject::Endpoint { method: "GET".into(), url: url.into() };
        assert_eq!(place(&endpoint("https://h:1/a/b")), "GET /a/b");
        assert_eq!(place(&endpoint("https://h")), "GET /");
    }
}
