//! The file as it is written: every table and key, each value well formed by itself.
//!
//! The second of three types: TOML text → `File` (every key known, every value of its form) →
//! [`Policy`](crate::Policy) (what the values say together holds). The descriptions here are the descriptions of
//! the schema and of the reference page.

mod answers;
mod callers;
mod detectors;
mod gateway;
mod limits;
mod watch;

pub(crate) use answers::{Answer, Log, Ready, Store};
pub(crate) use callers::{Caller, Credentials, Jwt, Plan};
pub(crate) use detectors::{
    Baseline, Calls, Detector, Distinct, Growth, KINDS, Level, Peers, Ratio, Share, Status, Travel, kinds,
};
pub(crate) use gateway::{Admin, Caps, Health, Listen, Timeouts, Tls, Trust, Upstream};
pub(crate) use limits::{Bound, Limit, Matches, Over, Penalty};
pub(crate) use watch::{Alert, Alerts, Mail, Penalties, Syslog, Watch, Webhook};

use ratewarden_detect::MAX_DETECTORS;

use crate::form::Many;
use crate::policy::MAX_LIMITS;
use crate::table::table;

/// Ways to know a caller.
pub(crate) const MAX_CALLERS: usize = 16;
/// Plans.
pub(crate) const MAX_PLANS: usize = 256;
/// Bounds.
pub(crate) const MAX_BOUNDS: usize = 256;
/// Penalties.
pub(crate) const MAX_PENALTIES: usize = 64;
/// Receivers of alerts.
pub(crate) const MAX_ALERTS: usize = 64;

table! {
    /// The policy of a gateway, of what is watched for, or of both. Durations are written `500ms`, `10s`, `1m`, `24h`, `7d`; rates `100/1m`; sizes
    /// `512B`, `64KiB`, `10MiB`, `1GiB`. File names are relative to the policy's folder. Unknown keys are mistakes.
    File {
        /// Where the gateway listens. A gateway has this and `[upstream]`; a file with neither is for watching only.
        "listen" listen: Listen, Optional;
        /// The certificate of `listen.https`, and whether clients need one too.
        "tls" tls: Tls, Optional;
        /// How the admin listener knows an operator.
        "admin" admin: Admin, Optional;
        /// Whose word about a client's address is taken.
        "trust" trust: Trust, Default "{}";
        /// Where admitted calls go.
        "upstream" upstream: Upstream, Optional;
        /// How long anything may take.
        "timeouts" timeouts: Timeouts, Default "{}";
        /// How much of anything there may be.
        "caps" caps: Caps, Default "{}";
        /// Whom a call is counted against: of several, the first that is present in the call.
        "caller" callers: Many<Caller, MAX_CALLERS>, Default "[{ from = \"address\" }]";
        /// What happens to failed credentials: keys that are not in a `keys` file, tokens that do not verify, and
        /// what the upstream answers with 401 or 403.
        "credentials" credentials: Credentials, Default "{}";
        /// Names of plans that callers can have; limits are matched to them.
        "plan" plans: Many<Plan, MAX_PLANS>, Default "[]";
        /// Limits. A call must pass all that match it, and when one rejects it, none is charged.
        "limit" limits: Many<Limit, MAX_LIMITS>, Default "[]";
        /// Bounds on what a single call may ask for.
        "bound" bounds: Many<Bound, MAX_BOUNDS>, Default "[]";
        /// When a caller is banned for a while.
        "penalty" penalties: Many<Penalty, MAX_PENALTIES>, Default "[]";
        /// How a rejected call is answered.
        "answer" answer: Answer, Default "{}";
        /// What survives a restart.
        "store" store: Store, Optional;
        /// The access log.
        "log" log: Log, Default "{}";
        /// How calls are watched, in logs or by the gateway itself.
        "watch" watch: Watch, Default "{}";
        /// What is looked for, beside or instead of what is built in.
        "detector" detectors: Many<Detector, MAX_DETECTORS>, Default "[]";
        /// Who is told of what is found.
        "alert" alert: Many<Alert, MAX_ALERTS>, Default "[]";
        /// What all receivers of alerts have in common.
        "alerts" alerts: Alerts, Default "{}";
    }
}
