//! A head: checked, judged, and made ready for the upstream.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderValue, TE};
use http::{HeaderMap, Method, Response, request};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use ratewarden_http1::{
    Extra, Framing, OutgoingRequest, Reason, Refused, check_host, declared_length, write_request,
};
use ratewarden_judge::Refusal;

use super::forward::{self, Call, Written};
use super::link::Link;
use super::reply::{self, Reply};
use crate::answer;
use crate::call::{self, Admitted, Asked, Begun};
use crate::forwarded::Via;
use crate::net::deadline::Patience;
use crate::record::CallEnd;
use crate::state::Loaded;
use crate::transfer::{self, Parts, Pieces, Upload, is_for_the_server};

/// A head that has passed as a message.
#[derive(Debug)]
struct Checked {
    parts: request::Parts,
    host: String,
    framing: Framing,
    /// The client reads trailers.
    trailers: bool,
}

/// Answers a call.
pub(crate) async fn answer(link: Rc<Link>, request: Request<Incoming>) -> Response<Reply> {
    let mut on_its_way = link.begin();
    let loaded = link.worker.loaded();
    let (parts, incoming) = request.into_parts();
    let to_head = parts.method == Method::HEAD;
    let checked = match check(&loaded, parts, incoming.is_end_stream()) {
        Ok(checked) => checked,
        Err(refused) => {
            on_its_way.answered();
            return refuse(&link, &call::refusal(&refused), to_head).map(Reply::fed);
        }
    };
    let upload = Upload::new(incoming, checked.framing, loaded.policy.caps.body_bytes);
    match judged(&link, &loaded, &checked, upload).await {
        Ok((call, written)) => forward::forward(link, loaded, call, written, on_its_way).await,
        Err(turned) => {
            on_its_way.answered();
            turned.map(Reply::fed)
        }
    }
}

/// Judges a call, reading its body first where a limit looks into it; the error is the answer.
async fn judged(
    link: &Rc<Link>,
    loaded: &Arc<Loaded>,
    checked: &Checked,
    mut upload: Upload,
) -> Result<(Call, Written), Box<Response<Pieces>>> {
    let to_head = checked.parts.method == Method::HEAD;
    let asked = Asked {
        method: checked.parts.method.as_str(),
        path: checked.parts.uri.path(),
        query: checked.parts.uri.query(),
        fields: &checked.parts.headers,
        framing: checked.framing,
    };
    let worker = &link.worker;
    let mut body = None;
    let mut begun = call::begin(worker, loaded, &link.client, &asked, None);
    if matches!(begun, Begun::NeedsBody) {
        let patience = Patience::new(&worker.deadlines, loaded.policy.timeouts.body);
        match upload.whole(loaded.policy.caps.inspect_bytes, &patience).await {
            Ok(bytes) => {
                begun = call::begin(worker, loaded, &link.client, &asked, Some(&bytes));
                body = Some(bytes);
            }
            Err(broken) => {
                // Nobody is there where there is nothing to say.
                let refusal = broken.refusal();
                let refusal =
                    refusal.unwrap_or_else(|| Refusal::new(400, "body_cut", "the body was cut off"));
                return Err(Box::new(refuse(link, &refusal, to_head)));
            }
        }
    }
    match begun {
        Begun::Forward(admitted) => {
            let refused = |refusal: Refusal| Box::new(refuse(link, &refusal, to_head));
            let written = write(link, loaded, checked, body, &admitted).map_err(refused)?;
            let Admitted { pass, end, .. } = admitted;
            let upload = (!matches!(written.framing, Framing::None | Framing::Length(0))
                && written.body.is_none())
            .then_some(upload);
            Ok((Call { method: checked.parts.method.clone(), pass, end, upload }, written))
        }
        Begun::Answer(answer) => Err(Box::new(reply::own(answer, to_head))),
        // The body was given.
        Begun::NeedsBody => Err(Box::new(refuse(link, &Refusal::new(500, "internal", ""), to_head))),
    }
}

/// Answers a message that is none.
fn refuse(link: &Link, refusal: &Refusal, to_head: bool) -> Response<Pieces> {
    link.worker.record(CallEnd::refused(&link.worker, refusal, &link.client));
    reply::own(answer::refusal(refusal), to_head)
}

/// What hyper lets pass and HTTP/1.1 would not.
fn check(loaded: &Loaded, mut parts: request::Parts, ended: bool) -> Result<Checked, Refused> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(Reason::Method.into());
    }
    join_cookies(&mut parts.headers)?;
    if parts.headers.len() > loaded.policy.caps.headers {
        return Err(Reason::TooManyFields.into());
    }
    // RFC 9113 section 8.2.1. What a server takes away from a value was counted with it.
    let padded = |value: &HeaderValue| value.as_bytes().trim_ascii().len() != value.len();
    if parts.headers.values().any(padded) {
        return Err(Reason::FieldValue.into());
    }
    if parts.headers.get(EXPECT).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        return Err(Reason::Expectation.into());
    }
    let lengths = parts.headers.get_all(CONTENT_LENGTH).into_iter().map(HeaderValue::as_bytes);
    let framing = match (declared_length(lengths)?, ended) {
        (Some(length), _) => Framing::Length(length),
        // Some servers of HTTP/1.1 want to be told that a body is empty (RFC 9110 section 8.6).
        (None, true) if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) => {
            Framing::Length(0)
        }
        (None, true) => Framing::None,
        (None, false) => Framing::Chunked,
    };
    let host = host(&parts)?.to_owned();
    let trailers = parts.headers.contains_key(TE);
    Ok(Checked { parts, host, framing, trailers })
}

/// The host a client names, in `:authority`, `Host` or both alike.
fn host(parts: &request::Parts) -> Result<&str, Refused> {
    let mut fields = parts.headers.get_all(HOST).into_iter().map(HeaderValue::as_bytes);
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Reason::DuplicateHost.into());
    }
    match (parts.uri.authority(), field) {
        (Some(authority), Some(field)) if !field.eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
            Err(Reason::HostAndAuthority.into())
        }
        (Some(authority), _) => check_host(authority.as_str().as_bytes()),
        (None, Some(field)) => check_host(field),
        (None, None) => Err(Reason::MissingHost.into()),
    }
}

/// One field of the crumbs that RFC 9113 section 8.2.3 lets a client make of its cookies.
fn join_cookies(headers: &mut HeaderMap) -> Result<(), Refused> {
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).into_iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1 {
        let whole = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).map_err(|_| Reason::FieldValue)?;
        headers.insert(COOKIE, whole);
    }
    Ok(())
}

/// Writes the head as the upstream reads it.
fn write(
    link: &Link,
    loaded: &Loaded,
    checked: &Checked,
    body: Option<Bytes>,
    admitted: &Admitted<'_>,
) -> Result<Written, Refusal> {
    let Checked { parts, host, framing, trailers } = checked;
    let changed = &admitted.pass.changed;
    let body = match (&changed.body, body) {
        (Some(changed), _) => Some(Bytes::from(changed.clone())),
        (None, body) => body,
    };
    let framing = match &body {
        Some(body) if *framing != Framing::None => Framing::Length(body.len() as u64),
        _ => *framing,
    };
    let via = Via::new(loaded, &link.client, &parts.headers, admitted.address);
    let extra = via.fields(&link.client, host);
    let extra = extra.get(..via.count()).unwrap_or_default();
    let (path, query) = (&*admitted.path, changed.query.as_deref().or(parts.uri.query()));
    let fields = || -> Box<dyn Iterator<Item = Extra<'_>> + '_> {
        let all = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Box::new(all.filter(|(name, _)| is_for_the_server(name)))
    };
    if loaded.gateway.upstream.http2 {
        let https = loaded.gateway.upstream.servers.iter().any(|server| server.https);
        let method = parts.method.as_str();
        let parts = Parts { method, path, query, host, https, framing, trailers: *trailers };
        let outgoing = transfer::request(&parts, fields(), via.without, extra)?;
        return Ok(Written { head: forward::Head::Fields(outgoing), framing, body });
    }
    let outgoing = OutgoingRequest { path, query, host, framing, upgrade: None, without: via.without, extra };
    let mut out = link.worker.output();
    write_request(parts.method.as_str(), fields(), &outgoing, &mut out);
    Ok(Written { head: forward::Head::Bytes(out), framing, body })
}
