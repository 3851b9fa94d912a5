//! The forms a value can have in the file: each is read with its place, described in the schema, and named in
//! messages and on the reference page, from one implementation.

use serde_json::{Value as Json, json};
use toml::Spanned;
use toml::de::DeValue;

use crate::notes::{Notes, Place, Span, short};
use crate::suggestion::{did_you_mean, one_of};
use crate::table::About;

/// A value of the file with its place.
pub(crate) type Value<'v> = Spanned<DeValue<'v>>;

/// What kind of TOML value a form is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Switch,
    List,
    Table,
}

/// A form a value can have.
pub(crate) trait Form: Sized {
    /// As what it is written.
    const KIND: Kind;

    /// The table it is, if it is one.
    const TABLE: Option<&'static About> = None;

    /// What is expected, as a message says it: a duration, such as `10s`.
    fn expected() -> String;

    /// Its JSON Schema.
    fn schema() -> Json;

    /// Reads it and notes every mistake; `None` when nothing can be made of it.
    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self>;
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
    /// Its number in the array that holds it, counted from 0; 0 outside of one.
    pub(crate) index: usize,
}

impl<T> At<T> {
    pub(crate) const fn new(value: T, span: Span) -> Self {
        Self { value, span, index: 0 }
    }
}

/// Why a text does not have a form.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Wrong {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// A form that is a string with a grammar of its own.
pub(crate) trait Written: Sized {
    /// What is expected, as a message says it.
    const EXPECTED: &'static str;

    /// Examples for the schema; each is read by a test.
    const EXAMPLES: &'static [&'static str];

    /// A regular expression that holds for every text that is read.
    const PATTERN: &'static str = "";

    /// Reads it.
    fn parse(text: &str) -> Result<Self, Wrong>;

    /// What to do when a number was found instead.
    fn hint_for_number(_number: &str) -> Option<String> {
        None
    }
}

impl<T: Written> Form for T {
    const KIND: Kind = Kind::Text;

    fn expected() -> String {
        T::EXPECTED.to_owned()
    }

    fn schema() -> Json {
        match T::PATTERN {
            "" => json!({ "type": "string", "examples": T::EXAMPLES }),
            pattern => json!({ "type": "string", "pattern": pattern, "examples": T::EXAMPLES }),
        }
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::String(text) => text,
            other => {
                let hint = match other {
                    DeValue::Integer(number) => T::hint_for_number(number.as_str()),
                    _ => None,
                };
                wrong_type(value, T::EXPECTED, place, notes).hint_if(hint);
                return None;
            }
        };
        match T::parse(text) {
            Ok(read) => Some(read),
            Err(Wrong { message, hint }) => {
                notes.mistake(&value.span(), place, message).hint_if(hint);
                None
            }
        }
    }
}

/// Notes that a value has another type than expected.
pub(crate) fn wrong_type<'n>(
    value: &Value<'_>,
    expected: &str,
    place: &Place<'_>,
    notes: &'n mut Notes,
) -> &'n mut crate::remark::Draft {
    let message = format!("found {}, expected {expected}", found(value.get_ref()));
    notes.mistake(&value.span(), place, message)
}

/// A value as a message names it.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string \"{}\"", short(text)),
        DeValue::Integer(number) => format!("the number {}", short(&number.to_string())),
        DeValue::Float(number) => format!("the number {}", short(number.as_str())),
        DeValue::Boolean(switch) => format!("`{switch}`"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn is_kind(value: &DeValue<'_>, kind: Kind) -> bool {
    match value {
        DeValue::String(_) => kind == Kind::Text,
        DeValue::Integer(_) | DeValue::Float(_) => kind == Kind::Number,
        DeValue::Boolean(_) => kind == Kind::Switch,
        DeValue::Array(_) => kind == Kind::List,
        DeValue::Table(_) => kind == Kind::Table,
        DeValue::Datetime(_) => false,
    }
}

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

/// One value, or an array of one to `MAX`.
#[derive(Debug)]
pub(crate) struct Several<T, const MAX: usize>(pub(crate) Vec<At<T>>);

impl<T: Form, const MAX: usize> Form for Several<T, MAX> {
    const KIND: Kind = Kind::List;
    const TABLE: Option<&'static About> = T::TABLE;

    fn expected() -> String {
        format!("{}, or an array of them", T::expected())
    }

    fn schema() -> Json {
        let one = T::schema();
        json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1, "maxItems": MAX }] })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let DeValue::Array(array) = value.get_ref() else {
            let read = T::read(value, place, notes)?;
            return Some(Self(vec![At::new(read, notes.span(&value.span()))]));
        };
        if array.is_empty() {
            notes.mistake(&value.span(), place, format!("found an empty array, expected {}", T::expected()));
            return None;
        }
        Some(Self(items(array, MAX, value, place, notes)))
    }
}

/// An array of at most `MAX`, which may be empty.
#[derive(Debug)]
pub(crate) struct Many<T, const MAX: usize>(pub(crate) Vec<At<T>>);

impl<T: Form, const MAX: usize> Form for Many<T, MAX> {
    const KIND: Kind = Kind::List;
    const TABLE: Option<&'static About> = T::TABLE;

    fn expected() -> String {
        match T::KIND {
            Kind::Table => "an array of tables".to_owned(),
            _ => format!("an array, each {}", T::expected()),
        }
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema(), "maxItems": MAX })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let found = value.get_ref();
        if let DeValue::Array(array) = found {
            return Some(Self(items(array, MAX, value, place, notes)));
        }
        let draft = wrong_type(value, &Self::expected(), place, notes);
        if is_kind(found, T::KIND) {
            match found {
                DeValue::Table(_) => draft.hint(format!("write `[[{place}]]`, with two brackets")),
                DeValue::String(text) => draft.hint(format!("write [\"{}\"]", short(text))),
                _ => {}
            }
        }
        None
    }
}

/// Reads each element, and goes on after a wrong one.
fn items<T: Form>(
    array: &toml::de::DeArray<'_>,
    most: usize,
    value: &Value<'_>,
    place: &Place<'_>,
    notes: &mut Notes,
) -> Vec<At<T>> {
    if array.len() > most {
        let message = format!("found {} elements, expected at most {most}", array.len());
        notes.mistake(&value.span(), place, message);
    }
    let each = array.iter().take(most).enumerate().filter_map(|(index, item)| {
        let read = T::read(item, &place.item(index), notes)?;
        Some(At { value: read, span: notes.span(&item.span()), index })
    });
    each.collect()
}

/// One form or another, told apart by the kind of value.
#[derive(Debug)]
pub(crate) enum Either<A, B> {
    First(A),
    Second(B),
}

impl<A: Form, B: Form> Form for Either<A, B> {
    const KIND: Kind = A::KIND;
    const TABLE: Option<&'static About> = match A::TABLE {
        Some(table) => Some(table),
        None => B::TABLE,
    };

    fn expected() -> String {
        format!("{}, or {}", A::expected(), B::expected())
    }

    fn schema() -> Json {
        json!({ "anyOf": [A::schema(), B::schema()] })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        if is_kind(value.get_ref(), A::KIND) {
            return A::read(value, place, notes).map(Self::First);
        }
        if is_kind(value.get_ref(), B::KIND) {
            return B::read(value, place, notes).map(Self::Second);
        }
        wrong_type(value, &Self::expected(), place, notes);
        None
    }
}

/// A table whose keys are names of the caller's own and whose values are strings, at most `MAX`.
#[derive(Debug)]
pub(crate) struct Pairs<K, V, const MAX: usize>(pub(crate) Vec<(At<K>, V)>);

impl<K: Written, V: Written, const MAX: usize> Form for Pairs<K, V, MAX> {
    const KIND: Kind = Kind::Table;

    fn expected() -> String {
        format!("a table from {} to {}", K::EXPECTED, V::EXPECTED)
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": K::schema(),
            "additionalProperties": V::schema(),
            "minProperties": 1,
            "maxProperties": MAX,
        })
    }

    fn read(value: &Value<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            wrong_type(value, &Self::expected(), place, notes);
            return None;
        };
        if table.is_empty() || table.len() > MAX {
            let message = format!("found {} entries, expected 1 to {MAX}", table.len());
            notes.mistake(&value.span(), place, message);
        }
        let mut pairs: Vec<(At<K>, V)> = Vec::new();
        for (name, value) in table.iter().take(MAX) {
            let place = place.key(name.get_ref());
            let key = match K::parse(name.get_ref()) {
                Ok(key) => Some(key),
                Err(wrong) => {
                    notes.mistake(&name.span(), &place, wrong.message).hint_if(wrong.hint);
                    None
                }
            };
            if let (Some(key), Some(value)) = (key, V::read(value, &place, notes)) {
                pairs.push((At::new(key, notes.span(&name.span())), value));
            }
        }
        Some(Self(pairs))
    }
}
