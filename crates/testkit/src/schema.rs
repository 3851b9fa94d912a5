//! Published schemas as tests want them: so strict that a field which a schema forgot is an error.
//!
//! The schemas are open, so that a reader of today's documents reads tomorrow's. A test that compared a document with an
//! open schema would not see what was never written into it.

use serde_json::{Map, Value};

/// The schema with every object closed that does not say itself what else it may hold.
#[must_use]
pub fn closed(mut schema: Value) -> Value {
    close(&mut schema);
    schema
}

fn close(node: &mut Value) {
    match node {
        Value::Object(fields) => close_object(fields),
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn close_object(fields: &mut Map<String, Value>) {
    fields.values_mut().for_each(close);
    if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
        fields.insert("additionalProperties".into(), false.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_object_is_closed_but_those_that_say_what_else_they_hold() {
        let open = json!({
            "properties": { "a": { "properties": {} }, "b": { "anyOf": [{ "properties": {} }] } },
            "$defs": { "map": { "properties": {}, "additionalProperties": { "type": "string" } } },
        });
        let expected = json!({
            "properties": {
                "a": { "properties": {}, "additionalProperties": false },
                "b": { "anyOf": [{ "properties": {}, "additionalProperties": false }] },
            },
            "$defs": { "map": { "properties": {}, "additionalProperties": { "type": "string" } } },
            "additionalProperties": false,
        });
        assert_eq!(closed(open), expected);
    }
}
