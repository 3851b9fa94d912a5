//! The load: `wrk` with one thread and 64 connections, and what it says afterwards.
//!
//! wrk because it is the lightest load generator there is, it shares the machine with what is measured.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, anyhow};
use ratewarden_testkit::services::find_program;
use serde::Deserialize;

use crate::run;

/// Connections, each with one call under way.
pub(crate) const CONNECTIONS: u32 = 64;
/// What is asked for.
const PATH: &str = "/v1/items";

/// The generator.
#[derive(Debug)]
pub(crate) struct Load {
    wrk: PathBuf,
    script: PathBuf,
}

/// What one run asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    /// The gateway.
    pub(crate) to: SocketAddr,
    /// Callers that take turns.
    pub(crate) keys: u32,
    /// The last of them that had its turn.
    pub(crate) after: u32,
    /// For how long, in seconds.
    pub(crate) seconds: u32,
    /// Count every status, which costs the generator a sixth of its rate.
    pub(crate) census: bool,
}

/// What came back.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Answers {
    /// Answers received.
    pub(crate) requests: u64,
    /// How long it took, in microseconds.
    pub(crate) micros: u64,
    /// Answers with a status of 400 or more.
    pub(crate) refused: u64,
    /// Connections that failed, broke or fell silent.
    pub(crate) broken: u64,
    /// The median latency, in microseconds.
    pub(crate) p50_micros: u64,
    /// The latency that one call in a hundred exceeds, in microseconds.
    pub(crate) p99_micros: u64,
    /// The last caller that had its turn.
    pub(crate) next: u32,
    /// How often each status came; empty without a census.
    pub(crate) statuses: BTreeMap<u16, u64>,
}

impl Load {
    /// Finds `wrk`.
    pub(crate) fn find() -> Result<Self> {
        let wrk = find_program("wrk").context("wrk is not in PATH\nhint: run `cargo xtask services`")?;
        Ok(Self { wrk, script: run::workspace().join("xtask/src/bench/guard/calls.lua") })
    }

    /// Sends calls for the time asked for.
    pub(crate) fn send(&self, calls: Calls) -> Result<Answers> {
        let mut command = Command::new(&self.wrk);
        command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{}s", calls.seconds), "-s"]);
        command.arg(&self.script).arg(format!("http://{}{PATH}", calls.to)).arg("--");
        command.args([calls.keys.to_string(), calls.after.to_string()]);
        command.arg(if calls.census { "census" } else { "plain" });
        parse(&run::output(&mut command)?)
    }
}

/// The script's line is the last that is an object; wrk's own report stands before it.
fn parse(output: &str) -> Result<Answers> {
    let line = output
        .lines()
        .rev()
        .find(|line| line.starts_with('{'))
        .ok_or_else(|| anyhow!("wrk printed no result; it said:\n{output}"))?;
    serde_json::from_str(line).with_context(|| format!("the result of wrk is not as expected: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_found_after_the_report_of_wrk() {
        let output = "Running 1s test @ http://127.0.0.1:1/v1/items\n  1 threads and 64 connections\n\
            Requests/sec: 137283.24\n\
            {\"requests\":288529,\"micros\":2101706,\"refused\":7,\"broken\":0,\"p50_micros\":389,\
            \"p99_micros\":880,\"next\":8529,\"statuses\":{\"200\":288522,\"429\":7}}\n";
        let answers = parse(output).unwrap();
        assert_eq!((answers.requests, answers.micros, answers.refused), (288_529, 2_101_706, 7));
        assert_eq!((answers.p50_micros, answers.p99_micros, answers.next), (389, 880, 8_529));
        assert_eq!(answers.statuses, BTreeMap::from([(200, 288_522), (429, 7)]));
    }

    #[test]
    fn without_a_result_the_error_shows_what_wrk_said() {
        let error = parse("unable to connect to 127.0.0.1:1\n").unwrap_err().to_string();
        assert!(error.contains("unable to connect"), "{error}");
    }
}
