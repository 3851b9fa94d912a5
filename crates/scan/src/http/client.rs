//! Sends requests over kept connections, within the budget, and times them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use ratewarden_model::Secret;
use tokio::time::Instant;

use super::connect::{Connector, Sender};
use super::message::{Answer, Failure, Request, Response};
use super::{KEPT_BODY_BYTES, MAX_BODY_BYTES};
use crate::budget::{Budget, Exhausted};
use crate::config::{Config, user_agent};
use crate::target::Target;

/// Idle connections of HTTP/1.1 kept for one source address.
const MAX_IDLE: usize = 50;

type Pools = HashMap<Option<IpAddr>, Pool>;

#[derive(Default)]
struct Pool {
    idle: Vec<http1::SendRequest<Full<Bytes>>>,
    shared: Option<http2::SendRequest<Full<Bytes>>>,
}

/// A client of one target within one budget. Cheap to share behind an `Arc`.
pub struct Client {
    target: Target,
    connector: Connector,
    headers: Vec<(HeaderName, Secret)>,
    budget: Arc<Budget>,
    timeout: Duration,
    pools: Mutex<Pools>,
    round_trip: Mutex<Option<Duration>>,
}

impl Client {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// When TLS cannot be set up, or a header of the user's is not a header.
    pub fn new(
        target: &Target,
        address: SocketAddr,
        config: &Config,
        budget: Arc<Budget>,
    ) -> Result<Self, Failure> {
        let mut headers = Vec::new();
        for (name, value) in &config.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| Failure::Unsendable(format!("`{name}` is not a header name")))?;
            HeaderValue::from_str(value.expose()).map_err(|_| {
                Failure::Unsendable(format!("the value of header `{name}` has control characters"))
            })?;
            headers.push((parsed, value.clone()));
        }
        if let Some(basic) = &target.basic
            && !headers.iter().any(|(name, _)| name == http::header::AUTHORIZATION)
        {
            headers.push((http::header::AUTHORIZATION, basic.clone()));
        }
        Ok(Self {
            connector: Connector::new(target, address, config.insecure)?,
            target: target.clone(),
            headers,
            budget,
            timeout: config.request_timeout,
            pools: Mutex::default(),
            round_trip: Mutex::default(),
        })
    }

    /// The budget of this client.
    #[must_use]
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// The target of this client.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The names of the user's own headers, lower case.
    pub fn user_headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// The shortest TCP handshake seen: about one round trip.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        *self.round_trip.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one request and waits for its answer, at most the request timeout and never past the budget.
    ///
    /// # Errors
    /// Only when the budget is used up; whatever goes wrong on the network is an [`Answer`].
    pub async fn send(&self, request: &Request) -> Result<Answer, Exhausted> {
        let _permit = self.budget.take().await?;
        let timeout = self.timeout.min(self.budget.time_left() + Duration::from_millis(50));
        let clock = Clock {
            started: self.budget.started(),
            sent: Mutex::new(Instant::now()),
            headed: Mutex::new(None),
        };
        let result = match tokio::time::timeout(timeout, self.exchange(request, &clock)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout(timeout)),
        };
        Ok(clock.answer(result))
    }

    async fn exchange(&self, request: &Request, clock: &Clock) -> Result<Response, Failure> {
        let wire = self.wire_request(request)?;
        // A write may not be sent twice, so it never goes over a connection that might be closed already.
        let repeatable =
            matches!(request.method, http::Method::GET | http::Method::HEAD | http::Method::OPTIONS);
        if repeatable && let Some(sender) = self.idle(request.source) {
            clock.mark_sent();
            match self.on(sender, wire.clone(), request.source, clock).await {
                // A kept connection that the server closed meanwhile says nothing about this request.
                Err(Failure::Closed) => {}
                other => return other,
            }
        }
        let (sender, round_trip) = self.connector.open(request.source).await?;
        self.remember_round_trip(round_trip);
        clock.mark_sent();
        self.on(sender, wire, request.source, clock).await
    }

    async fn on(
        &self,
        sender: Sender,
        wire: http::Request<Full<Bytes>>,
        source: Option<IpAddr>,
        clock: &Clock,
    ) -> Result<Response, Failure> {
        match sender {
            Sender::Http1(mut sender) => {
                sender.ready().await.map_err(|_| Failure::Closed)?;
                let answer = sender.send_request(wire).await.map_err(|error| explain(&error))?;
                clock.mark_headed();
                let response = read(answer).await?;
                if !response.truncated {
                    self.keep(source, sender).await;
                }
                Ok(response)
            }
            Sender::Http2(mut sender) => {
                sender.ready().await.map_err(|_| Failure::Closed)?;
                self.with_pool(source, |pool| pool.shared = Some(sender.clone()));
                let wire = self.for_http2(wire)?;
                let answer = sender.send_request(wire).await.map_err(|error| explain(&error))?;
                clock.mark_headed();
                read(answer).await
            }
        }
    }

    fn with_pool<T>(&self, source: Option<IpAddr>, act: impl FnOnce(&mut Pool) -> T) -> T {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        act(pools.entry(source).or_default())
    }

    fn idle(&self, source: Option<IpAddr>) -> Option<Sender> {
        self.with_pool(source, |pool| {
            if let Some(shared) = pool.shared.as_ref().filter(|shared| !shared.is_closed()) {
                return Some(Sender::Http2(shared.clone()));
            }
            pool.idle.retain(|sender| !sender.is_closed());
            pool.idle.pop().map(Sender::Http1)
        })
    }

    async fn keep(&self, source: Option<IpAddr>, mut sender: http1::SendRequest<Full<Bytes>>) {
        // hyper needs a moment to notice that the body has ended; a connection that is not ready by then is not kept.
        if tokio::time::timeout(Duration::from_millis(5), sender.ready())
            .await
            .is_ok_and(|ready| ready.is_ok())
        {
            self.with_pool(source, |pool| {
                if pool.idle.len() < MAX_IDLE {
                    pool.idle.push(sender);
                }
            });
        }
    }

    fn remember_round_trip(&self, measured: Duration) {
        let mut shortest = self.round_trip.lock().unwrap_or_else(PoisonError::into_inner);
        *shortest = Some(shortest.map_or(measured, |known| known.min(measured)));
    }

    fn wire_request(&self, request: &Request) -> Result<http::Request<Full<Bytes>>, Failure> {
        let unsendable = |error: http::Error| Failure::Unsendable(error.to_string());
        let uri = http::Uri::builder()
            .path_and_query(request.path_and_query.as_str())
            .build()
            .map_err(unsendable)?;
        let mut wire = http::Request::builder().method(request.method.clone()).uri(uri);
        let replaced = |name: &str| {
            let same = |other: &String| other.eq_ignore_ascii_case(name);
            request.headers.iter().any(|(other, _)| same(other)) || request.without.iter().any(same)
        };
        let has = |name: &str| replaced(name) || self.headers.iter().any(|(own, _)| own == name);
        if !has("host") {
            wire = wire.header("host", self.target.authority());
        }
        if !has("user-agent") {
            wire = wire.header("user-agent", user_agent());
        }
        if !has("accept") {
            wire = wire.header("accept", "application/json, */*;q=0.5");
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| !replaced(name.as_str())) {
            wire = wire.header(name, value.expose());
        }
        for (name, value) in &request.headers {
            wire = wire.header(name, value);
        }
        wire.body(Full::new(request.body.clone())).map_err(unsendable)
    }

    fn for_http2(&self, mut wire: http::Request<Full<Bytes>>) -> Result<http::Request<Full<Bytes>>, Failure> {
        let authority = wire.headers_mut().remove("host");
        let authority = authority.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(&self.target.host);
        let path = wire.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        *wire.uri_mut() = http::Uri::builder()
            .scheme("https")
            .authority(authority)
            .path_and_query(path)
            .build()
            .map_err(|error| Failure::Unsendable(error.to_string()))?;
        *wire.version_mut() = http::Version::HTTP_2;
        Ok(wire)
    }
}

/// The instants of one request, set where they happen.
struct Clock {
    started: Instant,
    sent: Mutex<Instant>,
    headed: Mutex<Option<Instant>>,
}

impl Clock {
    fn mark_sent(&self) {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn mark_headed(&self) {
        *self.headed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn answer(self, result: Result<Response, Failure>) -> Answer {
        let sent = self.sent.into_inner().unwrap_or_else(PoisonError::into_inner);
        let headed = self.headed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        Answer {
            sent_at: sent.duration_since(self.started),
            latency: headed.unwrap_or(now).duration_since(sent),
            total: now.duration_since(sent),
            result,
        }
    }
}

async fn read(answer: http::Response<Incoming>) -> Result<Response, Failure> {
    let (parts, mut body) = answer.into_parts();
    let mut response = Response {
        status: parts.status,
        version: parts.version,
        headers: parts.headers,
        body: Bytes::new(),
        body_bytes: 0,
        truncated: false,
    };
    let mut kept = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            // The status came and counts; a body that breaks off is only incomplete.
            response.truncated = true;
            break;
        };
        let Some(data) = frame.data_ref() else { continue };
        response.body_bytes += data.len() as u64;
        let room = KEPT_BODY_BYTES - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if response.body_bytes > MAX_BODY_BYTES {
            response.truncated = true;
            break;
        }
    }
    response.body = kept.freeze();
    Ok(response)
}

fn explain(error: &hyper::Error) -> Failure {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return Failure::Closed;
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
        {
            return Failure::Closed;
        }
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::Garbage(text)
}
