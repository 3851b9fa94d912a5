//! The operator's listener: health, metrics, limits, and decisions for other gateways and for applications.
//!
//! A thread and a runtime of its own, so that a worker that is busy cannot hide that it is. Everything but
//! `/healthz` and `/readyz` wants the token where the policy names one. Errors are problem details (RFC 9457).

mod body;
mod callers;
mod check;
mod decide;
mod decisions;
mod exposition;
mod findings;
mod openapi;
mod penalties;
mod query;
mod respond;
mod routes;
mod thread;

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::descriptors::{Missing, PAUSE, Spare};
use crate::state::Shared;
use crate::worker::Worker;
use respond::{Answer, json, problem, refusal, set, text};
use routes::{Entry, Route};

pub(crate) use thread::AdminThread;

/// Connections at a time.
const CONNECTIONS: usize = 64;

/// Descriptors that are kept for those: who looks after the gateway must get in when clients have used up all others.
const SPARE: usize = 4;

/// What the admin listener needs to know.
pub(crate) struct Admin {
    shared: Arc<Shared>,
    /// For decisions: the admin thread is one more worker, without listeners of its own.
    worker: Rc<Worker>,
    /// The hash of the token, so that comparing takes as long whatever is wrong.
    token: Option<[u8; 32]>,
}

/// A limit as `/v1/limits` shows it.
#[derive(Debug, Serialize)]
struct LimitView<'l> {
    name: &'l str,
    algorithm: &'static str,
    /// Calls at most, and the seconds they are for.
    quota: u64,
    window: u64,
    shadow: bool,
    rejected: u64,
}

impl Admin {
    pub(crate) fn new(shared: Arc<Shared>, token: Option<&[u8]>) -> Self {
        let worker = Worker::new(Arc::clone(&shared));
        Self { shared, worker, token: token.map(|token| Sha256::digest(token).into()) }
    }

    /// Serves until it is dropped; in a `LocalSet`.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let admin = Rc::new(self);
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(%error, "The admin listener cannot be used.");
                return;
            }
        };
        let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
        let spare = Rc::new(RefCell::new(Spare::take(SPARE)));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    let is_missing = admin.worker.lacks_descriptors(Missing::Admin, &error);
                    if !is_missing || !spare.borrow_mut().give_up() {
                        tokio::time::sleep(PAUSE).await;
                        spare.borrow_mut().refill();
                    }
                    continue;
                }
            };
            let (admin, spare) = (Rc::clone(&admin), Rc::clone(&spare));
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| {
                    let admin = Rc::clone(&admin);
                    async move { Ok::<_, Infallible>(admin.answer(request, peer.ip()).await) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                let server = server.timer(TokioTimer::new());
                if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "An admin connection failed.");
                }
                // At once, before a client's connection has it.
                spare.borrow_mut().refill();
                drop(place);
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Answer {
        let path = request.uri().path().to_owned();
        let found = Entry::find(&path);
        if !found.is_some_and(|(entry, _)| entry.is_open) && !self.may(&request) {
            let detail = "`Authorization: Bearer`, or `X-Ratewarden-Token`, with the admin token is required";
            return problem(401, "token", detail);
        }
        let Some((entry, parameter)) = found else {
            return problem(404, "path", &format!("known are {}", Entry::paths()));
        };
        let Some(route) = entry.route(request.method()) else {
            let mut response = problem(405, "method", &format!("known here are {}", entry.allow()));
            set(&mut response, "allow", &entry.allow());
            return response;
        };
        match route {
            Route::Health => text(200, "text/plain", "ok\n"),
            Route::Ready => self.ready(),
            Route::Metrics => text(200, "text/plain; version=0.0.4", exposition::write(&self.shared)),
            Route::OpenApi => text(200, "application/json", openapi::DOCUMENT),
            Route::Limits => self.limits(),
            Route::Check => self.check(&request, peer),
            Route::Decide => self.decide(request).await,
            Route::Decisions => decisions::follow(&self.shared, request.uri().query()),
            Route::Callers => callers::list(&self.shared, request.uri().query()),
            Route::Findings => findings::list(&self.shared, request.uri().query()),
            Route::Penalties => penalties::list(&self.shared, request.uri().query()),
            Route::AddPenalty => match body::read(request).await {
                Ok(wanted) => penalties::add(&self.shared, &wanted),
                Err(wrong) => refusal(&wrong),
            },
            Route::Penalty => penalties::show(&self.shared, parameter),
            Route::LiftPenalty => penalties::lift(&self.shared, parameter),
        }
    }

    async fn decide(&self, request: Request<Incoming>) -> Answer {
        let question = body::read(request).await;
        match question.and_then(|question| decide::decide(&self.worker, &question)) {
            Ok(verdict) => json(200, &verdict),
            Err(wrong) => refusal(&wrong),
        }
    }

    /// Ready is a gateway that can do what it is there for: not ending, and with a server to send calls to.
    fn ready(&self) -> Answer {
        if self.shared.is_draining() {
            return problem(503, "draining", "the gateway is ending");
        }
        if !self.shared.loaded().servers.is_ready() {
            return problem(503, "upstream", "no upstream server is healthy");
        }
        text(200, "text/plain", "ready\n")
    }

    fn may(&self, request: &Request<Incoming>) -> bool {
        let Some(token) = self.token else { return true };
        let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let bearer = || field("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let given = field("x-ratewarden-token").or_else(bearer);
        given.is_some_and(|given| <[u8; 32]>::from(Sha256::digest(given.trim())) == token)
    }

    fn check(&self, request: &Request<Incoming>, peer: IpAddr) -> Answer {
        let checked = check::check(&self.worker, request, peer);
        let mut response = text(checked.status, "text/plain", checked.body);
        let headers = response.headers_mut();
        headers.remove("content-type");
        let media_type = (!checked.media_type.is_empty()).then_some(("content-type", &*checked.media_type));
        for (name, value) in checked.fields.iter().chain(media_type) {
            if let Ok(value) = http::HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn limits(&self) -> Answer {
        let loaded = self.shared.loaded();
        let views: Vec<LimitView<'_>> = loaded
            .rules
            .limits
            .iter()
            .enumerate()
            .map(|(index, rule)| LimitView {
                name: &rule.limit.name,
                algorithm: rule.limit.algorithm.name(),
                quota: rule.notice.published().quota,
                window: rule.notice.published().window,
                shadow: rule.limit.shadow,
                rejected: self.shared.rejected(index),
            })
            .collect();
        json(200, &views)
    }
}
