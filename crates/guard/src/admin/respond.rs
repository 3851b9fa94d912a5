//! Answers of the admin listener.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::answer;
use crate::judge::Refusal;

/// An answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// Something that goes wrong, as problem details (RFC 9457).
pub(super) fn problem(status: u16, reason: &'static str, detail: &str) -> Answer {
    refusal(&Refusal::new(status, reason, detail))
}

/// The same, of a refusal.
pub(super) fn refusal(refusal: &Refusal) -> Answer {
    let answer = answer::refusal(refusal);
    let mut response = text(answer.status, "application/problem+json", answer.body + "\n");
    for (name, value) in answer.fields {
        set(&mut response, name, &value);
    }
    response
}

/// A value as JSON.
pub(super) fn json(status: u16, value: &impl Serialize) -> Answer {
    match serde_json::to_string(value) {
        Ok(json) => text(status, "application/json", json + "\n"),
        Err(error) => problem(500, "internal", &error.to_string()),
    }
}

/// A body of a media type.
pub(super) fn text(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static(media_type));
    response
}

/// Sets a field; a value that cannot be one is left out.
pub(super) fn set(response: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
