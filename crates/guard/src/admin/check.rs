//! `/check`: decisions for other gateways, in the form their sub-requests have.
//!
//! nginx `auth_request`, Traefik's ForwardAuth, Caddy's `forward_auth` and Envoy's `ext_authz` over HTTP all send the
//! client's fields and want a status: 2xx lets the call pass. Where the original method and target stand differs:
//!
//! | gateway | method | target |
//! |---|---|---|
//! | nginx | `X-Original-Method` | `X-Original-URI`, both set by hand |
//! | Traefik, Caddy | `X-Forwarded-Method` | `X-Forwarded-Uri` |
//! | Envoy | the request's own | the path behind the prefix `/check` |
//!
//! The gateway must be among `trust.proxies`, or all its clients are one. nginx passes on only 401 and 403, so
//! `/check?reject=403` rejects with that. A call's end is not seen here: a concurrency limit counts only the moment
//! of the decision, and nothing is settled after the answer.

use std::borrow::Cow;
use std::net::IpAddr;
use std::rc::Rc;

use http::HeaderMap;
use hyper::Request;
use hyper::body::Incoming;
use ratewarden_callers::Peer;
use ratewarden_http1::{check_query, normalise, query_values};

use crate::answer::{Answer, FieldList};
use crate::gate::{self, Gate, Turned};
use crate::judge::{Body, Head, Refusal};
use crate::worker::Worker;

/// What a gateway is answered.
pub(crate) struct Checked {
    pub(crate) status: u16,
    pub(crate) fields: FieldList,
    pub(crate) media_type: Cow<'static, str>,
    pub(crate) body: String,
}

/// Decides the call that a gateway asks about. `connected` is the gateway.
pub(crate) fn check(worker: &Rc<Worker>, request: &Request<Incoming>, connected: IpAddr) -> Checked {
    let rejected_with = query_values(request.uri().query().unwrap_or_default(), "reject")
        .next()
        .and_then(|status| status.parse::<u16>().ok())
        .filter(|status| (400..600).contains(status));
    let mut checked = decide(worker, request, connected);
    if let (true, Some(status)) = (checked.status >= 400, rejected_with) {
        checked.status = status;
    }
    checked
}

fn decide(worker: &Rc<Worker>, request: &Request<Incoming>, connected: IpAddr) -> Checked {
    let headers = request.headers();
    let first = |names: [&str; 2]| names.iter().find_map(|name| text(headers, name));
    let method = first(["x-original-method", "x-forwarded-method"]).unwrap_or(request.method().as_str());
    let own = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let behind = own.strip_prefix("/check").filter(|rest| rest.starts_with('/')).unwrap_or("/");
    let target = first(["x-original-uri", "x-forwarded-uri"]).unwrap_or(behind);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let at = worker.shared.clock.now();
    let checked = normalise(path).and_then(|path| query.map_or(Ok(()), check_query).map(|()| path));
    let path = match checked {
        Ok(path) => path,
        Err(refused) => {
            let refusal = Refusal::new(refused.status, refused.reason.name(), refused.to_string());
            let head = Head { method, path: "", query, fields: headers, at };
            return turned(worker, &head, *gate::refused(&refusal, None));
        }
    };
    let loaded = worker.loaded();
    let peer = Peer { address: gate::client_address(&loaded, connected, headers), certificate_subject: None };
    let head = Head { method, path: &path, query, fields: headers, at };
    // Sub-requests have no body; what a limit counts per body field is not there.
    match gate::judge(worker, &loaded, &head, &peer, Some(&Body::new(b""))) {
        Gate::Pass(pass) => {
            worker.asked(&head, Some(&pass.subject), &pass.note, 200);
            Checked { status: 200, fields: pass.fields, media_type: Cow::Borrowed(""), body: String::new() }
        }
        Gate::Answer(answer) => turned(worker, &head, *answer),
        // The body was given.
        Gate::NeedsBody => turned(worker, &head, *gate::refused(&Refusal::new(500, "internal", ""), None)),
    }
}

fn turned(worker: &Worker, head: &Head<'_, HeaderMap>, turned: Turned) -> Checked {
    let Answer { status, fields, media_type, body } = turned.answer;
    worker.asked(head, turned.subject.as_ref(), &turned.note, status);
    Checked { status, fields, media_type, body }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
