//! JUnit XML: one suite for the target, one case for each rule, so that a CI server shows which weakness is new.
//!
//! A rule without findings passes only where it was tested and the scan came to its end; else it is reported as
//! skipped, for its absence shows nothing.

use std::collections::HashSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use ratewarden_model::{Finding, ScanReport, rules};

use crate::{ReportError, evidence, order, text};

pub(crate) fn render(report: &ScanReport) -> Result<String, ReportError> {
    let mut suite = TestSuite::new(report.target.as_str());
    let duration = Duration::from_millis(report.duration_ms);
    suite.set_time(duration);
    suite.timestamp = report.started_at.parse().ok();
    suite.add_property(("score", report.score.to_string().as_str()));
    suite.add_property(("grade", report.grade.to_string().as_str()));
    suite.add_property(("requests", report.requests_sent.to_string().as_str()));
    suite.add_test_case(completion(report));
    let findings = order::worst_first(report);
    for rule in rules::ALL {
        suite.add_test_case(case(rule.id, rule.category, &findings, untested(report, rule.id)));
    }
    let mut seen = HashSet::new();
    let foreign = |finding: &&&Finding| rules::find(&finding.rule).is_none();
    for finding in findings.iter().filter(foreign).filter(|finding| seen.insert(&finding.rule)) {
        suite.add_test_case(case(&finding.rule, &finding.category, &findings, None));
    }
    let limiters: Vec<_> = report.limiters.iter().map(text::limiter).collect();
    suite.set_system_out(limiters.join("\n"));
    let mut document = Report::new("ratewarden scan");
    document.set_time(duration).add_test_suite(suite);
    Ok(document.to_string()?)
}

/// The case that errs where the scan stopped before its end.
fn completion(report: &ScanReport) -> TestCase {
    let status = report.aborted.as_ref().map_or_else(TestCaseStatus::success, |why| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status
            .set_message("The scan stopped before its end")
            .set_type("aborted")
            .set_description(why.as_str());
        status
    });
    named("scan completed", "Ratewarden", status)
}

/// Why the absence of a finding says nothing, where it does not.
fn untested(report: &ScanReport, rule: &str) -> Option<&'static str> {
    if report.aborted.is_some() {
        return Some("the scan stopped before its end");
    }
    let tested = report.tested.iter().any(|tested| tested == rule);
    (!tested)
        .then_some("not tested: it does not apply to this target, or the budget or the options left it out")
}

fn case(rule: &str, category: &str, findings: &[&Finding], untested: Option<&str>) -> TestCase {
    let own: Vec<_> = findings.iter().filter(|finding| finding.rule == rule).collect();
    let status = match own.first() {
        None => untested.map_or_else(TestCaseStatus::success, |why| {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why);
            status
        }),
        Some(worst) => {
            let points: u32 = own.iter().map(|finding| finding.deduction).sum();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(worst.severity.as_str());
            status.set_message(format!("{} ({}, −{points} points)", worst.title, times(own.len())));
            status.set_description(
                own.iter().map(|finding| described(finding)).collect::<Vec<_>>().join("\n\n"),
            );
            status
        }
    };
    named(rule, category, status)
}

fn named(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn times(findings: usize) -> String {
    text::count(u64::try_from(findings).unwrap_or(u64::MAX), "finding")
}

fn described(finding: &Finding) -> String {
    let mut lines = vec![
        format!("{} · {} · {}", finding.subject.label(), finding.severity, finding.confidence),
        finding.description.clone(),
    ];
    let figures = evidence::figures(&finding.evidence);
    if !figures.is_empty() {
        let figures = figures.iter().map(|figure| format!("{}: {}", figure.name, figure.value));
        lines.push(figures.collect::<Vec<_>>().join(" · "));
    }
    lines.extend(evidence::pages(&finding.evidence).iter().map(evidence::Page::label));
    lines.extend(finding.endpoints.iter().map(|endpoint| format!("concerns {endpoint}")));
    lines.extend(finding.reproduce.iter().map(|line| format!("reproduce: {line}")));
    lines.push(format!("remedy: {}", finding.remediation.summary));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn cases(report: &ScanReport) -> Vec<TestCase> {
        let xml = render(report).unwrap();
        let mut document = Report::deserialize_from_str(&xml).unwrap();
        assert_eq!(document.test_suites.len(), 1);
        assert_eq!(document.test_suites[0].name.as_str(), report.target);
        document.test_suites.remove(0).test_cases
    }

    #[test]
    fn a_rule_with_findings_fails_and_the_others_pass() {
        let report = sample::token_bucket();
        let cases = cases(&report);
        for rule in rules::ALL {
            let case = cases.iter().find(|case| case.name.as_str() == rule.id).unwrap();
            let has_findings = report.findings.iter().any(|finding| finding.rule == rule.id);
            match &case.status {
                TestCaseStatus::Success { .. } => assert!(!has_findings, "{}", rule.id),
                TestCaseStatus::NonSuccess { kind, description, .. } => {
                    assert_eq!(*kind, NonSuccessKind::Failure);
                    assert!(has_findings && description.as_ref().unwrap().as_str().contains("remedy:"));
                }
                TestCaseStatus::Skipped { .. } => panic!("{} was skipped", rule.id),
            }
        }
    }

    #[test]
    fn a_rule_that_was_not_tested_is_skipped_and_does_not_pass() {
        let mut report = sample::clean();
        report.tested.retain(|rule| rule != "scan.hot-key");
        let cases = cases(&report);
        let hot = cases.iter().find(|case| case.name.as_str() == "scan.hot-key").unwrap();
        assert!(matches!(hot.status, TestCaseStatus::Skipped { .. }), "{:?}", hot.status);
    }

    #[test]
    fn an_aborted_scan_is_an_error_and_claims_no_passes() {
        let xml = render(&sample::aborted()).unwrap();
        assert!(xml.contains("<error message=\"The scan stopped before its end\""), "{xml}");
        let passed = cases(&sample::aborted());
        assert!(!passed.iter().any(|case| matches!(case.status, TestCaseStatus::Success { .. })));
    }

    #[test]
    fn the_suite_says_when_and_how_long() {
        let xml = render(&sample::token_bucket()).unwrap();
        assert!(xml.contains("timestamp=\"2026-11-25T03:12:07") && xml.contains("time=\"9.8"), "{xml}");
    }
}
