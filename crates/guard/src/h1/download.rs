//! A server's answer, passed on to the client as it comes.

use std::cell::Cell;

use ratewarden_http1::{
    Extra, Framing, HeadEnd, OutgoingResponse, Reason, ResponseHead, parse_response, storage,
};

use super::begin::Forward;
use super::body::{self, ClientBody, Source};
use crate::failed::{Broken, Failed};
use crate::gate::Pass;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;
use crate::state::Loaded;
use crate::worker::Worker;

/// Bytes of an upstream's head.
const HEAD: usize = 64 * 1024;

/// An answer that was passed on.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) close: bool,
    pub(super) reusable: bool,
    pub(super) upgraded: bool,
    pub(super) price: Option<Vec<u8>>,
}

/// Passing an answer on.
pub(super) struct Answering<'a> {
    pub(super) worker: &'a Worker,
    pub(super) loaded: &'a Loaded,
    pub(super) call: &'a Forward,
    pub(super) client: &'a Duplex<Stream>,
    /// The client has seen something of it.
    pub(super) begun: &'a Cell<bool>,
}

impl Answering<'_> {
    pub(super) async fn run(&self, source: &mut Source<'_>) -> Result<Replied, Failed> {
        loop {
            let length = read_head(source).await?;
            let mut reply = self.worker.output();
            let (mut replied, from, to) = {
                let bytes = source.buffer.filled().get(..length).unwrap_or_default();
                let mut fields = storage();
                let to_head = self.call.method == "HEAD";
                let head = parse_response(bytes, &mut fields, to_head).map_err(Failed::Malformed)?;
                if head.status < 200 && !(head.status == 101 && self.call.upgrade) {
                    source.buffer.consume(length);
                    continue;
                }
                self.write_head(&head, &mut reply)?
            };
            source.buffer.consume(length);
            source.timeout = self.loaded.policy.timeouts.body;
            self.begun.set(true);
            let mut body = ClientBody::new(from);
            let most = self.call.pass.changed.response;
            let pumped = body::pump(source, &mut body, to, most, self.client, &mut reply).await;
            self.worker.done(reply);
            replied.bytes = pumped.map_err(|broken| match broken {
                Broken::Write => Failed::Client(broken),
                Broken::Chunk(_) | Broken::TooLarge(_) | Broken::Late | Broken::Closed => Failed::Midway,
            })?;
            return Ok(replied);
        }
    }

    fn write_head(
        &self,
        head: &ResponseHead<'_, '_>,
        reply: &mut Vec<u8>,
    ) -> Result<(Replied, Framing, Framing), Failed> {
        let call = self.call;
        if let (Framing::Length(length), Some(most)) = (head.framing, call.pass.changed.response)
            && length > most
        {
            return Err(Failed::TooLarge(most));
        }
        let to = match head.framing {
            Framing::Chunked | Framing::UntilClose if call.http10 => Framing::UntilClose,
            Framing::UntilClose => Framing::Chunked,
            framing => framing,
        };
        let upgraded = head.status == 101;
        let close = to == Framing::UntilClose || !call.keep_alive || self.worker.shared.is_draining();
        let price_field = call.pass.charges.price_field();
        let price = price_field.and_then(|name| {
            head.fields
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(name))
                .map(|field| field.value.to_vec())
        });
        let (own, without) = own_fields(&call.pass, price_field);
        let outgoing = OutgoingResponse {
            framing: to,
            close: close && !upgraded,
            upgrade: head.upgrade.filter(|_| upgraded),
            without: &without,
            extra: &own,
        };
        head.write(&outgoing, reply);
        let replied = Replied {
            status: head.status,
            bytes: 0,
            close,
            reusable: head.keep_alive && !upgraded,
            upgraded,
            price,
        };
        Ok((replied, head.framing, to))
    }
}

/// The gateway's own fields of an answer, and the names of those that the server's answer loses: where the gateway says what
/// is left, the upstream's own word about it would contradict it.
pub(super) fn own_fields<'p>(pass: &'p Pass, price_field: Option<&'p str>) -> (Vec<Extra<'p>>, Vec<&'p str>) {
    let own = pass.fields.iter().map(|(name, value)| (name, value.as_bytes())).collect();
    let without = pass.fields.iter().map(|(name, _)| name).chain(price_field).collect();
    (own, without)
}

async fn read_head(source: &mut Source<'_>) -> Result<usize, Failed> {
    let mut search = HeadEnd::default();
    loop {
        match search.find(source.buffer.filled()) {
            Ok(Some(length)) => return Ok(length),
            Ok(None) if source.buffer.len() >= HEAD => {
                return Err(Failed::Malformed(Reason::HeadTooLarge.into()));
            }
            Ok(None) => {}
            Err(refused) => return Err(Failed::Malformed(refused)),
        }
        let nothing = source.buffer.is_empty();
        match source.more().await {
            Ok(0) | Err(Broken::Closed) if nothing => return Err(Failed::Closed),
            Ok(0) | Err(Broken::Closed) => {
                return Err(Failed::Malformed(Reason::StatusLine.into()));
            }
            Ok(_) => {}
            Err(_) => return Err(Failed::Late("response")),
        }
    }
}
