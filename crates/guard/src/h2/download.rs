//! A server's answer, from either version of HTTP.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::{Body as _, Incoming};
use ratewarden_http1::{
    Framing, HeadEnd, Reason, Refused, declared_length, is_hop_by_hop, parse_response, storage,
};

use super::answering::Answering;
use crate::failed::Failed;
use crate::h1::body::ClientBody;
use crate::net::buffers::{Buffer, SIZE};
use crate::net::deadline::{Late, Patience};
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::transfer::Piece;

/// Bytes of a server's head.
const HEAD: usize = 64 * 1024;

/// The head of an answer, as the client gets it.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body that will follow, where its length is known.
    pub(crate) length: Option<u64>,
    /// The response's price tag, where a limit asked for one.
    pub(crate) price: Option<Vec<u8>>,
}

/// The body of an answer.
pub(crate) trait Download {
    /// All of it, where it is there already; asked once, before the first piece.
    fn whole(&mut self) -> Option<Bytes>;

    /// The next piece.
    ///
    /// # Errors
    /// When the server does not go on.
    async fn piece(&mut self) -> Result<Piece, Failed>;
}

/// An answer over HTTP/1.1.
pub(crate) struct Http1<'d> {
    io: &'d Duplex<Stream>,
    buffer: &'d mut Buffer,
    patience: &'d Patience,
    body: ClientBody,
    /// The connection carries another call.
    pub(crate) reusable: bool,
}

/// An answer over HTTP/2.
pub(crate) struct Http2<'d> {
    incoming: Incoming,
    /// Nothing comes after the head, or nothing that is read.
    ended: bool,
    patience: &'d Patience,
}

impl<'d> Http1<'d> {
    /// Waits for the head; not bounded in time. Interim answers are left out.
    ///
    /// # Errors
    /// When the server closes the connection, or what it says is no answer.
    pub(crate) async fn head(
        answering: &Answering,
        io: &'d Duplex<Stream>,
        buffer: &'d mut Buffer,
        patience: &'d Patience,
    ) -> Result<(Arrived, Self), Failed> {
        let to_head = answering.method == http::Method::HEAD;
        loop {
            let length = read_head(io, buffer).await?;
            let mut fields = storage();
            let bytes = buffer.filled().get(..length).unwrap_or_default();
            let head = parse_response(bytes, &mut fields, to_head).map_err(Failed::Malformed)?;
            if head.status < 200 {
                buffer.consume(length);
                continue;
            }
            let known = match head.framing {
                Framing::Length(length) => Some(length),
                _ => head.named_length,
            };
            let mut arrived = answering.arrived(head.status, || head.forwarded(), known)?;
            if head.framing == Framing::None {
                arrived.length = None;
            }
            let (body, reusable) = (ClientBody::new(head.framing), head.keep_alive);
            buffer.consume(length);
            return Ok((arrived, Self { io, buffer, patience, body, reusable }));
        }
    }
}

impl<'d> Http2<'d> {
    /// An answer that has come.
    ///
    /// # Errors
    /// When what the server says is no answer.
    pub(crate) fn new(
        answering: &Answering,
        response: Response<Incoming>,
        patience: &'d Patience,
    ) -> Result<(Arrived, Self), Failed> {
        let (parts, incoming) = response.into_parts();
        let lengths = parts.headers.get_all(CONTENT_LENGTH).into_iter().map(HeaderValue::as_bytes);
        let known = declared_length(lengths).map_err(Failed::Malformed)?;
        let fields = || {
            let all = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            all.filter(|(name, _)| !is_hop_by_hop(name) && *name != "content-length")
        };
        let mut arrived = answering.arrived(parts.status.as_u16(), fields, known)?;
        let bodiless = answering.method == http::Method::HEAD || matches!(arrived.status, 204 | 304);
        let ended = bodiless || incoming.is_end_stream();
        if ended {
            if !bodiless && known.is_some_and(|length| length > 0) {
                return Err(Failed::Malformed(Reason::InvalidLength.into()));
            }
            arrived.length = None;
        }
        Ok((arrived, Self { incoming, ended, patience }))
    }
}

impl Download for Http1<'_> {
    fn whole(&mut self) -> Option<Bytes> {
        let length = match self.body {
            ClientBody::Done => 0,
            ClientBody::Length(left) => usize::try_from(left).ok()?,
            ClientBody::Chunked(_) | ClientBody::UntilClose => return None,
        };
        let bytes = Bytes::copy_from_slice(self.buffer.filled().get(..length)?);
        self.buffer.consume(length);
        self.body = ClientBody::Done;
        Some(bytes)
    }

    async fn piece(&mut self) -> Result<Piece, Failed> {
        loop {
            if self.buffer.is_empty() {
                match self.read().await {
                    Some(1..) => {}
                    Some(0) if self.body == ClientBody::UntilClose => return Ok(Piece::End),
                    _ => return Err(Failed::Midway),
                }
            }
            let found = self.body.find(self.buffer.filled()).map_err(|_| Failed::Midway)?;
            let end = found.before + found.data;
            let data = self.buffer.filled().get(found.before..end).unwrap_or_default();
            let bytes = Bytes::copy_from_slice(data);
            self.buffer.consume(end);
            if !bytes.is_empty() {
                return Ok(Piece::Data(bytes, found.done));
            }
            if found.done {
                return Ok(Piece::End);
            }
        }
    }
}

impl Http1<'_> {
    async fn read(&mut self) -> Option<usize> {
        let reading = self.io.read(self.buffer, SIZE);
        self.patience.wait(reading).await.ok()?.ok()
    }
}

impl Download for Http2<'_> {
    fn whole(&mut self) -> Option<Bytes> {
        self.ended.then(Bytes::new)
    }

    async fn piece(&mut self) -> Result<Piece, Failed> {
        let frame = self.patience.wait(self.incoming.frame()).await.map_err(|Late| Failed::Midway)?;
        let Some(frame) = frame.transpose().map_err(|_| Failed::Midway)? else { return Ok(Piece::End) };
        match frame.into_data() {
            Ok(bytes) => Ok(Piece::Data(bytes, self.incoming.is_end_stream())),
            Err(frame) => Ok(frame.into_trailers().map_or(Piece::End, Piece::Trailers)),
        }
    }
}

async fn read_head(io: &Duplex<Stream>, buffer: &mut Buffer) -> Result<usize, Failed> {
    let mut search = HeadEnd::default();
    let malformed = |reason: Reason| Failed::Malformed(Refused::from(reason));
    loop {
        match search.find(buffer.filled()) {
            Ok(Some(length)) => return Ok(length),
            Ok(None) if buffer.len() >= HEAD => return Err(malformed(Reason::HeadTooLarge)),
            Ok(None) => {}
            Err(refused) => return Err(Failed::Malformed(refused)),
        }
        let nothing = buffer.is_empty();
        match io.read(buffer, HEAD).await {
            Ok(1..) => {}
            _ if nothing => return Err(Failed::Closed),
            _ => return Err(malformed(Reason::StatusLine)),
        }
    }
}
