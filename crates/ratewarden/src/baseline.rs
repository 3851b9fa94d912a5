//! Findings that are known: read from an earlier report or a baseline, and written back.
//!
//! A document of another schema version is refused whole. Reading what can be understood of it was rejected: a
//! baseline that lost half its findings on the way makes a gate red, one that gained some makes it blind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ratewarden_model::{Finding, ScanReport, Subject, scan_report};
use serde_json::{Value, json};

use crate::errors::{Exit, Failure};
use crate::output;

/// The value of `schema` in the document that `--update-baseline` writes.
pub(crate) const SCHEMA: &str = "ratewarden.baseline/1";
/// A report of 20 endpoints has some hundred kilobytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The file of `--baseline`.
#[derive(Debug, Clone)]
pub(crate) struct BaselineFile {
    pub(crate) path: PathBuf,
    /// `--update-baseline`
    pub(crate) update: bool,
}

impl BaselineFile {
    /// Reads it. One that is only about to be written may be missing, but its place must take it.
    pub(crate) fn read(&self) -> Result<Known, Failure> {
        if self.update {
            output::check_writable(&self.path)?;
        }
        match text_of(&self.path) {
            Err(error) if self.update && error.kind() == io::ErrorKind::NotFound => Ok(Known::default()),
            Err(error) => Err(Failure::new(
                Exit::Usage,
                error,
                "name a report written with -o report.json, or write a baseline with --update-baseline",
            )
            .context(format!("cannot read the baseline `{}`", self.path.display()))),
            Ok(text) => Known::parse(&text).map_err(|failure| {
                failure.context(format!("cannot use the baseline `{}`", self.path.display()))
            }),
        }
    }

    /// Writes what was found as what is known from now on.
    pub(crate) fn write(&self, report: &ScanReport) -> Result<(), Failure> {
        output::write_file(&self.path, &document(report))
    }
}

fn text_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
    }
    Ok(text)
}

/// The fingerprints of known findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Known {
    fingerprints: BTreeSet<String>,
}

impl Known {
    pub(crate) fn has(&self, finding: &Finding) -> bool {
        self.fingerprints.contains(&finding.fingerprint)
    }

    fn parse(text: &[u8]) -> Result<Self, Failure> {
        let hint =
            format!("it has to be a report ({}) or a baseline ({SCHEMA}), in JSON", scan_report::SCHEMA);
        let document: Value = serde_json::from_slice(text)
            .map_err(|error| Failure::new(Exit::Usage, error, hint.as_str()).context("it is not JSON"))?;
        let schema = document.get("schema").and_then(Value::as_str);
        let fingerprints = match schema {
            Some(SCHEMA) => strings(document.get("fingerprints"), Some),
            Some(scan_report::SCHEMA) => strings(document.get("findings"), |item| item.get("fingerprint")),
            _ => {
                let found =
                    schema.map_or_else(|| "no schema".to_owned(), |name| format!("schema `{}`", short(name)));
                let expected = format!("expected `{}` or `{SCHEMA}`", scan_report::SCHEMA);
                let hint = "write it again with this version: --baseline FILE --update-baseline";
                return Err(Failure::usage(format!("it has {found}, {expected}"), hint));
            }
        };
        let fingerprints =
            fingerprints.ok_or_else(|| Failure::usage("its findings have no fingerprints", hint))?;
        Ok(Self { fingerprints })
    }
}

fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

fn strings<'a>(
    list: Option<&'a Value>,
    of: impl Fn(&'a Value) -> Option<&'a Value>,
) -> Option<BTreeSet<String>> {
    list?.as_array()?.iter().map(|item| Some(of(item)?.as_str()?.to_owned())).collect()
}

/// The baseline of a report. `about` is for whoever reviews the file; only `fingerprints` is read again.
fn document(report: &ScanReport) -> String {
    let about: BTreeMap<&str, String> = report
        .findings
        .iter()
        .map(|finding| {
            (finding.fingerprint.as_str(), format!("{} at {}", finding.rule, place(&finding.subject)))
        })
        .collect();
    let fingerprints: Vec<_> = about.keys().collect();
    let document = json!({ "schema": SCHEMA, "fingerprints": fingerprints, "about": about });
    format!("{document:#}\n")
}

/// The subject without the host: a baseline of staging holds for production.
fn place(subject: &Subject) -> String {
    match subject {
        Subject::Endpoint { method, url } => {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            format!("{method} {}", rest.find('/').map_or("/", |start| &rest[start..]))
        }
        Subject::Named { value, .. } => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use ratewarden_model::rules;

    use super::*;
    use crate::gate::tests::{finding, report};

    #[test]
    fn what_is_written_is_known_when_read() {
        let report = report(vec![finding(&rules::NO_LIMIT, "/a"), finding(&rules::NO_LOCKOUT, "/b")]);
        let text = document(&report);
        assert!(text.contains("scan.no-limit at GET /a") && !text.contains("h.example"), "{text}");
        let known = Known::parse(text.as_bytes()).unwrap();
        assert!(report.findings.iter().all(|finding| known.has(finding)));
        assert!(!known.has(&finding(&rules::NO_LIMIT, "/c")));
        let whole = serde_json::to_vec(&report).unwrap();
        assert_eq!(Known::parse(&whole).unwrap(), known, "a report is a baseline too");
    }

    #[test]
    fn another_version_is_refused_whole() {
        for text in [
            r#"{"schema":"ratewarden.baseline/2","fingerprints":[]}"#,
            r#"{"schema":"ratewarden.scan/99","findings":[]}"#,
            r#"{"schema":"ratewarden.baseline/1"}"#,
            r#"{"schema":"ratewarden.baseline/1","fingerprints":["a",7]}"#,
            r#"{"schema":"ratewarden.scan/1","findings":[{}]}"#,
            "[]",
            "",
        ] {
            assert!(Known::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
