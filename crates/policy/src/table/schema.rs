//! The JSON Schema of a declared table.

use serde_json::{Map, Value as Json, json};

use super::{About, AboutKey, Presence, Together};

/// A description as one text.
pub(crate) fn prose(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

impl About {
    /// The JSON Schema of the table.
    pub(crate) fn schema(&self) -> Json {
        let properties: Map<String, Json> =
            self.keys.iter().map(|key| (key.name.to_owned(), key.schema())).collect();
        let required = self.keys.iter().filter(|key| matches!(key.presence, Presence::Required));
        let required: Vec<&str> = required.map(|key| key.name).collect();
        let mut schema = json!({
            "type": "object",
            "description": prose(self.doc),
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let all: Vec<Json> = self.rules.iter().map(|rule| rule.schema()).collect();
        if let (Some(object), false) = (schema.as_object_mut(), all.is_empty()) {
            object.insert("allOf".to_owned(), Json::Array(all));
        }
        schema
    }
}

impl AboutKey {
    fn schema(&self) -> Json {
        let mut schema = (self.schema)();
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".to_owned(), Json::String(prose(self.doc)));
            // A table's default is that of its keys.
            if let (Presence::Default(text), None) = (self.presence, self.table)
                && let Some(default) = crate::schema::json_of(text)
            {
                object.insert("default".to_owned(), default);
            }
        }
        schema
    }
}

impl Together {
    fn schema(self) -> Json {
        let each =
            |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
        match self {
            Self::ExactlyOne(names) => json!({ "oneOf": each(names) }),
            Self::AtLeastOne(names) => json!({ "anyOf": each(names) }),
            // None, or one.
            Self::AtMostOne(names) => {
                let mut each = each(names);
                each.push(json!({ "not": { "anyOf": each } }));
                json!({ "oneOf": each })
            }
            Self::Needs([one, other]) => json!({ "dependentRequired": { *one: [other] } }),
        }
    }
}
