//! `cargo xtask bench limiter`: decisions a second of the store beside governor's.
//!
//! The measuring is done by `benches/decisions.rs` of the room `counters`, which prints a line for each turn; here
//! the turns become medians and ratios. A ratio is taken within a turn.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::figures::Spread;
use super::table::Table;
use crate::run;

/// How many times governor's decisions in the same CPU time are to be made at least.
const GOAL: f64 = 1.5;

/// Nanoseconds that each of five decisions of one call may take.
const GOAL_NANOS: f64 = 100.0;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Turns of each case
    #[arg(long, default_value_t = 5)]
    turns: u32,
    /// Seconds of each turn
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

/// A line of the benchmark.
#[derive(Debug, Deserialize)]
struct Line {
    case: String,
    caller: String,
    demand: String,
    threads: u32,
    limits: u32,
    who: String,
    /// Calls decided in a second, of all threads together.
    rate: f64,
    /// The share of them that was admitted.
    admitted: f64,
}

/// Turns of one case, in the order they came.
#[derive(Debug, Default)]
struct Turns {
    place: usize,
    ours: Vec<f64>,
    governors: Vec<f64>,
}

type Case = (String, String, String, u32, u32);

/// Measures and shows.
pub(crate) fn run(args: &Args) -> Result<()> {
    let bench = ["bench", "-p", "ratewarden-counters", "--bench", "decisions"];
    let mut command = run::cargo();
    command.args(bench).env("RATEWARDEN_BENCH_TURNS", args.turns.to_string());
    command.env("RATEWARDEN_BENCH_SECONDS", args.seconds.to_string()).stderr(std::process::Stdio::inherit());
    let output = command.output().context("could not run cargo bench")?;
    if !output.status.success() {
        bail!("the benchmark failed");
    }
    let cases = read(&String::from_utf8_lossy(&output.stdout))?;
    print!("{}", shown(&cases));
    Ok(())
}

fn read(text: &str) -> Result<BTreeMap<Case, Turns>> {
    let mut cases = BTreeMap::<Case, Turns>::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let line: Line = serde_json::from_str(line).with_context(|| format!("not a turn: {line}"))?;
        let expected = if line.demand == "passing" { line.admitted > 0.999 } else { line.admitted < 0.001 };
        if !expected {
            bail!("{} {}: {} of the calls were admitted", line.who, line.demand, line.admitted);
        }
        let place = cases.len();
        let case = (line.case, line.caller, line.demand, line.threads, line.limits);
        let turns = cases.entry(case).or_insert_with(|| Turns { place, ..Turns::default() });
        match line.who.as_str() {
            "ratewarden" => turns.ours.push(line.rate),
            _ => turns.governors.push(line.rate),
        }
    }
    Ok(cases)
}

fn shown(cases: &BTreeMap<Case, Turns>) -> String {
    let mut table = Table::new(&[
        "case",
        "caller",
        "demand",
        "threads",
        "M calls/s",
        "governor",
        "ratio",
        "ns a limit",
        "goal",
    ]);
    let mut cases: Vec<_> = cases.iter().collect();
    cases.sort_by_key(|(_, turns)| turns.place);
    for ((case, caller, demand, threads, limits), turns) in cases {
        let millions = |rates: &[f64]| Spread::of(rates.iter().map(|rate| rate / 1e6));
        let ratio = Spread::of(turns.ours.iter().zip(&turns.governors).map(|(ours, other)| ours / other));
        let each = f64::from(*threads) * 1e9 / f64::from(*limits);
        let nanos = Spread::of(turns.ours.iter().map(|rate| each / rate));
        let met = match (&ratio, &nanos) {
            (Some(ratio), _) => ratio.median >= GOAL,
            (None, Some(nanos)) => nanos.median <= GOAL_NANOS,
            (None, None) => false,
        };
        let cell = |spread: Option<Spread>, decimals| spread.map_or(String::new(), |it| it.shown(decimals));
        table.line(vec![
            case.clone(),
            caller.clone(),
            demand.clone(),
            threads.to_string(),
            cell(millions(&turns.ours), 1),
            cell(millions(&turns.governors), 1),
            cell(ratio, 2),
            cell(nanos, 0),
            if met { "met".to_owned() } else { "missed".to_owned() },
        ]);
    }
    format!(
        "{}\nGoals: at least {GOAL} times governor's calls in the same CPU time; five limits: {GOAL_NANOS} ns each.\n",
        table.shown()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(who: &str, rate: f64, admitted: f64) -> String {
        format!(
            r#"{{"case":"hot","caller":"id","demand":"passing","threads":2,"limits":1,"who":"{who}","rate":{rate},"admitted":{admitted}}}"#
        )
    }

    #[test]
    fn a_ratio_is_taken_within_a_turn() {
        let lines = [
            line("governor", 1e7, 1.0),
            line("ratewarden", 2e7, 1.0),
            line("governor", 2e7, 1.0),
            line("ratewarden", 3e7, 1.0),
        ];
        let text = shown(&read(&lines.join("\n")).unwrap());
        assert!(text.contains("1.75 (1.50–2.00)"), "{text}");
        assert!(text.contains("83 (67–100)"), "{text}");
    }

    #[test]
    fn a_turn_that_was_not_what_it_should_be_is_no_figure() {
        assert!(read(&line("governor", 1e7, 0.7)).is_err());
    }
}
