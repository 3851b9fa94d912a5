//! `ratewarden rules`: the list of rules, or one explained.

use ratewarden_model::{Rule, rules};
use serde_json::{Value, json};

use crate::cli::{RulesArgs, RulesFormat};
use crate::errors::{Exit, Failure};
use crate::output;

/// The value of `schema` in the JSON form.
const SCHEMA: &str = "ratewarden.rules/1";
/// Columns of running text: long lines are hard to read.
const WIDTH: usize = 92;
/// Suggestions for an id that is none.
const SUGGESTIONS: usize = 3;

pub(crate) fn run(arguments: &RulesArgs) -> Result<Exit, Failure> {
    let chosen = arguments.id.as_deref().map(find).transpose()?;
    let text = match (arguments.format, chosen) {
        (RulesFormat::Json, None) => {
            let all: Vec<_> = rules::every().map(json_of).collect();
            format!("{:#}\n", json!({ "schema": SCHEMA, "rules": all }))
        }
        (RulesFormat::Json, Some(rule)) => {
            format!("{:#}\n", json!({ "schema": SCHEMA, "rules": [json_of(rule)] }))
        }
        (RulesFormat::Pretty, None) => list(),
        (RulesFormat::Pretty, Some(rule)) => explanation(rule),
    };
    output::print(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn find(id: &str) -> Result<&'static Rule, Failure> {
    rules::find(id).ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        let hint = format!("did you mean {}? `ratewarden rules` lists all", nearest(&shown).join(", "));
        Failure::usage(format!("there is no rule `{shown}`"), hint)
    })
}

fn json_of(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "category": rule.category,
        "severity": rule.severity,
        "points": rule.deduction(),
        "title": rule.title,
        "explanation": rule.explanation,
        "remedy": rule.remedy,
        "references": rule.references,
        "page": rule.page(),
    })
}

fn list() -> String {
    let widest = rules::every().map(|rule| rule.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for rule in rules::every() {
        let (id, severity, points) = (rule.id, rule.severity, rule.deduction());
        text.push_str(&format!("{id:widest$}  {severity:8}  {points:>2}  {}\n", rule.title));
    }
    text
}

fn explanation(rule: &Rule) -> String {
    // What is seen in traffic has no score.
    let points =
        if rule.deduction() > 0 { format!(" · −{} points", rule.deduction()) } else { String::new() };
    format!(
        "{}\n{}\n{} · {}{points}\n\n{}\n\nWhat to do\n{}\n\nReferences\n  {}\n  {}\n",
        rule.id,
        rule.title,
        rule.category,
        rule.severity,
        wrapped(rule.explanation, ""),
        wrapped(rule.remedy, "  "),
        rule.references.join("\n  "),
        rule.page(),
    )
}

/// Breaks a paragraph between words.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n")
}

/// The ids that are likeliest meant: those that hold the text first, then by the number of edits.
fn nearest(id: &str) -> Vec<&'static str> {
    let bare = id.trim_start_matches("scan.").to_ascii_lowercase();
    let distance = |rule: &Rule| {
        let own = rule.id.trim_start_matches("scan.");
        let holds = !bare.is_empty() && own.contains(&bare);
        (!holds, edits(own, &bare))
    };
    let mut all: Vec<_> = rules::every().collect();
    all.sort_by_key(|rule| distance(rule));
    all.iter().take(SUGGESTIONS).map(|rule| rule.id).collect()
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_rule_is_answered_with_the_nearest() {
        assert_eq!(nearest("scan.no-limt")[0], "scan.no-limit");
        assert_eq!(nearest("no-lockout")[0], "scan.no-lockout");
        assert_eq!(nearest("path")[0], "scan.bypass.path");
        assert!(find("nonsense").unwrap_err().text().contains("did you mean"));
        assert_eq!((edits("kitten", "sitting"), edits("", "abc"), edits("abc", "")), (3, 3, 3));
    }

    #[test]
    fn every_rule_is_listed_and_explained_within_the_width() {
        let list = list();
        for rule in rules::every() {
            assert!(list.contains(rule.id) && list.contains(rule.title), "{}", rule.id);
            let text = explanation(rule);
            assert!(text.contains(&rule.page()), "{text}");
            assert!(text.lines().skip(2).all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }
}
