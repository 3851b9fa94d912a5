//! From bytes to an untyped tree that fits into memory, whatever the bytes say.
//!
//! A document of 8 MiB can unfold into gigabytes: YAML aliases repeat what they point to. The limits of the YAML
//! parser count events, not bytes, so every value is charged to one purse while the tree grows, JSON and YAML
//! alike. Keys of YAML that are numbers (`200:`) become text, for responses are often written so.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::OpenApiError;

/// What the whole tree may take, in bytes as [`Purse`] counts them.
const MAX_TREE_BYTES: usize = 96 * 1024 * 1024;

/// What one value is charged, beside its text.
const BYTES_OF_A_VALUE: usize = 64;

/// The deepest nesting in YAML. JSON has the 127 of its parser.
const MAX_DEPTH: usize = 100;

/// The YAML parser recurses, and in a debug build a level takes more than 20 KiB: too much for a thread of a pool,
/// whose stack is 2 MiB. So it runs on a thread with a stack for [`MAX_DEPTH`] levels.
const YAML_STACK_BYTES: usize = 16 * 1024 * 1024;

/// Reads a document. JSON is told from YAML by its first character.
pub(super) fn read(bytes: &[u8]) -> Result<Value, OpenApiError> {
    let text = utf8(bytes)?;
    if text.trim_start().starts_with(['{', '[']) {
        return json(text);
    }
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(YAML_STACK_BYTES);
        let parsed = parser.spawn_scoped(scope, || yaml(text)).map(std::thread::ScopedJoinHandle::join);
        parsed.ok().and_then(Result::ok).unwrap_or_else(|| {
            Err(OpenApiError::TooComplex { message: "the YAML parser gave up".to_owned() })
        })
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, OpenApiError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        OpenApiError::Broken {
            format: "UTF-8",
            line: before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1,
            column: String::from_utf8_lossy(&before[line_start..]).chars().count() as u64 + 1,
            message: "a byte that is no UTF-8".to_owned(),
        }
    })?;
    Ok(text.trim_start_matches('\u{feff}'))
}

fn json(text: &str) -> Result<Value, OpenApiError> {
    let purse = Purse::full();
    let mut parser = serde_json::Deserializer::from_str(text);
    let tree = Node(&purse).deserialize(&mut parser).and_then(|tree| parser.end().map(|()| tree));
    tree.map_err(|error| {
        let (line, column, message) = (error.line() as u64, error.column() as u64, error.to_string());
        if purse.is_empty() || message.starts_with("recursion limit") {
            return too_complex(purse.complaint().unwrap_or("deeper nesting than 127"), line, column);
        }
        broken("JSON", line, column, &message)
    })
}

fn yaml(text: &str) -> Result<Value, OpenApiError> {
    let purse = Purse::full();
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 1,
            max_nodes: 1_000_000,
            max_events: 2_000_000,
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_merge_keys: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 500_000 },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        emit_comments: false,
        strict_booleans: true,
        with_snippet: false,
    };
    let tree = serde_saphyr::with_deserializer_from_str_with_options(text, options, |parser| {
        Node(&purse).deserialize(parser)
    });
    tree.map_err(|error| {
        use serde_saphyr::Error;
        let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        let mut cause = &error;
        while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
            cause = error;
        }
        let bound = match cause {
            _ if purse.is_empty() => purse.complaint(),
            Error::Budget { breach, .. } => Some(breached(breach)),
            Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
                Some("aliases that repeat too much")
            }
            _ => None,
        };
        let broken = || broken("YAML", line, column, &error.to_string());
        bound.map_or_else(broken, |bound| too_complex(bound, line, column))
    })
}

fn breached(breach: &serde_saphyr::budget::BudgetBreach) -> &'static str {
    use serde_saphyr::budget::BudgetBreach as Breach;
    match breach {
        Breach::Depth { .. } => "deeper nesting than 100",
        Breach::Nodes { .. } | Breach::Events { .. } => "more values than a million",
        Breach::Aliases { .. } | Breach::Anchors { .. } | Breach::AliasAnchorRatio { .. } => {
            "too many aliases"
        }
        Breach::ScalarBytes { .. } => "more than 64 MiB of text",
        Breach::Documents { .. } => "more documents than one",
        _ => "more than the YAML parser allows",
    }
}

fn too_complex(bound: &str, line: u64, column: u64) -> OpenApiError {
    OpenApiError::TooComplex { message: format!("{bound}, at line {line}, column {column}") }
}

/// The parsers say the place in their messages too; it is said once, by us.
fn broken(format: &'static str, line: u64, column: u64, message: &str) -> OpenApiError {
    let message = message.split(" at line ").next().unwrap_or_default();
    OpenApiError::Broken { format, line, column, message: message.chars().take(200).collect() }
}

/// What is left for the tree.
struct Purse {
    left: Cell<usize>,
}

impl Purse {
    const fn full() -> Self {
        Self { left: Cell::new(MAX_TREE_BYTES) }
    }

    const fn is_empty(&self) -> bool {
        self.left.get() == 0
    }

    fn complaint(&self) -> Option<&'static str> {
        self.is_empty().then_some("more than 96 MiB of values")
    }

    /// Pays for a value with so much text. When the purse is empty it stays so, and the parser stops.
    fn pay<E: Error>(&self, text: usize) -> Result<(), E> {
        let left = self.left.get().saturating_sub(BYTES_OF_A_VALUE + text);
        self.left.set(left);
        if left == 0 { Err(E::custom("the document is too large in memory")) } else { Ok(()) }
    }
}

/// Builds one value of the tree.
#[derive(Clone, Copy)]
struct Node<'a>(&'a Purse);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.0.pay(0).map(|()| Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.0.pay(0).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.0.pay(0).map(|()| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.0.pay(0).map(|()| value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.0.pay(value.len()).map(|()| value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        self.0.pay(value.len()).map(|()| value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.0.pay(0).map(|()| Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.pay(0)?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        self.0.pay(0)?;
        let mut map = Map::new();
        while let Some(key) = members.next_key_seed(Key)? {
            self.0.pay(key.len())?;
            map.insert(key, members.next_value_seed(self)?);
        }
        Ok(Value::Object(map))
    }
}

/// A key as text, whatever YAML takes it for.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<String, E> {
        Ok(key.to_owned())
    }

    fn visit_bool<E: Error>(self, key: bool) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_i64<E: Error>(self, key: i64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_u64<E: Error>(self, key: u64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_f64<E: Error>(self, key: f64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }
}
