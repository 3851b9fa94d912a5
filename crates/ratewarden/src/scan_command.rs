//! `ratewarden scan`: everything that can be refused is refused first, then the scan, the reports, the gates.

use std::net::IpAddr;
use std::path::PathBuf;

use ratewarden_model::ScanReport;
use ratewarden_scan::{Config, ScanError};

use crate::baseline::{BaselineFile, Known};
use crate::errors::{Exit, Failure};
use crate::gate::{Gates, Verdict};
use crate::output::Outputs;
use crate::progress::Progress;
use crate::{policy_out, signals, stderr};

/// A scan that was asked for, with what is to become of its report.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) config: Config,
    pub(crate) outputs: Outputs,
    pub(crate) policy_out: Option<PathBuf>,
    pub(crate) gates: Gates,
    pub(crate) baseline: Option<BaselineFile>,
    pub(crate) progress: bool,
    pub(crate) quiet: bool,
}

pub(crate) async fn run(job: Job) -> Result<Exit, Failure> {
    stderr::redact_with(ratewarden_scan::redactor(&job.config));
    signals::unless_interrupted(|| work(job)).await
}

async fn work(job: Job) -> Result<Exit, Failure> {
    let known = job.baseline.as_ref().map(BaselineFile::read).transpose()?;
    job.outputs.check()?;
    job.config.second_address.map_or(Ok(()), check_own)?;
    let mut report = scan(job.config, job.progress).await?;
    let verdict = job.gates.judge(&report, known.as_ref());
    report.notes.extend(note_on_known(&report, known.as_ref()));
    job.outputs.write(&report)?;
    if let Some(path) = &job.policy_out {
        policy_out::write(&[&report], &policy_out::Setting::default(), path)?;
    }
    if let Some(baseline) = &job.baseline {
        update(baseline, &report)?;
    }
    Ok(conclude(&report, &verdict, job.quiet))
}

/// An address that is not ours would only make the probe that needs it fail, and nobody would know why.
fn check_own(address: IpAddr) -> Result<(), Failure> {
    std::net::UdpSocket::bind((address, 0)).map(drop).map_err(|error| {
        Failure::new(
            Exit::Usage,
            error,
            "give an address of this machine, other than the one it usually sends from",
        )
        .context(format!("cannot send from `{address}` of --source-address"))
    })
}

/// Scans with a spinner where one can be seen.
pub(crate) async fn scan(config: Config, progress: bool) -> Result<ScanReport, ScanError> {
    let progress = Progress::start(progress);
    ratewarden_scan::scan(config, &move |phase: &str| progress.say(phase)).await
}

/// Readers of the report must not take a known finding for one that was overlooked.
fn note_on_known(report: &ScanReport, known: Option<&Known>) -> Option<String> {
    let count =
        report.findings.iter().filter(|finding| known.is_some_and(|known| known.has(finding))).count();
    let of = report.findings.len();
    let noun = if of == 1 { "finding is" } else { "findings are" };
    (count > 0).then(|| format!("{count} of {of} {noun} known from the baseline and open no gate."))
}

/// A scan that stopped early did not see what it did not find: writing that down would bring old findings back as new.
fn update(baseline: &BaselineFile, report: &ScanReport) -> Result<(), Failure> {
    if !baseline.update {
        return Ok(());
    }
    if report.aborted.is_some() {
        stderr::note("the baseline was left as it was, because the scan stopped early");
        return Ok(());
    }
    baseline.write(report)
}

/// Says what the reader of a log needs to know, and chooses the exit code: a scan that stopped early outweighs a gate.
fn conclude(report: &ScanReport, verdict: &Verdict, quiet: bool) -> Exit {
    if !quiet {
        for note in &verdict.notes {
            stderr::note(note);
        }
    }
    if let Some(why) = &report.aborted {
        stderr::error(&format!("the scan stopped before its end: {why}"));
        stderr::hint("look at the target's health, then scan again with --max-in-flight 2 or --depth quick");
    }
    for broken in &verdict.broken {
        stderr::error(&broken.error);
        stderr::hint(&broken.hint);
    }
    match (&report.aborted, verdict.broken.is_empty()) {
        (Some(_), _) => Exit::Unreachable,
        (None, false) => Exit::Failed,
        (None, true) => Exit::Fine,
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::rules;

    use super::*;
    use crate::gate::tests::{finding, report};

    #[test]
    fn a_scan_that_stopped_outweighs_a_gate_that_does_not_hold() {
        let mut report = report(vec![finding(&rules::NO_LIMIT, "/a")]);
        let gates = Gates { fail_under: Some(100), ..Gates::default() };
        let verdict = gates.judge(&report, None);
        assert_eq!(conclude(&report, &verdict, true), Exit::Failed);
        report.aborted = Some("errors".into());
        assert_eq!(conclude(&report, &verdict, true), Exit::Unreachable);
        report.aborted = None;
        assert_eq!(conclude(&report, &Verdict::default(), true), Exit::Fine);
    }
}
