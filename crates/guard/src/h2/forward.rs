//! A call on its way, in a task of its own: a client's reset ends the task, and with it all that it holds.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response};
use ratewarden_http1::{Framing, write_chunk_end};
use ratewarden_judge::Refusal;

use super::answering::Answering;
use super::download::{Http1, Http2};
use super::link::{Link, OnItsWay};
use super::reply::{self, Reply, Running};
use crate::answer;
use crate::failed::{Broken, Failed, is_idempotent};
use crate::gate::Pass;
use crate::h1::body::write_piece;
use crate::net::deadline::Patience;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::transfer::{self, Outgoing, Piece, Upload, Uploading, feed};
use crate::upstream::{Connection, InFlight, Repeatable, Sending};

/// An admitted call.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) pass: Box<Pass>,
    pub(crate) end: CallEnd,
    /// The client's body, where it is still to come.
    pub(crate) upload: Option<Upload>,
}

/// The head as the upstream reads it, and what is known of the body.
pub(crate) struct Written {
    pub(crate) head: Head,
    pub(crate) framing: Framing,
    /// A body that was read whole.
    pub(crate) body: Option<Bytes>,
}

/// A head in either version of HTTP.
pub(crate) enum Head {
    Bytes(Vec<u8>),
    Fields(Outgoing),
}

/// Sends a call to a server, and returns the beginning of the answer.
pub(crate) async fn forward(
    link: Rc<Link>,
    loaded: Arc<Loaded>,
    call: Call,
    written: Written,
    on_its_way: OnItsWay,
) -> Response<Reply> {
    let Call { method, pass, end, upload } = call;
    let to_head = method == Method::HEAD;
    let (answering, answered) = Answering::new(link, loaded, method, *pass, end, on_its_way);
    let task = tokio::task::spawn_local(run(answering, written, upload));
    let running = Running::new(task.abort_handle());
    let response = answered.await.unwrap_or_else(|_| {
        // Only a client that is not there any more is given no answer.
        reply::own(answer::refusal(&Refusal::new(400, "body_cut", "the body was cut off")), to_head)
    });
    response.map(|pieces| Reply::new(pieces, running))
}

async fn run(mut answering: Answering, written: Written, upload: Option<Upload>) {
    let outcome = match written.head {
        Head::Bytes(mut out) => {
            out.extend_from_slice(written.body.as_deref().unwrap_or_default());
            let outcome = to_http1(&mut answering, &mut out, written.framing, upload).await;
            answering.link.worker.done(out);
            outcome
        }
        Head::Fields(outgoing) => to_http2(&mut answering, &outgoing, written.body, upload).await,
    };
    if let Err(failed) = outcome {
        answering.fail(&failed);
    }
}

/// Tries servers until one has taken the call. A call is sent again only when that cannot do it twice.
async fn to_http1(
    answering: &mut Answering,
    out: &mut Vec<u8>,
    framing: Framing,
    mut upload: Option<Upload>,
) -> Result<(), Failed> {
    let (worker, loaded) = (Rc::clone(&answering.link.worker), Arc::clone(&answering.loaded));
    let (mut unreachable, mut fresh) = (Vec::new(), false);
    let mut last = Failed::Connect(io::ErrorKind::NotConnected.into());
    let pool = worker.pool(&loaded);
    while let Some(server) = loaded.servers.choose(&unreachable) {
        let pooled = if fresh { None } else { pool.take(server.index()).await };
        let mut connection = match pooled {
            Some(connection) => connection,
            None => match connect(answering, &server).await {
                Ok(connection) => connection,
                Err(failed) => {
                    failed.record_attempt(&worker);
                    unreachable.push(server.index());
                    last = failed;
                    continue;
                }
            },
        };
        let whole = upload.is_none();
        match exchange(answering, &mut connection, out, framing, upload.take()).await {
            Ok(reusable) => {
                if reusable {
                    pool.put(server.index(), connection);
                }
                return Ok(());
            }
            // As in `h1`: nothing of an answer has come, so nobody knows whether the server took the call.
            Err(Failed::Closed) if connection.reused && whole && is_idempotent(answering.method.as_str()) => {
                fresh = true;
            }
            Err(failed) => return Err(failed),
        }
    }
    Err(last)
}

async fn connect(answering: &Answering, server: &InFlight) -> Result<Connection, Failed> {
    let patience = Patience::new(&answering.link.worker.deadlines, answering.loaded.policy.timeouts.connect);
    match patience.wait(answering.loaded.connector.connect(&server.known().server)).await {
        Ok(connected) => connected.map_err(Failed::Connect),
        Err(_) => Err(Failed::Late("connect")),
    }
}

/// Sends the call and passes the answer on; says whether the connection carries another.
async fn exchange(
    answering: &mut Answering,
    connection: &mut Connection,
    out: &mut Vec<u8>,
    framing: Framing,
    upload: Option<Upload>,
) -> Result<bool, Failed> {
    let timeouts = &answering.loaded.policy.timeouts;
    let deadlines = &answering.link.worker.deadlines;
    let waiting = Patience::new(deadlines, timeouts.response);
    let reading = Patience::new(deadlines, timeouts.body);
    let Connection { io, buffer, .. } = connection;
    let io = &*io;
    let mut uploading = match upload {
        None => {
            // An error of this write shows in the answer, or in that there is none.
            let _ = waiting.wait(io.write_out(out)).await;
            Uploading::none()
        }
        Some(upload) => {
            let patience = Patience::new(deadlines, timeouts.body);
            let head = std::mem::take(out);
            Uploading::new(send(upload, framing, io, head, patience))
        }
    };
    let head = Http1::head(answering, io, buffer, &reading);
    let (arrived, mut download) = uploading.head(head, &waiting).await?;
    uploading.answer(answering.pass(arrived, &mut download)).await?;
    Ok(download.reusable && uploading.is_done())
}

/// Sends a head and a body after it, in the framing that the head tells.
async fn send(
    mut upload: Upload,
    framing: Framing,
    io: &Duplex<Stream>,
    mut out: Vec<u8>,
    patience: Patience,
) -> Result<(), Broken> {
    loop {
        let written = patience.wait(io.write_out(&out)).await;
        written.map_err(|_| Broken::Write)?.map_err(|_| Broken::Write)?;
        out.clear();
        let last = match upload.piece(&patience).await? {
            Some(Piece::Data(bytes, last)) => {
                if !bytes.is_empty() {
                    write_piece(&bytes, framing, &mut out);
                }
                last
            }
            // Trailers are left out, as those of HTTP/1.1 are.
            Some(Piece::Trailers(_) | Piece::End) | None => true,
        };
        if last {
            break;
        }
    }
    if framing == Framing::Chunked {
        write_chunk_end(&mut out);
    }
    patience.wait(io.write_out(&out)).await.map_err(|_| Broken::Write)?.map_err(|_| Broken::Write)
}

async fn to_http2(
    answering: &mut Answering,
    request: &Outgoing,
    body: Option<Bytes>,
    upload: Option<Upload>,
) -> Result<(), Failed> {
    let (worker, loaded) = (Rc::clone(&answering.link.worker), Arc::clone(&answering.loaded));
    let timeouts = &loaded.policy.timeouts;
    let waiting = Patience::new(&worker.deadlines, timeouts.response);
    let reading = Patience::new(&worker.deadlines, timeouts.body);
    let pool = worker.pool(&loaded);
    let sending = Sending { worker: &worker, loaded: &loaded, pool: &pool, request };
    let (mut uploading, fed) = match upload {
        None => (Uploading::none(), None),
        Some(upload) => {
            let (sender, fed) = feed();
            let patience = Patience::new(&worker.deadlines, timeouts.body);
            (Uploading::new(transfer::hand_on(upload, sender, patience)), Some(fed))
        }
    };
    let repeatable = body.map_or(Repeatable::None, Repeatable::Whole);
    let (_server, response) = uploading.head(sending.send(repeatable, fed), &waiting).await?;
    let (arrived, mut download) = Http2::new(answering, response, &reading)?;
    uploading.answer(answering.pass(arrived, &mut download)).await
}
