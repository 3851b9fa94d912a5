//! Takes every secret out of the finished document, whichever way it got in.
//!
//! Every text that may hold something of the target's or the user's is redacted where it stands. Words of our own
//! (rule ids, severities, outcomes) stay: a secret that happens to be `high` must not break the document.

use ratewarden_model::{Finding, Limiter, Redactor, ScanReport, Subject};

/// The report without secrets.
pub(super) fn report(mut report: ScanReport, redactor: &Redactor) -> ScanReport {
    let clean = |text: &mut String| *text = redactor.redact(text);
    clean(&mut report.target);
    report.aborted.iter_mut().for_each(clean);
    report.notes.iter_mut().for_each(clean);
    for technology in &mut report.technologies {
        clean(&mut technology.name);
        technology.version.iter_mut().for_each(clean);
        clean(&mut technology.evidence);
    }
    report.limiters.iter_mut().for_each(|own| limiter(own, redactor));
    report.findings.iter_mut().for_each(|own| finding(own, redactor));
    report
}

fn limiter(limiter: &mut Limiter, redactor: &Redactor) {
    let clean = |text: &mut String| *text = redactor.redact(text);
    limiter.endpoints.iter_mut().for_each(clean);
    limiter.keyed_by.iter_mut().for_each(clean);
    if let Some(implementation) = &mut limiter.implementation {
        clean(&mut implementation.config);
    }
}

fn finding(finding: &mut Finding, redactor: &Redactor) {
    let clean = |text: &mut String| *text = redactor.redact(text);
    clean(&mut finding.description);
    match &mut finding.subject {
        Subject::Endpoint { url, .. } => clean(url),
        Subject::Named { value, .. } => clean(value),
    }
    finding.endpoints.iter_mut().for_each(clean);
    finding.evidence.values_mut().for_each(|value| redactor.redact_json(value));
    finding.reproduce.iter_mut().for_each(clean);
    clean(&mut finding.remediation.summary);
    finding.remediation.snippets.iter_mut().for_each(|snippet| clean(&mut snippet.text));
}

#[cfg(test)]
mod tests {
    use ratewarden_model::rules;

    use super::*;

    #[test]
    fn a_secret_that_is_one_of_our_words_breaks_nothing() {
        let mut redactor = Redactor::default();
        redactor.add("mode=high; session=sekrit12345");
        let subject = Subject::Endpoint { method: "GET".into(), url: "http://h/high".into() };
        let mut own = Finding::new(&rules::NO_LIMIT, subject, "GET /high", "seen sekrit12345");
        own = own.evidence("echo", "mode=high; session=sekrit12345");
        finding(&mut own, &redactor);
        let text = serde_json::to_string(&own).unwrap();
        assert!(!text.contains("sekrit12345") && text.contains("\"severity\":\"high\""), "{text}");
        serde_json::from_str::<Finding>(&text).unwrap();
    }
}
