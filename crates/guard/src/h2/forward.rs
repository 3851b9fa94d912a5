//! A call on its way, in a task of its own: a client's reset ends the task, and with it all that it holds.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use ratewarden_http1::{Extra, Framing, write_chunk_end};
use ratewarden_judge::Refusal;
use tokio::sync::oneshot;

use super::download::{Arrived, Download, Http1, Http2};
use super::link::{Link, OnItsWay};
use super::reply::{self, Reply, Running};
use crate::answer::{self, FieldList};
use crate::failed::{Broken, Failed, is_idempotent};
use crate::gate::{Charges, Ending, Pass};
use crate::h1::body::write_piece;
use crate::net::deadline::Patience;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::transfer::{self, Outgoing, Piece, Pieces, Upload, Uploading, feed};
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

/// The client's side of a call. When it is dropped early, the client has gone away.
pub(crate) struct Answering {
    link: Rc<Link>,
    loaded: Arc<Loaded>,
    pub(crate) method: Method,
    fields: FieldList,
    most: Option<u64>,
    /// Taken when the call has ended.
    open: Option<(CallEnd, Charges)>,
    on_its_way: OnItsWay,
    /// Taken when the client gets its head.
    door: Option<oneshot::Sender<Response<Pieces>>>,
}

/// Sends a call to a server, and returns the beginning of the answer.
pub(crate) async fn forward(
    link: Rc<Link>,
    loaded: Arc<Loaded>,
    call: Call,
    written: Written,
    on_its_way: OnItsWay,
) -> Response<Reply> {
    let (door, answered) = oneshot::channel();
    let Call { method, pass, end, upload } = call;
    let Pass { fields, changed, charges, .. } = *pass;
    let to_head = method == Method::HEAD;
    let (open, most) = (Some((end, charges)), changed.response);
    let answering = Answering { link, loaded, method, fields, most, open, on_its_way, door: Some(door) };
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

impl Answering {
    /// The head of an answer as the client gets it. Where the gateway says what is left, the upstream's own word
    /// about it would contradict it.
    pub(crate) fn arrived<'f, I: Iterator<Item = Extra<'f>>>(
        &self,
        status: u16,
        fields: impl Fn() -> I,
        length: Option<u64>,
    ) -> Result<Arrived, Failed> {
        let price_field = self.open.as_ref().and_then(|(_, charges)| charges.price_field());
        let price = price_field.and_then(|wanted| {
            fields().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_vec())
        });
        let headers = transfer::response(fields(), &self.fields, price_field, length)
            .ok_or_else(|| Failed::Malformed(ratewarden_http1::Reason::FieldValue.into()))?;
        Ok(Arrived { status, headers, length, price })
    }

    /// Passes an answer on.
    async fn pass<D: Download>(&mut self, arrived: Arrived, download: &mut D) -> Result<(), Failed> {
        let Arrived { status, headers, length, price } = arrived;
        let price = price.as_deref();
        let too_large = |bytes: u64| self.most.filter(|&most| bytes > most).map(Failed::TooLarge);
        if let Some(failed) = length.and_then(too_large) {
            return Err(failed);
        }
        let mut response = Response::new(Pieces::Done);
        *response.status_mut() = StatusCode::from_u16(status)
            .map_err(|_| Failed::Malformed(ratewarden_http1::Reason::StatusLine.into()))?;
        *response.headers_mut() = headers;
        if let Some(bytes) = download.whole() {
            self.finish(&Ending { status, body_bytes: bytes.len() as u64, price });
            self.open_door(response.map(|_| Pieces::Whole(bytes)));
            return Ok(());
        }
        let patience = Patience::new(&self.link.worker.deadlines, self.loaded.policy.timeouts.body);
        let (sender, fed) = feed();
        self.open_door(response.map(|_| fed));
        let mut body_bytes = 0;
        loop {
            let piece = download.piece().await?;
            let last = match &piece {
                Piece::Data(bytes, last) => {
                    body_bytes += bytes.len() as u64;
                    *last
                }
                Piece::Trailers(_) | Piece::End => true,
            };
            let short = last && length.is_some_and(|length| length != body_bytes);
            if short || self.most.is_some_and(|most| body_bytes > most) {
                return Err(Failed::Midway);
            }
            let Ok(Ok(room)) = patience.wait(sender.reserve()).await else {
                return Err(Failed::Client(Broken::Write));
            };
            if last {
                // What is under way has ended before the client can know it.
                self.finish(&Ending { status, body_bytes, price });
                room.send(piece);
                return Ok(());
            }
            room.send(piece);
        }
    }

    fn open_door(&mut self, response: Response<Pieces>) {
        if let Some(door) = self.door.take() {
            // Whoever does not wait any more has ended this task as well.
            let _ = door.send(response);
        }
    }

    fn finish(&mut self, ending: &Ending<'_>) {
        if let Some((end, charges)) = self.open.take() {
            self.on_its_way.answered();
            end.finish(&self.link.worker, ending.status, ending.body_bytes);
            charges.settle(ending);
        }
    }

    /// Ends a call that no server answered.
    fn fail(&mut self, failed: &Failed) {
        let refusal = failed.record(&self.link.worker);
        let Some((end, _charges)) = self.open.take() else { return };
        self.on_its_way.answered();
        end.finish(&self.link.worker, refusal.as_ref().map_or(0, |refusal| refusal.status), 0);
        if let Some(refusal) = refusal {
            let to_head = self.method == Method::HEAD;
            self.open_door(reply::own(answer::refusal(&refusal), to_head));
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if let Some((end, _charges)) = self.open.take() {
            end.finish(&self.link.worker, 0, 0);
        }
    }
}
