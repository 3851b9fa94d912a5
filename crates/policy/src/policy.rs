//! The policy as the gateway uses it: checked, with every default filled in.
//!
//! Nothing here can be wrong any more: ranges hold, names are unique, files named are absolute paths (whether
//! they can be read is seen by whoever reads them). It is made only by [`read`](crate::read).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use ratewarden_limiter::Algorithm;
use ratewarden_model::Rate;

use crate::network::Network;
use crate::template::PathTemplate;

/// Everything `ratewarden.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Where the gateway listens.
    pub listen: Listen,
    /// Certificates for `listen.https`.
    pub tls: Option<Tls>,
    /// How the admin listener knows an operator.
    pub admin_token: Option<SecretSource>,
    /// Whose word about the client's address is taken.
    pub trust: Trust,
    /// Where admitted calls go.
    pub upstream: Upstream,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// How much of anything there may be.
    pub caps: Caps,
    /// Whom a call is counted against; the first that is present wins. Never empty.
    pub callers: Vec<CallerSource>,
    /// Failed credentials.
    pub credentials: Credentials,
    /// Names of plans; at most one is the default.
    pub plans: Vec<Plan>,
    /// Limits, those that single callers have before those that all share; at most [`MAX_LIMITS`].
    pub limits: Vec<Limit>,
    /// Bounds on numbers and sizes.
    pub bounds: Vec<Bound>,
    /// Penalties.
    pub penalties: Vec<PenaltyRule>,
    /// How a rejected call is answered.
    pub answer: Answer,
    /// SQLite file for what survives a restart.
    pub store: Option<PathBuf>,
    /// The access log.
    pub access_log: AccessLog,
}

/// Limits a policy may have.
pub const MAX_LIMITS: usize = 256;

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

/// One way to know a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerSource {
    /// Where it stands.
    pub from: CallerFrom,
    /// File of hashed keys; a key that is not in it is a failed credential.
    pub keys: Option<PathBuf>,
    /// A call without it is refused rather than tried with the next source.
    pub required: bool,
}

/// Where a caller's name or secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerFrom {
    /// A header, its name in lower case.
    Header(String),
    /// `Authorization: Bearer …`.
    Bearer,
    /// The user of `Authorization: Basic …`.
    Basic,
    /// A cookie.
    Cookie(String),
    /// A verified token's claim.
    Jwt(Jwt),
    /// The subject of a client certificate.
    Mtls,
    /// The client's address.
    Address,
}

/// How JWTs (in `Authorization: Bearer`) are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwt {
    /// The claim that names the caller.
    pub claim: String,
    /// What signatures are verified with.
    pub key: JwtKey,
    /// Algorithms accepted, such as `RS256`; never empty, never mixing shared secrets with public keys.
    pub algorithms: Vec<String>,
    /// `iss` must be this.
    pub issuer: Option<String>,
    /// `aud` must contain this.
    pub audience: Option<String>,
    /// Clocks may differ by this.
    pub skew: Duration,
    /// The claim that names the plan.
    pub plan_claim: Option<String>,
}

/// What signatures are verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwtKey {
    /// A shared secret (HS*).
    Secret(SecretSource),
    /// A PEM file with a public key.
    PublicKey(PathBuf),
    /// A JWKS file.
    JwksFile(PathBuf),
    /// A JWKS URL, fetched at start and every five minutes, and when a key id is unknown.
    JwksUrl(String),
}

/// Failed credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Failures per client address.
    pub per_source: Rate,
    /// Failures per credential that is guessed at (user, key prefix, subject).
    pub per_target: Rate,
    /// 401 and 403 of the upstream are failures too.
    pub count_upstream: bool,
    /// The first lock-out; each further one is twice as long.
    pub lockout: Duration,
    /// The longest lock-out.
    pub lockout_max: Duration,
}

/// A plan's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Unique.
    pub name: String,
    /// Callers without a plan have this one.
    pub default: bool,
}

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Unique; also the policy name in `RateLimit` fields.
    pub name: String,
    /// Which calls.
    pub matches: Matches,
    /// A CEL expression that must hold too.
    pub when: Option<String>,
    /// What a call is counted per; empty is one total that all share.
    pub per: Vec<Key>,
    /// How it is counted.
    pub algorithm: Algorithm,
    /// The duration the configuration names: the rate's, the window's; `None` for quotas and concurrency.
    pub window: Option<Duration>,
    /// What a call costs.
    pub cost: Cost,
    /// What is charged after the response.
    pub settle: Option<Settle>,
    /// Rejections are recorded, not enforced.
    pub shadow: bool,
}

/// Which calls a rule is about; every part that is there must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matches {
    /// Any of these, in upper case; empty is every method.
    pub methods: Vec<String>,
    /// The path has this form.
    pub path: Option<PathTemplate>,
    /// Header fields (names in lower case) with exactly these values.
    pub headers: BTreeMap<String, String>,
    /// Query parameters with exactly these (decoded) values.
    pub query: BTreeMap<String, String>,
    /// The caller has this plan.
    pub plan: Option<String>,
}

/// One part of what a call is counted per.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The caller.
    Caller,
    /// The client's address (IPv6 by prefix).
    Address,
    /// The user named by Basic credentials or a verified token, whoever the caller is.
    User,
    /// Method and path template of the limit that matches; without a template the normalised path.
    Route,
    /// The method.
    Method,
    /// A header, its name in lower case.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A parameter of the limit's path template.
    Path(String),
    /// A cookie.
    Cookie(String),
    /// A field of a JSON body, as the names on the way to it.
    Body(Vec<String>),
}

/// What a call costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cost {
    /// This many.
    Fixed(u64),
    /// The number that stands in the call, 1 when there is none, at most `most`.
    From {
        /// Where it stands.
        source: CostSource,
        /// The highest that is believed.
        most: u64,
    },
}

/// Where a cost stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CostSource {
    /// A query parameter.
    Query(String),
    /// A header, its name in lower case.
    Header(String),
    /// A field of a JSON body.
    Body(Vec<String>),
    /// The body's bytes, one for each started `per`.
    BodyBytes {
        /// Bytes that cost one.
        per: NonZeroU64,
    },
}

/// What is charged after the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// One for each started `per` bytes of the response's body, beside the cost at the door.
    ResponseBytes {
        /// Bytes that cost one.
        per: NonZeroU64,
    },
    /// The number in this response header (lower case) instead of the cost at the door; the header is not passed
    /// on.
    ResponseHeader(String),
    /// A response with one of these statuses costs this instead.
    Status {
        /// Inclusive, such as 500 to 599.
        from: u16,
        /// Inclusive.
        to: u16,
        /// The cost.
        cost: u64,
    },
}

/// A bound on what a call may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Unique.
    pub name: String,
    /// Which calls.
    pub matches: Matches,
    /// What is bounded.
    pub what: Bounded,
}

/// What is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bounded {
    /// A number in the query.
    Query {
        /// The parameter.
        name: String,
        /// The ceiling.
        max: u64,
        /// Over it the number is lowered; otherwise the call is refused (422).
        clamp: bool,
        /// It must be present (422).
        required: bool,
    },
    /// A number in the JSON body.
    Body {
        /// The names on the way to it.
        field: Vec<String>,
        /// The ceiling.
        max: u64,
        /// Over it the number is lowered; otherwise the call is refused (422).
        clamp: bool,
        /// It must be present (422).
        required: bool,
    },
    /// The size of the response's body: 502 when it is known in advance to be over, cut off when not.
    Response {
        /// Bytes.
        max: u64,
    },
}

/// When a caller is banned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PenaltyRule {
    /// Unique.
    pub name: String,
    /// What is counted.
    pub offence: Offence,
    /// How many, in how long.
    pub after: Rate,
    /// Whom.
    pub per: PenaltyPer,
    /// The first ban.
    pub ban: Duration,
    /// The longest.
    pub up_to: Duration,
    /// Good behaviour after which a ban is a first one again.
    pub forget: Duration,
}

/// What leads to a penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offence {
    /// Calls that a limit rejected.
    Rejections,
    /// Credentials that were wrong.
    FailedCredentials,
}

/// Who is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PenaltyPer {
    /// The caller.
    Caller,
    /// The client's address.
    Address,
}

/// How a rejected call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Which fields.
    pub fields: LimitFields,
    /// Admitted calls carry them too.
    pub on_success: bool,
    /// 400 to 599.
    pub status: u16,
    /// The text.
    pub body: AnswerBody,
}

/// Header fields that say what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitFields {
    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    Draft,
    /// `X-RateLimit-Limit`, `-Remaining`, `-Reset`.
    Legacy,
    /// Both.
    Both,
    /// Only `Retry-After`.
    None,
}

/// The body of a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerBody {
    /// RFC 9457.
    Problem,
    /// Empty.
    None,
    /// A text of one's own; `{retry-after}` (seconds) and `{limit}` are filled in.
    Text {
        /// Content-Type.
        media_type: String,
        /// The text.
        text: String,
    },
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
