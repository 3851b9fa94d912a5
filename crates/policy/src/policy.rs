//! The policy as the gateway uses it: checked, with every default filled in.
//!
//! Nothing here can be wrong any more: ranges hold, names are unique, files named are absolute paths (whether
//! they can be read is seen by whoever reads them). It is made only by [`read`](crate::read).

mod answers;
mod callers;
mod gateway;
mod limits;

use std::path::PathBuf;

pub use answers::*;
pub use callers::*;
pub use gateway::*;
pub use limits::*;

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
