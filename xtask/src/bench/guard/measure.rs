//! One program in one round, and whether it did what the case is about.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use ratewarden_testkit::Server;
use serde::Serialize;

use super::cases::Case;
use super::cpu::Used;
use super::load::{Answers, Calls, Load};

/// Before each measurement, in seconds: connections of the back end are made, every caller is known, and each has
/// spent the one call a minute that it may have.
const WARM_UP: u32 = 1;
/// Of a rejecting case, the smallest share of calls that must be rejected.
const LEAST_REJECTED: f64 = 0.99;
/// Seconds of load in a piece while the callers of a case are made known.
const FILLING: u32 = 5;

/// What one round of one program gave.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    /// User and system time of all its processes, for each answer, in microseconds.
    pub(crate) cpu_micros: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_micros: u64,
    pub(crate) p99_micros: u64,
    /// Resident memory afterwards, in bytes.
    pub(crate) resident_bytes: u64,
    pub(crate) requests: u64,
    /// Of them, those with a status of 400 or more.
    pub(crate) refused: u64,
    /// The statuses of the warm-up before it.
    pub(crate) warm_up_statuses: BTreeMap<u16, u64>,
}

/// Why a case says nothing: it measured something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// A running program and the caller whose turn it is.
#[derive(Debug)]
pub(crate) struct Runner<'l> {
    load: &'l Load,
    server: Server,
    group: u32,
    after: u32,
}

impl<'l> Runner<'l> {
    /// Measures this server.
    pub(crate) fn new(load: &'l Load, server: Server) -> Result<Self> {
        let group = server.process_group().context("a server that is no process cannot be measured")?;
        Ok(Self { load, server, group, after: 0 })
    }

    /// Lets every caller of the case call once, where the warm-up is too short for that.
    pub(crate) fn fill(&mut self, case: &Case) -> Result<()> {
        /// Every program here answers as many calls within a second.
        const WARM_UP_CALLS: u32 = 10_000;
        let mut missing = u64::from(if case.keys() > WARM_UP_CALLS { case.keys() } else { 0 });
        while missing > 0 {
            let answers = self.send(case, FILLING, false)?;
            missing = missing.saturating_sub(answers.requests.max(1));
        }
        Ok(())
    }

    /// Warms up, then measures for so many seconds.
    pub(crate) fn measure(&mut self, case: &Case, seconds: u32) -> Result<Sample> {
        let warm_up = self.send(case, WARM_UP, true)?;
        judge_warm_up(case, &warm_up)?;
        let before = Used::by_group(self.group)?;
        let answers = self.send(case, seconds, false)?;
        let after = Used::by_group(self.group)?;
        judge(case, &answers)?;
        let cpu = after.micros_since(&before)?;
        Ok(Sample {
            cpu_micros: ratio(cpu, answers.requests),
            requests_per_second: 1e6 * ratio(answers.requests, answers.micros),
            p50_micros: answers.p50_micros,
            p99_micros: answers.p99_micros,
            resident_bytes: after.resident,
            requests: answers.requests,
            refused: answers.refused,
            warm_up_statuses: warm_up.statuses,
        })
    }

    fn send(&mut self, case: &Case, seconds: u32, census: bool) -> Result<Answers> {
        let calls =
            Calls { to: self.server.address(), keys: case.keys(), after: self.after, seconds, census };
        let answers = self.load.send(calls)?;
        self.after = answers.next;
        Ok(answers)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run stay below 2^52")]
fn ratio(above: u64, below: u64) -> f64 {
    above as f64 / below.max(1) as f64
}

/// Each status is known here, so nothing but a pass or a rejection may have come.
fn judge_warm_up(case: &Case, answers: &Answers) -> Result<(), Refused> {
    let wrong = |status: &u16| if case.passes() { *status != 200 } else { ![200, 429].contains(status) };
    if let Some((status, count)) = answers.statuses.iter().find(|(status, _)| wrong(status)) {
        let expected = if case.passes() { "only 200" } else { "only 429 and some 200" };
        return Err(Refused(format!(
            "{count} of {} answers of the warm-up had status {status}, expected {expected}",
            answers.requests
        )));
    }
    judge_connections(answers)
}

/// Only failures are counted here; the warm-up has told which status they have.
fn judge(case: &Case, answers: &Answers) -> Result<(), Refused> {
    if case.passes() && answers.refused > 0 {
        return Err(Refused(format!(
            "{} of {} calls did not pass, expected none",
            answers.refused, answers.requests
        )));
    }
    let share = ratio(answers.refused, answers.requests);
    if !case.passes() && share < LEAST_REJECTED {
        return Err(Refused(format!(
            "{:.1} % of {} calls were rejected, expected at least {:.0} %",
            100.0 * share,
            answers.requests,
            100.0 * LEAST_REJECTED
        )));
    }
    judge_connections(answers)
}

fn judge_connections(answers: &Answers) -> Result<(), Refused> {
    if answers.requests == 0 {
        return Err(Refused("no call was answered".into()));
    }
    if answers.broken > 0 {
        return Err(Refused(format!("{} connections broke, expected to keep all of them", answers.broken)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::cases;
    use super::*;

    fn case(name: &str) -> Case {
        cases::all().into_iter().find(|case| case.name == name).unwrap()
    }

    fn answers(requests: u64, refused: u64, statuses: &[(u16, u64)]) -> Answers {
        Answers {
            requests,
            micros: 1_000_000,
            refused,
            broken: 0,
            p50_micros: 1,
            p99_micros: 2,
            next: 0,
            statuses: statuses.iter().copied().collect(),
        }
    }

    #[test]
    fn a_passing_case_with_a_rejection_is_refused() {
        let passing = case("passing");
        assert_eq!(judge(&passing, &answers(1_000, 0, &[])), Ok(()));
        assert!(judge(&passing, &answers(1_000, 1, &[])).is_err());
        assert!(judge_warm_up(&passing, &answers(1_000, 1, &[(200, 999), (429, 1)])).is_err());
    }

    #[test]
    fn a_rejecting_case_with_too_few_rejections_or_other_errors_is_refused() {
        let rejecting = case("rejecting");
        assert_eq!(judge(&rejecting, &answers(1_000, 990, &[])), Ok(()));
        assert!(judge(&rejecting, &answers(1_000, 989, &[])).is_err());
        assert_eq!(judge_warm_up(&rejecting, &answers(9, 7, &[(200, 2), (429, 7)])), Ok(()));
        let error = judge_warm_up(&rejecting, &answers(9, 7, &[(200, 2), (503, 7)])).unwrap_err();
        assert!(error.to_string().contains("7 of 9") && error.to_string().contains("503"), "{error}");
    }

    #[test]
    fn broken_connections_and_silence_are_refused() {
        let broken = Answers { broken: 3, ..answers(1_000, 0, &[]) };
        assert!(judge(&case("passing"), &broken).is_err());
        assert!(judge(&case("passing"), &answers(0, 0, &[])).is_err());
    }
}
