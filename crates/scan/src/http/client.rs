//! Sends requests over kept connections, within the budget, and times them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HeaderName;
use ratewarden_model::Secret;
use tokio::sync::Notify;

use super::body::{self, Bounds};
use super::clock::Clock;
use super::connect::{Connector, Sender};
use super::message::{Answer, Failure, Request, Response};
use super::pool::Pools;
use super::wire::{self, Wire};
use crate::budget::{Budget, Exhausted};
use crate::config::Config;
use crate::target::Target;

/// Interim responses (RFC 9110 section 15.2) to one request. Servers send one or two.
const MOST_INTERIM: u32 = 100;

/// A client of one target within one budget. Cheap to share behind an `Arc`.
pub struct Client {
    target: Target,
    connector: Connector,
    headers: Vec<(HeaderName, Secret)>,
    budget: Arc<Budget>,
    timeout: Duration,
    /// Whether this target has answered before.
    answered: AtomicBool,
    pools: Pools,
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
        Ok(Self {
            headers: wire::user_headers(target, config)?,
            connector: Connector::new(target, address, config.insecure)?,
            target: target.clone(),
            budget,
            timeout: config.request_timeout,
            answered: AtomicBool::new(false),
            pools: Pools::default(),
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

    /// Sends one request and waits for its answer, at most the request timeout and never past the budget. An answer
    /// whose header came is one, even where its body did not end in that time.
    ///
    /// # Errors
    /// Only when the budget is used up; whatever goes wrong on the network is an [`Answer`].
    pub async fn send(&self, request: &Request) -> Result<Answer, Exhausted> {
        let _permit = self.budget.take().await?;
        let clock = Clock::new(&self.budget, self.timeout);
        let result = self.exchange(request, &clock).await;
        match &result {
            Ok(_) => self.answered.store(true, Ordering::Relaxed),
            // The scan ran out of time, not the target: what is known to answer is not called silent for the
            // milliseconds that were left.
            Err(Failure::Timeout(_)) if clock.is_cut() && self.answered.load(Ordering::Relaxed) => {
                return Err(Exhausted::Time);
            }
            Err(_) => {}
        }
        Ok(clock.answer(result))
    }

    async fn exchange(&self, request: &Request, clock: &Clock) -> Result<Response, Failure> {
        let wire = wire::request(request, &self.target, &self.headers)?;
        // A write may not be sent twice, so it never goes over a connection that might be closed already.
        let repeatable =
            matches!(request.method, http::Method::GET | http::Method::HEAD | http::Method::OPTIONS);
        let kept = (repeatable && !request.fresh_connection).then(|| self.pools.idle(request.source));
        if let Some(sender) = kept.flatten() {
            clock.mark_sent();
            match self.on(sender, wire.clone(), request, clock).await {
                // A kept connection that the server closed meanwhile says nothing about this request. Whether the
                // server saw it cannot be known, so it is paid for again.
                Err(Failure::Closed) => self.budget.take_again().map_err(|_| Failure::Closed)?,
                other => return other,
            }
        }
        let opened = self.connector.open(request.source, clock).await?;
        self.remember_round_trip(opened.round_trip);
        clock.mark_sent();
        self.on(opened.sender, wire, request, clock).await
    }

    async fn on(
        &self,
        sender: Sender,
        mut wire: Wire,
        request: &Request,
        clock: &Clock,
    ) -> Result<Response, Failure> {
        let (source, bounds) = (request.source, Bounds::of(request));
        match sender {
            Sender::Http1(mut sender) => {
                let flooded = interim_flood(&mut wire);
                let sent = async {
                    sender.ready().await.map_err(|_| Failure::Closed)?;
                    tokio::select! {
                        answer = sender.send_request(wire) => answer.map_err(|error| explain(&error)),
                        () = flooded.notified() => {
                            Err(Failure::Garbage(format!("more than {MOST_INTERIM} interim responses (1xx) to one request")))
                        }
                    }
                };
                let answer = clock.within(sent).await?;
                clock.mark_headed();
                let response = body::read(answer, bounds, clock.answer_by()).await;
                // A connection of one's own is nobody else's afterwards either: it may have an allowance of its own.
                if !response.truncated && !request.fresh_connection {
                    self.pools.keep(source, sender).await;
                }
                Ok(response)
            }
            Sender::Http2(mut sender) => {
                let sent = async {
                    sender.ready().await.map_err(|_| Failure::Closed)?;
                    if !request.fresh_connection {
                        self.pools.share(source, sender.clone());
                    }
                    let wire = wire::for_http2(wire, &self.target)?;
                    sender.send_request(wire).await.map_err(|error| explain(&error))
                };
                let answer = clock.within(sent).await?;
                clock.mark_headed();
                Ok(body::read(answer, bounds, clock.answer_by()).await)
            }
        }
    }

    fn remember_round_trip(&self, measured: Duration) {
        let mut shortest = self.round_trip.lock().unwrap_or_else(PoisonError::into_inner);
        *shortest = Some(shortest.map_or(measured, |known| known.min(measured)));
    }
}

/// Is told when a server sends more interim responses than [`MOST_INTERIM`], which would go on until the time is up.
fn interim_flood(wire: &mut Wire) -> Arc<Notify> {
    let (flooded, seen) = (Arc::new(Notify::new()), AtomicU32::new(0));
    let tell = Arc::clone(&flooded);
    hyper::ext::on_informational(wire, move |_| {
        if seen.fetch_add(1, Ordering::Relaxed) == MOST_INTERIM {
            tell.notify_one();
        }
    });
    flooded
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
