//! Where something stands in a call, `header:x-api-key`, `query:limit`, `body:spec.cpus`: who calls, and what calls are
//! counted per. What a call costs is written in the same words and stands in `costs`.

use std::fmt;

use super::message::{HeaderName, is_token};
use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::policy::Key;
use crate::suggestion::{nearest, one_of};

/// Names on the way to a field of a JSON body.
const MAX_DEPTH: usize = 16;

/// Bytes of a name.
const MAX_NAME: usize = 256;

/// Where a caller's name stands; the settings of a token are keys of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallerWord {
    Header(String),
    Bearer,
    Basic,
    Cookie(String),
    Jwt(String),
    Mtls,
    Address,
}

impl Written for CallerWord {
    const EXPECTED: &'static str = "where a caller is named, such as `header:x-api-key`";
    const EXAMPLES: &'static [&'static str] =
        &["header:x-api-key", "bearer", "basic", "cookie:session", "jwt:sub", "mtls", "address"];
    const PATTERN: &'static str = "^(bearer|basic|mtls|address|(header|cookie|jwt):.+)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match parts(text) {
            ("header", Some(name)) => header(name).map(Self::Header),
            ("bearer", None) => Ok(Self::Bearer),
            ("basic", None) => Ok(Self::Basic),
            ("cookie", Some(name)) => cookie(name).map(Self::Cookie),
            ("jwt", Some(claim)) => plain(claim, "a claim").map(Self::Jwt),
            ("mtls", None) => Ok(Self::Mtls),
            ("address", None) => Ok(Self::Address),
            _ => Err(unknown(
                text,
                &["header:NAME", "bearer", "basic", "cookie:NAME", "jwt:CLAIM", "mtls", "address"],
            )),
        }
    }
}

impl Written for Key {
    const EXPECTED: &'static str = "what calls are counted per, such as `caller`";
    const EXAMPLES: &'static [&'static str] = &[
        "caller",
        "address",
        "user",
        "route",
        "method",
        "header:x-team",
        "query:kind",
        "path:id",
        "cookie:session",
        "body:spec.user",
    ];
    const PATTERN: &'static str = "^(caller|address|user|route|method|(header|query|path|cookie|body):.+)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match parts(text) {
            ("caller", None) => Ok(Self::Caller),
            ("address", None) => Ok(Self::Address),
            ("user", None) => Ok(Self::User),
            ("route", None) => Ok(Self::Route),
            ("method", None) => Ok(Self::Method),
            ("header", Some(name)) => header(name).map(Self::Header),
            ("query", Some(name)) => plain(name, "a query parameter").map(Self::Query),
            ("path", Some(name)) => plain(name, "a path parameter").map(Self::Path),
            ("cookie", Some(name)) => cookie(name).map(Self::Cookie),
            ("body", Some(path)) => field(path).map(Self::Body),
            _ => Err(unknown(
                text,
                &[
                    "caller",
                    "address",
                    "user",
                    "route",
                    "method",
                    "header:NAME",
                    "query:NAME",
                    "path:NAME",
                    "cookie:NAME",
                    "body:FIELD",
                ],
            )),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("caller"),
            Self::Address => f.write_str("address"),
            Self::User => f.write_str("user"),
            Self::Route => f.write_str("route"),
            Self::Method => f.write_str("method"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Path(name) => write!(f, "path:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Body(names) => write!(f, "body:{}", names.join(".")),
        }
    }
}

/// A field of a JSON body, without the word `body:`.
#[derive(Debug, Clone)]
pub(crate) struct BodyField(pub(crate) Vec<String>);

impl Written for BodyField {
    const EXPECTED: &'static str = "a field of a JSON body, such as `spec.cpus`";
    const EXAMPLES: &'static [&'static str] = &["limit", "spec.cpus"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        field(text).map(Self)
    }
}

/// A query parameter.
#[derive(Debug, Clone)]
pub(crate) struct QueryName(pub(crate) String);

impl Written for QueryName {
    const EXPECTED: &'static str = "the name of a query parameter";
    const EXAMPLES: &'static [&'static str] = &["limit"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        plain(text, "a query parameter").map(Self)
    }
}

/// `kind:NAME` as its two parts.
pub(super) fn parts(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((kind, name)) => (kind, Some(name)),
        None => (text, None),
    }
}

/// None of the words that are known here.
pub(super) fn unknown(text: &str, known: &[&'static str]) -> Wrong {
    let (kind, name) = parts(text);
    let near = nearest(kind, known.iter().map(|word| parts(word).0));
    let hint = near.map(|near| match name {
        Some(name) => format!("did you mean `{near}:{}`?", short(name)),
        None => known
            .iter()
            .find(|word| parts(word).0 == near)
            .map_or_else(String::new, |word| format!("did you mean `{word}`?")),
    });
    Wrong::new(format!("found `{}`, expected {}", short(text), one_of(known.iter().copied()))).hint_if(hint)
}

pub(super) fn header(name: &str) -> Result<String, Wrong> {
    HeaderName::parse(name).map(|name| name.0)
}

pub(super) fn plain(name: &str, what: &str) -> Result<String, Wrong> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(Wrong::new(format!("{what} has a name of 1 to {MAX_NAME} bytes")));
    }
    Ok(name.to_owned())
}

fn cookie(name: &str) -> Result<String, Wrong> {
    if !name.chars().all(is_token) {
        return Err(Wrong::new(format!("`{}` is not the name of a cookie", short(name))));
    }
    plain(name, "a cookie")
}

pub(super) fn field(path: &str) -> Result<Vec<String>, Wrong> {
    let names: Vec<String> = path.split('.').map(ToOwned::to_owned).collect();
    if path.len() > MAX_NAME || names.len() > MAX_DEPTH || names.iter().any(String::is_empty) {
        let message = format!("`{}` is not a field of a JSON body", short(path));
        return Err(Wrong::new(message)
            .hint(format!("names joined by dots, such as `spec.cpus`, at most {MAX_DEPTH}")));
    }
    Ok(names)
}
