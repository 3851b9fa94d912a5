//! An example value made from a schema: what the description gives (example, default, enum), else the smallest
//! plain value of the type.
//!
//! Bounded in depth, work and size, for schemas refer to themselves and examples can be megabytes. Where a bound is
//! passed there is no example; half an example would only provoke a 400.

use serde_json::{Map, Value, json};

use super::document::Document;

/// Objects and lists inside each other.
const MAX_DEPTH: usize = 8;

/// Optional properties are left out from this depth on: there self-references never end.
const OPTIONAL_DEPTH: usize = 4;

/// Schemas that are looked at for one example; alternatives inside alternatives would be without end otherwise.
const MAX_WORK: usize = 2_000;

/// The largest example, in bytes about as JSON.
const MAX_BYTES: usize = 8 * 1024;

/// Properties of one object.
const MAX_PROPERTIES: usize = 60;

/// Members of `allOf`, `oneOf` and `anyOf` that are looked at.
const MAX_ALTERNATIVES: usize = 20;

/// An example of a schema.
pub(super) fn of_schema(document: &Document, schema: &Value) -> Option<Value> {
    let mut sampler = Sampler { document, work: MAX_WORK };
    let example = sampler.sample(schema, 0)?;
    fits(&example).then_some(example)
}

/// What a parameter or a media type says itself: `example`, else the first of `examples`.
pub(super) fn stated(document: &Document, holder: &Value) -> Option<Value> {
    let first = || {
        let examples = holder.get("examples")?;
        let (_, example) = examples.as_object()?.iter().next()?;
        document.resolve(example)?.get("value")
    };
    holder.get("example").or_else(first).filter(|value| fits(value)).cloned()
}

/// What a schema says itself, without descending: `example`, `examples`, `default`, `const` or `enum`.
pub(super) fn stated_by_schema(schema: &Value) -> Option<Value> {
    let first = |key: &str| schema.get(key).and_then(|list| list.get(0));
    let value = schema
        .get("example")
        .or_else(|| first("examples"))
        .or_else(|| schema.get("default"))
        .or_else(|| schema.get("const"))
        .or_else(|| first("enum"))?;
    fits(value).then(|| value.clone())
}

/// Whether a value is small enough; stops counting when it is not.
fn fits(value: &Value) -> bool {
    fn pay(value: &Value, left: &mut usize) -> bool {
        let own = match value {
            Value::String(text) => text.len() + 2,
            Value::Object(members) => members.keys().take(MAX_BYTES).map(|key| key.len() + 4).sum(),
            _ => 5,
        };
        let Some(rest) = left.checked_sub(own) else { return false };
        *left = rest;
        match value {
            Value::Array(items) => items.iter().all(|item| pay(item, left)),
            Value::Object(members) => members.values().all(|member| pay(member, left)),
            _ => true,
        }
    }
    pay(value, &mut MAX_BYTES.clone())
}

struct Sampler<'a> {
    document: &'a Document,
    work: usize,
}

impl<'a> Sampler<'a> {
    fn sample(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        self.work = self.work.checked_sub(1)?;
        if depth > MAX_DEPTH {
            return None;
        }
        let schema = self.document.resolve(schema)?;
        if let Some(stated) = stated_by_schema(schema) {
            return Some(stated);
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.all_of(schema, parts, depth);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(alternatives) = schema.get(key).and_then(Value::as_array) {
                let mut alternatives = alternatives.iter().take(MAX_ALTERNATIVES);
                return alternatives.find_map(|alternative| self.sample(alternative, depth + 1));
            }
        }
        match kind(schema)? {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => Some(string(schema)),
            "integer" | "number" => Some(number(schema)),
            "boolean" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    /// The members of all parts together; of parts that are no objects the first that says anything.
    fn all_of(&mut self, schema: &'a Value, parts: &'a [Value], depth: usize) -> Option<Value> {
        let own = schema.get("properties").and_then(|_| self.object(schema, depth));
        let mut merged = Map::new();
        let mut plain = None;
        for part in parts.iter().take(MAX_ALTERNATIVES) {
            match self.sample(part, depth + 1) {
                Some(Value::Object(members)) => merged.extend(members),
                other => plain = plain.or(other),
            }
        }
        if let Some(Value::Object(members)) = own {
            merged.extend(members);
        }
        if merged.is_empty() { plain } else { Some(Value::Object(merged)) }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        let mut members = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let required =
            schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let required = &required[..required.len().min(MAX_PROPERTIES)];
        for (name, property) in properties.into_iter().flatten().take(MAX_PROPERTIES) {
            let is_required = required.iter().any(|other| other.as_str() == Some(name));
            let says =
                |key: &str| self.document.member(property, key).and_then(Value::as_bool).unwrap_or_default();
            if says("readOnly") || (!is_required && (depth >= OPTIONAL_DEPTH || says("deprecated"))) {
                continue;
            }
            match self.sample(property, depth + 1) {
                Some(value) => {
                    members.insert(name.clone(), value);
                }
                None if is_required => return None,
                None => {}
            }
        }
        Some(Value::Object(members))
    }

    fn array(&mut self, schema: &'a Value, depth: usize) -> Option<Value> {
        let at_least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let Some(items) = schema.get("items") else { return Some(json!([])) };
        let Some(item) = self.sample(items, depth + 1) else {
            return (at_least == 0).then(|| json!([]));
        };
        let count = usize::try_from(at_least.clamp(1, 5)).unwrap_or(1);
        Some(Value::Array(vec![item; count]))
    }
}

/// The type of a schema, as it says or as its other members imply. Of several (3.1) the first that is not null.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => Some(kind),
        Some(Value::Array(kinds)) => {
            let mut kinds = kinds.iter().take(MAX_ALTERNATIVES).filter_map(Value::as_str);
            kinds.find(|kind| *kind != "null").or(Some("null"))
        }
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() => Some("array"),
        _ if schema.get("minimum").is_some() || schema.get("maximum").is_some() => Some("number"),
        _ if schema.is_object() => Some("string"),
        _ => None,
    }
}

/// Plain values of the formats of OpenAPI and JSON Schema; addresses and names are the reserved ones.
const FORMATS: [(&str, &str); 10] = [
    ("date-time", "2026-01-01T00:00:00Z"),
    ("date", "2026-01-01"),
    ("time", "00:00:00Z"),
    ("uuid", "00000000-0000-4000-8000-000000000001"),
    ("email", "user@example.com"),
    ("uri", "https://example.com/"),
    ("url", "https://example.com/"),
    ("hostname", "example.com"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
];

fn string(schema: &Value) -> Value {
    let format = schema.get("format").and_then(Value::as_str);
    if let Some((_, text)) = FORMATS.iter().find(|(name, _)| Some(*name) == format) {
        return (*text).into();
    }
    let bound = |key: &str, default: u64| {
        let bound = schema.get(key).and_then(Value::as_u64).unwrap_or(default).min(1_000);
        usize::try_from(bound).unwrap_or_default()
    };
    let mut text = String::from("string");
    text.extend(std::iter::repeat_n('x', bound("minLength", 0).saturating_sub(text.len())));
    text.truncate(bound("maxLength", 1_000));
    text.into()
}

/// One, or the number nearest to it that the bounds allow.
fn number(schema: &Value) -> Value {
    let whole = kind(schema) == Some("integer");
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64).filter(|bound| bound.abs() < 1e15);
    // In 3.0 `exclusiveMinimum` is a flag, in 3.1 the bound itself.
    let flag = |key: &str| schema.get(key).and_then(Value::as_bool) == Some(true);
    let step = if whole { 1.0 } else { 0.5 };
    let low = bound("exclusiveMinimum").map(|low| low + step);
    let low =
        low.or_else(|| bound("minimum").map(|low| low + if flag("exclusiveMinimum") { step } else { 0.0 }));
    let high = bound("exclusiveMaximum").map(|high| high - step);
    let high = high
        .or_else(|| bound("maximum").map(|high| high - if flag("exclusiveMaximum") { step } else { 0.0 }));
    let mut value = 1.0_f64.min(high.unwrap_or(1.0)).max(low.unwrap_or(f64::MIN));
    if let Some(multiple) = bound("multipleOf").filter(|multiple| *multiple > 0.0) {
        value = (value / multiple).ceil() * multiple;
    }
    if whole || value.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "the bounds are below 2^53")]
        return (value.ceil() as i64).into();
    }
    value.into()
}
