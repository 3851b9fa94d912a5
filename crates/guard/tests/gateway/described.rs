//! The OpenAPI document that a gateway serves, and answers held against it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::admin::{json as body_of, send};
use crate::server::{Answer, Gateway};

/// The document, and what of it has been seen.
pub(crate) struct Described {
    pub(crate) document: Value,
    pub(crate) seen: RefCell<BTreeSet<(String, String, String)>>,
}

impl Described {
    pub(crate) fn by(gateway: &Gateway) -> Self {
        let document = body_of(&send(gateway, "GET", "/v1/openapi.json", ""));
        Self { document, seen: RefCell::default() }
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> &Value {
        &self.document["paths"][path][method.to_ascii_lowercase()]
    }

    /// Every operation: method, path, and what the document says of it.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        self.document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations
                .filter(|(_, operation)| operation.get("operationId").is_some())
                .map(|(method, operation)| (method.to_ascii_uppercase(), path.as_str(), operation))
        })
    }

    /// A check of a schema that lets nothing pass that it does not name.
    fn validator(&self, schema: &Value) -> Validator {
        let mut root = json!({ "allOf": [schema], "components": self.document["components"] });
        close(&mut root);
        jsonschema::options().should_validate_formats(true).build(&root).unwrap()
    }

    /// Holds an answer against the document.
    pub(crate) fn hold(&self, method: &str, path: &str, answer: &Answer) {
        let responses = &self.operation(method, path)["responses"];
        let status = answer.status.to_string();
        let key = if responses.get(&status).is_some() { status.as_str() } else { "default" };
        let shown = format!("{method} {path} {status}");
        let mut response = responses.get(key).unwrap_or_else(|| panic!("{shown} is not described"));
        if let Some(reference) = response.get("$ref") {
            response = self.document.pointer(&reference.as_str().unwrap()[1..]).unwrap();
        }
        for (name, field) in response["headers"].as_object().into_iter().flatten() {
            let value = answer.field(name);
            assert!(value.is_some() || field["required"] != true, "{shown}: no {name}");
        }
        let Some(content) = response["content"].as_object() else {
            assert_eq!((answer.field("content-type"), answer.body.as_str()), (None, ""), "{shown}");
            self.note(method, path, key);
            return;
        };
        let media_type = answer.field("content-type").unwrap();
        let schema = content.get(media_type).unwrap_or_else(|| panic!("{shown}: {media_type}"));
        if media_type.ends_with("json") {
            let errors = self.errors(&schema["schema"], &body_of(answer));
            assert!(errors.is_empty(), "{shown}: {errors:?}: {}", answer.body);
        }
        self.note(method, path, key);
    }

    pub(crate) fn errors(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.validator(schema).iter_errors(value).map(|error| error.to_string()).collect()
    }

    pub(crate) fn note(&self, method: &str, path: &str, key: &str) {
        self.seen.borrow_mut().insert((method.to_owned(), path.to_owned(), key.to_owned()));
    }

    /// Sends a body, and holds the answer and the body against the document.
    pub(crate) fn post(&self, gateway: &Gateway, path: &str, body: &str, status: u16) -> Answer {
        let answer = send(gateway, "POST", path, body);
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        self.hold("POST", path, &answer);
        let schema = &self.operation("POST", path)["requestBody"]["content"]["application/json"]["schema"];
        if let Ok(value) = serde_json::from_str(body) {
            let errors = self.errors(schema, &value);
            assert!(errors.is_empty() || status >= 400, "{path} {body}: {errors:?}");
            assert!(!errors.is_empty() || status != 400, "{path} {body}: it is valid, and is not understood");
        }
        answer
    }

    pub(crate) fn get(&self, gateway: &Gateway, path: &str, target: &str, status: u16) {
        let answer = send(gateway, "GET", target, "");
        assert_eq!(answer.status, status, "{target}: {}", answer.body);
        self.hold("GET", path, &answer);
    }
}

/// Forbids what is not named, wherever something is.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.contains_key("properties") && object.get("type").is_some_and(|is| is == "object") {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}
