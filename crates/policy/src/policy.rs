//! The policy as it is used: checked, with every default filled in.
//!
//! Nothing here can be wrong any more: ranges hold, names are unique, files named are absolute paths (whether
//! they can be read is seen by whoever reads them). It is made only by [`read`](crate::read).

mod answers;
mod callers;
mod gateway;
mod limits;
mod watch;

use std::path::PathBuf;

pub use answers::*;
pub use callers::*;
pub use gateway::*;
pub use limits::*;
use ratewarden_detect::Detector;
pub use watch::*;

/// Everything `ratewarden.toml` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Where the gateway listens and where calls go; absent where the policy is for watching only.
    pub gateway: Option<Gateway>,
    /// Certificates for `listen.https`.
    pub tls: Option<Tls>,
    /// How the admin listener knows an operator.
    pub admin_token: Option<SecretSource>,
    /// Whose word about the client's address is taken.
    pub trust: Trust,
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
    /// Whether the file says anything of watching: `[watch]`, `[[detector]]`, `[[alert]]` or `[alerts]`. A gateway watches
    /// its calls only then.
    pub watches: bool,
    /// How calls are watched.
    pub watch: Watch,
    /// What is looked for: the built-in detectors as the file changes them, then its own; at most
    /// [`MAX_DETECTORS`](ratewarden_detect::MAX_DETECTORS).
    pub detectors: Vec<Detector>,
    /// Detectors whose findings lead to a ban.
    pub bans: Vec<BanRule>,
    /// Who is told of findings.
    pub alerts: Alerts,
}

/// Limits a policy may have.
pub const MAX_LIMITS: usize = 256;
