//! Logs that are made of seeded traffic, and what is said of them.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use ratewarden_traffic::{MONDAY_MS, OwnedCall, Scenario, Traffic, background, lines, scenario};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::run;

pub(crate) const HOUR_MS: i64 = 3_600_000;

/// A folder for logs.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn argument(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file and gives its name.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.argument(name)
    }
}

/// Abuse of several kinds, an hour apart from `from_ms` on.
pub(crate) fn abuse(from_ms: i64) -> Vec<Scenario> {
    [
        scenario::probing,
        scenario::nine_blog_logins,
        scenario::login_brute_force,
        scenario::account_spread,
        scenario::crawl,
        scenario::flood,
        scenario::low_and_slow,
    ]
    .iter()
    .zip(0..)
    .map(|(make, hour)| make(7, from_ms + hour * HOUR_MS))
    .collect()
}

/// Visitors of a website, and [`abuse`] from two hours after the beginning on.
pub(crate) fn traffic(hours: u64) -> Traffic {
    let honest = background::website(7, MONDAY_MS, Duration::from_secs(hours * 3_600));
    let calls = abuse(MONDAY_MS + 2 * HOUR_MS).into_iter().flat_map(|scenario| scenario.calls);
    as_logged(honest.merge(Traffic::new(calls.collect())))
}

/// Ten hours of [`traffic`].
pub(crate) fn morning() -> &'static Traffic {
    static TRAFFIC: OnceLock<Traffic> = OnceLock::new();
    TRAFFIC.get_or_init(|| traffic(10))
}

/// With no more than `combined` holds, so that every form of lines says the same.
pub(crate) fn as_logged(traffic: Traffic) -> Traffic {
    let bare = |call: OwnedCall| OwnedCall {
        at_ms: call.at_ms.div_euclid(1000) * 1000,
        credential: None,
        micros: None,
        key: None,
        ..call
    };
    Traffic::new(traffic.into_iter().map(bare).collect())
}

/// As nginx writes them.
pub(crate) fn nginx(calls: &[OwnedCall]) -> String {
    calls.iter().map(|call| lines::nginx_combined(call) + "\n").collect()
}

/// A report in JSON, of a run that ends well.
#[track_caller]
pub(crate) fn report(arguments: &[&str]) -> Value {
    let mut all = vec!["watch", "--format", "json"];
    all.extend(arguments);
    serde_json::from_str(&run(&all).ends_with(0).stdout).unwrap()
}

/// What a finding says, but for its samples, which are any calls of it; in an order of their own.
pub(crate) fn said(findings: &[Value]) -> Vec<Value> {
    let mut said: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let fields = [
                "rule",
                "subject",
                "fingerprint",
                "severity",
                "count",
                "count_error",
                "threshold",
                "first_seen",
                "last_seen",
            ];
            json!(fields.map(|field| finding[field].clone()))
        })
        .collect();
    said.sort_by_key(Value::to_string);
    said
}

pub(crate) fn findings(report: &Value) -> &[Value] {
    report["findings"].as_array().unwrap()
}

/// Whether a rule was found of a subject.
pub(crate) fn has(report: &Value, rule: &str, subject: &str) -> bool {
    findings(report).iter().any(|finding| finding["rule"] == rule && finding["subject"]["value"] == subject)
}

/// Every line of every source is a call or is counted.
#[track_caller]
pub(crate) fn adds_up(report: &Value) {
    for source in report["sources"].as_array().unwrap() {
        let [lines, calls, unreadable] =
            ["lines", "calls", "unreadable"].map(|field| source[field].as_u64().unwrap());
        assert_eq!(calls + unreadable, lines, "{source}");
        let reasons = source["reasons"].as_array().into_iter().flatten();
        let told: u64 = reasons.map(|reason| reason["lines"].as_u64().unwrap()).sum();
        assert_eq!(told, unreadable, "each with its reason: {source}");
    }
}
