//! What an unlimited answer looks like.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;

use crate::http::{KEPT_BODY_BYTES, Response};

/// The outline of a body: enough to tell "the same resource" from another page, not enough to be upset by new
/// data in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// No body.
    Empty,
    /// A JSON object with these names, each with the kind of its value; of a status-like member also the value, for
    /// `{"code":0,…}` and `{"code":404,…}` are not one resource.
    Object(BTreeMap<String, String>),
    /// A JSON list.
    List,
    /// Another JSON value.
    Scalar,
    /// Something else of this media type and about this many bytes (as a power of two).
    Other {
        /// The media type.
        media_type: String,
        /// `log2` of the length.
        magnitude: u32,
    },
}

impl Shape {
    /// The outline of a response.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        if response.body_bytes == 0 {
            return Self::Empty;
        }
        match response.json() {
            Some(Value::Object(fields)) => {
                Self::Object(fields.iter().map(|(name, value)| (name.clone(), kind(name, value))).collect())
            }
            Some(Value::Array(_)) => Self::List,
            Some(_) => Self::Scalar,
            // A large list is kept only in part, so it does not parse; its first byte still tells.
            None if response.media_type().contains("json") && response.body.first() == Some(&b'[') => {
                Self::List
            }
            None => Self::Other {
                media_type: response.media_type(),
                // No more than is kept is compared, for some requests are not read further.
                magnitude: response.body_bytes.min(KEPT_BODY_BYTES as u64).checked_ilog2().unwrap_or(0),
            },
        }
    }

    /// Whether two outlines can be of one resource.
    #[must_use]
    pub fn resembles(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => {
                // Optional fields come and go; an error object shares next to nothing with the data, and says so in its
                // status-like members.
                let differs = |(name, kind): (&String, &String)| {
                    is_status_like(name) && b.get(name).is_some_and(|other| other != kind)
                };
                let shared = a.iter().filter(|(name, kind)| b.get(*name) == Some(kind)).count();
                a == b || (!a.iter().any(differs) && 2 * shared >= a.len().max(b.len()).max(1))
            }
            (Self::Other { media_type: a, magnitude: m }, Self::Other { media_type: b, magnitude: n }) => {
                a == b && m.abs_diff(*n) <= 2
            }
            (a, b) => a == b,
        }
    }
}

/// Members by which envelope answers tell success from failure.
fn is_status_like(name: &str) -> bool {
    const NAMES: [&str; 8] =
        ["code", "status", "success", "ok", "errcode", "error_code", "errno", "result_code"];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn kind(name: &str, value: &Value) -> String {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    // A long text under such a name is no status.
    let telling = is_status_like(name) && value.to_string().len() <= 24;
    if telling { format!("{kind} {value}") } else { kind.to_owned() }
}

/// What the target answers when nothing limits it.
#[derive(Debug, Clone)]
pub struct Normal {
    /// The status.
    pub status: StatusCode,
    /// The media type.
    pub media_type: String,
    /// The outline of the body.
    pub shape: Shape,
    /// Where it redirects to, if it does.
    pub location: Option<String>,
    /// Whether it speaks of limits itself: then such words say nothing.
    pub speaks_of_limits: bool,
}

impl Normal {
    /// Takes a response as the normal one.
    #[must_use]
    pub fn of(response: &Response) -> Self {
        Self {
            status: response.status,
            media_type: response.media_type(),
            shape: Shape::of(response),
            location: response.header("location").map(str::to_owned),
            speaks_of_limits: super::signal::says_limited(response).is_some(),
        }
    }

    /// Whether a response is the same resource, answered as normal.
    #[must_use]
    pub fn is_same_resource(&self, response: &Response) -> bool {
        response.status == self.status && self.shape.resembles(&Shape::of(response))
    }
}
