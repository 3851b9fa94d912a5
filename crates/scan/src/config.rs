//! What a scan is asked to do, and how much it may cost the target.
//!
//! The budgets are the promise of "do no harm": they are enforced in one place, [`crate::budget::Budget`], which
//! every request of every probe passes.

use std::net::IpAddr;
use std::time::Duration;

use ratewarden_model::{Secret, VERSION};

/// How deep one endpoint is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// At most 60 requests in 5 s.
    Quick,
    /// At most 400 requests in 15 s.
    #[default]
    Standard,
    /// At most 5 000 requests in 120 s.
    Deep,
}

impl Depth {
    /// The most requests one endpoint gets.
    #[must_use]
    pub const fn max_requests(self) -> u32 {
        match self {
            Self::Quick => 60,
            Self::Standard => 400,
            Self::Deep => 5_000,
        }
    }

    /// The longest one endpoint is looked into.
    #[must_use]
    pub const fn max_time(self) -> Duration {
        match self {
            Self::Quick => Duration::from_secs(5),
            Self::Standard => Duration::from_secs(15),
            Self::Deep => Duration::from_secs(120),
        }
    }
}

/// The back end that remedies are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Apache Cassandra or ScyllaDB.
    Cassandra,
    /// A Ray head.
    Ray,
    /// Anyscale.
    Anyscale,
}

/// An operation named by the user: `POST /events`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Upper case.
    pub method: String,
    /// Path and query, beginning with a slash.
    pub path: String,
}

/// Everything `scan` can be told. Fields that bound something are never "zero means unlimited".
#[derive(Debug, Clone)]
pub struct Config {
    /// The URL as the user wrote it.
    pub url: String,
    /// Headers of `-H`: sent with every request, never shown.
    pub headers: Vec<(String, Secret)>,
    /// How deep.
    pub depth: Depth,
    /// Overrides the depth's number of requests for an endpoint; at least 1.
    pub max_requests: Option<u32>,
    /// Overrides the depth's time for an endpoint.
    pub max_time: Option<Duration>,
    /// At most so many requests in flight; 1 to 50.
    pub max_in_flight: usize,
    /// The longest wait for one answer.
    pub request_timeout: Duration,
    /// Writes are allowed (never DELETE).
    pub writes: bool,
    /// The operation that writes go to.
    pub endpoint: Option<Operation>,
    /// A file path or a URL of an OpenAPI document.
    pub openapi: Option<String>,
    /// Told rather than recognised.
    pub backend: Option<Backend>,
    /// Do not verify the server's certificate.
    pub insecure: bool,
    /// A second local address, to tell a limit per address from one for everybody. On loopback one is taken
    /// from 127.0.0.0/8 without being asked.
    pub second_address: Option<IpAddr>,
}

impl Config {
    /// A scan of one URL with the defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            depth: Depth::default(),
            max_requests: None,
            max_time: None,
            max_in_flight: MAX_IN_FLIGHT,
            request_timeout: Duration::from_secs(10),
            writes: false,
            endpoint: None,
            openapi: None,
            backend: None,
            insecure: false,
            second_address: None,
        }
    }

    /// The most requests one endpoint gets.
    #[must_use]
    pub fn requests_per_endpoint(&self) -> u32 {
        self.max_requests.unwrap_or(self.depth.max_requests()).clamp(1, 100_000)
    }

    /// The longest one endpoint is looked into, less the moment that the last answers and the report need, so that the
    /// whole stays within what was promised.
    #[must_use]
    pub fn time_per_endpoint(&self) -> Duration {
        let promised = self.max_time.unwrap_or(self.depth.max_time());
        promised.saturating_sub((promised / 50).min(Duration::from_millis(250)))
    }
}

/// The most requests in flight, whatever the configuration says.
pub const MAX_IN_FLIGHT: usize = 50;

/// The `User-Agent`: honest, with version, the same in every request.
#[must_use]
pub fn user_agent() -> String {
    format!("ratewarden/{VERSION} (+https://github.com/ratewarden/ratewarden)")
}
