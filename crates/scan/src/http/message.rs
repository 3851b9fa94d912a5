//! What is asked and what comes back.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};

/// One request, as a difference from the plain `GET` of the target.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: http::Method,
    /// Path and query as they go on the wire.
    pub path_and_query: String,
    /// Headers beside the user's own; one with the name of a user's header replaces it.
    pub headers: Vec<(String, String)>,
    /// Names of the user's headers that are left out.
    pub without: Vec<String>,
    /// The body.
    pub body: Bytes,
    /// The source address, where it is not the usual one.
    pub source: Option<IpAddr>,
    /// On a connection of its own rather than a kept one.
    pub fresh_connection: bool,
    /// Stop reading the body after so many bytes, where that is less than [`super::MAX_BODY_BYTES`].
    pub read_at_most: Option<u64>,
    /// Keep so many bytes of the body, where that is more than [`super::KEPT_BODY_BYTES`].
    pub keep_at_least: Option<usize>,
}

impl Request {
    /// A plain `GET`.
    #[must_use]
    pub fn get(path_and_query: impl Into<String>) -> Self {
        Self {
            method: http::Method::GET,
            path_and_query: path_and_query.into(),
            headers: Vec::new(),
            without: Vec::new(),
            body: Bytes::new(),
            source: None,
            fresh_connection: false,
            read_at_most: None,
            keep_at_least: None,
        }
    }

    /// The same with another method.
    #[must_use]
    pub fn method(mut self, method: http::Method) -> Self {
        self.method = method;
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = Bytes::from(value.to_string());
        self.header("content-type", "application/json")
    }
}

/// A whole answer, or as much of it as the bounds let through.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The HTTP version.
    pub version: Version,
    /// The header fields, at most [`super::MAX_HEADERS`].
    pub headers: HeaderMap,
    /// The first [`super::KEPT_BODY_BYTES`] of the body, or as many as the request asked for.
    pub body: Bytes,
    /// All bytes of the body that were read.
    pub body_bytes: u64,
    /// The body went on after the bytes that are read, broke off, or did not end in time.
    pub truncated: bool,
}

impl Response {
    /// A header field as text, the first of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type without parameters, lower case.
    #[must_use]
    pub fn media_type(&self) -> String {
        let full = self.header("content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The body as JSON, where it is JSON and was kept whole.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text, wrong UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No TCP connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// No TLS session.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The connection ended before the answer's header was whole.
    #[error("the connection was closed before an answer came")]
    Closed,
    /// What came is not HTTP, or is beyond the bounds.
    #[error("the answer is not usable HTTP: {0}")]
    Garbage(String),
    /// The answer's header did not come in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The request itself cannot be put on the wire.
    #[error("the request cannot be sent: {0}")]
    Unsendable(String),
}

/// What became of one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// When it was sent, since the budget began.
    pub sent_at: Duration,
    /// From sending to the end of the header (a limiter decides before the body).
    pub latency: Duration,
    /// From sending to the end of the body.
    pub total: Duration,
    /// The answer, or why there is none.
    pub result: Result<Response, Failure>,
}

impl Answer {
    /// The response, if one came.
    #[must_use]
    pub fn response(&self) -> Option<&Response> {
        self.result.as_ref().ok()
    }
}

/// A wait in words: `5 s`, `1.5 s`, `300 ms`.
pub(crate) fn seconds(wait: Duration) -> String {
    match wait.as_millis() {
        millis @ ..1_000 => format!("{millis} ms"),
        // The budget's end comes with a few milliseconds of grace, which nobody asked for.
        _ => format!("{} s", (wait.as_secs_f64() * 10.0).round() / 10.0),
    }
}
