//! Forms that are strings with a grammar of their own. Whoever has one says only how it is parsed and what it looks like;
//! that it must be a string, and where a mistake stands, is said here for all of them.

use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::{Form, Kind, Value, wrong_type};
use crate::notes::{Notes, Place};

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
