//! Setup and checks: what CI runs and what a person runs before a commit.
//!
//! `cargo xtask …` instead of shell scripts, because it runs wherever cargo does and is compiled and linted like
//! the rest.

mod accuracy;
mod bench;
mod fuzz;
mod generate;
mod run;
mod services;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Setup and checks of the Ratewarden workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Install the servers that tests start: Debian packages, and the rest below target/services
    Services,
    /// Install the servers, then run every check and every test, as CI does
    Test,
    /// Write the files that are made from code: docs/rules/
    Generate(generate::Args),
    /// Run each fuzz target for a while
    Fuzz(fuzz::Args),
    /// Watch honest crowds of many hours and seeds, none of which may have a finding
    Crowds,
    /// Scan real limiters and compare what is inferred with what is configured
    Accuracy(accuracy::Args),
    /// Measure Ratewarden beside its peers
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let result = match Cli::parse().verb {
        Verb::Services => services::install(),
        Verb::Test => test::all(),
        Verb::Generate(args) => generate::run(&args),
        Verb::Fuzz(args) => fuzz::run(&args),
        Verb::Crowds => test::crowds(),
        Verb::Accuracy(args) => accuracy::run(&args),
        Verb::Bench(bench) => bench::run(&bench),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
