//! A head: parsed, judged, and turned into the upstream's head or an answer.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use ratewarden_http1::{
    Framing, OutgoingRequest, RequestHead, Version, parse_request, storage, write_answer,
};
use ratewarden_judge::Refusal;

use super::fields::HeadFields;
use crate::answer::Answer;
use crate::call::{self, Admitted, Asked};
use crate::client::Client;
use crate::forwarded::Via;
use crate::gate::Pass;
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::transfer::{self, Outgoing, Parts};
use crate::upstream::Repeatable;
use crate::worker::Worker;

/// A body of at most this many bytes is read over when the call is answered without it.
const DISCARDED: u64 = 64 * 1024;

/// What becomes of a head.
#[derive(Debug)]
pub(crate) enum Begun {
    /// The upstream's head is in the output; this is what else is to be known.
    Forward(Box<Forward>),
    /// The answer is in the output.
    Answered(Unread),
    /// The body must be read first.
    NeedsBody(Framing),
}

/// What is left of a call that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) close: bool,
    /// A body that nobody has read.
    pub(crate) framing: Option<Framing>,
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) pass: Box<Pass>,
    pub(crate) method: String,
    /// The client's body that is still to come; `None` when it stands in the output already.
    pub(crate) body: Framing,
    pub(crate) http10: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    pub(crate) expects_continue: bool,
    pub(crate) end: CallEnd,
    /// For a server that speaks HTTP/2: its head, and the body where that was read already. Nothing is in the
    /// output then.
    pub(crate) http2: Option<Box<(Outgoing, Repeatable)>>,
}

/// Parses and judges a head. Writes the upstream's head, or an answer, to `out`.
pub(crate) fn begin(
    worker: &Rc<Worker>,
    loaded: &Arc<Loaded>,
    client: &Client,
    bytes: &[u8],
    body: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Begun {
    let mut fields = storage();
    let most = loaded.policy.caps.headers.min(fields.len());
    let fields = fields.get_mut(..most).unwrap_or_default();
    let head = match parse_request(bytes, fields, &loaded.protected) {
        Ok(head) => head,
        Err(refused) => return malformed(worker, client, &call::refusal(&refused), out),
    };
    let fields = HeadFields(head.fields);
    let asked = Asked {
        method: head.method,
        path: head.path,
        query: head.query,
        fields: &fields,
        framing: head.framing,
    };
    match call::begin(worker, loaded, client, &asked, body) {
        call::Begun::NeedsBody => Begun::NeedsBody(head.framing),
        call::Begun::Answer(answer) => answered(worker, &head, &answer, out),
        call::Begun::Forward(admitted) => {
            let http2 = match write_request(loaded, client, &head, body, &admitted, out) {
                Ok(http2) => http2,
                Err(refusal) => return malformed(worker, client, &refusal, out),
            };
            let Admitted { pass, end, .. } = admitted;
            Begun::Forward(Box::new(Forward {
                method: head.method.to_owned(),
                body: if body.is_some() { Framing::None } else { head.framing },
                http10: head.version == Version::Http10,
                keep_alive: head.keep_alive,
                upgrade: head.upgrade.is_some(),
                expects_continue: head.expects_continue && body.is_none(),
                end,
                http2,
                pass,
            }))
        }
    }
}

/// Writes the upstream's head and what is there of the body to `out`; for a server that speaks HTTP/2 they are
/// returned.
fn write_request(
    loaded: &Loaded,
    client: &Client,
    head: &RequestHead<'_, '_>,
    body: Option<&[u8]>,
    admitted: &Admitted<'_>,
    out: &mut Vec<u8>,
) -> Result<Option<Box<(Outgoing, Repeatable)>>, Refusal> {
    let changed = &admitted.pass.changed;
    let body = changed.body.as_deref().or(body);
    let via = Via::new(loaded, client, &HeadFields(head.fields), admitted.address);
    let extra = via.fields(client, head.host);
    let extra = extra.get(..via.count()).unwrap_or_default();
    let host = if head.host.is_empty() { "localhost" } else { head.host };
    let framing = match body {
        Some(body) if head.framing != Framing::None => Framing::Length(body.len() as u64),
        _ => head.framing,
    };
    let (path, query) = (&*admitted.path, changed.query.as_deref().or(head.query));
    if loaded.gateway.upstream.http2 {
        let https = loaded.gateway.upstream.servers.iter().any(|server| server.https);
        let parts = Parts { method: head.method, path, query, host, https, framing, trailers: false };
        let outgoing = transfer::request(&parts, head.forwarded(), via.without, extra)?;
        let body = body.map_or(Repeatable::None, |body| Repeatable::Whole(Bytes::copy_from_slice(body)));
        return Ok(Some(Box::new((outgoing, body))));
    }
    let without = via.without;
    let outgoing = OutgoingRequest { path, query, host, framing, upgrade: head.upgrade, without, extra };
    head.write(&outgoing, out);
    if let Some(body) = body {
        out.extend_from_slice(body);
    }
    Ok(None)
}

/// Writes the answer to a call that is not forwarded.
fn answered(worker: &Worker, head: &RequestHead<'_, '_>, answer: &Answer, out: &mut Vec<u8>) -> Begun {
    // A client that waits for `100 Continue` may or may not send the body now: nobody can know where the next
    // call begins. A long body is not read over either.
    let (unread, lost) = match head.framing {
        Framing::None => (None, false),
        Framing::Length(length) => (Some(head.framing), length > DISCARDED || head.expects_continue),
        framing => (Some(framing), head.expects_continue),
    };
    let close = lost || !head.keep_alive || worker.shared.is_draining();
    write(answer, close, head.method != "HEAD", out);
    Begun::Answered(Unread { close, framing: unread })
}

/// Writes the answer to a message that is none; the connection ends.
fn malformed(worker: &Worker, client: &Client, refusal: &Refusal, out: &mut Vec<u8>) -> Begun {
    worker.record(CallEnd::refused(worker, refusal, client));
    write(&crate::answer::refusal(refusal), true, true, out);
    Begun::Answered(Unread { close: true, framing: None })
}

/// Writes an answer of the gateway itself. An answer to HEAD names its body's length and leaves the body out.
pub(crate) fn write(answer: &Answer, close: bool, with_body: bool, out: &mut Vec<u8>) {
    let media_type = (!answer.media_type.is_empty()).then_some(("content-type", &*answer.media_type));
    let fields = media_type.into_iter().chain(answer.fields.iter());
    let fields = fields.map(|(name, value)| (name, value.as_bytes()));
    write_answer(out, answer.status, fields, answer.body.as_bytes(), close, with_body);
}

/// Whether a head waits for `100 Continue`.
pub(crate) fn expects_continue(bytes: &[u8]) -> bool {
    parse_request(bytes, &mut storage(), &[]).is_ok_and(|head| head.expects_continue)
}
