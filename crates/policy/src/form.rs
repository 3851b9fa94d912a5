//! The forms a value can have in the file: each is read with its place, described in the schema, and named in
//! messages and on the reference page, from one implementation.
//!
//! What a form is stands here. Forms that are strings with a grammar are in [`written`], the other single values in
//! [`single`], and what is made of other forms in [`compound`].

mod compound;
mod single;
mod written;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::DeValue;

use crate::notes::{Notes, Place, Span, short};
use crate::table::About;

pub(crate) use compound::{Either, Many, Pairs, Several};
pub(crate) use single::{Choice, Count, MAX_NUMBER, OneOf, grouped};
pub(crate) use written::{Written, Wrong};

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
