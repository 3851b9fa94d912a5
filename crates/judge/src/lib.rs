//! From a call to a decision, whichever HTTP engine it came in by, or whichever log it stands in.
//!
//! `guard` decides calls with it and `watch` replays a log with it, so what a replay says a policy would have done is
//! what the gateway does, and not a second opinion. Tier 1: no socket and no clock; what a call is counted in is the
//! store's ([`Counters`](ratewarden_counters::Counters)).
//!
//! 1. [`Rules::select`] says which limits and bounds are about the call, and whether its body must be seen.
//! 2. [`hold`] holds what the call asks for to its ceilings: a call that is refused spends nothing.
//! 3. [`Rules::weigh`] says under which keys the call is counted and what it costs, as [`Check`](ratewarden_counters::Check)s for the store.
//!
//! [`decide`] is all three and the store's decision. [`penalties`] is beside it: who is rejected again and again is banned; and
//! [`findings`]: whom something that was found in traffic bans.
//!
//! Everything that can be done once is done when the policy is loaded. A call without conditions, bodies and
//! bounds costs a comparison for each limit and a keyed hash for each distinct thing that limits count per.

mod body;
mod bounds;
mod condition;
mod cost;
mod decide;
pub mod findings;
mod guess;
mod keys;
pub mod penalties;
mod rules;
mod select;
mod settle;

use std::net::IpAddr;

use ratewarden_callers::{Caller, Fields, Label};
use ratewarden_limiter::Time;

use penalties::{Offender, Suspects};

pub use body::Body;
pub use bounds::{Changed, hold};
pub use condition::{Condition, ConditionError};
pub use decide::{Decided, Sheet, Undecided, decide, is_concurrency};
pub use guess::may_be_a_guess;
pub use keys::ADDRESS_MISSING;
pub use rules::{Counts, LimitRule, Rules, Wall};
pub use select::{Selected, sees_body};
pub use settle::{Ending, price};

/// What of a call is judged: the method, the one form of the path that is also forwarded, the query as it
/// came, and the fields.
#[derive(Debug)]
pub struct Head<'c, F> {
    /// The method, as it came.
    pub method: &'c str,
    /// The path in its one form ([`ratewarden_http1::normalise`]).
    pub path: &'c str,
    /// Without its question mark.
    pub query: Option<&'c str>,
    /// Header fields.
    pub fields: &'c F,
    /// When it is judged: every step of a decision has one idea of now.
    pub at: Time,
    /// The gateway forwards it, so a number over its ceiling can be lowered. Of a call that another program forwards,
    /// such a number is refused.
    pub changeable: bool,
}

/// What is called: an operation of the API, as logs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'c> {
    /// The method.
    pub method: &'c str,
    /// In its one form, or empty where it has none.
    pub path: &'c str,
}

/// Whose call it is.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Whom it is counted against.
    pub caller: Caller,
    /// The client's address, IPv6 by prefix; absent where an application asks and does not say it.
    pub address: Option<IpAddr>,
    /// The same as penalties know them.
    pub suspects: Suspects,
}

impl Subject {
    /// The same as one who offends.
    #[must_use]
    pub const fn offender<'s>(&'s self, label: &'s Label) -> Offender<'s> {
        Offender { suspects: &self.suspects, caller: Some(label) }
    }
}

/// A call that cannot be judged, or asks for more than it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// A word for metrics and the log.
    pub reason: &'static str,
    /// What the client is told.
    pub detail: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: u16, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { status, reason, detail: detail.into() }
    }
}

impl<'c, F: Fields> Head<'c, F> {
    /// What is called.
    #[must_use]
    pub const fn operation(&self) -> Operation<'c> {
        Operation { method: self.method, path: self.path }
    }

    /// The only value of a field; `None` when it is not there.
    ///
    /// # Errors
    /// When it is there more than once: what is counted must be what the upstream reads, and nobody can know
    /// which of the two that is.
    pub fn field(&self, name: &str) -> Result<Option<&[u8]>, Refusal> {
        let mut values = self.fields.values(name);
        let first = values.next();
        if values.next().is_some() {
            let detail = format!("the field `{name}` is there more than once");
            return Err(Refusal::new(400, "duplicate_field", detail));
        }
        Ok(first)
    }

    /// The only, decoded, value of a query parameter.
    ///
    /// # Errors
    /// When it is there more than once.
    pub fn parameter(&self, name: &str) -> Result<Option<String>, Refusal> {
        let mut values = ratewarden_http1::query_values(self.query.unwrap_or_default(), name);
        let first = values.next();
        if values.next().is_some() {
            let detail = format!("the query parameter `{name}` is there more than once");
            return Err(Refusal::new(400, "duplicate_parameter", detail));
        }
        Ok(first.map(std::borrow::Cow::into_owned))
    }
}
