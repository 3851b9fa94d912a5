//! A call on its way: to a server and back.

use std::cell::Cell;
use std::io;
use std::pin::pin;

use ratewarden_http1::Framing;

use super::begin::{self, Forward};
use super::body::{self, ClientBody, Source};
use super::download::{Answering, Replied};
use super::session::{After, CONTINUE, Session};
use super::{to_http2, upgrade};
use crate::answer;
use crate::failed::{Broken, Failed, is_idempotent};
use crate::gate::Ending;
use crate::net::deadline::Late;
use crate::state::Loaded;
use crate::upstream::{Connection, InFlight};

/// A body of at most this many bytes that is there already goes out with the head.
const INLINE: u64 = 16 * 1024;

/// Sends a call to a server and its answer to the client. `out` holds the head.
pub(crate) async fn forward(
    session: &mut Session,
    loaded: &Loaded,
    mut call: Box<Forward>,
    out: &mut Vec<u8>,
) -> After {
    if let Some(http2) = call.http2.take() {
        return Box::pin(to_http2::forward(session, loaded, call, *http2)).await;
    }
    let mut body = ClientBody::new(call.body);
    if let Framing::Length(length) = call.body
        && length <= INLINE
        && let Some(bytes) = session.buffer.filled().get(..usize::try_from(length).unwrap_or(usize::MAX))
    {
        out.extend_from_slice(bytes);
        let count = bytes.len();
        session.buffer.consume(count);
        body = ClientBody::Done;
    }
    if call.expects_continue && !body.is_done() && !session.write(CONTINUE).await {
        return After::Cut;
    }
    let (server, mut connection, outcome) = match attempts(session, loaded, &call, &mut body, out).await {
        Ok(done) => done,
        Err(failed) => return session.failed(*call, &failed, body.is_done()).await,
    };
    match outcome {
        Ok(replied) => {
            let price = replied.price.as_deref();
            call.end.finish(&session.worker, replied.status, replied.bytes);
            if replied.upgraded {
                // What is under way ends with the tunnel.
                upgrade::tunnel(session, &mut connection).await;
                call.pass.charges.settle(&Ending { status: 101, body_bytes: 0, price });
                return After::Cut;
            }
            call.pass.charges.settle(&Ending { status: replied.status, body_bytes: replied.bytes, price });
            if replied.reusable && body.is_done() {
                session.worker.pool(loaded).put(server.index(), connection);
            }
            if replied.close || !body.is_done() { After::Close } else { After::Next }
        }
        Err(failed) => session.failed(*call, &failed, body.is_done()).await,
    }
}

type Attempt = (InFlight, Connection, Result<Replied, Failed>);

/// Tries servers until one has taken the call. A call is sent again only when that cannot do it twice.
async fn attempts(
    session: &mut Session,
    loaded: &Loaded,
    call: &Forward,
    body: &mut ClientBody,
    out: &mut Vec<u8>,
) -> Result<Attempt, Failed> {
    let mut unreachable = Vec::new();
    let mut fresh = false;
    let mut last = Failed::Connect(io::ErrorKind::NotConnected.into());
    while let Some(server) = loaded.servers.choose(&unreachable) {
        let pool = session.worker.pool(loaded);
        let pooled = if fresh { None } else { pool.take(server.index()).await };
        let mut connection = match pooled {
            Some(connection) => connection,
            None => match connect(session, loaded, &server).await {
                Ok(connection) => connection,
                Err(failed) => {
                    failed.record_attempt(&session.worker);
                    unreachable.push(server.index());
                    last = failed;
                    continue;
                }
            },
        };
        let whole = body.is_done();
        let outcome = exchange(session, loaded, call, &mut connection, body, out).await;
        // A pooled connection may have been closed by the server just now; nothing of an answer has come, so
        // nobody knows whether it took the call.
        if matches!(outcome, Err(Failed::Closed)) && connection.reused && whole && is_idempotent(&call.method)
        {
            fresh = true;
            continue;
        }
        return Ok((server, connection, outcome));
    }
    Err(last)
}

async fn connect(session: &Session, loaded: &Loaded, server: &InFlight) -> Result<Connection, Failed> {
    let until = session.worker.deadlines.now() + loaded.policy.timeouts.connect;
    let connecting = loaded.connector.connect(&server.known().server);
    match session.upstream_deadline.until(until, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(Failed::Connect(error)),
        Err(Late) => Err(Failed::Late("connect")),
    }
}

/// Sends the call and passes the answer on, both at once where the client's body is still coming.
async fn exchange(
    session: &mut Session,
    loaded: &Loaded,
    call: &Forward,
    connection: &mut Connection,
    body: &mut ClientBody,
    out: &mut Vec<u8>,
) -> Result<Replied, Failed> {
    let Session { worker, io: client, buffer, deadline, upstream_deadline, .. } = session;
    let timeouts = &loaded.policy.timeouts;
    let Connection { io: upstream, buffer: received, .. } = connection;
    let begun = Cell::new(false);
    let answering = Answering { worker, loaded, call, client, begun: &begun };
    let deadlines = &worker.deadlines;
    let mut source = Source {
        io: upstream,
        buffer: received,
        deadline: upstream_deadline,
        deadlines,
        timeout: timeouts.response,
    };
    if body.is_done() {
        let until = deadlines.now() + timeouts.response;
        // An error of this write shows in the answer, or in that there is none.
        let _ = upstream_deadline.until(until, upstream.write_out(out)).await;
        return answering.run(&mut source).await;
    }
    let mut from_client = Source { io: client, buffer, deadline, deadlines, timeout: timeouts.body };
    let mut sent = std::mem::take(out);
    let most = loaded.policy.caps.body_bytes;
    let mut upload = pin!(body::pump(&mut from_client, body, call.body, most, upstream, &mut sent));
    let mut uploaded_at = None;
    loop {
        source.timeout = timeouts.response;
        let mut download = pin!(answering.run(&mut source));
        let answered = loop {
            tokio::select! {
                biased;
                answered = &mut download => break answered,
                uploaded = &mut upload, if uploaded_at.is_none() => match uploaded {
                    // A server that does not read on may still have said why.
                    Ok(_) | Err(Broken::Write) => uploaded_at = Some(deadlines.now()),
                    Err(_) if begun.get() => return Err(Failed::Midway),
                    Err(broken) => return Err(Failed::Client(broken)),
                },
            }
        };
        // The server's time begins when it has the whole call: until then it may well be silent.
        let in_time = uploaded_at.is_none_or(|at| deadlines.now() < at + timeouts.response);
        if !(matches!(answered, Err(Failed::Late(_))) && in_time && !begun.get()) {
            return answered;
        }
    }
}

impl Session {
    /// Ends a call that no server answered.
    pub(super) async fn failed(&mut self, call: Forward, failed: &Failed, body_read: bool) -> After {
        let answer = failed.record(&self.worker);
        let status = answer.as_ref().map_or(0, |refusal| refusal.status);
        call.end.finish(&self.worker, status, 0);
        let Some(refusal) = answer else { return After::Cut };
        let close = !call.keep_alive || !body_read;
        let mut out = self.worker.output();
        begin::write(&answer::refusal(&refusal), close, call.method != "HEAD", &mut out);
        let written = self.write(&out).await;
        self.worker.done(out);
        match written {
            true if close => After::Close,
            true => After::Next,
            false => After::Cut,
        }
    }
}
