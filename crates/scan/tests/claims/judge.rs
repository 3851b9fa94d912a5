//! Runs a scan, and holds its report to what is true of the server.

use std::time::Duration;

use ratewarden_model::{Limiter, ScanReport, Secret};
use ratewarden_scan::{Config, ScanError};

use crate::server::Server;

/// A scan of one path with bounds that let many of them run in a minute.
pub(crate) struct Scan {
    config: Config,
}

impl Scan {
    pub(crate) fn of(server: &Server, path: &str) -> Self {
        let mut config = Config::new(server.url(path));
        config.max_time = Some(Duration::from_secs(7));
        Self { config }
    }

    pub(crate) fn bounds(mut self, requests: u32, seconds: u64) -> Self {
        self.config.max_requests = Some(requests);
        self.config.max_time = Some(Duration::from_secs(seconds));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.config.headers.push((name.to_owned(), Secret::new(value)));
        self
    }

    pub(crate) fn openapi(mut self, file: &str) -> Self {
        self.config.openapi = Some(format!("{}/tests/claims/{file}", env!("CARGO_MANIFEST_DIR")));
        self
    }

    pub(crate) fn outcome(self) -> Result<ScanReport, ScanError> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(ratewarden_scan::scan(self.config, &|_| {}))
    }

    #[track_caller]
    pub(crate) fn report(self) -> Claims {
        match self.outcome() {
            Ok(report) => Claims { report },
            Err(error) => panic!("no report: {error}; {}", error.hint()),
        }
    }
}

/// What a report claims.
pub(crate) struct Claims {
    pub(crate) report: ScanReport,
}

impl Claims {
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.report.limiters[0]
    }

    pub(crate) fn keyed_by(&self, key: &str) -> bool {
        self.limiter().keyed_by.iter().any(|own| own == key)
    }

    pub(crate) fn notes_say(&self, words: &[&str]) -> bool {
        let said = |note: &String| words.iter().any(|word| note.to_lowercase().contains(word));
        self.report.notes.iter().any(said)
    }

    /// The whole of a rule id, or its beginning where it ends with a dot.
    fn found(&self, rule: &str) -> bool {
        let matches = |own: &str| own == rule || (rule.ends_with('.') && own.starts_with(rule));
        self.report.findings.iter().any(|finding| matches(&finding.rule))
    }

    #[track_caller]
    pub(crate) fn has(&self, rule: &str) -> &Self {
        self.holds(self.found(rule), &format!("{rule} is claimed"))
    }

    #[track_caller]
    pub(crate) fn lacks(&self, rule: &str) -> &Self {
        self.holds(!self.found(rule), &format!("{rule} is not claimed"))
    }

    #[track_caller]
    pub(crate) fn detected(&self, detected: bool) -> &Self {
        self.holds(self.limiter().detected == detected, &format!("detected is {detected}"))
    }

    #[track_caller]
    pub(crate) fn finished(&self) -> &Self {
        self.holds(self.report.aborted.is_none(), "the scan came to its end")
    }

    #[track_caller]
    pub(crate) fn holds(&self, holds: bool, what: &str) -> &Self {
        assert!(holds, "it should hold that {what}\n{}", self.excerpt());
        self
    }

    /// The report in a few lines.
    fn excerpt(&self) -> String {
        let report = &self.report;
        let mut text = format!(
            "score {} after {} requests in {} ms, aborted {:?}\n",
            report.score, report.requests_sent, report.duration_ms, report.aborted
        );
        for own in &report.limiters {
            text.push_str(&format!(
                "  limiter {:?}: detected {}, with {:?}, {:?}, limit {:?}, window {:?} (at least {:?}), rate {:?}, burst {:?}, \
                 keyed by {:?}, published {:?}, {:?}, {:?}\n",
                own.endpoints, own.detected, own.rejects_with, own.algorithm, own.limit, own.window_ms,
                own.window_at_least_ms, own.rate_per_s, own.burst, own.keyed_by, own.published, own.confidence,
                own.observed
            ));
        }
        for finding in &report.findings {
            let evidence = serde_json::to_string(&finding.evidence).unwrap_or_default();
            text.push_str(&format!("  finding {}: {} {evidence}\n", finding.rule, finding.description));
        }
        for note in &report.notes {
            text.push_str(&format!("  note: {note}\n"));
        }
        text + &format!("  tested: {:?}\n", report.tested)
    }
}
