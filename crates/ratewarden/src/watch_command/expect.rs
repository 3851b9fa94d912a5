//! `--expect`: are the findings those of a list?

use std::path::Path;

use ratewarden_model::{Finding, Subject, SubjectKind};
use serde_json::Value;

use crate::errors::{Exit, Failure};

/// Bytes that a list may have.
const MAX_BYTES: u64 = 16 << 20;
const FORM: &str = "a list is [{\"rule\": \"watch.flood\", \"subject\": \"203.0.113.7\", \"count\": 300}], or a report of `watch --format json`";

/// The findings that must be there, and no others.
#[derive(Debug)]
pub(crate) struct Expected(Vec<Entry>);

/// One of them.
#[derive(Debug)]
struct Entry {
    rule: String,
    /// `None`: of any kind.
    kind: Option<String>,
    subject: String,
    count: Count,
}

/// How many there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Any,
    About(u64, u64),
    AtLeast(u64),
}

impl Expected {
    /// Reads a list.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let what = format!("cannot read the expectations `{}`", path.display());
        let unreadable = |error: std::io::Error| Failure::new(Exit::Usage, error, FORM).context(what.clone());
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > MAX_BYTES {
            return Err(Failure::usage(
                format!("`{}` has {length} bytes, at most {MAX_BYTES} are read", path.display()),
                FORM,
            ));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text)
            .map_err(|mistakes| Failure::usage(format!("{what}: {}", mistakes.join("; ")), FORM))
    }

    /// All mistakes at once.
    fn parse(text: &str) -> Result<Self, Vec<String>> {
        let value: Value = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
        let list = value
            .get("findings")
            .unwrap_or(&value)
            .as_array()
            .ok_or_else(|| vec!["it is no list".to_owned()])?;
        let (mut entries, mut mistakes) = (Vec::new(), Vec::new());
        for (place, item) in list.iter().enumerate() {
            match entry(item) {
                Ok(entry) => entries.push(entry),
                Err(mistake) => mistakes.push(format!("entry {}: {mistake}", place + 1)),
            }
        }
        if mistakes.is_empty() { Ok(Self(entries)) } else { Err(mistakes) }
    }

    /// What does not hold.
    pub(crate) fn check(&self, findings: &[Finding]) -> Vec<String> {
        let mut broken = Vec::new();
        for entry in &self.0 {
            match findings.iter().find(|finding| entry.is_about(finding)) {
                None => broken.push(format!("expected {}, and it was not found", entry.shown())),
                Some(finding) => broken
                    .extend(entry.count.mismatch(finding).map(|what| format!("{}: {what}", entry.shown()))),
            }
        }
        for finding in findings.iter().filter(|finding| !self.0.iter().any(|entry| entry.is_about(finding))) {
            broken.push(format!(
                "{} {} {} was found and is not expected",
                finding.rule,
                finding.subject.kind(),
                finding.subject.label()
            ));
        }
        broken
    }
}

impl Entry {
    fn is_about(&self, finding: &Finding) -> bool {
        self.rule == finding.rule
            && self.subject == finding.subject.label()
            && self.kind.as_deref().is_none_or(|kind| kind == finding.subject.kind())
    }

    fn shown(&self) -> String {
        let kind = self.kind.as_ref().map(|kind| format!("{kind} ")).unwrap_or_default();
        format!("{} {kind}{}", self.rule, self.subject)
    }
}

impl Count {
    fn mismatch(self, finding: &Finding) -> Option<String> {
        let (count, error) = finding.seen.as_ref().map_or((0, 0), |seen| (seen.count, seen.count_error));
        match self {
            Self::About(wanted, within) if count.abs_diff(wanted) > within.max(error) => {
                Some(format!("expected a count of {wanted}, found {count} (error {error})"))
            }
            Self::AtLeast(least) if count < least => {
                Some(format!("expected a count of at least {least}, found {count}"))
            }
            _ => None,
        }
    }
}

fn entry(item: &Value) -> Result<Entry, String> {
    let rule = item.get("rule").and_then(Value::as_str).ok_or("`rule` is missing or no text")?;
    let (kind, subject) = match item.get("subject") {
        Some(Value::String(text)) => match text.split_once(' ') {
            Some((kind, value)) if SubjectKind::ALL.iter().any(|known| known.as_str() == kind) => {
                (Some(kind.to_owned()), value.to_owned())
            }
            _ => (None, text.clone()),
        },
        Some(object @ Value::Object(_)) => {
            let subject: Subject =
                serde_json::from_value(object.clone()).map_err(|error| format!("`subject`: {error}"))?;
            (Some(subject.kind().to_owned()), subject.label())
        }
        _ => {
            return Err(
                "`subject` is missing, or neither a text nor an object with kind and value".to_owned()
            );
        }
    };
    let within = item.get("count_error").and_then(Value::as_u64).unwrap_or(0);
    let count = match item.get("count") {
        None | Some(Value::Null) => Count::Any,
        Some(Value::Number(number)) => {
            Count::About(number.as_u64().ok_or("`count` is no whole number from 0 on")?, within)
        }
        Some(Value::String(text)) => {
            let least = text.strip_prefix(">=").map(str::trim).and_then(|digits| digits.parse().ok());
            Count::AtLeast(least.ok_or("`count` as a text is written \">=100\"")?)
        }
        Some(_) => return Err("`count` is neither a number nor \">=N\"".to_owned()),
    };
    Ok(Entry { rule: rule.to_owned(), kind, subject, count })
}

#[cfg(test)]
mod tests {
    use ratewarden_model::Seen;
    use ratewarden_model::rules::abuse;

    use super::*;

    fn found(count: u64) -> Finding {
        let seen = Seen {
            first_seen: String::new(),
            last_seen: String::new(),
            count,
            count_error: 5,
            threshold: String::new(),
            samples: Vec::new(),
        };
        let subject = Subject::named(SubjectKind::Address, "203.0.113.7");
        Finding { seen: Some(seen), ..Finding::new(&abuse::FLOOD, subject, "", "") }
    }

    fn check(list: &str, findings: &[Finding]) -> Vec<String> {
        Expected::parse(list).unwrap().check(findings)
    }

    #[test]
    fn what_is_expected_must_be_there_and_nothing_else() {
        let list = r#"[{"rule":"watch.flood","subject":"203.0.113.7","count":300}]"#;
        assert_eq!(check(list, &[found(304)]), Vec::<String>::new());
        assert!(check(list, &[found(310)])[0].contains("count of 300"));
        assert!(check(list, &[])[0].contains("not found"));
        assert!(check("[]", &[found(1)])[0].contains("not expected"));
        let least = r#"[{"rule":"watch.flood","subject":"address 203.0.113.7","count":">=300"}]"#;
        assert_eq!(check(least, &[found(9_000)]), Vec::<String>::new());
        assert_eq!(check(least, &[found(299)]).len(), 1);
    }

    #[test]
    fn an_earlier_report_is_a_list() {
        let report = serde_json::json!({ "findings": [found(300)] }).to_string();
        assert_eq!(check(&report, &[found(300)]), Vec::<String>::new());
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let mistakes =
            Expected::parse(r#"[{"subject":"x"},{"rule":"a"},{"rule":"a","subject":"b","count":"many"}]"#)
                .unwrap_err();
        assert_eq!(mistakes.len(), 3);
        assert!(mistakes[2].starts_with("entry 3") && mistakes[2].contains(">=100"), "{mistakes:?}");
    }
}
