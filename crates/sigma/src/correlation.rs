//! Correlation rules: from calls that meet other rules to a detector.

use std::sync::Arc;

use ratewarden_detect::{By, Filter, Kind, MAX_PARTS, Measure, When};

use crate::Fault;
use crate::field::Field;
use crate::question::Question;
use crate::yaml::Yaml;

/// The longest time a rule may look back over, in seconds: 30 days.
const MAX_SECONDS: u64 = 30 * 86_400;
/// Calls that can be counted.
const MAX_CALLS: u32 = 65_535;
/// Different values that can be counted.
const MAX_VALUES: u32 = 3_000;
/// Thresholds above which a count of different values takes much memory.
pub(crate) const WIDE: u32 = 300;

/// A correlation as it is written, with what it means of calls.
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    /// Ids or names of the rules it looks at.
    pub(crate) rules: Vec<String>,
    /// They are looked for by themselves too.
    pub(crate) generates: bool,
    pub(crate) per: Vec<By>,
    pub(crate) seconds: u32,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Kind(Kind),
    Together { least: u32, ordered: bool },
}

const KEYS: [&str; 9] =
    ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate", "field"];

impl Correlation {
    pub(crate) fn read(yaml: &Yaml) -> Result<Self, Fault> {
        let Some(Yaml::Map(entries)) = yaml.get("correlation") else {
            return Err(Fault::new("correlation", "is no map"));
        };
        let own = Yaml::Map(entries.clone());
        if let Some((key, _)) = entries.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(Fault::new(
                format!("`{}`", crate::printable(key, 40)),
                "is not known in a correlation",
            ));
        }
        let kind = own.get("type").and_then(Yaml::text).unwrap_or_default();
        let rules: Vec<String> = own
            .get("rules")
            .and_then(Yaml::texts)
            .unwrap_or_default()
            .into_iter()
            .map(str::to_owned)
            .collect();
        if rules.is_empty() {
            return Err(Fault::new("`rules`", "is missing"));
        }
        let time = own.get("timespan").or_else(|| own.get("timeframe")).and_then(Yaml::text);
        let seconds = timespan(time.unwrap_or_default())?;
        let aliases = own.get("aliases").or_else(|| yaml.get("aliases"));
        let per = group(own.get("group-by"), aliases)?;
        let generates = own.get("generate").or_else(|| yaml.get("generate")) == Some(&Yaml::Bool(true));
        let condition = own.get("condition");
        let what = match kind {
            "event_count" => {
                let calls = count(condition, MAX_CALLS)?;
                What::Kind(Kind::Rate { calls, filled: 1 })
            }
            "value_count" => {
                let by = counted(condition, own.get("field"), aliases)?;
                let of = by
                    .as_by()
                    .ok_or_else(|| Fault::new("`field`", "different values of it are not counted"))?;
                What::Kind(Kind::Distinct { of, values: count(condition, MAX_VALUES)?, percent: 0 })
            }
            "value_sum" => total(Measure::Sum, &own, aliases)?,
            "value_avg" => total(Measure::Average, &own, aliases)?,
            "value_percentile" => total(Measure::Percentile(percentile(condition)?), &own, aliases)?,
            "temporal" | "temporal_ordered" => together(kind == "temporal_ordered", condition, rules.len())?,
            "" => return Err(Fault::new("`type`", "is missing")),
            other => {
                return Err(Fault::new(format!("type `{}`", crate::printable(other, 40)), "is not known"));
            }
        };
        Ok(Self { rules, generates, per, seconds, what })
    }

    /// Whether it counts so many different values that it takes much memory.
    pub(crate) const fn is_wide(&self) -> bool {
        matches!(self.what, What::Kind(Kind::Distinct { values, .. }) if values > WIDE)
    }

    /// What a detector has of it; `questions` are those of its rules.
    pub(crate) fn parts(&self, questions: Vec<Arc<Question>>) -> (Filter, Kind) {
        match &self.what {
            What::Kind(kind) => {
                let any = Question::any(questions.into_iter().map(Question::Shared).collect());
                (Filter { when: Some(When(Arc::new(any))), ..Filter::default() }, kind.clone())
            }
            What::Together { least, ordered } => {
                let parts = questions.into_iter().map(|question| When(question)).collect();
                (Filter::default(), Kind::Together { parts, least: *least, ordered: *ordered })
            }
        }
    }
}

/// `30s`, `5m`, `1h`, `1d`, `1w`, in seconds.
fn timespan(text: &str) -> Result<u32, Fault> {
    let fault = |why: &str| Fault::new(format!("timespan `{}`", crate::printable(text, 40)), why);
    if text.is_empty() {
        return Err(Fault::new("`timespan`", "is missing"));
    }
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let number: u64 = text.get(..text.len() - unit.len()).unwrap_or_default().parse().unwrap_or(0);
    let of = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(fault("is no number with s, m, h, d or w behind it")),
    };
    match number.saturating_mul(of) {
        0 => Err(fault("is no time")),
        long if long > MAX_SECONDS => Err(fault("is longer than 30 days")),
        seconds => u32::try_from(seconds).map_err(|_| fault("is longer than 30 days")),
    }
}

/// The field of a name, or of an alias that means the same field in each rule.
fn field(name: &str, aliases: Option<&Yaml>) -> Result<Field, Fault> {
    let fault = |why: String| Fault::new(format!("`{}`", crate::printable(name, 60)), why);
    let Some(alias) = aliases.and_then(|aliases| aliases.get(name)) else {
        return Field::of(name).map_err(|why| fault(why.to_owned()));
    };
    let Yaml::Map(entries) = alias else { return Err(fault("is an alias, but no map of rules".to_owned())) };
    let fields = entries.iter().map(|(_, own)| {
        let own = own.text().unwrap_or_default();
        Field::of(own).map_err(|why| fault(format!("is an alias of `{}`: {why}", crate::printable(own, 60))))
    });
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    match fields.split_first() {
        Some((first, rest)) if rest.iter().all(|one| one == first) => Ok(*first),
        Some(_) => {
            Err(fault("is an alias of different fields of a call, which are never the same".to_owned()))
        }
        None => Err(fault("is an alias of nothing".to_owned())),
    }
}

/// What calls are grouped by: who it is stands first, for a finding is about that.
fn group(yaml: Option<&Yaml>, aliases: Option<&Yaml>) -> Result<Vec<By>, Fault> {
    let names = match yaml {
        None | Some(Yaml::Null) => return Ok(vec![By::All]),
        Some(yaml) => yaml.texts().ok_or_else(|| Fault::new("`group-by`", "is no list of fields"))?,
    };
    let by = |name: &&str| {
        let by = field(name, aliases)?.as_by();
        by.ok_or_else(|| Fault::new(format!("`group-by` {name}"), "calls are not grouped by it"))
    };
    let mut per = names.iter().map(by).collect::<Result<Vec<_>, _>>()?;
    per.sort_by_key(|by| match by {
        By::User => 0,
        By::Address => 1,
        By::Agent => 2,
        By::Method | By::Status => 4,
        _ => 3,
    });
    per.dedup();
    Ok(if per.is_empty() { vec![By::All] } else { per })
}

/// More than a number, or that number too.
fn bound(condition: Option<&Yaml>) -> Result<(f64, bool), Fault> {
    let Some(Yaml::Map(entries)) = condition else {
        return Err(Fault::new("condition", "is no map with gt or gte"));
    };
    let mut found = None;
    for (key, value) in entries {
        match key.as_str() {
            "field" | "percentile" => {}
            "gt" | "gte" => {
                let number = match value {
                    Yaml::Number(number, _) if number.is_finite() && *number >= 0.0 => *number,
                    _ => return Err(Fault::new(format!("condition `{key}`"), "is no number from 0 on")),
                };
                if found.replace((number, key == "gte")).is_some() {
                    return Err(Fault::new("condition", "has both gt and gte"));
                }
            }
            "lt" | "lte" | "eq" | "neq" => {
                let why =
                    "holds of every window that has only begun, so there is no call with which it is found";
                return Err(Fault::new(format!("condition `{key}`"), why));
            }
            _ => {
                return Err(Fault::new(format!("condition `{}`", crate::printable(key, 40)), "is not known"));
            }
        }
    }
    found.ok_or_else(|| Fault::new("condition", "has neither gt nor gte"))
}

/// The least number of calls, values or rules that are too many.
fn count(condition: Option<&Yaml>, most: u32) -> Result<u32, Fault> {
    let (number, or_equal) = bound(condition)?;
    let least = if or_equal { number.ceil() } else { number.floor() + 1.0 };
    if least < 1.0 {
        return Err(Fault::new("condition", "holds always"));
    }
    if least > f64::from(most) {
        return Err(Fault::new("condition", format!("counts further than {most}")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to `most`")]
    Ok(least as u32)
}

/// The field whose values are counted or summed up.
fn counted(condition: Option<&Yaml>, beside: Option<&Yaml>, aliases: Option<&Yaml>) -> Result<Field, Fault> {
    let names = condition.and_then(|condition| condition.get("field")).or(beside).and_then(Yaml::texts);
    match names.as_deref() {
        Some([name]) => field(name, aliases),
        Some(_) => Err(Fault::new("`field`", "names several fields")),
        None => Err(Fault::new("`field`", "is missing in the condition")),
    }
}

fn total(measure: Measure, own: &Yaml, aliases: Option<&Yaml>) -> Result<What, Fault> {
    let condition = own.get("condition");
    let field = counted(condition, own.get("field"), aliases)?;
    let Some((of, scale)) = field.as_quantity() else {
        return Err(Fault::new(
            "`field`",
            "is no number that is summed up: bytes and the time a call took are",
        ));
    };
    let (bound, or_equal) = bound(condition)?;
    Ok(What::Kind(Kind::Total { of, measure, bound: bound / scale, or_equal }))
}

fn percentile(condition: Option<&Yaml>) -> Result<u8, Fault> {
    let found = condition.and_then(|condition| condition.get("percentile")).and_then(Yaml::text);
    let number = found.and_then(|text| text.parse().ok()).filter(|number| (1..=100).contains(number));
    number.ok_or_else(|| Fault::new("`percentile`", "is no whole number from 1 to 100"))
}

fn together(ordered: bool, condition: Option<&Yaml>, rules: usize) -> Result<What, Fault> {
    if rules > MAX_PARTS {
        return Err(Fault::new("`rules`", format!("has more than {MAX_PARTS} rules")));
    }
    if rules < 2 {
        return Err(Fault::new("`rules`", "has only one rule, which is always together with itself"));
    }
    let all = u32::try_from(rules).unwrap_or(u32::MAX);
    let least = match condition {
        None => all,
        Some(Yaml::Map(_)) => count(condition, all)?,
        Some(_) => return Err(Fault::new("condition", "in words is not done for rules that hold together")),
    };
    if ordered && least != all {
        return Err(Fault::new("condition", "of rules in order is that all of them hold"));
    }
    Ok(What::Together { least, ordered })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timespan_is_a_number_and_a_unit() {
        for (text, expected) in [("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("1w", 604_800)] {
            assert_eq!(timespan(text).ok(), Some(expected), "{text}");
        }
        for text in ["", "5", "m", "0s", "1M", "31d", "99999999999999999999h", "5 m", "-1s", "1h30m"] {
            assert!(timespan(text).is_err(), "{text}");
        }
    }
}
