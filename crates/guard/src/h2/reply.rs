//! What hyper is given to answer with.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::AbortHandle;

use crate::answer::Answer;
use crate::transfer::{Cut, Pieces};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pieces: Pieces,
    /// The task that feeds it.
    _running: Option<Running>,
}

/// A task that ends with whoever waits for it: hyper drops a call whose client has reset it.
#[derive(Debug)]
pub(crate) struct Running(AbortHandle);

impl Running {
    pub(crate) const fn new(task: AbortHandle) -> Self {
        Self(task)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reply {
    /// A body that is there.
    pub(crate) const fn fed(pieces: Pieces) -> Self {
        Self { pieces, _running: None }
    }

    /// A body that `running` feeds, or has fed.
    pub(crate) const fn new(pieces: Pieces, running: Running) -> Self {
        Self { pieces, _running: Some(running) }
    }
}

/// An answer of the gateway itself. One to HEAD names its body's length and leaves the body out.
pub(crate) fn own(answer: Answer, to_head: bool) -> Response<Pieces> {
    let Answer { status, fields, media_type, body } = answer;
    let length = body.len();
    let pieces = if to_head || body.is_empty() { Pieces::Done } else { Pieces::Whole(Bytes::from(body)) };
    let mut response = Response::new(pieces);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !media_type.is_empty()
        && let Ok(value) = HeaderValue::try_from(&*media_type)
    {
        headers.insert(CONTENT_TYPE, value);
    }
    for (name, value) in fields.iter() {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers.insert(CONTENT_LENGTH, length.into());
    response
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        Pin::new(&mut self.get_mut().pieces).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.pieces.size_hint()
    }
}
