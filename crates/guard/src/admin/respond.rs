//! Answers of the admin listener.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Response, StatusCode};
use ratewarden_judge::Refusal;
use serde::Serialize;

use crate::answer;
use crate::live::Tail;

/// An answer.
pub(super) type Answer = Response<Payload>;

/// The body of one.
#[derive(Debug)]
pub(super) enum Payload {
    Whole(Full<Bytes>),
    /// Calls as they are decided, without end.
    Tail(Box<Tail>),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context),
            Self::Tail(tail) => tail.poll_lines(context).map(|lines| Some(Ok(Frame::data(lines)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Tail(_) => SizeHint::new(),
        }
    }
}

/// Something that goes wrong, as problem details (RFC 9457).
pub(super) fn problem(status: u16, reason: &'static str, detail: &str) -> Answer {
    refusal(&Refusal::new(status, reason, detail))
}

/// The same, of a refusal.
pub(super) fn refusal(refusal: &Refusal) -> Answer {
    let answer = answer::refusal(refusal);
    let mut response = text(answer.status, "application/problem+json", answer.body + "\n");
    for (name, value) in answer.fields.iter() {
        set(&mut response, name, value);
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
    let mut response = Response::new(Payload::Whole(Full::new(body.into())));
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
