//! From the tree to operations: paths, methods, parameters, a request that can be sent.

use serde_json::{Map, Value};

use super::document::Document;
use super::example;
use super::{ApiOperation, MAX_OPERATIONS};

/// Methods of a path item. DELETE too: the scanner never sends it, but it must know what a path has.
const METHODS: [&str; 8] = ["get", "head", "options", "post", "put", "patch", "delete", "trace"];

/// Parameters of one operation.
const MAX_PARAMETERS: usize = 100;

/// Longer paths, names and values are left out.
const MAX_PATH_BYTES: usize = 2 * 1024;
const MAX_NAME_BYTES: usize = 200;

/// Operations that get an example body; later ones have none, so that all examples together stay small.
const MAX_BODIES: usize = 500;

/// All operations in document order, and whether there are more than [`MAX_OPERATIONS`].
pub(super) fn all(document: &Document) -> (Vec<ApiOperation>, bool) {
    let mut operations = Vec::new();
    let mut bodies = MAX_BODIES;
    let root_servers = document.get("servers");
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten().filter(|(path, _)| !path.starts_with("x-")) {
        let Some(item) = document.object(item) else { continue };
        for (method, operation) in METHODS.iter().filter_map(|method| Some((method, item.get(*method)?))) {
            let Some(operation) = operation.as_object() else { continue };
            let servers = operation.get("servers").or_else(|| item.get("servers")).or(root_servers);
            let whole = format!("{}/{}", base_path(servers), path.trim_start_matches('/'));
            if whole.len() > MAX_PATH_BYTES {
                continue;
            }
            if operations.len() == MAX_OPERATIONS {
                return (operations, true);
            }
            let parameters = Parameter::all(document, item, operation);
            let body_example = if bodies > 0 { body_example(document, operation) } else { None };
            bodies -= usize::from(body_example.is_some());
            operations.push(ApiOperation {
                method: method.to_ascii_uppercase(),
                concrete: concrete(&whole, &parameters),
                query: parameters
                    .iter()
                    .filter(|one| one.place == "query")
                    .map(|one| one.name.to_owned())
                    .collect(),
                body_example,
                secured: is_secured(operation.get("security").or_else(|| document.get("security"))),
                path: whole,
            });
        }
    }
    (operations, false)
}

/// The path of the first server, without the slash at its end; variables have their defaults filled in.
fn base_path(servers: Option<&Value>) -> String {
    let Some(server) = servers.and_then(|servers| servers.get(0)) else { return String::new() };
    let mut url = server.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    if url.len() > MAX_PATH_BYTES {
        return String::new();
    }
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten().take(20)
    {
        if let Some(default) =
            variable.get("default").and_then(Value::as_str).filter(|text| text.len() <= MAX_NAME_BYTES)
        {
            url = url.replacen(&format!("{{{name}}}"), default, 4);
        }
    }
    let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let is_absolute = after_scheme.len() < url.len() || url.starts_with("//");
    let path = if is_absolute {
        after_scheme.trim_start_matches('/').split_once('/').map_or("", |(_, path)| path)
    } else {
        after_scheme.trim_start_matches("./")
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

/// A requirement counts unless the list is empty or an empty requirement makes it optional.
fn is_secured(security: Option<&Value>) -> bool {
    let requirements = security.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_empty = |one: &Value| one.as_object().is_some_and(Map::is_empty);
    !requirements.is_empty() && !requirements.iter().any(is_empty)
}

struct Parameter<'a> {
    name: &'a str,
    place: &'a str,
    required: bool,
    value: Option<Value>,
}

impl<'a> Parameter<'a> {
    /// Those of the operation, and those of the path that the operation does not override.
    fn all(
        document: &'a Document,
        item: &'a Map<String, Value>,
        operation: &'a Map<String, Value>,
    ) -> Vec<Parameter<'a>> {
        let mut parameters: Vec<Self> = Vec::new();
        for holder in [operation, item] {
            let declared = holder.get("parameters").and_then(Value::as_array).into_iter().flatten();
            for parameter in declared.filter_map(|one| Self::read(document, one)).take(MAX_PARAMETERS) {
                let known =
                    parameters.iter().any(|one| (one.name, one.place) == (parameter.name, parameter.place));
                if !known && parameters.len() < MAX_PARAMETERS {
                    parameters.push(parameter);
                }
            }
        }
        parameters
    }

    fn read(document: &'a Document, node: &'a Value) -> Option<Self> {
        let node = document.resolve(node)?;
        let name = node.get("name")?.as_str().filter(|name| name.len() <= MAX_NAME_BYTES)?;
        let content = || node.get("content")?.as_object()?.values().next();
        let from = |holder: &Value| {
            let by_schema = || example::stated_by_schema(document.member(holder, "schema")?);
            example::stated(document, holder).or_else(by_schema)
        };
        Some(Self {
            name,
            place: node.get("in")?.as_str()?,
            required: node.get("required").and_then(Value::as_bool).unwrap_or_default(),
            value: from(node).or_else(|| from(content()?)),
        })
    }
}

/// The path with every template filled in, and the required query parameters. Headers are the user's to give.
fn concrete(path: &str, parameters: &[Parameter<'_>]) -> Option<String> {
    let value_of = |name: &str, place: &str| {
        let parameter = parameters.iter().find(|one| one.name == name && one.place == place)?;
        parameter.value.as_ref()
    };
    let mut filled = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}')?;
        filled.push_str(&encode(before, PATH));
        filled.push_str(&scalar(value_of(name, "path")?)?);
        rest = tail;
    }
    filled.push_str(&encode(rest, PATH));
    let mut separator = if filled.contains('?') { '&' } else { '?' };
    for parameter in parameters.iter().filter(|one| one.place == "query" && one.required) {
        let values = match parameter.value.as_ref()? {
            Value::Array(items) => items.iter().take(10).map(scalar).collect::<Option<Vec<_>>>()?,
            value => vec![scalar(value)?],
        };
        for value in values {
            filled.push(separator);
            separator = '&';
            filled.push_str(&encode(parameter.name, b""));
            filled.push('=');
            filled.push_str(&value);
        }
    }
    (filled.len() <= 2 * MAX_PATH_BYTES).then_some(filled)
}

/// A plain value, percent-encoded; none where it is empty, long or no plain value.
fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    (!text.is_empty() && text.len() <= MAX_NAME_BYTES).then(|| encode(&text, b""))
}

/// What a path template may have as it is. A `?` is against the specification, but some write it.
const PATH: &[u8] = b"/?&=%:;,@!$'()*+";

/// Everything percent-encoded but the unreserved characters of RFC 3986 and those that are kept.
fn encode(text: &str, keep: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// An example of the JSON body, as it is given or made from its schema.
fn body_example(document: &Document, operation: &Map<String, Value>) -> Option<Value> {
    let content = document.member(operation.get("requestBody")?, "content")?.as_object()?;
    let is_json = |name: &str| {
        let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        name.ends_with("/json") || name.ends_with("+json") || name == "*/*"
    };
    let (_, media) = content.iter().take(MAX_PARAMETERS).find(|(name, _)| is_json(name))?;
    let media = document.resolve(media)?;
    example::stated(document, media).or_else(|| example::of_schema(document, media.get("schema")?))
}
