//! The operator's listener: health, metrics, limits, and decisions for other gateways.
//!
//! A thread and a runtime of its own, so that a worker that is busy cannot hide that it is. Everything but
//! `/healthz` and `/readyz` wants the token where the policy names one. Errors are problem details (RFC 9457).

mod check;
mod exposition;

use std::convert::Infallible;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::answer;
use crate::judge::Refusal;
use crate::state::Shared;
use crate::worker::Worker;

/// Connections at a time.
const CONNECTIONS: usize = 64;

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

    /// Serves until the thread is abandoned at the end of the process; in a `LocalSet`.
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
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let admin = Rc::clone(&admin);
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| {
                    let admin = Rc::clone(&admin);
                    async move { Ok::<_, Infallible>(admin.answer(&request, peer.ip())) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                let server = server.timer(TokioTimer::new());
                if let Err(error) = server.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!(%error, "An admin connection failed.");
                }
                drop(place);
            });
        }
    }

    fn answer(&self, request: &Request<Incoming>, peer: IpAddr) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if path == "/check" || path.starts_with("/check/") {
            // Asked for with whatever method the call has; the token may stand beside the client's credentials.
            if !self.may(request) {
                return problem(401, "token", "`X-Ratewarden-Token` with the admin token is required");
            }
            return self.check(request, peer);
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return problem(405, "method", "only GET is understood here");
        }
        match path {
            "/healthz" => return text(200, "text/plain", "ok\n"),
            "/readyz" => return self.ready(),
            _ => {}
        }
        if !self.may(request) {
            return problem(401, "token", "`Authorization: Bearer` with the admin token is required");
        }
        match path {
            "/metrics" => text(200, "text/plain; version=0.0.4", exposition::write(&self.shared)),
            "/v1/limits" => self.limits(),
            _ => problem(404, "path", "known are /healthz, /readyz, /metrics, /check and /v1/limits"),
        }
    }

    /// Ready is a gateway that can do what it is there for: not ending, and with a server to send calls to.
    fn ready(&self) -> Response<Full<Bytes>> {
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

    fn check(&self, request: &Request<Incoming>, peer: IpAddr) -> Response<Full<Bytes>> {
        let checked = check::check(&self.worker, request, peer);
        let mut response = text(checked.status, "text/plain", checked.body);
        let headers = response.headers_mut();
        headers.remove("content-type");
        let media_type = (!checked.media_type.is_empty()).then_some(("content-type", checked.media_type));
        for (name, value) in checked.fields.into_iter().chain(media_type) {
            if let Ok(value) = http::HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn limits(&self) -> Response<Full<Bytes>> {
        let loaded = self.shared.loaded();
        let views: Vec<LimitView<'_>> = loaded
            .rules
            .limits
            .iter()
            .enumerate()
            .map(|(index, rule)| LimitView {
                name: &rule.limit.name,
                algorithm: rule.limit.algorithm.name(),
                quota: rule.quota,
                window: rule.window,
                shadow: rule.limit.shadow,
                rejected: self.shared.rejected(index),
            })
            .collect();
        match serde_json::to_string(&views) {
            Ok(json) => text(200, "application/json", json + "\n"),
            Err(error) => problem(500, "internal", &error.to_string()),
        }
    }
}

fn problem(status: u16, reason: &'static str, detail: &str) -> Response<Full<Bytes>> {
    let answer = answer::refusal(&Refusal::new(status, reason, detail));
    text(status, "application/problem+json", answer.body + "\n")
}

fn text(status: u16, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(media_type));
    response
}
