//! A client's connection: call after call, until one of them ends it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ratewarden_http1::{HeadEnd, Reason, Refused};
use ratewarden_judge::Refusal;

use super::begin::{self, Begun, Unread};
use super::body::{self, ClientBody};
use super::forward;
use crate::answer;
use crate::call;
use crate::client::Client;
use crate::failed::Broken;
use crate::h2;
use crate::net::buffers::Buffer;
use crate::net::deadline::{Deadline, Late};
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::transfer::Rewound;
use crate::worker::Worker;

/// A connection and what belongs to it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) worker: Rc<Worker>,
    pub(crate) client: Client,
    pub(crate) io: Duplex<Stream>,
    pub(crate) buffer: Buffer,
    /// Of waits for the client.
    pub(crate) deadline: Rc<Deadline>,
    /// Of waits for the upstream.
    pub(crate) upstream_deadline: Rc<Deadline>,
}

/// What follows a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The next one.
    Next,
    /// The end of the connection, once the client has read the answer.
    Close,
    /// The client speaks HTTP/2; nothing of what it said is used up.
    Http2,
    /// The end, at once: nobody is there, or an answer was cut off and must not look whole.
    Cut,
}

/// A client that was answered while it was still sending is read from for at most this long and this much, so
/// that the answer is not lost to a reset (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 256 * 1024;

/// How a connection begins whose client knows beforehand that HTTP/2 is spoken (RFC 9113 section 3.4). It has the
/// form of a head, so that every other server refuses it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// What a client that waits with its body is told.
pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Serves a connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, client: Client, stream: Stream) {
    let (deadline, upstream_deadline) = (worker.deadlines.add(), worker.deadlines.add());
    let mut session = Session {
        io: Duplex::new(stream),
        worker,
        client,
        buffer: Buffer::default(),
        deadline,
        upstream_deadline,
    };
    let mut first = true;
    loop {
        match session.call(first).await {
            After::Next => first = false,
            After::Close => return session.close().await,
            After::Http2 => {
                let Session { worker, client, io, buffer, .. } = session;
                let stream = Rewound::new(buffer.filled().to_vec(), io.into_inner());
                drop(buffer);
                // On the heap, so that connections that stay with HTTP/1.1 do not carry its size.
                return Box::pin(h2::serve(worker, client, stream)).await;
            }
            After::Cut => return,
        }
    }
}

impl Session {
    async fn call(&mut self, first: bool) -> After {
        let waiting = self.worker.loaded();
        let length = match self.head(&waiting, first).await {
            Ok(Some(length)) => length,
            Ok(None) => return After::Cut,
            Err(refused) => return self.refuse(&refused).await,
        };
        // The policy may have changed since the connection began to wait.
        let loaded = self.worker.loaded();
        let mut out = self.worker.output();
        let head = self.buffer.filled().get(..length).unwrap_or_default();
        if first && head == PREFACE && !self.client.tls {
            return After::Http2;
        }
        let begun = begin::begin(&self.worker, &loaded, &self.client, head, None, &mut out);
        let after = match begun {
            Begun::Forward(call) => {
                self.buffer.consume(length);
                forward::forward(self, &loaded, call, &mut out).await
            }
            Begun::Answered(unread) => {
                self.buffer.consume(length);
                self.answered(&out, unread).await
            }
            Begun::NeedsBody(framing) => self.with_body(&loaded, length, framing, &mut out).await,
        };
        self.worker.done(out);
        if after == After::Next && self.buffer.is_empty() {
            self.buffer.rest();
        }
        after
    }

    /// Reads a head; `None` when the connection has ended before one began, or in the midst of one.
    async fn head(&mut self, loaded: &Loaded, first: bool) -> Result<Option<usize>, Refused> {
        let (timeouts, most) = (&loaded.policy.timeouts, loaded.policy.caps.head_bytes);
        let mut search = HeadEnd::default();
        let mut until = self.worker.deadlines.now() + if first { timeouts.header } else { timeouts.idle };
        let mut begun = !self.buffer.is_empty();
        if begun {
            until = self.worker.deadlines.now() + timeouts.header;
        }
        loop {
            if let Some(end) = search.find(self.buffer.filled())? {
                return if end > most { Err(Reason::HeadTooLarge.into()) } else { Ok(Some(end)) };
            }
            if self.buffer.len() >= most {
                return Err(Reason::HeadTooLarge.into());
            }
            let read = self.io.read(&mut self.buffer, most);
            let read = if begun {
                self.deadline.until(until, read).await
            } else {
                self.deadline.idle_until(until, read).await
            };
            match read {
                Ok(Ok(0) | Err(_)) => return Ok(None),
                Ok(Ok(_)) if begun => {}
                Ok(Ok(_)) => {
                    begun = true;
                    until = self.worker.deadlines.now() + timeouts.header;
                }
                Err(Late) if begun => return Err(Reason::HeadTimeout.into()),
                Err(Late) => return Ok(None),
            }
        }
    }

    /// The way of a call whose body is looked into: it is read whole, and only then judged.
    async fn with_body(
        &mut self,
        loaded: &Arc<Loaded>,
        length: usize,
        framing: ratewarden_http1::Framing,
        out: &mut Vec<u8>,
    ) -> After {
        let head = self.buffer.filled().get(..length).unwrap_or_default().to_vec();
        self.buffer.consume(length);
        if begin::expects_continue(&head) && !self.write(CONTINUE).await {
            return After::Cut;
        }
        let most = loaded.policy.caps.inspect_bytes;
        let timeout = loaded.policy.timeouts.body;
        let read = body::read_whole(self, framing, most, timeout).await;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(broken) => return self.broken_body(&broken).await,
        };
        match begin::begin(&self.worker, loaded, &self.client, &head, Some(&bytes), out) {
            Begun::Forward(call) => forward::forward(self, loaded, call, out).await,
            Begun::Answered(unread) => self.answered(out, Unread { framing: None, ..unread }).await,
            Begun::NeedsBody(_) => After::Cut,
        }
    }

    /// Sends an answer of the gateway, and reads over a small body that nobody wants.
    async fn answered(&mut self, out: &[u8], unread: Unread) -> After {
        if !self.write(out).await {
            return After::Cut;
        }
        if unread.close {
            return After::Close;
        }
        let Some(framing) = unread.framing else { return After::Next };
        let mut rest = ClientBody::new(framing);
        if body::discard(self, &mut rest).await { After::Next } else { After::Close }
    }

    /// Answers a message that is none, and ends the connection: where it would go on nobody can know.
    async fn refuse(&mut self, refused: &Refused) -> After {
        self.end_with(&call::refusal(refused)).await
    }

    /// Answers a body that is malformed, late or too large.
    async fn broken_body(&mut self, broken: &Broken) -> After {
        match broken.refusal() {
            Some(refusal) => self.end_with(&refusal).await,
            None => After::Cut,
        }
    }

    /// Answers a call that is refused, and ends the connection.
    async fn end_with(&mut self, refusal: &Refusal) -> After {
        self.worker.record(CallEnd::refused(&self.worker, refusal, &self.client));
        let mut out = self.worker.output();
        begin::write(&answer::refusal(refusal), true, true, &mut out);
        let written = self.write(&out).await;
        self.worker.done(out);
        if written { After::Close } else { After::Cut }
    }

    /// Writes to the client, who has as long for it as for a piece of a body: one that does not read its answers
    /// must not hold a connection for ever. Says whether all was written.
    pub(crate) async fn write(&self, bytes: &[u8]) -> bool {
        let until = self.worker.deadlines.now() + self.worker.loaded().policy.timeouts.body;
        matches!(self.deadline.until(until, self.io.write_out(bytes)).await, Ok(Ok(())))
    }

    /// Ends a connection so that the client can read the last answer: says that no more will come, and reads on a
    /// little.
    async fn close(mut self) {
        if self.io.shutdown().await.is_err() {
            return;
        }
        let until = self.worker.deadlines.now() + LINGER;
        let mut left = LINGER_BYTES;
        while left > 0 {
            self.buffer.consume(usize::MAX);
            let read = self.io.read(&mut self.buffer, crate::net::buffers::SIZE);
            match self.deadline.until(until, read).await {
                Ok(Ok(count)) if count > 0 => left = left.saturating_sub(count),
                _ => return,
            }
        }
    }
}
