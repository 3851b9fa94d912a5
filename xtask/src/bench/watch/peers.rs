//! The programs that are compared: how each is installed, how it is told to read a log, and whether it did.
//!
//! Only this benchmark needs the peers, so it installs them itself: Debian's packages, and rsigma by cargo below
//! `target/bench`, where it stays (its build takes minutes).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use ratewarden_model::WatchReport;
use ratewarden_testkit::services as wanted;
use serde_json::Value;

use super::logs::Log;
use super::process::Program;
use crate::{run, services};

/// Programs of Debian's packages.
const PACKAGES: [(&str, &str); 3] =
    [("goaccess", "goaccess"), ("fail2ban-regex", "fail2ban"), ("taskset", "util-linux")];
/// The version of rsigma, exactly.
const RSIGMA: &str = "0.23.0";
/// One rule that most calls match, and one count of it by address.
const SIGMA_RULES: &str = include_str!("flood.yml");
/// fail2ban's own filter for access logs.
const FILTER: &str = "/etc/fail2ban/filter.d/nginx-botsearch.conf";

/// A program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Ratewarden,
    GoAccess,
    Fail2ban,
    Rsigma,
}

/// What it takes to run all of them.
#[derive(Debug)]
pub(super) struct Starter<'s> {
    /// Our binary.
    pub(super) binary: &'s Path,
    /// The core that each is held to.
    pub(super) core: usize,
    /// For what they write.
    pub(super) folder: &'s Path,
}

/// The folder of the benchmark and of what it installs.
pub(super) fn root() -> PathBuf {
    wanted::root().with_file_name("bench")
}

/// Installs the peers that are missing, rsigma only where it is asked for. Gives a reason where that cannot be had, since its
/// case can go without.
pub(super) fn install(with_rsigma: bool) -> Result<Option<String>> {
    services::programs(&PACKAGES)?;
    if !with_rsigma || rsigma().is_file() {
        return Ok(None);
    }
    // With its default features: this version does not compile without them.
    let mut cargo = run::cargo();
    cargo.args(["install", "rsigma", "--version", RSIGMA, "--locked", "--root"]);
    Ok(run::checked(cargo.arg(rsigma_root())).err().map(|error| format!("{error:#}")))
}

fn rsigma_root() -> PathBuf {
    root().join(format!("rsigma-{RSIGMA}"))
}

fn rsigma() -> PathBuf {
    rsigma_root().join("bin/rsigma")
}

impl Peer {
    /// As its makers write it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ratewarden => "Ratewarden",
            Self::GoAccess => "GoAccess",
            Self::Fail2ban => "fail2ban-regex",
            Self::Rsigma => "rsigma",
        }
    }

    /// What it does with a log.
    pub(super) const fn work(self) -> &'static str {
        match self {
            Self::Ratewarden => "all default detectors",
            Self::GoAccess => "all panels",
            Self::Fail2ban => "one filter",
            Self::Rsigma => "one rule, one count by address",
        }
    }

    /// The program, told to read a log.
    pub(super) fn program(self, starter: &Starter<'_>, log: &Log) -> Result<Program> {
        let new = |program: &Path| Program::new(self.name(), program, starter.core, starter.folder);
        Ok(match self {
            Self::Ratewarden => {
                new(starter.binary).args(&["watch", log.name()?, "--format", "json", "--no-progress"])
            }
            Self::GoAccess => {
                let words =
                    ["--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", "goaccess.json"];
                new(&find("goaccess")?).args(&[log.name()?]).args(&words)
            }
            Self::Fail2ban => {
                let words = ["--print-no-missed", "--print-no-ignored", log.name()?, FILTER];
                new(&find("fail2ban-regex")?).args(&words)
            }
            Self::Rsigma => {
                let rules = starter.folder.join("flood.yml");
                fs::write(&rules, SIGMA_RULES).context("could not write the rules of rsigma")?;
                let event = format!("@{}", log.name()?);
                let words = ["engine", "eval", "--rules", "flood.yml", "--no-detections", "--event", &event];
                let form = ["--input-format", "json", "--timestamp-field", "time"];
                new(&rsigma()).args(&words).args(&form)
            }
        })
    }

    /// Checks that it has read every line of a log, and says what it found: a program that stopped early is fast.
    pub(super) fn check(self, program: &Program, folder: &Path, lines: u64) -> Result<String> {
        let (read, found) = match self {
            Self::Ratewarden => ours(&program.printed()?)?,
            Self::GoAccess => {
                let file = folder.join("goaccess.json");
                let text = fs::read_to_string(file).context("GoAccess wrote no document")?;
                let document: Value = serde_json::from_str(&text).context("GoAccess wrote no JSON")?;
                let number = |name: &str| document.get("general")?.get(name)?.as_u64();
                let visitors = number("unique_visitors").unwrap_or(0);
                (number("valid_requests").unwrap_or(0), format!("{visitors} visitors"))
            }
            Self::Fail2ban => {
                fail2ban(&program.printed()?).context("fail2ban-regex printed no sum of lines")?
            }
            Self::Rsigma => rsigma_sum(&program.complained()?).context("rsigma printed no sum of events")?,
        };
        ensure!(read == lines, "{} read {read} of {lines} lines", self.name());
        Ok(found)
    }
}

fn find(program: &str) -> Result<PathBuf> {
    match wanted::find_program(program) {
        Some(path) => Ok(path),
        None => bail!("{program} is not in PATH although its package is installed"),
    }
}

/// Calls that we read, and what was found.
pub(super) fn ours(printed: &str) -> Result<(u64, String)> {
    let report: WatchReport = serde_json::from_str(printed).context("the report is no report")?;
    let calls = report.sources.iter().map(|source| source.calls).sum();
    Ok((calls, format!("{} findings", report.findings.len())))
}

/// `Lines: 100 lines, 0 ignored, 3 matched, 97 missed`, with the time it took behind.
fn fail2ban(printed: &str) -> Option<(u64, String)> {
    let sum = printed.lines().rev().find_map(|line| line.trim().strip_prefix("Lines: "))?;
    let mut parts = sum.split(", ");
    let lines = parts.next()?.strip_suffix(" lines")?.parse().ok()?;
    Some((lines, parts.nth(1)?.to_owned()))
}

/// `Processed 100 events, 0 detection matches, 3 correlation matches.`
fn rsigma_sum(complained: &str) -> Option<(u64, String)> {
    let sum = complained.lines().rev().find_map(|line| line.trim().strip_prefix("Processed "))?;
    let mut parts = sum.split(", ");
    let events = parts.next()?.strip_suffix(" events")?.parse().ok()?;
    Some((events, parts.nth(1)?.trim_end_matches('.').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_that_peers_print_are_read() {
        let printed =
            "Results\n\nLines: 120 lines, 0 ignored, 3 matched, 117 missed\n[processed in 0.1 sec]\n\n";
        assert_eq!(fail2ban(printed), Some((120, "3 matched".to_owned())));
        let complained = "Loaded 1 rules\nProcessed 50 events, 0 detection matches, 7 correlation matches.\n";
        assert_eq!(rsigma_sum(complained), Some((50, "7 correlation matches".to_owned())));
        assert_eq!((fail2ban(""), rsigma_sum("")), (None, None));
    }
}
