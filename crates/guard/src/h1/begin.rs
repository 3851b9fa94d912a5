//! A head: parsed, judged, and turned into the upstream's head or an answer.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ratewarden_callers::{Fields as _, Peer};
use ratewarden_http1::{
    Extra, Framing, OutgoingRequest, RequestHead, Version, check_query, normalise, parse_request, storage,
    write_answer,
};
use ratewarden_policy::{ForwardedHeader, Trust};

use super::fields::HeadFields;
use super::session::Client;
use crate::answer::Answer;
use crate::gate::{self, Gate, Pass, Turned};
use crate::judge::{Body, Head, Refusal};
use crate::record::CallEnd;
use crate::state::Loaded;
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
    pub(crate) pass: Pass,
    pub(crate) method: String,
    /// The client's body that is still to come; `None` when it stands in the output already.
    pub(crate) body: Framing,
    pub(crate) http10: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    pub(crate) expects_continue: bool,
    pub(crate) end: CallEnd,
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
        Err(refused) => {
            let refusal = Refusal::new(refused.status, refused.reason.name(), refused.to_string());
            return malformed(worker, client, &refusal, out);
        }
    };
    let checked = normalise(head.path).and_then(|path| {
        head.query.map_or(Ok(()), check_query)?;
        Ok(path)
    });
    let path = match checked {
        Ok(path) => path,
        Err(refused) => {
            let refusal = Refusal::new(refused.status, refused.reason.name(), refused.to_string());
            return turned(worker, client, &head, "", &gate::refused(&refusal, None), out);
        }
    };
    if let (Framing::Length(length), Some(most)) = (head.framing, loaded.policy.caps.body_bytes)
        && length > most
    {
        let refusal = Refusal::new(413, "body_too_large", format!("the body may have at most {most} bytes"));
        return turned(worker, client, &head, &path, &gate::refused(&refusal, None), out);
    }
    judged(worker, loaded, client, &head, &path, body, out)
}

fn judged(
    worker: &Rc<Worker>,
    loaded: &Arc<Loaded>,
    client: &Client,
    head: &RequestHead<'_, '_>,
    path: &str,
    body: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Begun {
    let fields = HeadFields(head.fields);
    let address = gate::client_address(loaded, client.address, &fields);
    let peer = Peer { address, certificate_subject: client.subject.as_deref() };
    let view = Head { method: head.method, path, query: head.query, fields: &fields };
    let inspected = body.map(Body::new);
    // A call without a body need not wait for one.
    let inspected = match (&inspected, head.framing) {
        (None, Framing::None) => Some(Body::new(b"")),
        _ => inspected,
    };
    match gate::judge(worker, loaded, &view, &peer, inspected.as_ref()) {
        Gate::NeedsBody => Begun::NeedsBody(head.framing),
        Gate::Answer(answer) => turned(worker, client, head, path, &answer, out),
        Gate::Pass(pass) => {
            let end = CallEnd::begun(worker, client, &view, &pass.subject, &pass.note);
            write_request(loaded, client, head, path, body, &pass, address, out);
            Begun::Forward(Box::new(Forward {
                method: head.method.to_owned(),
                body: if body.is_some() { Framing::None } else { head.framing },
                http10: head.version == Version::Http10,
                keep_alive: head.keep_alive,
                upgrade: head.upgrade.is_some(),
                expects_continue: head.expects_continue && body.is_none(),
                end,
                pass: *pass,
            }))
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "everything a request is made of, each once")]
fn write_request(
    loaded: &Loaded,
    client: &Client,
    head: &RequestHead<'_, '_>,
    path: &str,
    body: Option<&[u8]>,
    pass: &Pass,
    address: IpAddr,
    out: &mut Vec<u8>,
) {
    let body = pass.changed.body.as_deref().or(body);
    let via = Via::new(loaded, client, head, address);
    let extra = via.fields(client, head);
    let host = if head.host.is_empty() { "localhost" } else { head.host };
    let framing = match body {
        Some(body) if head.framing != Framing::None => Framing::Length(body.len() as u64),
        _ => head.framing,
    };
    let outgoing = OutgoingRequest {
        path,
        query: pass.changed.query.as_deref().or(head.query),
        host,
        framing,
        upgrade: head.upgrade,
        without: via.without,
        extra: extra.get(..via.count).unwrap_or_default(),
    };
    head.write(&outgoing, out);
    if let Some(body) = body {
        out.extend_from_slice(body);
    }
}

/// What the upstream is told about who is behind the gateway.
struct Via<'v> {
    forwarded_for: Cow<'v, str>,
    without: &'static [&'static str],
    count: usize,
}

impl<'v> Via<'v> {
    /// The header of a trusted proxy is kept and continued. Whatever else speaks of the client was not checked by
    /// anybody, and is replaced or left out.
    fn new(loaded: &Loaded, client: &'v Client, head: &RequestHead<'_, '_>, address: IpAddr) -> Self {
        let Trust { proxies, header, .. } = &loaded.policy.trust;
        let own = Cow::Borrowed(client.address_text.as_str());
        if address == client.address || !proxies.iter().any(|network| network.contains(client.address)) {
            let without =
                &["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded"];
            return Self { forwarded_for: own, without, count: 3 };
        }
        match header {
            ForwardedHeader::XForwardedFor => {
                let fields = HeadFields(head.fields);
                let mut list = String::new();
                for value in fields.values("x-forwarded-for") {
                    list.push_str(&String::from_utf8_lossy(value));
                    list.push_str(", ");
                }
                list.push_str(&own);
                let without = &["x-forwarded-for", "x-real-ip", "forwarded"];
                Self { forwarded_for: Cow::Owned(list), without, count: 1 }
            }
            ForwardedHeader::Forwarded => {
                let without = &["x-forwarded-for", "x-real-ip"];
                Self { forwarded_for: Cow::Owned(format!("{address}, {own}")), without, count: 1 }
            }
        }
    }

    fn fields<'f>(&'f self, client: &Client, head: &RequestHead<'_, 'f>) -> [Extra<'f>; 3] {
        [
            ("x-forwarded-for", self.forwarded_for.as_bytes()),
            ("x-forwarded-proto", if client.tls { b"https" } else { b"http" }),
            ("x-forwarded-host", head.host.as_bytes()),
        ]
    }
}

/// Writes the answer to a call that is not forwarded.
fn turned(
    worker: &Worker,
    client: &Client,
    head: &RequestHead<'_, '_>,
    path: &str,
    turned: &Turned,
    out: &mut Vec<u8>,
) -> Begun {
    let Turned { answer, subject, note } = turned;
    let fields = HeadFields(head.fields);
    let view = Head { method: head.method, path, query: head.query, fields: &fields };
    worker.record(&CallEnd::turned(worker, client, &view, subject.as_ref(), note, answer.status));
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
    worker.record(&CallEnd::refused(worker, refusal, client));
    write(&crate::answer::refusal(refusal), true, true, out);
    Begun::Answered(Unread { close: true, framing: None })
}

/// Writes an answer of the gateway itself. An answer to HEAD names its body's length and leaves the body out.
pub(crate) fn write(answer: &Answer, close: bool, with_body: bool, out: &mut Vec<u8>) {
    let mut fields: Vec<Extra<'_>> = Vec::with_capacity(answer.fields.len() + 1);
    if !answer.media_type.is_empty() {
        fields.push(("content-type", answer.media_type.as_bytes()));
    }
    fields.extend(answer.fields.iter().map(|(name, value)| (*name, value.as_bytes())));
    write_answer(out, answer.status, &fields, answer.body.as_bytes(), close, with_body);
}

/// Whether a head waits for `100 Continue`.
pub(crate) fn expects_continue(bytes: &[u8]) -> bool {
    parse_request(bytes, &mut storage(), &[]).is_ok_and(|head| head.expects_continue)
}
