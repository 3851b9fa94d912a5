//! What an unlimited answer looks like.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::Value;

use crate::http::Response;

/// The outline of a body: enough to tell "the same resource" from another page, not enough to be upset by new
/// data in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// No body.
    Empty,
    /// A JSON object with these names.
    Object(BTreeSet<String>),
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
            Some(Value::Object(fields)) => Self::Object(fields.keys().cloned().collect()),
            Some(Value::Array(_)) => Self::List,
            Some(_) => Self::Scalar,
            // A large list is kept only in part, so it does not parse; its first byte still tells.
            None if response.media_type().contains("json") && response.body.first() == Some(&b'[') => {
                Self::List
            }
            None => Self::Other {
                media_type: response.media_type(),
                magnitude: response.body_bytes.checked_ilog2().unwrap_or(0),
            },
        }
    }

    /// Whether two outlines can be of one resource.
    #[must_use]
    pub fn resembles(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => {
                // Optional fields come and go; an error object shares next to nothing with the data.
                let shared = a.intersection(b).count();
                a == b || 2 * shared >= a.len().max(b.len()).max(1)
            }
            (Self::Other { media_type: a, magnitude: m }, Self::Other { media_type: b, magnitude: n }) => {
                a == b && m.abs_diff(*n) <= 2
            }
            (a, b) => a == b,
        }
    }
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
        }
    }

    /// Whether a response is the same resource, answered as normal.
    #[must_use]
    pub fn is_same_resource(&self, response: &Response) -> bool {
        response.status == self.status && self.shape.resembles(&Shape::of(response))
    }
}
