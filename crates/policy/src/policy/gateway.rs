//! The gateway itself: where it listens, whom it trusts, what it may use.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::network::Network;

/// What a gateway cannot be without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Where it listens.
    pub listen: Listen,
    /// Where admitted calls go.
    pub upstream: Upstream,
}

/// Where the gateway listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// HTTP/1.1, and HTTP/2 with prior knowledge.
    pub http: Vec<SocketAddr>,
    /// The same over TLS.
    pub https: Vec<SocketAddr>,
    /// The admin listener.
    pub admin: Option<SocketAddr>,
    /// Worker threads; `None` is one for each core.
    pub threads: Option<NonZeroU32>,
    /// Every connection from a trusted proxy begins with a PROXY header, version 1 or 2.
    pub proxy_protocol: bool,
}

/// Server certificates, and whether clients must have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM chain, the server's own first.
    pub certificate: PathBuf,
    /// PEM key.
    pub key: PathBuf,
    /// Authorities of client certificates.
    pub client_ca: Option<PathBuf>,
    /// A client without a certificate is refused.
    pub client_required: bool,
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file; white space at its end is no part of the secret.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

/// Whose word about the client's address is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Addresses of proxies.
    pub proxies: Vec<Network>,
    /// The header they write.
    pub header: ForwardedHeader,
    /// IPv6 addresses are counted per prefix of this length, 32 to 128.
    pub ipv6_prefix: u8,
}

/// The header a trusted proxy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Where admitted calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// One or more servers of the same API.
    pub servers: Vec<Server>,
    /// What is known about the API behind.
    pub profile: Profile,
    /// HTTP/2 rather than 1.1.
    pub http2: bool,
    /// PEM file of further trust anchors.
    pub ca: Option<PathBuf>,
    /// Idle connections kept per thread and server.
    pub pool: NonZeroU32,
    /// Active health checks.
    pub health: Option<HealthCheck>,
}

/// One upstream server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// TLS.
    pub https: bool,
    /// Name or address, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// What is known about the API behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Nothing.
    None,
    /// Ray's dashboard and Jobs API.
    Ray,
    /// An API over Cassandra.
    Cassandra,
}

/// Active health checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `GET` of this path; 2xx and 3xx are healthy.
    pub path: String,
    /// From check to check.
    pub every: Duration,
    /// For the answer.
    pub timeout: Duration,
    /// Failures in a row that take a server out.
    pub unhealthy_after: NonZeroU32,
    /// Successes in a row that bring it back.
    pub healthy_after: NonZeroU32,
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// A request head, from its first byte (or the connection's start) to its end.
    pub header: Duration,
    /// Between two pieces of a body.
    pub body: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Connecting to an upstream.
    pub connect: Duration,
    /// From the end of the request to the upstream's head.
    pub response: Duration,
    /// Draining at the end.
    pub shutdown: Duration,
}

/// How much of anything there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Header fields of a request.
    pub headers: usize,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// Bytes of a request body; `None` is no cap.
    pub body_bytes: Option<u64>,
    /// Bytes of a body that is looked into.
    pub inspect_bytes: usize,
    /// Connections in all.
    pub connections: usize,
    /// Connections per client address.
    pub connections_per_address: usize,
    /// Counted keys in memory.
    pub keys: usize,
}

/// The access log: one JSON line a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// Not written.
    Off,
    /// To stdout.
    Stdout,
    /// To a file, appended.
    File(PathBuf),
}
