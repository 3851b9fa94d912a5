//! Single values that are more than a string: switches, whole numbers between bounds, and one of a few words.

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::{Form, Kind, Value, wrong_type};
use crate::notes::{Notes, Place};
use crate::suggestion::{did_you_mean, one_of};

impl Form for bool {
    const KIND: Kind = Kind::Switch;

    fn expected() -> String {
        "`true` or `false`".to_owned()
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        if let DeValue::Boolean(switch) = value.get_ref() {
            return Some(*switch);
        }
        wrong_type(value, &Self::expected(), place, notes);
        None
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count<const MIN: u64, const MAX: u64>(pub(crate) u64);

/// A number as the file would write it: 1_000_000.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        // A lone underscore in 1_000 helps nobody.
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// The largest number that every TOML and JSON reader agrees on.
pub(crate) const MAX_NUMBER: u64 = i64::MAX as u64;

impl<const MIN: u64, const MAX: u64> Form for Count<MIN, MAX> {
    const KIND: Kind = Kind::Number;

    fn expected() -> String {
        match MAX {
            MAX_NUMBER => format!("a whole number from {}", grouped(MIN)),
            _ => format!("a whole number from {} to {}", grouped(MIN), grouped(MAX)),
        }
    }

    fn schema() -> Json {
        match MAX {
            MAX_NUMBER => json!({ "type": "integer", "minimum": MIN }),
            _ => json!({ "type": "integer", "minimum": MIN, "maximum": MAX }),
        }
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        if let DeValue::Integer(number) = value.get_ref() {
            let read = u64::from_str_radix(number.as_str(), number.radix());
            if let Some(fits) = read.ok().filter(|number| (MIN..=MAX).contains(number)) {
                return Some(Self(fits));
            }
        }
        let draft = wrong_type(value, &Self::expected(), place, notes);
        match value.get_ref() {
            DeValue::Integer(number) if number.as_str() == "0" => {
                draft.hint("zero never means unlimited here");
            }
            DeValue::String(text) if text.parse::<u64>().is_ok() => {
                draft.hint(format!("write it without quotes: {text}"));
            }
            _ => {}
        }
        None
    }
}

/// One of a few words.
pub(crate) trait Choice: Copy + 'static {
    /// Each word, what it stands for, and what it does.
    const WORDS: &'static [(&'static str, Self, &'static str)];
}

/// A [`Choice`] in the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneOf<T>(pub(crate) T);

impl<T: Choice> Form for OneOf<T> {
    const KIND: Kind = Kind::Text;

    fn expected() -> String {
        one_of(T::WORDS.iter().map(|(word, ..)| *word))
    }

    fn schema() -> Json {
        let each = T::WORDS.iter().map(|(word, _, about)| json!({ "const": word, "description": about }));
        json!({ "type": "string", "oneOf": each.collect::<Vec<_>>() })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let words = || T::WORDS.iter().map(|(word, ..)| *word);
        let DeValue::String(text) = value.get_ref() else {
            wrong_type(value, &Self::expected(), place, notes);
            return None;
        };
        let choice = T::WORDS.iter().find(|(word, ..)| word == text).map(|(_, choice, _)| Self(*choice));
        if choice.is_none() {
            let hint = did_you_mean(text, words());
            wrong_type(value, &Self::expected(), place, notes).hint_if(hint);
        }
        choice
    }
}
