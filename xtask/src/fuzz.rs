//! `cargo xtask fuzz`: runs each fuzz target for a while.
//!
//! cargo-fuzz asks for a nightly compiler; `RUSTC_BOOTSTRAP` lets the pinned stable one do it, so that the
//! workspace needs a single toolchain.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run;

/// Which targets, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seconds for each target
    #[arg(long, default_value_t = 120, value_name = "N")]
    seconds: u32,
    /// Only this target
    #[arg(long, value_name = "TARGET")]
    only: Option<String>,
}

/// Fuzzes the targets one after another and stops at the first that fails.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = run::workspace().join("fuzz");
    let mut targets = targets(&folder)?;
    if let Some(only) = &args.only {
        targets.retain(|target| target == only);
    }
    if targets.is_empty() {
        bail!("no such fuzz target in {}", folder.display());
    }
    if !run::succeeds(run::cargo().args(["fuzz", "--version"])) {
        bail!("cargo-fuzz is missing\nhint: run `cargo install cargo-fuzz`");
    }
    for target in &targets {
        let mut command = run::cargo();
        command.env("RUSTC_BOOTSTRAP", "1").args(["fuzz", "run", target.as_str()]);
        // New inputs go to the first folder, which git ignores; the kept seeds are only read.
        let corpus = folder.join("corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("could not make {}", corpus.display()))?;
        command.arg(&corpus);
        let seeds = folder.join("seeds").join(target);
        if seeds.is_dir() {
            command.arg(&seeds);
        }
        command.args(["--", &format!("-max_total_time={}", args.seconds), "-print_final_stats=1"]);
        run::checked(&mut command)?;
        println!("{target}: clean for {} s", args.seconds);
    }
    Ok(())
}

/// The names of the targets, sorted: one file each in fuzz/fuzz_targets.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let programs = folder.join("fuzz_targets");
    let entries =
        fs::read_dir(&programs).with_context(|| format!("no fuzz targets in {}", programs.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
