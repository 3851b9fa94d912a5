//! A JSON body that a limit or a bound looks into.
//!
//! Only the way to the wanted field is parsed, level by level; what stands beside it is skipped but must be
//! JSON. A name that stands twice on the way is refused: parsers differ in which of the two they take, and the
//! one that is counted must be the one the upstream reads.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Refusal;

/// A whole body, within the cap for inspection.
#[derive(Debug, Clone, Copy)]
pub struct Body<'b>(&'b [u8]);

impl<'b> Body<'b> {
    /// Over these bytes.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'b [u8] {
        self.0
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a string, number or truth value at `field`; a whole number is the same however it is
    /// written (`7`, `7.0`, `"7"`). `None` when it, or an object on the way, is not there, or it is null.
    ///
    /// # Errors
    /// When the body is not a JSON object, a name on the way is there twice, or the field is no scalar.
    pub fn scalar(&self, field: &[String]) -> Result<Option<String>, Refusal> {
        let Some((_, text)) = self.find(field)? else { return Ok(None) };
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|error| not_json(&error.to_string()))?;
        Ok(match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Bool(truth) => Some(truth.to_string()),
            serde_json::Value::Number(number) => Some(canonical(&number)),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                let detail = format!("the field `{}` of the body is no string or number", field.join("."));
                return Err(Refusal::new(422, "body_field_type", detail));
            }
        })
    }

    /// Where the value of `field` stands in the body, and its text.
    ///
    /// # Errors
    /// As [`Body::scalar`].
    pub fn find(&self, field: &[String]) -> Result<Option<(Range<usize>, &'b str)>, Refusal> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut text = std::str::from_utf8(self.0).map_err(|error| not_json(&error.to_string()))?;
        for name in field {
            let object = text.trim_start_matches([' ', '\t', '\r', '\n']);
            if !object.starts_with('{') {
                return Err(not_json("an object was expected"));
            }
            let mut deserializer = serde_json::Deserializer::from_str(object);
            let found =
                deserializer.deserialize_map(Wanted(name)).map_err(|error| not_json(&error.to_string()))?;
            deserializer.end().map_err(|error| not_json(&error.to_string()))?;
            match found {
                Some(value) => text = value.get(),
                None => return Ok(None),
            }
        }
        // The text is a part of the body, so the difference of their addresses is its place.
        let start = text.as_ptr().addr() - self.0.as_ptr().addr();
        Ok(Some((start..start + text.len(), text)))
    }
}

fn not_json(why: &str) -> Refusal {
    Refusal::new(400, "body_not_json", format!("the body must be a JSON object with each name once: {why}"))
}

fn canonical(number: &serde_json::Number) -> String {
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        Some(float) if !number.is_u64() && !number.is_i64() && float.fract() == 0.0 && float.abs() < 9e15 => {
            (float as i64).to_string()
        }
        _ => number.to_string(),
    }
}

/// Finds one name of an object and refuses it twice.
struct Wanted<'n>(&'n str);

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some((name, value)) = map.next_entry::<std::borrow::Cow<'de, str>, &'de RawValue>()? {
            if name != self.0 {
                continue;
            }
            if found.replace(value).is_some() {
                return Err(A::Error::custom(format!("`{}` is there twice", self.0)));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(body: &str, field: &str) -> Result<Option<String>, Refusal> {
        let field: Vec<String> = field.split('.').map(str::to_owned).collect();
        Body::new(body.as_bytes()).scalar(&field)
    }

    #[test]
    fn one_number_is_one_key_however_it_is_written() {
        for body in
            [r#"{"user_id":7}"#, r#"{"user_id":"7"}"#, r#"{"user_id":7.0}"#, r#"{"user\u005fid":7e0}"#]
        {
            assert_eq!(scalar(body, "user_id"), Ok(Some("7".to_owned())), "{body}");
        }
        assert_eq!(scalar(r#" {"a": {"b": true}} "#, "a.b"), Ok(Some("true".to_owned())));
    }

    #[test]
    fn what_is_not_there_or_null_is_no_value() {
        for body in ["", "{}", r#"{"user_id":null}"#, r#"{"other":{"user_id":1}}"#] {
            assert_eq!(scalar(body, "user_id"), Ok(None), "{body}");
        }
    }

    #[test]
    fn a_body_that_two_parsers_read_differently_is_refused() {
        for body in [
            r#"{"user_id":1,"user_id":2}"#,
            r#"{"user_id":1,"user\u005fid":2}"#,
            r#"{"user_id":1} {"user_id":2}"#,
            r#"[{"user_id":1}]"#,
            r#"{"user_id":1"#,
            r"{'user_id':1}",
            "\u{feff}{\"user_id\":1}",
        ] {
            assert_eq!(scalar(body, "user_id").map_err(|refusal| refusal.status), Err(400), "{body}");
        }
        assert_eq!(scalar(r#"{"user_id":[1]}"#, "user_id").map_err(|refusal| refusal.status), Err(422));
    }

    #[test]
    fn the_place_of_a_value_is_its_place_in_the_body() {
        let body = r#"{"page": {"limit" : 5000 }}"#;
        let field = ["page".to_owned(), "limit".to_owned()];
        let (range, text) = Body::new(body.as_bytes()).find(&field).unwrap().unwrap();
        assert_eq!((&body[range], text), ("5000", "5000"));
    }
}
