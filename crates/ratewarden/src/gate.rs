//! What fails a run that went well: findings and a score over the threshold, and a limit that is not the expected one.
//!
//! Known findings open no gate, so the score that counts here is that of the new ones alone; the report keeps the
//! whole score.

use ratewarden_model::{Finding, ScanReport, Severity, score};

use crate::baseline::Known;
use crate::expect::{self, Expected};

/// Findings named in one message; more are counted.
const NAMED: usize = 5;

/// The thresholds of the command line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gates {
    pub(crate) fail_on_severity: Option<Severity>,
    pub(crate) fail_under: Option<u32>,
    pub(crate) expect: Option<Expected>,
}

/// A gate that does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// What does not hold, and what was found.
    pub(crate) error: String,
    /// What to do.
    pub(crate) hint: String,
}

/// All gates after one scan.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Those that do not hold.
    pub(crate) broken: Vec<Broken>,
    /// What is worth saying of those that do, and of what is known.
    pub(crate) notes: Vec<String>,
}

impl Gates {
    /// Judges a report; `known` is what the baseline held before this scan.
    pub(crate) fn judge(&self, report: &ScanReport, known: Option<&Known>) -> Verdict {
        let is_new = |finding: &&Finding| known.is_none_or(|known| !known.has(finding));
        let new: Vec<_> = report.findings.iter().filter(is_new).collect();
        let mut verdict = Verdict::default();
        if known.is_some() {
            verdict.notes.extend(about_known(report, &new));
        }
        verdict.broken.extend(self.fail_on_severity.and_then(|threshold| over(threshold, &new)));
        verdict.broken.extend(self.fail_under.and_then(|least| under(least, &new, known.is_some())));
        if let Some(expected) = self.expect {
            match expect::check(expected, &report.limiters) {
                Ok(said) => verdict.notes.push(said),
                Err(broken) => verdict.broken.push(broken),
            }
        }
        verdict
    }
}

fn over(threshold: Severity, new: &[&Finding]) -> Option<Broken> {
    let over: Vec<_> = new.iter().copied().filter(|finding| finding.severity >= threshold).collect();
    if over.is_empty() {
        return None;
    }
    let noun = if over.len() == 1 { "finding is" } else { "findings are" };
    Some(Broken {
        error: format!("{} {noun} at least {threshold}: {}", over.len(), named(&over)),
        hint: "the report says what mends each; what has to wait goes into a --baseline".to_owned(),
    })
}

fn under(least: u32, new: &[&Finding], has_baseline: bool) -> Option<Broken> {
    let score = score::score(new.iter().copied());
    let what = if has_baseline { "the score of new findings" } else { "the score" };
    (score < least).then(|| Broken {
        error: format!("{what} is {score}, below the {least} of --fail-under"),
        hint: "the end of the report says which finding takes how many points".to_owned(),
    })
}

fn about_known(report: &ScanReport, new: &[&Finding]) -> Option<String> {
    let known: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| !new.iter().any(|new| std::ptr::eq(*new, *finding)))
        .collect();
    (!known.is_empty()).then(|| format!("known from the baseline: {}", named(&known)))
}

/// `scan.no-limit (GET http://…), … and 3 more`.
fn named(findings: &[&Finding]) -> String {
    let label = |finding: &&Finding| format!("{} ({})", finding.rule, finding.subject.label());
    let mut text = findings.iter().take(NAMED).map(label).collect::<Vec<_>>().join(", ");
    if findings.len() > NAMED {
        text.push_str(&format!(" and {} more", findings.len() - NAMED));
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use ratewarden_model::{Rule, Subject, VERSION, rules, scan_report};

    use super::*;

    pub(crate) fn finding(rule: &Rule, path: &str) -> Finding {
        let subject = Subject::Endpoint { method: "GET".into(), url: format!("https://h.example{path}") };
        Finding::new(rule, subject, &format!("GET {path}"), "")
    }

    pub(crate) fn report(findings: Vec<Finding>) -> ScanReport {
        let total = score::score(&findings);
        ScanReport {
            schema: scan_report::SCHEMA.into(),
            version: VERSION.into(),
            target: "https://h.example/a".into(),
            started_at: "2026-11-25T10:00:00Z".into(),
            duration_ms: 1,
            requests_sent: 1,
            score: total,
            grade: score::grade(total),
            aborted: None,
            limiters: Vec::new(),
            categories: score::by_category(&findings, &rules::CATEGORIES),
            findings,
            tested: Vec::new(),
            technologies: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn known(findings: Vec<Finding>) -> Known {
        let dir = tempfile::tempdir().unwrap();
        let file = crate::baseline::BaselineFile { path: dir.path().join("b.json"), update: false };
        file.write(&report(findings)).unwrap();
        file.read().unwrap()
    }

    #[test]
    fn a_threshold_includes_itself() {
        let report = report(vec![finding(&rules::NO_LOCKOUT, "/a"), finding(&rules::NO_RATE_HEADERS, "/a")]);
        let broken = |severity| {
            let gates = Gates { fail_on_severity: Some(severity), ..Gates::default() };
            gates.judge(&report, None).broken.first().map(|broken| broken.error.clone())
        };
        assert_eq!(broken(Severity::Critical), None);
        let high = broken(Severity::High).unwrap();
        assert!(high.starts_with("1 finding is at least high: scan.no-lockout (GET https://h"), "{high}");
        assert!(broken(Severity::Low).unwrap().starts_with("2 findings are"));
        let under =
            |least| Gates { fail_under: Some(least), ..Gates::default() }.judge(&report, None).broken.len();
        assert_eq!((under(report.score), under(report.score + 1)), (0, 1));
    }

    #[test]
    fn known_findings_open_no_gate_and_are_named() {
        let old = finding(&rules::NO_LIMIT, "/a");
        let report = report(vec![old.clone(), finding(&rules::NO_RATE_HEADERS, "/b")]);
        let gates = Gates { fail_on_severity: Some(Severity::High), fail_under: Some(97), expect: None };
        assert_eq!(gates.judge(&report, None).broken.len(), 2);
        let verdict = gates.judge(&report, Some(&known(vec![old])));
        assert_eq!(verdict.broken, Vec::new());
        assert!(verdict.notes[0].contains("scan.no-limit"), "{:?}", verdict.notes);
        let stricter = Gates { fail_under: Some(98), ..Gates::default() };
        let all = known(report.findings.clone());
        assert_eq!(stricter.judge(&report, Some(&all)).broken, Vec::new());
    }
}
