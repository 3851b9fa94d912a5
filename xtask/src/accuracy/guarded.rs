//! Our own gateway, scanned from outside: what `scan --expect` says of each algorithm that a policy can name.
//!
//! Both are the binary, so what is measured is what a user would do: `ratewarden guard` with one limit, and `ratewarden
//! scan --expect` of what it stands before.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use ratewarden_model::ScanReport;
use ratewarden_model::scan_report::Algorithm;
use ratewarden_testkit::{gateway, plain};

use super::cases::{ADDRESS, Truth, bucket, windowed};
use super::judge::Mark;

/// One limit of the gateway, and what is true of it.
pub(crate) struct Guarded {
    pub(crate) name: &'static str,
    /// What the policy says of calls.
    limit: &'static str,
    /// The header fields of answers.
    fields: &'static str,
    /// How long the back end takes for a call.
    takes: Duration,
    /// What the scan is told to expect.
    expect: &'static str,
    pub(crate) truth: Truth,
}

/// Every limit, each with the fields of the draft and with the older ones.
pub(crate) fn all() -> Vec<Guarded> {
    let at_once = Duration::ZERO;
    // Calls of 25 ms meet the limit only with the last calls of the search, so that none are left to ask whom it is counted
    // against; to say nothing then is right.
    let concurrency =
        Truth { algorithm: Some(Algorithm::Concurrency), limit: Some(5), key: &[], ..Truth::default() };
    let sliding = windowed(Algorithm::SlidingLog, 20, Some(3.0), ADDRESS);
    let calendar = windowed(Algorithm::FixedWindow, 40, None, ADDRESS);
    let case = |name, limit, fields, takes, expect, truth: &Truth| Guarded {
        name,
        limit,
        fields,
        takes,
        expect,
        truth: truth.clone(),
    };
    let rate = "rate = \"10/1s\"\nburst = 20";
    let window = "window = \"20/3s\"";
    let minute = "quota = { calls = 40, each = \"minute\" }";
    let day = "quota = { calls = 40, each = \"day\" }";
    let (in_flight, work) = ("concurrent = 5", Duration::from_millis(25));
    let tokens = &bucket(10.0, 20, ADDRESS);
    vec![
        case("guard rate 10/1s burst 20, draft", rate, "draft", at_once, "10/1s", tokens),
        case("guard rate 10/1s burst 20, legacy", rate, "legacy", at_once, "10/1s", tokens),
        case("guard window 20/3s, draft", window, "draft", at_once, "20/3s", &sliding),
        case("guard window 20/3s, legacy", window, "legacy", at_once, "20/3s", &sliding),
        case("guard quota 40 each minute, draft", minute, "draft", at_once, "40/1m", &calendar),
        case("guard quota 40 each minute, legacy", minute, "legacy", at_once, "40/1m", &calendar),
        case("guard quota 40 each day, draft", day, "draft", at_once, "40/1d", &calendar),
        case("guard quota 40 each day, legacy", day, "legacy", at_once, "40/1d", &calendar),
        case("guard concurrent 5, 25 ms, draft", in_flight, "draft", work, "concurrent:5", &concurrency),
        case("guard concurrent 5, 25 ms, legacy", in_flight, "legacy", work, "concurrent:5", &concurrency),
    ]
}

impl Guarded {
    /// What the scan reports, whether it found what it was told to expect, and the seconds it took.
    pub(crate) fn scan(&self, binary: &Path) -> Result<(ScanReport, Mark, f64)> {
        let back_end = || plain::Unlimited::slow(self.takes, Duration::ZERO).start();
        let server = gateway::guarded(binary, self.limit, self.fields, back_end)?;
        let mut scan = Command::new(binary);
        scan.args(["scan", &server.url("/v1/items"), "--format", "json", "--no-progress"]);
        let started = Instant::now();
        let output = scan.args(["--expect", self.expect]).output().context("could not start the scan")?;
        let seconds = started.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stderr);
        let mark = match output.status.code() {
            Some(0) => Mark::Right,
            Some(1) => Mark::Wrong(said.lines().next().unwrap_or_default().to_owned()),
            _ => bail!("the scan failed ({}): {}", output.status, said.trim()),
        };
        let report = serde_json::from_slice(&output.stdout).context("the scan wrote no report")?;
        Ok((report, mark, seconds))
    }
}

/// Whether no published figure is called wrong: all that the gateway says of its limits is true.
pub(crate) fn no_false_lie(report: &ScanReport) -> Mark {
    let lie = report.findings.iter().find(|finding| finding.rule == "scan.headers-lie");
    lie.map_or(Mark::Right, |lie| Mark::Wrong(lie.description.clone()))
}
