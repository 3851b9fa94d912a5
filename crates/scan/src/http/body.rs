//! Reads an answer's body within bounds of bytes and time.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use super::message::{Request, Response};
use super::{KEPT_BODY_BYTES, MAX_BODY_BYTES};

/// How much of a body is read, and how much of that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    read: u64,
    kept: usize,
}

impl Bounds {
    /// What the request asks for, within the bounds of every answer.
    pub(super) fn of(request: &Request) -> Self {
        let read = request.read_at_most.map_or(MAX_BODY_BYTES, |bytes| bytes.min(MAX_BODY_BYTES));
        Self { read, kept: request.keep_at_least.map_or(KEPT_BODY_BYTES, |bytes| bytes.max(KEPT_BODY_BYTES)) }
    }
}

/// The whole answer, or what came of it: once there is a status, a body that breaks off, goes on beyond the bounds or
/// does not end in time is only incomplete.
pub(super) async fn read(answer: http::Response<Incoming>, bounds: Bounds, until: Instant) -> Response {
    let (parts, mut body) = answer.into_parts();
    let mut response = Response {
        status: parts.status,
        version: parts.version,
        headers: parts.headers,
        body: Bytes::new(),
        body_bytes: 0,
        truncated: false,
    };
    let mut kept = BytesMut::new();
    loop {
        if response.body_bytes >= bounds.read {
            response.truncated = !body.is_end_stream();
            break;
        }
        match tokio::time::timeout_at(until, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => {
                let Some(data) = frame.data_ref() else { continue };
                response.body_bytes += data.len() as u64;
                let room = bounds.kept - kept.len();
                kept.extend_from_slice(&data[..data.len().min(room)]);
            }
            Ok(Some(Err(_))) | Err(_) => {
                response.truncated = true;
                break;
            }
        }
    }
    response.body = kept.freeze();
    response
}
