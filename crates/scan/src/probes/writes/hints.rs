//! What a refusal says is missing, too much or of the wrong type.
//!
//! Every framework words it differently, so words are looked for rather than formats, with two exceptions that carry names
//! apart from the words: FastAPI's `detail[].loc`, and objects from field to message (Django REST, Laravel, Rails).

use serde_json::{Map, Value};

use crate::http::Response;

/// The type a field must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Boolean,
    List,
    Object,
    Text,
    Uuid,
}

/// What was understood of a refusal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// Fields that have to be there.
    pub(super) missing: Vec<String>,
    /// Fields that may not be there.
    pub(super) unknown: Vec<String>,
    /// Fields of the wrong type.
    pub(super) kinds: Vec<(String, Kind)>,
}

const MISSING: [&str; 6] =
    ["required", "missing", "must not be empty", "can't be blank", "cannot be null", "must have"];
const UNKNOWN: [&str; 9] = [
    "unknown",
    "unexpected",
    "additional",
    "not allowed",
    "extra",
    "unrecognized",
    "unrecognised",
    "not permitted",
    "does not exist",
];
const KINDS: [(&str, Kind); 11] = [
    ("uuid", Kind::Uuid),
    ("integer", Kind::Number),
    ("number", Kind::Number),
    ("float", Kind::Number),
    ("boolean", Kind::Boolean),
    ("array", Kind::List),
    ("list", Kind::List),
    ("object", Kind::Object),
    ("dictionary", Kind::Object),
    ("string", Kind::Text),
    ("text", Kind::Text),
];
/// Names that belong to the error, not to the body it speaks of.
const NOT_FIELDS: [&str; 14] = [
    "error", "errors", "message", "messages", "detail", "details", "title", "type", "msg", "status", "code",
    "field", "fields", "body",
];
/// The most fields that are taken from one refusal.
const MOST_FIELDS: usize = 12;

/// Reads a refusal of a body with these fields.
pub(super) fn read(refusal: &Response, sent: &Map<String, Value>) -> Hints {
    let mut hints = Hints::default();
    match refusal.json() {
        Some(document) => read_json(&document, sent, &mut hints, 0),
        None => read_text(&refusal.text().chars().take(4_096).collect::<String>(), sent, &mut hints),
    }
    hints
}

fn read_json(value: &Value, sent: &Map<String, Value>, hints: &mut Hints, depth: usize) {
    if depth > 6 {
        return;
    }
    match value {
        Value::String(text) => read_text(text, sent, hints),
        Value::Array(items) => items.iter().take(50).for_each(|item| read_json(item, sent, hints, depth + 1)),
        Value::Object(fields) => {
            if let Some(name) = located(fields) {
                let words: Vec<&str> = ["type", "msg", "message"]
                    .iter()
                    .filter_map(|key| fields.get(*key).and_then(Value::as_str))
                    .collect();
                judge(&name, &words.join(" "), hints);
                return;
            }
            for (name, value) in fields.iter().take(50) {
                match first_text(value).filter(|_| !NOT_FIELDS.contains(&name.to_ascii_lowercase().as_str()))
                {
                    Some(words) => judge(name, words, hints),
                    None => read_json(value, sent, hints, depth + 1),
                }
            }
        }
        _ => {}
    }
}

/// The field an error object is about: FastAPI's `loc`, JSON:API's pointer, or `field`.
fn located(error: &Map<String, Value>) -> Option<String> {
    if let Some(place) = error.get("loc").and_then(Value::as_array) {
        return place.last().and_then(Value::as_str).filter(|name| *name != "body").map(str::to_owned);
    }
    let field = ["field", "property", "param", "path"]
        .iter()
        .find_map(|name| error.get(*name).and_then(Value::as_str))?;
    (!field.is_empty() && !field.contains('/')).then(|| field.to_owned())
}

fn first_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.as_array()?.first()?.as_str())
}

/// One sentence about one field.
fn judge(name: &str, words: &str, hints: &mut Hints) {
    let words = words.to_ascii_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    let full = hints.missing.len() + hints.unknown.len() + hints.kinds.len() >= MOST_FIELDS;
    if full || name.len() > 64 {
        return;
    }
    if says(&UNKNOWN) {
        hints.unknown.push(name.to_owned());
    } else if let Some((_, kind)) = KINDS.iter().find(|(word, _)| words.contains(word)) {
        hints.kinds.push((name.to_owned(), *kind));
    } else if says(&MISSING) {
        hints.missing.push(name.to_owned());
    }
}

/// Free text, sentence by sentence: quoted names, names that were sent, and the word before "is required".
fn read_text(text: &str, sent: &Map<String, Value>, hints: &mut Hints) {
    for sentence in text.split(['\n', ';', '.']) {
        let lower = sentence.to_ascii_lowercase();
        let telling =
            MISSING.iter().chain(&UNKNOWN).any(|word| lower.contains(word)) || lower.contains("must be");
        if !telling {
            continue;
        }
        let mut names: Vec<String> = quoted(sentence);
        let words = || sentence.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        names.extend(words().filter(|word| sent.contains_key(*word)).map(str::to_owned));
        if names.is_empty()
            && let Some(at) = lower.find(" is required").or_else(|| lower.find(" must be"))
        {
            names.extend(sentence[..at].split_ascii_whitespace().next_back().map(str::to_owned));
        }
        names.sort();
        names.dedup();
        // "unknown field `a`, expected one of `b`, `c`": what stands behind is what is wanted.
        let expected = lower.find(", expected").map_or("", |at| &sentence[at..]);
        for name in names {
            let wanted = !expected.is_empty() && quoted(expected).contains(&name);
            judge(&name, if wanted { "required" } else { &lower }, hints);
        }
    }
}

/// Identifiers between quotes or backticks.
fn quoted(sentence: &str) -> Vec<String> {
    let parts: Vec<&str> = sentence.split(['"', '\'', '`']).collect();
    let is_name = |part: &&&str| {
        let part: &str = part;
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
            && !NOT_FIELDS.contains(&part.to_ascii_lowercase().as_str())
    };
    parts.iter().skip(1).step_by(2).filter(is_name).map(|&part| part.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn hints(body: &str, sent: &Value) -> Hints {
        let refusal = Response {
            status: http::StatusCode::BAD_REQUEST,
            version: http::Version::HTTP_11,
            headers: http::HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_bytes: body.len() as u64,
            truncated: false,
        };
        read(&refusal, sent.as_object().unwrap())
    }

    #[test]
    fn frameworks_name_what_is_missing() {
        let sent = json!({ "key": "k" });
        for body in [
            r#"{"detail":[{"type":"missing","loc":["body","user_id"],"msg":"Field required","input":{}}]}"#,
            r#"{"user_id":["This field is required."]}"#,
            r#"{"errors":{"user_id":["The user id field is required."]}}"#,
            r#"{"error":"user_id is required"}"#,
            r#"{"message":"Missing required field 'user_id'"}"#,
            "missing field `user_id` at line 1 column 2",
            r#"{"errors":[{"field":"user_id","message":"is required"}]}"#,
        ] {
            assert_eq!(hints(body, &sent).missing, ["user_id"], "{body}");
        }
    }

    #[test]
    fn frameworks_name_what_is_too_much() {
        let sent = json!({ "user_id": "u", "value": 1 });
        for body in [
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","value"],"msg":"Extra inputs are not permitted"}]}"#,
            "unknown field `value`, expected `user_id`",
            r#"{"error":"Additional properties are not allowed ('value' was unexpected)"}"#,
        ] {
            assert!(hints(body, &sent).unknown.contains(&"value".to_owned()), "{body}");
        }
        let serde = hints("unknown field `value`, expected one of `user_id`, `reading`", &sent);
        assert_eq!(
            (serde.unknown, serde.missing),
            (vec!["value".into()], vec!["reading".into(), "user_id".into()])
        );
    }

    #[test]
    fn types_are_read() {
        let sent = json!({ "value": "x" });
        let fastapi = r#"{"detail":[{"type":"int_parsing","loc":["body","value"],"msg":"Input should be a valid integer"}]}"#;
        assert_eq!(hints(fastapi, &sent).kinds, [("value".to_owned(), Kind::Number)]);
        assert_eq!(hints("value must be a number", &sent).kinds, [("value".to_owned(), Kind::Number)]);
        assert_eq!(hints(r#"{"error":"bad request"}"#, &sent), Hints::default());
    }

    proptest! {
        #[test]
        fn no_refusal_upsets_it(body in ".{0,300}") {
            let _ = hints(&body, &json!({ "key": 1 }));
        }
    }
}
