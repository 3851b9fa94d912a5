//! A small API on loopback with every weakness the scanner can find, and the same API behind a token bucket.
//!
//! It is what `ratewarden demo` scans, so that anybody can see a whole report without owning a weak API, and what
//! tests scan when any target will do. The weaknesses are those of real back ends: the Jobs API of a Ray head
//! (`jobs`), reads and writes over Cassandra (`events`, `metrics`), a limiter that believes what it is told
//! (`search`), a protected route without lock-out (`/private`). It is weak towards its callers but not towards the machine it runs on: it listens on loopback only,
//! runs nothing it is sent, and every list, map, body and connection has a cap. The store behind does so much at a time and no more, as a real one does. [`attack`] uses all of it at once, beside a
//! client that does nothing wrong.

mod answer;
pub mod attack;
mod bucket;
mod counts;
mod events;
mod heat;
mod jobs;
mod metrics;
mod paging_state;
mod routes;
mod search;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::task::JoinHandle;

pub use bucket::{Bucket, Buckets, Decision, MAX_ADDRESSES, TokenBucket};
pub use counts::Counts;
pub use events::{DEFAULT_EVENTS, MAX_EVENTS};
pub use jobs::MAX_JOBS;
pub use metrics::{DEFAULT_METRICS, MAX_METRICS};
pub use paging_state::PagingState;
pub use routes::{PRIVATE_TOKEN, STORE_AT_ONCE};
pub use search::{PUBLISHED_LIMIT, PUBLISHED_REMAINING};
pub use server::{MAX_BODY_BYTES, MAX_CONNECTIONS};

/// What the demo API is started with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoOptions {
    /// The port on 127.0.0.1; 0, the default, takes a free one.
    pub port: u16,
    /// The limit before every route, counted for each client address; none by default.
    pub limit: Option<TokenBucket>,
    /// Jobs in the list at the start, 400 by default; at most [`MAX_JOBS`] are kept.
    pub jobs: usize,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { port: 0, limit: None, jobs: 400 }
    }
}

/// Why the demo API could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The port is taken or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It was started outside a Tokio runtime.
    #[error("the demo API needs a Tokio runtime to run in")]
    NoRuntime,
}

/// The running API; it stops when this is dropped.
#[derive(Debug)]
pub struct DemoApi {
    address: SocketAddr,
    api: Arc<routes::Api>,
    serving: JoinHandle<()>,
}

impl DemoApi {
    /// Listens on 127.0.0.1 and serves in the background of the current Tokio runtime. Connections are taken from
    /// the moment it returns.
    ///
    /// # Errors
    /// When the port cannot be listened on, or outside a runtime.
    pub fn start(options: DemoOptions) -> Result<Self, DemoError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| DemoError::NoRuntime)?;
        let failed = |source| DemoError::Listen { port: options.port, source };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let api = Arc::new(routes::Api::new(options.limit, options.jobs));
        let serving = runtime.spawn(server::serve(listener, Arc::clone(&api)));
        Ok(Self { address, api, serving })
    }

    /// The address it listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end: append a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has reached it so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.api.counters.read()
    }

    /// Stops it: the port is free and every connection is closed when this returns.
    pub async fn shutdown(mut self) {
        self.serving.abort();
        // The only outcome of an aborted task is that it was aborted.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for DemoApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
