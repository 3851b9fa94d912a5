//! `/check`: decisions for other gateways, in the form their sub-requests have.
//!
//! nginx `auth_request`, Traefik's ForwardAuth, Caddy's `forward_auth` and Envoy's `ext_authz` over HTTP all send the
//! client's fields and want a status: 2xx lets the call pass. Where the original method and target stand differs:
//!
//! | gateway | method | target |
//! |---|---|---|
//! | Envoy | the request's own | the path behind the prefix `/check` |
//! | nginx | `X-Original-Method` | `X-Original-URI`, both set by hand |
//! | Traefik, Caddy | `X-Forwarded-Method` | `X-Forwarded-Uri` |
//!
//! All of them pass the client's own fields on, so a field that the gateway does not set is the client's word. Taking
//! the first that is there was rejected: behind Caddy a client could say `X-Original-URI` and be judged as another call.
//! Both fields of one form, each once, or the question is none.
//!
//! The gateway must be among `trust.proxies`, or all its clients are one. nginx passes on only 401 and 403, so
//! `/check?reject=403` answers any error but 401 with that, in nginx's form only: the query that Envoy and Caddy ask with
//! is the client's. A call's end is not seen here: a concurrency limit counts only the moment of the decision, and
//! nothing is settled after the answer. Nor can the call be changed: a number over a ceiling that would be lowered on the
//! way is refused.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use http::HeaderMap;
use hyper::Request;
use hyper::body::Incoming;
use ratewarden_callers::Peer;
use ratewarden_http1::query_values;
use ratewarden_judge::{Body, Head, Operation, Refusal};

use crate::answer::{Answer, FieldList};
use crate::call;
use crate::detection::About;
use crate::gate::{self, Gate, Turned};
use crate::worker::Worker;

/// What a gateway is answered.
pub(crate) struct Checked {
    pub(crate) status: u16,
    pub(crate) fields: FieldList,
    pub(crate) media_type: Cow<'static, str>,
    pub(crate) body: String,
}

/// Where questions are asked, and what Envoy puts the call's own path behind.
const PATH: &str = "/check";

/// The method and the target, as a configuration of nginx sets them.
const BY_HAND: [&str; 2] = ["x-original-method", "x-original-uri"];

/// The same, as Traefik and Caddy do of themselves.
const FORWARDED: [&str; 2] = ["x-forwarded-method", "x-forwarded-uri"];

/// Which status there was, where another one is answered.
const TRUE_STATUS: &str = "x-ratewarden-status";

/// Decides the call that a gateway asks about. `connected` is the gateway.
pub(crate) fn check(worker: &Rc<Worker>, request: &Request<Incoming>, connected: IpAddr) -> Checked {
    let mut checked = decide(worker, request, connected);
    // The client may show other credentials after a 401, and nginx passes it on with what it says of them.
    if checked.status >= 400
        && checked.status != 401
        && let Some(status) = rejects_with(request)
    {
        checked.fields.push(TRUE_STATUS, &checked.status.to_string());
        checked.status = status;
    }
    checked
}

/// The status that the gateway wants for whatever does not pass.
fn rejects_with(request: &Request<Incoming>) -> Option<u16> {
    let is_set_by_hand = BY_HAND.iter().any(|name| request.headers().contains_key(*name));
    if request.uri().path() != PATH || !is_set_by_hand {
        return None;
    }
    let query = request.uri().query().unwrap_or_default();
    let status: u16 = query_values(query, "reject").next()?.parse().ok()?;
    (400..600).contains(&status).then_some(status)
}

fn decide(worker: &Rc<Worker>, request: &Request<Incoming>, connected: IpAddr) -> Checked {
    let headers = request.headers();
    let about = |method, path, query, address| {
        let operation = Operation { method, path };
        About { operation, query, fields: Some(headers), address, subject: None, tried: None }
    };
    let (method, target) = match described(request) {
        Ok(described) => described,
        Err(detail) => {
            let refusal = Refusal::new(400, "question", detail);
            return turned(worker, &about("", "", None, None), *gate::refused(&refusal, None));
        }
    };
    let loaded = worker.loaded();
    let peer = Peer { address: gate::client_address(&loaded, connected, headers), certificate_subject: None };
    let (path, query) = call::split(target);
    let path = match call::one_form(path, query) {
        Ok(path) => path,
        Err(refusal) => {
            let about = about(method, "", query, Some(peer.address));
            return turned(worker, &about, *gate::refused(&refusal, None));
        }
    };
    let at = worker.shared.clock.now();
    let head = Head { method, path: &path, query, fields: headers, at, changeable: false };
    let about = about(method, &path, query, Some(peer.address));
    // Sub-requests have no body; what a limit counts per body field is not there.
    match gate::judge(worker, &loaded, &head, &peer, Some(&Body::new(b""))) {
        Gate::Pass(pass) => {
            worker.asked(&About { subject: Some(&pass.subject), ..about }, &pass.note, 200);
            Checked { status: 200, fields: pass.fields, media_type: Cow::Borrowed(""), body: String::new() }
        }
        Gate::Answer(answer) => turned(worker, &about, *answer),
        // The body was given.
        Gate::NeedsBody => turned(worker, &about, *gate::refused(&Refusal::new(500, "internal", ""), None)),
    }
}

fn turned(worker: &Worker, about: &About<'_, HeaderMap>, turned: Turned) -> Checked {
    let Answer { status, fields, media_type, body } = turned.answer;
    let about = About { subject: turned.subject.as_ref(), tried: turned.tried, ..*about };
    worker.asked(&about, &turned.note, status);
    Checked { status, fields, media_type, body }
}

/// The method and the target of the call that is asked about.
///
/// # Errors
/// When it is not said, or not by the gateway alone.
fn described(request: &Request<Incoming>) -> Result<(&str, &str), String> {
    let own = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    if let Some(behind) = own.strip_prefix(PATH).filter(|rest| rest.starts_with('/')) {
        return Ok((request.method().as_str(), behind));
    }
    let pair = |[method, target]: [&'static str; 2]| {
        Ok::<_, String>((said(request.headers(), method)?, said(request.headers(), target)?))
    };
    match (pair(BY_HAND)?, pair(FORWARDED)?) {
        ((Some(method), Some(target)), (None, None)) | ((None, None), (Some(method), Some(target))) => {
            Ok((method, target))
        }
        _ => {
            let [by_hand, forwarded] = [BY_HAND, FORWARDED].map(|names| names.join(" and "));
            Err(format!(
                "the call is said by {by_hand} or by {forwarded}, both of them and none of the others"
            ))
        }
    }
}

/// A field, if it is there.
///
/// # Errors
/// When it is there twice, or is no text: a proxy may pass on bytes of a target that stand in no URI.
fn said<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, String> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(format!("`{name}` is there more than once"));
    }
    value.to_str().map(Some).map_err(|_| format!("`{name}` has bytes that are not ASCII"))
}
