//! Selections: what stands under `detection` beside the condition.
//!
//! A map is all of its fields, a list is any of its values, a list of maps any of the maps. Words without a field are looked
//! for in all texts of a call.

use std::sync::Arc;

use regex::bytes::RegexBuilder;

use crate::Fault;
use crate::field::Field;
use crate::pattern::{MAX_BYTES, Pattern, Stands};
use crate::question::{Question, Sign, network};
use crate::yaml::Yaml;

/// Bytes of a compiled regular expression, and of what it keeps while it searches.
const REGEX_BYTES: usize = 256 << 10;
/// How deep a regular expression may nest.
const REGEX_DEPTH: u32 = 50;

/// What all rules together may still have.
#[derive(Debug)]
pub(crate) struct Purse {
    pub(crate) values: usize,
    pub(crate) regexes: usize,
}

/// What selections need to know, and what was found out while reading them.
pub(crate) struct Reader<'p> {
    pub(crate) purse: &'p mut Purse,
    /// Whether any field was named.
    pub(crate) has_fields: bool,
}

impl Reader<'_> {
    /// Reads one selection.
    pub(crate) fn selection(&mut self, name: &str, yaml: &Yaml) -> Result<Question, Fault> {
        let of = |fault: Fault| Fault { what: format!("selection `{name}`: {}", fault.what), ..fault };
        match yaml {
            Yaml::Map(_) => self.map(yaml).map_err(of),
            Yaml::List(list) if !list.is_empty() => {
                let each = list.iter().map(|one| match one {
                    Yaml::Map(_) => self.map(one),
                    word => self.item("", word),
                });
                each.collect::<Result<_, _>>().map(Question::any).map_err(of)
            }
            Yaml::Text(_) | Yaml::Number(..) => self.item("", yaml).map_err(of),
            _ => Err(Fault::new(format!("selection `{name}`"), "is empty")),
        }
    }

    fn map(&mut self, yaml: &Yaml) -> Result<Question, Fault> {
        let Yaml::Map(entries) = yaml else { return Err(Fault::new("a map", "is none")) };
        if entries.is_empty() {
            return Err(Fault::new("a map", "is empty"));
        }
        let each = entries.iter().map(|(key, value)| self.item(key, value));
        each.collect::<Result<_, _>>().map(Question::all)
    }

    /// A field with its modifiers, and its value or values.
    fn item(&mut self, key: &str, value: &Yaml) -> Result<Question, Fault> {
        let mut parts = key.split('|');
        let name = parts.next().unwrap_or_default();
        let fault = |why: String| Fault::new(format!("`{}`", crate::printable(key, 80)), why);
        let field = match name {
            "" => None,
            name => Some(Field::of(name).map_err(|why| fault(why.to_owned()))?),
        };
        self.has_fields |= field.is_some();
        let mut modifiers = Modifiers::default();
        for word in parts {
            modifiers.take(word).map_err(|why| fault(why.to_owned()))?;
        }
        let values = match value {
            Yaml::List(list) if list.is_empty() => return Err(fault("has no value".to_owned())),
            Yaml::List(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        self.purse.values = self.purse.values.checked_sub(values.len()).ok_or_else(|| {
            fault(format!("all rules together have more than {} values", crate::MAX_VALUES))
        })?;
        let each = values.iter().map(|value| self.value(field, &modifiers, value));
        let each = each.collect::<Result<Vec<_>, _>>().map_err(|why| fault(crate::printable(&why, 300)))?;
        Ok(if modifiers.all { Question::all(each) } else { Question::any(each) })
    }

    fn value(
        &mut self,
        field: Option<Field>,
        modifiers: &Modifiers,
        value: &Yaml,
    ) -> Result<Question, String> {
        if modifiers.how == How::Exists {
            let field = field.ok_or("`exists` wants a field")?;
            return match value {
                Yaml::Bool(true) => Ok(Question::Exists(field)),
                Yaml::Bool(false) => Ok(Question::Not(Box::new(Question::Exists(field)))),
                _ => Err("`exists` is `true` or `false`".to_owned()),
            };
        }
        let is_plain = modifiers.how == How::Text(Stands::Whole);
        let text = match (value, field) {
            (Yaml::Null, Some(field)) if is_plain => {
                return Ok(Question::Not(Box::new(Question::Exists(field))));
            }
            (Yaml::Bool(value), _) => value.to_string(),
            (value, _) => value.text().ok_or("a value is neither text nor a number")?.to_owned(),
        };
        if text.len() > MAX_BYTES {
            return Err(format!("a value has more than {MAX_BYTES} bytes"));
        }
        match modifiers.how {
            How::Network if field == Some(Field::Address) => {
                network(&text).ok_or_else(|| format!("`{text}` is no network"))
            }
            How::Network => Err("`cidr` wants the client's address".to_owned()),
            How::Compare(sign) => {
                let field = field.filter(|field| field.is_number()).ok_or("is compared, but is no number")?;
                let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.ok_or_else(|| format!("`{text}` is no number"))?;
                Ok(Question::Number(field, sign, number))
            }
            How::Regex => self.regex(field, modifiers, &text),
            How::Exists => Err("`exists` is `true` or `false`".to_owned()),
            How::Text(stands) => Ok(words(field, stands, modifiers.cased, &text)),
        }
    }

    fn regex(&mut self, field: Option<Field>, modifiers: &Modifiers, text: &str) -> Result<Question, String> {
        self.purse.regexes = self.purse.regexes.checked_sub(1).ok_or_else(|| {
            format!("all rules together have more than {} regular expressions", crate::MAX_REGEXES)
        })?;
        let regex = RegexBuilder::new(text)
            .case_insensitive(modifiers.ignores_case)
            .multi_line(modifiers.multi_line)
            .dot_matches_new_line(modifiers.dot_all)
            // Text of calls is bytes; only who writes other letters than ASCII's wants their classes.
            .unicode(!text.is_ascii())
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .nest_limit(REGEX_DEPTH)
            .build();
        match regex {
            Ok(regex) => Ok(Question::Regex(field, Arc::new(regex))),
            Err(regex::Error::CompiledTooBig(_)) => Err("the regular expression is too large".to_owned()),
            Err(error) => {
                let last = error.to_string().lines().last().unwrap_or_default().to_owned();
                Err(format!("the regular expression cannot be read: {}", last.trim_start_matches("error: ")))
            }
        }
    }
}

fn words(field: Option<Field>, stands: Stands, is_cased: bool, text: &str) -> Question {
    let Some(field) = field else {
        let stands = if stands == Stands::Whole { Stands::Inside } else { stands };
        return Question::Text(None, Pattern::new(text, stands, is_cased));
    };
    // No query has a path in front; rules that look for one mean the target.
    let field = if field == Field::Query && text.starts_with('/') { Field::Target } else { field };
    let pattern = Pattern::new(text, stands, is_cased);
    let digits = pattern.whole().filter(|word| field.is_number() && word.iter().all(u8::is_ascii_digit));
    match digits.and_then(|_| text.parse().ok()) {
        Some(number) => Question::Number(field, Sign::Equal, number),
        None => Question::Text(Some(field), pattern),
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Text(Stands),
    Regex,
    Network,
    Compare(Sign),
    Exists,
}

/// What stands behind a field's name.
#[derive(Debug)]
struct Modifiers {
    how: How,
    all: bool,
    cased: bool,
    ignores_case: bool,
    multi_line: bool,
    dot_all: bool,
}

impl Default for Modifiers {
    fn default() -> Self {
        let how = How::Text(Stands::Whole);
        Self { how, all: false, cased: false, ignores_case: false, multi_line: false, dot_all: false }
    }
}

impl Modifiers {
    fn take(&mut self, word: &str) -> Result<(), &'static str> {
        let is_regex = self.how == How::Regex;
        let how = match word {
            "contains" => How::Text(Stands::Inside),
            "startswith" => How::Text(Stands::Begins),
            "endswith" => How::Text(Stands::Ends),
            "re" => How::Regex,
            "cidr" => How::Network,
            "gt" => How::Compare(Sign::More),
            "gte" => How::Compare(Sign::AtLeast),
            "lt" => How::Compare(Sign::Less),
            "lte" => How::Compare(Sign::AtMost),
            "exists" => How::Exists,
            "all" => return Self::set(&mut self.all),
            "cased" => return Self::set(&mut self.cased),
            "i" if is_regex => return Self::set(&mut self.ignores_case),
            "m" if is_regex => return Self::set(&mut self.multi_line),
            "s" if is_regex => return Self::set(&mut self.dot_all),
            "fieldref" => return Err("`fieldref` compares two fields, which is not done"),
            "base64" | "base64offset" | "wide" | "utf16" | "utf16le" | "utf16be" => {
                return Err("values in other encodings are not looked for");
            }
            "windash" => return Err("`windash` is for command lines"),
            "expand" => return Err("`expand` wants values that the rule does not have"),
            _ => return Err("has a modifier that is not known"),
        };
        if self.how != How::Text(Stands::Whole) {
            return Err("has two modifiers that do not go together");
        }
        self.how = how;
        Ok(())
    }

    fn set(flag: &mut bool) -> Result<(), &'static str> {
        *flag = true;
        Ok(())
    }
}
