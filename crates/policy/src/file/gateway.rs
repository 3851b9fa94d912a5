//! Listeners, certificates, upstreams, and what they may cost.

use std::net::SocketAddr;

use crate::form::{Choice, Count, Many, OneOf, Several};
use crate::network::Network;
use crate::policy::{ForwardedHeader, Profile, Server};
use crate::table::table;
use crate::words::{BodyCap, DAY, FilePath, Lasting, RequestPath, Size, Variable};

table! {
    /// Where the gateway listens. A gateway has this table and `[upstream]`; a file with neither is for watching only.
    Listen {
        /// Addresses for HTTP/1.1, and HTTP/2 with prior knowledge. Port 0 takes a free one.
        "http" http: Several<SocketAddr, 64>, Optional;
        /// Addresses for the same over TLS; needs `[tls]`.
        "https" https: Several<SocketAddr, 64>, Optional;
        /// The address of the admin listener (health, metrics, the decision API); without it there is none.
        "admin" admin: SocketAddr, Optional;
        /// Worker threads; without it one for each core.
        "threads" threads: Count<1, 256>, Optional;
        /// Every connection from a trusted proxy begins with a PROXY header, version 1 or 2; one that does not is
        /// closed.
        "proxy-protocol" proxy_protocol: bool, Default "false";
    }
    AtLeastOne ["http", "https"];
}

table! {
    /// The certificate of `listen.https`, and whether clients need one too.
    Tls {
        /// PEM file with the certificate chain, the server's own first.
        "certificate" certificate: FilePath, Required;
        /// PEM file with the private key.
        "key" key: FilePath, Required;
        /// PEM file with the authorities of client certificates. Clients are then asked for one.
        "client-ca" client_ca: FilePath, Optional;
        /// Whether a client without a certificate is refused; without this key it is not.
        "client-certificate" client_certificate: OneOf<ClientCertificate>, Optional;
    }
    Needs ["client-certificate", "client-ca"];
}

/// Whether clients need a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientCertificate {
    Optional,
    Required,
}

impl ClientCertificate {
    pub(crate) const fn is_required(self) -> bool {
        matches!(self, Self::Required)
    }
}

impl Choice for ClientCertificate {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("optional", Self::Optional, "Clients without a certificate are let in."),
        ("required", Self::Required, "Clients without a certificate are refused in the handshake."),
    ];
}

table! {
    /// How the admin listener knows an operator: every request carries `Authorization: Bearer TOKEN`. Required
    /// where `listen.admin` is not a loopback address.
    Admin {
        /// File with the token; white space at its end is no part of it.
        "token-file" token_file: FilePath, Optional;
        /// Environment variable with the token.
        "token-env" token_env: Variable, Optional;
    }
    ExactlyOne ["token-file", "token-env"];
}

table! {
    /// Whose word about a client's address is taken. Without proxies it is the address of the connection.
    Trust {
        /// Addresses and prefixes of proxies in front of the gateway.
        "proxies" proxies: Many<Network, 4_096>, Default "[]";
        /// The header those proxies write. The right-most address in it that is not a trusted proxy counts.
        "header" header: OneOf<ForwardedHeader>, Default "\"x-forwarded-for\"";
        /// IPv6 addresses are counted per prefix of this many bits: who has one address has all of them. Findings and bans are
        /// about such a prefix too.
        "ipv6-prefix" ipv6_prefix: Count<32, 128>, Default "64";
    }
}

impl Choice for ForwardedHeader {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("x-forwarded-for", Self::XForwardedFor, "`X-Forwarded-For`."),
        ("forwarded", Self::Forwarded, "`Forwarded` (RFC 7239)."),
    ];
}

table! {
    /// Where admitted calls go.
    Upstream {
        /// The server: scheme, host and port.
        "url" url: Server, Optional;
        /// Several servers of the same API, used in turn.
        "urls" urls: Several<Server, 256>, Optional;
        /// What is known about the API behind.
        "profile" profile: OneOf<Profile>, Default "\"none\"";
        /// Speaks HTTP/2 to the server (prior knowledge over `http://`, ALPN over `https://`) rather than 1.1.
        "http2" http2: bool, Default "false";
        /// PEM file with an authority that is trusted beside the machine's own.
        "ca" ca: FilePath, Optional;
        /// Idle connections kept per thread and server.
        "pool" pool: Count<1, 4_096>, Default "64";
        /// Asks each server whether it is well, and leaves out those that are not; without it none is left out.
        "health" health: Health, Optional;
    }
    ExactlyOne ["url", "urls"];
}

impl Choice for Profile {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("none", Self::None, "Nothing is known."),
        ("ray", Self::Ray, "Ray's dashboard and Jobs API."),
        ("cassandra", Self::Cassandra, "An API over Cassandra."),
    ];
}

table! {
    /// Health checks of the upstream.
    Health {
        /// Path of a `GET`; an answer of 2xx or 3xx is healthy.
        "path" path: RequestPath, Required;
        /// From check to check.
        "every" every: Lasting<DAY>, Default "\"5s\"";
        /// How long an answer may take; no longer than `every`.
        "timeout" timeout: Lasting<DAY>, Default "\"1s\"";
        /// Failures in a row that take a server out.
        "unhealthy-after" unhealthy_after: Count<1, 1_000>, Default "3";
        /// Successes in a row that bring it back.
        "healthy-after" healthy_after: Count<1, 1_000>, Default "2";
    }
}

table! {
    /// How long anything may take, at most a day.
    Timeouts {
        /// Until a request's head is complete; then 408.
        "header" header: Lasting<DAY>, Default "\"10s\"";
        /// Between two pieces of a body.
        "body" body: Lasting<DAY>, Default "\"30s\"";
        /// Between two requests on a connection; then it is closed.
        "idle" idle: Lasting<DAY>, Default "\"60s\"";
        /// For connecting to the upstream; then 502.
        "connect" connect: Lasting<DAY>, Default "\"2s\"";
        /// Until the upstream's head; then 504.
        "response" response: Lasting<DAY>, Default "\"60s\"";
        /// Connections are drained at most this long when the gateway ends.
        "shutdown" shutdown: Lasting<DAY>, Default "\"30s\"";
    }
}

table! {
    /// How much of anything there may be.
    Caps {
        /// Header fields of a request; more is 431.
        "headers" headers: Count<1, 1_000>, Default "100";
        /// Bytes of a request's head; more is 431. At most 1 MiB.
        "head-bytes" head_bytes: Size<1_048_576>, Default "\"64KiB\"";
        /// Bytes of a request's body; more is 413.
        "body-bytes" body_bytes: BodyCap, Default "\"none\"";
        /// Bytes of a body that a limit or bound looks into; more is 413, but only where one does. At most 16 MiB.
        "inspect-bytes" inspect_bytes: Size<16_777_216>, Default "\"64KiB\"";
        /// Connections in all; more are closed at once. Each may take two file descriptors: the soft limit is raised to the
        /// hard one, and the start, or the reload that raises this, says where that is too few. When they are used up, new
        /// clients wait, those that have not called for half of `timeouts.idle` make room, and a call that needs a new
        /// connection to the upstream gets 503 (`descriptors_used_up`).
        "connections" connections: Count<1, 1_000_000>, Default "20_000";
        /// Connections of one client address; more are closed at once.
        "connections-per-address" connections_per_address: Count<1, 1_000_000>, Default "1_000";
        /// Counted keys kept in memory. When it is full, those go first that nothing is lost with.
        "keys" keys: Count<1_024, 100_000_000>, Default "1_000_000";
    }
}
