//! Moving bodies: read out of one framing, written into another, never held whole unless a limit looks into them.

use std::time::Duration;

use ratewarden_http1::{BadChunk, Decoder, Framing, write_chunk_end, write_chunk_size};

use super::session::Session;
use crate::failed::Broken;
use crate::net::buffers::{Buffer, SIZE};
use crate::net::deadline::{Deadline, Deadlines, Late};
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;

/// A body that is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClientBody {
    Length(u64),
    Chunked(Decoder),
    UntilClose,
    Done,
}

/// What was found of a body in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Found {
    /// Bytes of framing before the data.
    pub(crate) before: usize,
    /// Bytes of data.
    pub(crate) data: usize,
    pub(crate) done: bool,
}

impl ClientBody {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(Decoder::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// What of the body is in `bytes`; `before + data` bytes are used up.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Result<Found, BadChunk> {
        let found = match self {
            Self::Done => Found { done: true, ..Found::default() },
            Self::UntilClose => Found { data: bytes.len(), ..Found::default() },
            Self::Length(left) => {
                let data = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= data as u64;
                Found { before: 0, data, done: *left == 0 }
            }
            Self::Chunked(decoder) => {
                let advance = decoder.advance(bytes)?;
                Found { before: advance.data.start, data: advance.data.len(), done: advance.done }
            }
        };
        if found.done {
            *self = Self::Done;
        }
        Ok(found)
    }
}

/// Where a body comes from.
pub(crate) struct Source<'s> {
    pub(crate) io: &'s Duplex<Stream>,
    pub(crate) buffer: &'s mut Buffer,
    pub(crate) deadline: &'s Deadline,
    pub(crate) deadlines: &'s Deadlines,
    pub(crate) timeout: Duration,
}

impl Source<'_> {
    /// Reads more; 0 at the end of the connection.
    pub(crate) async fn more(&mut self) -> Result<usize, Broken> {
        let until = self.deadlines.now() + self.timeout;
        match self.deadline.until(until, self.io.read(self.buffer, SIZE)).await {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(_)) => Err(Broken::Closed),
            Err(Late) => Err(Broken::Late),
        }
    }

    /// Writes `out` to `to`, which has as long for it as the source has for a piece, and empties it.
    async fn write(&self, to: &Duplex<Stream>, out: &mut Vec<u8>) -> Result<(), Broken> {
        if out.is_empty() {
            return Ok(());
        }
        let written = self.write_to(to, out).await;
        out.clear();
        written
    }

    /// Writes what is in the buffer to `to`, as it is.
    pub(crate) async fn pass(&mut self, to: &Duplex<Stream>) -> Result<(), Broken> {
        self.write_to(to, self.buffer.filled()).await?;
        self.buffer.consume(usize::MAX);
        Ok(())
    }

    async fn write_to(&self, to: &Duplex<Stream>, bytes: &[u8]) -> Result<(), Broken> {
        let until = self.deadlines.now() + self.timeout;
        match self.deadline.until(until, to.write_out(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(Late) => Err(Broken::Write),
        }
    }
}

/// Writes what the source has of `body` to `to`, with `framing` made anew, and returns the bytes of data. `out` may
/// hold a head, which goes out with the first piece; it is empty afterwards.
pub(crate) async fn pump(
    source: &mut Source<'_>,
    body: &mut ClientBody,
    framing: Framing,
    most: Option<u64>,
    to: &Duplex<Stream>,
    out: &mut Vec<u8>,
) -> Result<u64, Broken> {
    let mut total = 0_u64;
    while !body.is_done() {
        if source.buffer.is_empty() {
            // What is written already should not wait for what is not there.
            source.write(to, out).await?;
            if source.more().await? == 0 {
                if *body == ClientBody::UntilClose {
                    *body = ClientBody::Done;
                    break;
                }
                return Err(Broken::Closed);
            }
        }
        let found = body.find(source.buffer.filled()).map_err(Broken::Chunk)?;
        let end = found.before + found.data;
        total += found.data as u64;
        if most.is_some_and(|most| total > most) {
            return Err(Broken::TooLarge(most.unwrap_or_default()));
        }
        if let Some(data) = source.buffer.filled().get(found.before..end)
            && !data.is_empty()
        {
            write_piece(data, framing, out);
        }
        source.buffer.consume(end);
        if out.len() >= SIZE {
            source.write(to, out).await?;
        }
    }
    if framing == Framing::Chunked {
        write_chunk_end(out);
    }
    source.write(to, out).await?;
    Ok(total)
}

/// Appends data in its framing.
pub(crate) fn write_piece(data: &[u8], framing: Framing, out: &mut Vec<u8>) {
    if framing == Framing::Chunked {
        write_chunk_size(out, data.len());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    } else {
        out.extend_from_slice(data);
    }
}

/// Reads a client's whole body, of at most `most` bytes.
pub(crate) async fn read_whole(
    session: &mut Session,
    framing: Framing,
    most: usize,
    timeout: Duration,
) -> Result<Vec<u8>, Broken> {
    let too_large = || Broken::TooLarge(most as u64);
    if let Framing::Length(length) = framing
        && length > most as u64
    {
        return Err(too_large());
    }
    let mut body = ClientBody::new(framing);
    let mut whole = Vec::new();
    let mut source = session.source(timeout);
    while !body.is_done() {
        if source.buffer.is_empty() && source.more().await? == 0 {
            return Err(Broken::Closed);
        }
        let found = body.find(source.buffer.filled()).map_err(Broken::Chunk)?;
        let end = found.before + found.data;
        whole.extend_from_slice(source.buffer.filled().get(found.before..end).unwrap_or_default());
        source.buffer.consume(end);
        if whole.len() > most {
            return Err(too_large());
        }
    }
    Ok(whole)
}

/// Reads over a client's body that nobody wants; `false` when it is too large, late or malformed.
pub(crate) async fn discard(session: &mut Session, body: &mut ClientBody) -> bool {
    const MOST: usize = 64 * 1024;
    let timeout = Duration::from_secs(2);
    let mut source = session.source(timeout);
    let mut seen = 0;
    while !body.is_done() {
        if source.buffer.is_empty() && !matches!(source.more().await, Ok(1..)) {
            return false;
        }
        let Ok(found) = body.find(source.buffer.filled()) else { return false };
        let end = found.before + found.data;
        seen += end;
        source.buffer.consume(end);
        if seen > MOST {
            return false;
        }
    }
    true
}

impl Session {
    /// The client as the source of a body.
    pub(crate) fn source(&mut self, timeout: Duration) -> Source<'_> {
        Source {
            io: &self.io,
            buffer: &mut self.buffer,
            deadline: &self.deadline,
            deadlines: &self.worker.deadlines,
            timeout,
        }
    }
}
