//! `GET /v1/openapi.json`: what this listener understands and answers, for programs (OpenAPI 3.1).
//!
//! Written by hand, because it says more than types do, and held to the code by tests: here its routes, in
//! `tests/gateway/admin_openapi.rs` the answers of a running gateway.

/// The document, as it stands in the repository.
pub(super) const DOCUMENT: &str = include_str!("../../../../docs/openapi/admin.json");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::routes::ENTRIES;
    use super::DOCUMENT;
    use crate::gate::Judged;

    /// Every method that a path of OpenAPI can have.
    const METHODS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"];

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let document = document();
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in METHODS {
                if let Some(operation) = item.get(method.to_ascii_lowercase()) {
                    let is_open =
                        operation.get("security").is_some_and(|wanted| *wanted == Value::Array(vec![]));
                    described.insert((path.as_str(), method, is_open));
                }
            }
        }
        let known = ENTRIES.iter().flat_map(|entry| {
            let named = entry.methods.iter().map(|(method, _)| *method);
            let any = METHODS.into_iter().filter(|_| entry.methods.is_empty());
            named.chain(any).map(|method| (entry.path, method, entry.is_open))
        });
        assert_eq!(described, known.collect());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
        let document = document();
        let mut referred = BTreeSet::new();
        references(&document, &mut referred);
        let mut components = BTreeSet::new();
        for kind in ["responses", "schemas"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                components.insert(format!("#/components/{kind}/{name}"));
            }
        }
        assert_eq!(referred, components);
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_words_for_decisions_are_those_of_the_code() {
        let words = document()["components"]["schemas"]["Judgement"]["enum"].clone();
        assert_eq!(words, serde_json::json!(Judged::ALL.map(Judged::word)));
    }
}
