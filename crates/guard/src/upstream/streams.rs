//! HTTP/2 to the servers: one connection for each server and worker, which all the worker's calls share.
//!
//! A connection that its server has ended (GOAWAY, an error) is replaced by the next call. A call is sent again only
//! when the server cannot have begun it: it never left, or the server said that it was not taken.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use ratewarden_policy::Timeouts;
use tokio::sync::Mutex;

use super::pool::Pool;
use super::servers::InFlight;
use crate::failed::{Failed, is_idempotent};
use crate::net::deadline::{Late, Patience};
use crate::net::stream::Stream;
use crate::state::Loaded;
use crate::transfer::{LocalExec, Outgoing, Pieces};
use crate::worker::Worker;

/// Bytes of a server's head.
const HEAD: u32 = 64 * 1024;

/// What a server may send ahead of what clients have read: of one answer, and of all on a connection.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Bytes of a client's body that wait to be sent.
const SEND_BUFFER: usize = 64 * 1024;

/// While calls are under way a server is asked this often whether it is still there, and has the time of a connect to
/// answer: a connection that is gone without a word would let all of them wait to their ends.
const PING: Duration = Duration::from_secs(5);

/// A call that no server takes is given up after this many tries.
const TRIES: usize = 3;

/// A server's connection, if one is open.
#[derive(Debug, Default)]
pub(crate) struct SharedConnection(Mutex<Option<SendRequest<Pieces>>>);

/// A body that can be sent again.
#[derive(Debug, Clone)]
pub(crate) enum Repeatable {
    None,
    Whole(Bytes),
}

/// Why a call has no answer.
enum Unanswered {
    /// The server has not begun it.
    NotTaken,
    /// Nobody knows whether it has.
    Failed,
}

/// A call on its way to a server.
pub(crate) struct Sending<'s> {
    pub(crate) worker: &'s Worker,
    pub(crate) loaded: &'s Loaded,
    pub(crate) pool: &'s Rc<Pool>,
    pub(crate) request: &'s Outgoing,
}

impl Sending<'_> {
    /// Sends the call and waits for the head of its answer; not bounded in time. Of a body that is still to come
    /// there is only one, so such a call is not sent twice.
    ///
    /// # Errors
    /// When no server can be reached, or the one that was gives no answer.
    pub(crate) async fn send(
        &self,
        repeatable: Repeatable,
        mut fed: Option<Pieces>,
    ) -> Result<(InFlight, Response<Incoming>), Failed> {
        let mut unreachable = Vec::new();
        let mut last = Failed::Connect(io::ErrorKind::NotConnected.into());
        let mut tries = 0;
        while let Some(server) = self.loaded.servers.choose(&unreachable) {
            let (mut sender, reused) = match self.connection(&server).await {
                Ok(connection) => connection,
                Err(failed) => {
                    failed.record_attempt(self.worker);
                    unreachable.push(server.index());
                    last = failed;
                    continue;
                }
            };
            let streamed = fed.is_some();
            let body = fed.take().unwrap_or_else(|| repeatable.pieces());
            let answered = ask(&mut sender, self.request.message(body), &mut fed).await;
            let unanswered = match answered {
                Ok(response) => return Ok((server, response)),
                Err(unanswered) => unanswered,
            };
            tries += 1;
            let again = match unanswered {
                Unanswered::NotTaken => !streamed || fed.is_some(),
                Unanswered::Failed => {
                    reused && !streamed && is_idempotent(self.request.method.as_str()) && sender.is_closed()
                }
            };
            if !again || tries >= TRIES {
                return Err(Failed::Closed);
            }
            self.pool.forget(server.index(), &sender).await;
        }
        Err(last)
    }

    /// The server's connection, and whether it has carried calls before. Calls that come while one is opened wait
    /// for that one.
    async fn connection(&self, server: &InFlight) -> Result<(SendRequest<Pieces>, bool), Failed> {
        let Some(shared) = self.pool.shared(server.index()) else {
            return Err(Failed::Connect(io::Error::other("the server is not in the pool")));
        };
        if let Ok(open) = shared.0.try_lock()
            && let Some(sender) = usable(open.as_ref())
        {
            return Ok((sender, true));
        }
        let opening = async {
            let mut open = shared.0.lock().await;
            if let Some(sender) = usable(open.as_ref()) {
                return Ok((sender, true));
            }
            let stream = self.loaded.connector.stream(&server.known().server).await?;
            let sender = handshake(stream, &self.loaded.policy.timeouts).await?;
            *open = Some(sender.clone());
            Ok((sender, false))
        };
        // One of its own: this wait lies within others.
        let patience = Patience::new(&self.worker.deadlines, self.loaded.policy.timeouts.connect);
        match patience.wait(opening).await {
            Ok(opened) => opened.map_err(Failed::Connect),
            Err(Late) => Err(Failed::Late("connect")),
        }
    }
}

fn usable(open: Option<&SendRequest<Pieces>>) -> Option<SendRequest<Pieces>> {
    open.filter(|sender| !sender.is_closed()).cloned()
}

impl Pool {
    /// Closes the server's connection to further calls, unless another has taken its place.
    async fn forget(&self, server: usize, sender: &SendRequest<Pieces>) {
        if let Some(shared) = self.shared(server) {
            let mut open = shared.0.lock().await;
            if sender.is_closed() || open.as_ref().is_some_and(SendRequest::is_closed) {
                *open = None;
            }
        }
    }
}

impl Repeatable {
    fn pieces(&self) -> Pieces {
        match self {
            Self::None => Pieces::Done,
            Self::Whole(bytes) => Pieces::Whole(bytes.clone()),
        }
    }
}

impl Outgoing {
    fn message(&self, body: Pieces) -> Request<Pieces> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        *request.version_mut() = http::Version::HTTP_2;
        request
    }
}

/// Sends a request; a body that never left is put into `back`.
async fn ask(
    sender: &mut SendRequest<Pieces>,
    request: Request<Pieces>,
    back: &mut Option<Pieces>,
) -> Result<Response<Incoming>, Unanswered> {
    let mut error = match sender.try_send_request(request).await {
        Ok(response) => return Ok(response),
        Err(error) => error,
    };
    if let Some(request) = error.take_message() {
        if matches!(request.body(), Pieces::Fed(_)) {
            *back = Some(request.into_body());
        }
        return Err(Unanswered::NotTaken);
    }
    let error = error.into_error();
    tracing::debug!(%error, "A call over HTTP/2 has no answer.");
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<h2::Error>());
    Err(match source {
        // RFC 9113 sections 6.8 and 8.7: a stream that was refused, or comes after the last that GOAWAY names.
        Some(error) if error.reason() == Some(h2::Reason::REFUSED_STREAM) => Unanswered::NotTaken,
        Some(error) if error.is_go_away() && error.is_remote() => Unanswered::NotTaken,
        _ => Unanswered::Failed,
    })
}

async fn handshake(stream: Stream, timeouts: &Timeouts) -> io::Result<SendRequest<Pieces>> {
    if !stream.agreed_on_http2() {
        return Err(io::Error::other("the server does not speak HTTP/2"));
    }
    let mut builder = Builder::new(LocalExec);
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(timeouts.connect);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "A connection to the upstream ended.");
        }
    });
    Ok(sender)
}
