//! `cargo xtask bench guard`: CPU time per request of the gateway beside nginx, HAProxy and Envoy.
//!
//! CPU time of the proxy's processes and not requests per second, because back end, load generator and proxy share the
//! machine: a rate says who got the core. One worker and one thread each, keep-alive on both sides, 64 connections.

mod cases;
mod cpu;
mod load;
mod measure;
mod peers;
mod report;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use ratewarden_testkit::gateway;

use cases::Case;
pub(super) use cpu::Used;
use load::Load;
use measure::{Refused, Runner};
use peers::Starter;
pub(super) use peers::build;
use report::{CaseReport, Document, Samples};

/// What `bench guard` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seconds of each measurement; under 5 the kernel's 10 ms ticks make the figures inexact
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// How often each program has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Only cases whose name contains this: passing, rejecting, five-limits, million-keys
    #[arg(long)]
    only: Option<String>,
    /// Write every figure to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail when a goal is not met
    #[arg(long, conflicts_with = "without_ratewarden")]
    check: bool,
    /// Measure the others only
    #[arg(long)]
    without_ratewarden: bool,
    /// Measure this binary, and build none
    #[arg(long, value_name = "FILE", conflicts_with = "without_ratewarden")]
    binary: Option<PathBuf>,
}

/// Measures every case that is asked for and prints a table of each.
pub(crate) fn run(args: &Args) -> Result<()> {
    let cases: Vec<Case> = cases::all()
        .into_iter()
        .filter(|case| args.only.as_ref().is_none_or(|part| case.name.contains(part)))
        .collect();
    ensure!(!cases.is_empty(), "no case's name contains `{}`", args.only.as_deref().unwrap_or_default());
    let services = ratewarden_testkit::installed()?;
    let load = Load::find()?;
    let binary = match (&args.binary, args.without_ratewarden) {
        (_, true) => None,
        (Some(binary), false) => {
            Some(binary.canonicalize().with_context(|| format!("no binary {}", binary.display()))?)
        }
        (None, false) => Some(peers::build()?),
    };
    let back = gateway::back_end(&services)?;
    let starter = Starter { services: &services, binary: binary.as_deref(), back_end: back.address() };
    let mut document = Document {
        schema: "ratewarden.bench-guard/1",
        version: binary.as_deref().map(peers::version),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        connections: load::CONNECTIONS,
        seconds: args.seconds,
        rounds: args.rounds,
        cases: Vec::new(),
    };
    print_heading(&document);
    for case in &cases {
        let report = measure_case(case, &starter, &load, args).with_context(|| case.name)?;
        println!("\n{}", report.shown().trim_end());
        document.cases.push(report);
    }
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&document)?;
        std::fs::write(file, text + "\n").with_context(|| format!("could not write {}", file.display()))?;
    }
    conclude(&document, args.check)
}

fn print_heading(document: &Document) {
    println!(
        "{} connections, {} rounds of {} s after 1 s of warm-up, {} cores shared by all; median (min–max)",
        document.connections, document.rounds, document.seconds, document.cores
    );
    if document.seconds < 5 {
        println!("note: CPU time is counted in ticks of 10 ms; under 5 s a figure is not exact to 1 %");
    }
}

/// Starts every program, then lets them take turns. A refusal ends the case, not the run.
fn measure_case(case: &Case, starter: &Starter<'_>, load: &Load, args: &Args) -> Result<CaseReport> {
    let mut runners: Vec<(peers::Peer, Runner<'_>)> = Vec::new();
    for &peer in case.peers {
        if let Some(server) = starter.start(peer, case.gate)? {
            let mut runner = Runner::new(load, server)?;
            runner.fill(case)?;
            runners.push((peer, runner));
        }
    }
    let mut samples: Vec<Samples> = runners.iter().map(|(peer, _)| (*peer, Vec::new())).collect();
    for round in 1..=args.rounds {
        for ((peer, runner), (_, taken)) in runners.iter_mut().zip(&mut samples) {
            eprintln!("{}: round {round} of {}, {}", case.name, args.rounds, peer.name());
            match runner.measure(case, args.seconds) {
                Ok(sample) => taken.push(sample),
                Err(error) => {
                    let why = error.downcast::<Refused>()?;
                    let why = format!("{}, round {round}: {why}", peer.name());
                    return Ok(CaseReport::new(case, &samples, Some(why)));
                }
            }
        }
    }
    Ok(CaseReport::new(case, &samples, None))
}

/// A case that measured the wrong thing is always a failure; a goal that is not met only with `--check`.
fn conclude(document: &Document, check: bool) -> Result<()> {
    let named = |wanted: &dyn Fn(&CaseReport) -> bool| -> Vec<&str> {
        document.cases.iter().filter(|case| wanted(case)).map(|case| case.name).collect()
    };
    let refused = named(&|case| case.refused.is_some());
    if !refused.is_empty() {
        bail!("these cases measured something else, see above: {}", refused.join(", "));
    }
    let missed = named(&|case| case.met == Some(false));
    if check && !missed.is_empty() {
        bail!("these goals are not met: {}", missed.join(", "));
    }
    Ok(())
}
