//! Connections that are kept to be used again, for each source address apart.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};

use super::connect::Sender;

/// Idle connections of HTTP/1.1 kept for one source address.
const MAX_IDLE: usize = 50;
/// hyper needs a moment to notice that a body has ended; a connection that is not ready by then is not kept.
const MOMENT: Duration = Duration::from_millis(5);

/// The kept connections of one client.
#[derive(Default)]
pub(super) struct Pools(Mutex<HashMap<Option<IpAddr>, Pool>>);

#[derive(Default)]
struct Pool {
    idle: Vec<http1::SendRequest<Full<Bytes>>>,
    shared: Option<http2::SendRequest<Full<Bytes>>>,
}

impl Pools {
    /// A connection that was kept and does not seem closed.
    pub(super) fn idle(&self, source: Option<IpAddr>) -> Option<Sender> {
        self.with(source, |pool| {
            if let Some(shared) = pool.shared.as_ref().filter(|shared| !shared.is_closed()) {
                return Some(Sender::Http2(shared.clone()));
            }
            pool.idle.retain(|sender| !sender.is_closed());
            pool.idle.pop().map(Sender::Http1)
        })
    }

    /// Keeps a connection of HTTP/1.1 whose last answer was read whole.
    pub(super) async fn keep(&self, source: Option<IpAddr>, mut sender: http1::SendRequest<Full<Bytes>>) {
        if tokio::time::timeout(MOMENT, sender.ready()).await.is_ok_and(|ready| ready.is_ok()) {
            self.with(source, |pool| {
                if pool.idle.len() < MAX_IDLE {
                    pool.idle.push(sender);
                }
            });
        }
    }

    /// Shares a connection of HTTP/2, which carries many requests at once.
    pub(super) fn share(&self, source: Option<IpAddr>, sender: http2::SendRequest<Full<Bytes>>) {
        self.with(source, |pool| pool.shared = Some(sender));
    }

    fn with<T>(&self, source: Option<IpAddr>, act: impl FnOnce(&mut Pool) -> T) -> T {
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        act(pools.entry(source).or_default())
    }
}
