//! What every rule has (title, level, …), and the rules that look at single calls.

use std::sync::Arc;

use ratewarden_detect::About;
use ratewarden_model::Severity;

use crate::Fault;
use crate::condition;
use crate::question::Question;
use crate::selection::{Purse, Reader};
use crate::yaml::Yaml;

/// Selections of a rule.
const MAX_SELECTIONS: usize = 500;
/// Bytes of a rule's slug.
const MAX_SLUG: usize = 80;

/// What every rule has.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) title: String,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) severity: Severity,
    description: String,
    advice: String,
    references: Vec<String>,
}

impl Head {
    /// Reads what there is. What is wrong with it comes second, so that a refusal can say the rule's name.
    pub(crate) fn read(yaml: &Yaml) -> (Self, Option<Fault>) {
        let text = |key: &str, most: usize| {
            yaml.get(key).and_then(Yaml::text).map(|text| crate::printable(text.trim(), most))
        };
        let level = text("level", 40);
        let severity = match level.as_deref() {
            Some("informational") => Some(Severity::Info),
            Some("low") => Some(Severity::Low),
            Some("medium") | None => Some(Severity::Medium),
            Some("high") => Some(Severity::High),
            Some("critical") => Some(Severity::Critical),
            Some(_) => None,
        };
        let false_alarms = yaml.get("falsepositives").and_then(Yaml::texts).unwrap_or_default();
        let says_any =
            |text: &&str| !matches!(text.to_ascii_lowercase().as_str(), "unknown" | "unlikely" | "none");
        let false_alarms: Vec<_> = false_alarms.into_iter().filter(says_any).take(5).collect();
        let known = if false_alarms.is_empty() {
            String::new()
        } else {
            format!(" Known false alarms: {}.", crate::printable(&false_alarms.join("; "), 300))
        };
        let references = yaml.get("references").and_then(Yaml::texts).unwrap_or_default();
        let head = Self {
            title: text("title", 200).unwrap_or_default(),
            id: text("id", 100),
            name: text("name", 100),
            severity: severity.unwrap_or(Severity::Medium),
            description: text("description", 1000).unwrap_or_default(),
            advice: format!("Look at the calls that the rule names, and limit or ban who makes them.{known}"),
            references: references.iter().take(10).map(|text| crate::printable(text, 300)).collect(),
        };
        let fault = match (severity, head.title.as_str()) {
            (None, _) => Some(Fault::new(
                format!("level `{}`", level.unwrap_or_default()),
                "is none of informational, low, medium, high and critical",
            )),
            (_, "") => Some(Fault::new("title", "is missing")),
            _ => None,
        };
        (head, fault)
    }

    /// What stands behind `sigma.` in findings: the id, else the name, else the title, as a word.
    pub(crate) fn slug(&self) -> String {
        let from = self.id.as_ref().or(self.name.as_ref()).unwrap_or(&self.title);
        let mut slug = String::new();
        for character in from.chars().map(|character| character.to_ascii_lowercase()) {
            if character.is_ascii_alphanumeric() {
                slug.push(character);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= MAX_SLUG {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        if slug.is_empty() { "rule".to_owned() } else { slug.to_owned() }
    }

    /// Whether others mean it by that word.
    pub(crate) fn is_called(&self, word: &str) -> bool {
        self.id.as_deref() == Some(word) || self.name.as_deref() == Some(word)
    }

    pub(crate) fn about(&self) -> About {
        About {
            title: self.title.clone(),
            description: self.description.clone(),
            advice: self.advice.clone(),
            references: self.references.clone(),
        }
    }
}

/// Reads what a rule looks for in a call.
pub(crate) fn detection(yaml: &Yaml, purse: &mut Purse) -> Result<Arc<Question>, Fault> {
    let source = yaml.get("logsource");
    let is_web = is_web(source)?;
    let detection = yaml.get("detection").ok_or_else(|| Fault::new("detection", "is missing"))?;
    if detection.get("timeframe").is_some() {
        let why = "counting in a rule is gone from Sigma; a correlation rule says it (docs/sigma.md)";
        return Err(Fault::new("`timeframe`", why));
    }
    let mut reader = Reader { purse, has_fields: false };
    let question = body(detection, &mut reader, &["condition", "timeframe"])?;
    if !is_web && !reader.has_fields {
        return Err(Fault::new(describe(source), "calls of an API are of category webserver or proxy"));
    }
    Ok(question)
}

/// Reads what a filter adds to rules: to which (`None`: to all), and what must hold as well.
pub(crate) fn filter(yaml: &Yaml, purse: &mut Purse) -> Result<(Option<Vec<String>>, Arc<Question>), Fault> {
    let filter = yaml.get("filter").ok_or_else(|| Fault::new("filter", "is missing"))?;
    let rules = match filter.get("rules") {
        Some(Yaml::Text(text)) if text.eq_ignore_ascii_case("any") => None,
        Some(rules) => rules
            .texts()
            .map(|rules| Some(rules.into_iter().map(str::to_owned).collect()))
            .ok_or_else(|| {
                Fault::new(
                    "`rules` of a filter",
                    "is neither a rule's id or name, nor a list of them, nor `any`",
                )
            })?,
        None => return Err(Fault::new("`rules` of a filter", "is missing")),
    };
    let mut reader = Reader { purse, has_fields: false };
    Ok((rules, body(filter, &mut reader, &["condition", "rules"])?))
}

/// Selections and conditions; several conditions are any of them.
fn body(yaml: &Yaml, reader: &mut Reader<'_>, not_selections: &[&str]) -> Result<Arc<Question>, Fault> {
    let Yaml::Map(entries) = yaml else { return Err(Fault::new("detection", "is no map")) };
    let selections: Vec<_> =
        entries.iter().filter(|(name, _)| !not_selections.contains(&name.as_str())).collect();
    if selections.len() > MAX_SELECTIONS {
        return Err(Fault::new("detection", format!("has more than {MAX_SELECTIONS} selections")));
    }
    let each = selections.into_iter().map(|(name, value)| {
        let question = reader.selection(&crate::printable(name, 60), value)?;
        Ok((name.clone(), Arc::new(question)))
    });
    let selections = each.collect::<Result<Vec<_>, Fault>>()?;
    let conditions = yaml.get("condition").and_then(Yaml::texts).unwrap_or_default();
    if conditions.is_empty() {
        return Err(Fault::new("condition", "is missing"));
    }
    let each = conditions.iter().take(20).map(|text| condition::read(text, &selections));
    Ok(Arc::new(Question::any(each.collect::<Result<_, _>>()?)))
}

/// Categories of calls.
const WEB: [&str; 2] = ["webserver", "proxy"];
/// Products whose logs are no calls, whatever their fields are called.
const OTHERS: [&str; 17] = [
    "windows",
    "linux",
    "macos",
    "aws",
    "azure",
    "gcp",
    "m365",
    "okta",
    "github",
    "cisco",
    "zeek",
    "fortinet",
    "onelogin",
    "kubernetes",
    "bitbucket",
    "sql",
    "opencanary",
];

/// Whether a source is one of calls for certain.
fn is_web(source: Option<&Yaml>) -> Result<bool, Fault> {
    let text = |key: &str| source.and_then(|source| source.get(key)).and_then(Yaml::text).unwrap_or_default();
    let (category, product, service) = (text("category"), text("product"), text("service"));
    if service == "error" {
        return Err(Fault::new(describe(source), "calls come from access logs, and this is of an error log"));
    }
    if OTHERS.contains(&product) {
        return Err(Fault::new(describe(source), "calls of an API are of category webserver or proxy"));
    }
    Ok(WEB.contains(&category))
}

fn describe(source: Option<&Yaml>) -> String {
    let part = |key: &str| {
        let value = source.and_then(|source| source.get(key)).and_then(Yaml::text);
        value.map(|value| format!("{key} {}", crate::printable(value, 40)))
    };
    let parts: Vec<_> = ["category", "product", "service"].into_iter().filter_map(part).collect();
    if parts.is_empty() { "logsource".to_owned() } else { format!("logsource: {}", parts.join(", ")) }
}
