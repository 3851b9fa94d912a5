//! `cargo xtask test`: what CI runs, and what a person runs before a commit.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use ratewarden_testkit::services::{REQUIRED, REQUIRED_VARIABLE};

use crate::{accuracy, generate, run, services};

/// One check and its name.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 9] = [
    ("services", services::install),
    ("format", format),
    ("lints are inherited", lints_are_inherited),
    ("clippy", clippy),
    ("documentation", documentation),
    ("generated files", || generate::run(&generate::Args { check: true })),
    ("accuracy, short form", || accuracy::run(&accuracy::Args::short())),
    ("every interleaving of the store", interleavings),
    // Last, so that its result lines close the output.
    ("tests", tests),
];

/// Runs every step, stops at the first failure, and asks at the end whether the work tree is as it was.
pub(crate) fn all() -> Result<()> {
    let tree_before = work_tree();
    let begin = Instant::now();
    for (name, step) in STEPS {
        timed(name, step)?;
    }
    timed("clean tree", || tree_is_as_it_was(tree_before.as_deref()))?;
    println!("all checks passed in {:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// The long form of the test of honest traffic, optimised: minutes otherwise.
pub(crate) fn crowds() -> Result<()> {
    let mut cargo = run::cargo();
    cargo.args(["test", "--release", "-p", "ratewarden-detect", "--test", "detection", "at_any_hour"]);
    run::checked(cargo.env("RATEWARDEN_CROWDS", "long"))
}

fn timed(name: &str, step: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("── {name}");
    let begin = Instant::now();
    step().with_context(|| format!("{name} failed after {:.1} s", begin.elapsed().as_secs_f64()))?;
    println!("── {name}: passed in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

fn format() -> Result<()> {
    run::hinted(run::checked(run::cargo().args(["fmt", "--all", "--check"])), "run `cargo fmt --all`")
}

fn clippy() -> Result<()> {
    run::checked(run::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn documentation() -> Result<()> {
    run::checked(run::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The store on shuttle's scheduler; a feature, because shuttle replaces its atomics.
fn interleavings() -> Result<()> {
    let test = ["test", "-p", "ratewarden-counters", "--features", "shuttle", "--test", "shuttle"];
    run::checked(run::cargo().args(test))
}

fn tests() -> Result<()> {
    run::checked(run::cargo().args(["test", "--workspace"]).env(REQUIRED_VARIABLE, REQUIRED))
}

/// A crate that forgets two lines in its manifest is not linted at all, and nobody would notice.
fn lints_are_inherited() -> Result<()> {
    let workspace = run::workspace();
    let mut manifests = vec![workspace.join("xtask/Cargo.toml")];
    for entry in fs::read_dir(workspace.join("crates")).context("could not list crates/")? {
        manifests.push(entry?.path().join("Cargo.toml"));
    }
    let mut without = Vec::new();
    for manifest in manifests.iter().filter(|file| file.is_file()) {
        let text =
            fs::read_to_string(manifest).with_context(|| format!("could not read {}", manifest.display()))?;
        if !inherits_lints(&text) {
            without.push(shown_below(&workspace, manifest));
        }
    }
    if !without.is_empty() {
        bail!("no `[lints]` with `workspace = true` in {}", without.join(", "));
    }
    Ok(())
}

fn shown_below(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Whether a manifest has `workspace = true` under `[lints]`.
fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    lines.by_ref().any(|line| line == "[lints]")
        && lines
            .take_while(|line| !line.starts_with('['))
            .any(|line| line.replace(' ', "") == "workspace=true")
}

/// What git says of the work tree; `None` where this is no git checkout.
fn work_tree() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["status", "--porcelain"]).current_dir(run::workspace());
    run::output(&mut git).ok()
}

fn tree_is_as_it_was(before: Option<&str>) -> Result<()> {
    let Some(before) = before else {
        println!("not a git checkout: nothing to compare");
        return Ok(());
    };
    let after = work_tree().context("git status failed at the end")?;
    if after != before {
        bail!("the checks have changed the work tree\nbefore:\n{before}\nafter:\n{after}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_of_lints_counts() {
        assert!(inherits_lints("[package]\n[lints]\n# why\nworkspace = true\n"));
        assert!(!inherits_lints("[lints]\n[dependencies]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nversion.workspace = true\n"));
        assert!(!inherits_lints("[lints]\n# workspace = true\n"));
    }
}
