//! A call that came in HTTP/1.1, on its way to a server that speaks HTTP/2.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::{Body as _, Incoming};
use ratewarden_http1::{
    Framing, OutgoingResponse, declared_length, is_hop_by_hop, write_chunk_end, write_response,
};
use tokio::sync::mpsc;

use super::begin::Forward;
use super::body::{ClientBody, Source, write_piece};
use super::download::own_fields;
use super::session::{After, CONTINUE, Session};
use crate::failed::{Broken, Failed};
use crate::gate::Ending;
use crate::net::deadline::Patience;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::state::Loaded;
use crate::transfer::{Outgoing, Piece, Uploading, feed};
use crate::upstream::{Repeatable, Sending};
use crate::worker::Worker;

/// An answer that was passed on.
struct Replied {
    status: u16,
    bytes: u64,
    close: bool,
    price: Option<Vec<u8>>,
}

/// Sends a call to a server and its answer to the client.
pub(crate) async fn forward(
    session: &mut Session,
    loaded: &Loaded,
    call: Box<Forward>,
    (request, repeatable): (Outgoing, Repeatable),
) -> After {
    let mut body = ClientBody::new(call.body);
    if call.expects_continue && !body.is_done() && !session.write(CONTINUE).await {
        return After::Cut;
    }
    let worker = std::rc::Rc::clone(&session.worker);
    match exchange(session, loaded, &call, &mut body, &request, repeatable).await {
        Ok(replied) => {
            let Replied { status, bytes, close, price } = replied;
            call.end.finish(&worker, status, bytes);
            call.pass.charges.settle(&Ending { status, body_bytes: bytes, price: price.as_deref() });
            if close || !body.is_done() { After::Close } else { After::Next }
        }
        Err(failed) => session.failed(*call, &failed, body.is_done()).await,
    }
}

async fn exchange(
    session: &mut Session,
    loaded: &Loaded,
    call: &Forward,
    body: &mut ClientBody,
    request: &Outgoing,
    repeatable: Repeatable,
) -> Result<Replied, Failed> {
    let Session { worker, io: client, buffer, deadline, .. } = session;
    let (deadlines, timeouts) = (&worker.deadlines, &loaded.policy.timeouts);
    let pool = worker.pool(loaded);
    let sending = Sending { worker, loaded, pool: &pool, request };
    let mut source = Source { io: client, buffer, deadline, deadlines, timeout: timeouts.body };
    let waiting = Patience::new(deadlines, timeouts.response);
    let reading = Patience::new(deadlines, timeouts.body);
    let (mut uploading, fed) = if body.is_done() {
        (Uploading::none(), None)
    } else {
        let (sender, fed) = feed();
        let most = loaded.policy.caps.body_bytes;
        let patience = Patience::new(deadlines, timeouts.body);
        (Uploading::new(hand_on(&mut source, body, most, sender, patience)), Some(fed))
    };
    let (_server, response) = uploading.head(sending.send(repeatable, fed), &waiting).await?;
    let answering = Answering { worker, call, client, patience: &reading };
    uploading.answer(answering.run(response)).await
}

/// Hands a client's body on, piece by piece.
async fn hand_on(
    source: &mut Source<'_>,
    body: &mut ClientBody,
    most: Option<u64>,
    to: mpsc::Sender<Piece>,
    patience: Patience,
) -> Result<(), Broken> {
    let mut total = 0_u64;
    loop {
        if source.buffer.is_empty() && source.more().await? == 0 {
            return Err(Broken::Closed);
        }
        let found = body.find(source.buffer.filled()).map_err(Broken::Chunk)?;
        let end = found.before + found.data;
        let data = source.buffer.filled().get(found.before..end).unwrap_or_default();
        let bytes = Bytes::copy_from_slice(data);
        source.buffer.consume(end);
        total += bytes.len() as u64;
        if let Some(most) = most
            && total > most
        {
            return Err(Broken::TooLarge(most));
        }
        if !bytes.is_empty() || found.done {
            let piece = Piece::Data(bytes, found.done);
            patience.wait(to.send(piece)).await.map_err(|_| Broken::Write)?.map_err(|_| Broken::Write)?;
        }
        if found.done {
            return Ok(());
        }
    }
}

/// Passing an answer on.
struct Answering<'a> {
    worker: &'a Worker,
    call: &'a Forward,
    client: &'a Duplex<Stream>,
    patience: &'a Patience,
}

impl Answering<'_> {
    async fn run(&self, response: Response<Incoming>) -> Result<Replied, Failed> {
        let (parts, mut incoming) = response.into_parts();
        let mut out = self.worker.output();
        let (mut replied, framing) = self.write_head(&parts, incoming.is_end_stream(), &mut out)?;
        let most = self.call.pass.changed.response;
        // What a server sends where there is no body is not read.
        while framing != Framing::None && !incoming.is_end_stream() {
            let frame = self.patience.wait(incoming.frame()).await.map_err(|_| Failed::Midway)?;
            let Some(frame) = frame.transpose().map_err(|_| Failed::Midway)? else { break };
            // Trailers are left out, as those of HTTP/1.1 are.
            let Ok(bytes) = frame.into_data() else { break };
            replied.bytes += bytes.len() as u64;
            if most.is_some_and(|most| replied.bytes > most) {
                return Err(Failed::Midway);
            }
            if !bytes.is_empty() {
                write_piece(&bytes, framing, &mut out);
            }
            self.write(&mut out).await?;
        }
        match framing {
            Framing::Chunked => write_chunk_end(&mut out),
            Framing::Length(length) if length != replied.bytes => return Err(Failed::Midway),
            _ => {}
        }
        self.write(&mut out).await?;
        self.worker.done(out);
        Ok(replied)
    }

    async fn write(&self, out: &mut Vec<u8>) -> Result<(), Failed> {
        let written = self.patience.wait(self.client.write_out(out)).await;
        out.clear();
        match written {
            Ok(Ok(())) => Ok(()),
            _ => Err(Failed::Client(Broken::Write)),
        }
    }

    fn write_head(
        &self,
        parts: &http::response::Parts,
        ended: bool,
        out: &mut Vec<u8>,
    ) -> Result<(Replied, Framing), Failed> {
        let (call, status) = (self.call, parts.status.as_u16());
        let lengths = parts.headers.get_all(CONTENT_LENGTH).into_iter().map(HeaderValue::as_bytes);
        let length = declared_length(lengths).map_err(Failed::Malformed)?;
        let bodiless = call.method == "HEAD" || matches!(status, 204 | 304);
        let framing = match (bodiless, length, ended) {
            (true, ..) => Framing::None,
            (false, Some(length), _) => Framing::Length(length),
            (false, None, true) => Framing::Length(0),
            (false, None, false) if call.http10 => Framing::UntilClose,
            (false, None, false) => Framing::Chunked,
        };
        if let (Framing::Length(length), Some(most)) = (framing, call.pass.changed.response)
            && length > most
        {
            return Err(Failed::TooLarge(most));
        }
        let close = framing == Framing::UntilClose || !call.keep_alive || self.worker.shared.is_draining();
        let price_field = call.pass.charges.price_field();
        let price = price_field.and_then(|name| Some(parts.headers.get(name)?.as_bytes().to_vec()));
        let (own, mut without) = own_fields(&call.pass, price_field);
        without.push("content-length");
        let fields = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let fields = fields.filter(|(name, _)| !is_hop_by_hop(name));
        let outgoing = OutgoingResponse { framing, close, upgrade: None, without: &without, extra: &own };
        write_response(status, fields, length, &outgoing, out);
        Ok((Replied { status, bytes: 0, close, price }, framing))
    }
}
