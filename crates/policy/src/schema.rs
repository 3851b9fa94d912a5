//! The JSON Schema of `ratewarden.toml`.

use serde_json::{Map, Number, Value as Json, json};
use toml::de::DeValue;

use crate::file::File;
use crate::table::Table;

/// The JSON Schema (draft 2020-12) of the file.
#[must_use]
pub fn schema() -> Json {
    let mut schema = File::ABOUT.schema();
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("ratewarden.toml"));
    }
    schema
}

/// A TOML value as JSON, for defaults and for tests; `None` where it is no value.
pub(crate) fn json_of(text: &str) -> Option<Json> {
    DeValue::parse(text).ok().and_then(|value| json_value(value.get_ref()))
}

/// The same document in JSON; dates are strings, and a number beyond 64 bits is none.
pub(crate) fn json_value(value: &DeValue<'_>) -> Option<Json> {
    Some(match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Boolean(switch) => Json::Bool(*switch),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => Json::Number(Number::from_f64(number.as_str().parse().ok()?)?),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::Array(array) => {
            Json::Array(array.iter().map(|item| json_value(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), json_value(value.get_ref())?)));
            Json::Object(entries.collect::<Option<Map<_, _>>>()?)
        }
    })
}
