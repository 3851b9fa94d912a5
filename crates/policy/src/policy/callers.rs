//! Whom a call is counted against, and what becomes of those who guess.

use std::path::PathBuf;
use std::time::Duration;

use ratewarden_model::Rate;

use super::{SecretSource, Server};

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
    Jwt(Box<Jwt>),
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
    /// Algorithms accepted, such as `RS256`, never mixing shared secrets with public keys. Where there are none, those
    /// that fit the key.
    pub algorithms: Vec<String>,
    /// `iss` must be this.
    pub issuer: Option<String>,
    /// `aud` must contain this.
    pub audience: Option<String>,
    /// Clocks may differ by this.
    pub skew: Duration,
    /// A token without `exp` is refused.
    pub require_exp: bool,
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
    JwksUrl(JwksUrl),
}

/// Where a JWKS is fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl {
    /// As it stands in the policy.
    pub url: String,
    /// Whom it names.
    pub server: Server,
    /// Path and query.
    pub target: String,
    /// Further authorities of its certificate.
    pub ca: Option<PathBuf>,
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
