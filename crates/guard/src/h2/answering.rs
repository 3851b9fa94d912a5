//! The client's side of a call: what it is told of an answer, and what is counted when the call ends, however it ends.

use std::rc::Rc;
use std::sync::Arc;

use http::{Method, Response, StatusCode};
use ratewarden_http1::Extra;
use tokio::sync::oneshot;

use super::download::{Arrived, Download};
use super::link::{Link, OnItsWay};
use super::reply;
use crate::answer::{self, FieldList};
use crate::failed::{Broken, Failed};
use crate::gate::{Charges, Ending, Pass};
use crate::net::deadline::Patience;
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::transfer::{self, Piece, Pieces, feed};

/// The client's side of a call. When it is dropped early, the client has gone away.
pub(super) struct Answering {
    pub(super) link: Rc<Link>,
    pub(super) loaded: Arc<Loaded>,
    pub(super) method: Method,
    fields: FieldList,
    most: Option<u64>,
    /// Taken when the call has ended.
    open: Option<(CallEnd, Charges)>,
    on_its_way: OnItsWay,
    /// Taken when the client gets its head.
    door: Option<oneshot::Sender<Response<Pieces>>>,
}

impl Answering {
    /// The client's side of an admitted call, and the door through which its answer comes.
    pub(super) fn new(
        link: Rc<Link>,
        loaded: Arc<Loaded>,
        method: Method,
        pass: Pass,
        end: CallEnd,
        on_its_way: OnItsWay,
    ) -> (Self, oneshot::Receiver<Response<Pieces>>) {
        let (door, answered) = oneshot::channel();
        let Pass { fields, changed, charges, .. } = pass;
        let (open, most) = (Some((end, charges)), changed.response);
        (Self { link, loaded, method, fields, most, open, on_its_way, door: Some(door) }, answered)
    }

    /// The head of an answer as the client gets it. Where the gateway says what is left, the upstream's own word
    /// about it would contradict it.
    pub(super) fn arrived<'f, I: Iterator<Item = Extra<'f>>>(
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
    pub(super) async fn pass<D: Download>(
        &mut self,
        arrived: Arrived,
        download: &mut D,
    ) -> Result<(), Failed> {
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
    pub(super) fn fail(&mut self, failed: &Failed) {
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
