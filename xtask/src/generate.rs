//! `cargo xtask generate`: writes the files that are made from code, so that they cannot drift from it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use ratewarden_detect::Detector;
use ratewarden_model::rules::{self, Rule};

use crate::run;

/// Write, or only compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail where a file differs from what the code says
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks every generated file.
pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = run::workspace().join("docs/rules");
    let pages = pages();
    let stale = stale(&folder, &pages)?;
    let detectors = run::workspace().join("docs/detectors.md");
    let page = detectors_page();
    let is_current = fs::read_to_string(&detectors).ok().as_ref() == Some(&page);
    if stale.is_empty() && is_current {
        return Ok(());
    }
    if args.check {
        let mut names = stale;
        names.extend((!is_current).then(|| "docs/detectors.md".to_owned()));
        bail!("not up to date: {}\nhint: run `cargo xtask generate` and commit the result", names.join(", "));
    }
    if !is_current {
        fs::write(&detectors, page).context("could not update docs/detectors.md")?;
        println!("docs/detectors.md");
    }
    fs::create_dir_all(&folder).context("could not make docs/rules")?;
    for name in &stale {
        let path = folder.join(name);
        match pages.get(name) {
            Some(text) => fs::write(&path, text),
            None => fs::remove_file(&path),
        }
        .with_context(|| format!("could not update docs/rules/{name}"))?;
        println!("docs/rules/{name}");
    }
    Ok(())
}

/// The names of files that are missing, differ, or are left over from a rule that has gone.
fn stale(folder: &Path, pages: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut names: Vec<String> = pages
        .iter()
        .filter(|(name, text)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name.clone())
        .collect();
    if folder.exists() {
        for entry in fs::read_dir(folder).context("could not list docs/rules")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") && !pages.contains_key(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

fn pages() -> BTreeMap<String, String> {
    let mut pages: BTreeMap<String, String> =
        rules::every().map(|rule| (format!("{}.md", rule.id), page(rule))).collect();
    pages.insert("README.md".into(), index());
    pages
}

/// The page of detectors: what is looked for, counted per what, and from where on.
fn detectors_page() -> String {
    let mut text = DETECTORS.to_owned();
    for detector in &ratewarden_detect::detectors() {
        let Detector { rule, name, severity, .. } = detector;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| [{rule}](rules/{rule}.md) | {name} | {severity} | {} | {} | `{}` |",
            detector.filter.describe(),
            detector.per_words(),
            detector.threshold(),
        );
    }
    text
}

const DETECTORS: &str = include_str!("detectors_page.md");

const NOTE: &str = "<!-- Made by `cargo xtask generate` from crates/model/src/rules.rs: change it there. -->";

fn index() -> String {
    let mut text = format!(
        "{NOTE}\n# Rules\n\nWhat a finding can be about. `ratewarden rules ID` prints the same page; \
         [scoring.md](../scoring.md) says how points become a score.\n\n\
         | rule | category | severity | points | what it says |\n|---|---|---|---:|---|\n"
    );
    for rule in rules::every() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| [{id}]({id}.md) | {} | {} | {} | {} |",
            rule.category,
            rule.severity,
            rule.deduction(),
            rule.title,
            id = rule.id,
        );
    }
    text
}

fn page(rule: &Rule) -> String {
    let references: String = rule.references.iter().map(|reference| format!("- {reference}\n")).collect();
    format!(
        "{NOTE}\n# {id}: {title}\n\n\
         | category | severity | points |\n|---|---|---:|\n| {category} | {severity} | {points} |\n\n\
         ## How it is tested, and why it matters\n\n{why}\n\n## What to do\n\n{remedy}\n\n## References\n\n{references}",
        id = rule.id,
        title = rule.title,
        category = rule.category,
        severity = rule.severity,
        points = rule.deduction(),
        why = rule.explanation,
        remedy = rule.remedy,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_page_and_a_row() {
        let pages = pages();
        assert_eq!(pages.len(), rules::every().count() + 1);
        for rule in rules::every() {
            let name = Path::new(&rule.page()).file_name().unwrap().to_string_lossy().into_owned();
            assert!(pages[&name].contains(rule.remedy), "{name}");
            assert!(pages["README.md"].contains(&format!("({name})")), "{name}");
        }
    }

    #[test]
    fn a_page_that_is_missing_changed_or_left_over_is_stale() {
        let folder = std::env::temp_dir().join(format!("ratewarden-xtask-rules-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let pages: BTreeMap<String, String> =
            [("a.md", "a"), ("b.md", "b"), ("c.md", "c")].map(|(n, t)| (n.to_owned(), t.to_owned())).into();
        fs::write(folder.join("a.md"), "a").unwrap();
        fs::write(folder.join("b.md"), "changed").unwrap();
        fs::write(folder.join("old.md"), "").unwrap();
        assert_eq!(stale(&folder, &pages).unwrap(), ["b.md", "c.md", "old.md"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
