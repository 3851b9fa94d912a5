//! From a call to a decision, whichever HTTP engine it came in by.
//!
//! 1. [`Rules::select`] says which limits and bounds are about the call, and whether its body must be seen.
//! 2. [`Rules::bound`] holds what the call asks for to its ceilings: a call that is refused spends nothing.
//! 3. [`Rules::weigh`] says under which keys the call is counted and what it costs, as [`Check`]s for the store.
//!
//! Everything that can be done once is done when the policy is loaded. A call without conditions, bodies and
//! bounds costs a comparison for each limit and a keyed hash for each distinct thing that limits count per.

mod body;
mod bounds;
mod condition;
mod cost;
mod keys;
mod rules;
mod select;

use std::net::IpAddr;

use ratewarden_callers::{Caller, Fields, Label};
use ratewarden_limiter::Time;

use crate::penalties::{Offender, Suspects};

pub(crate) use body::Body;
pub(crate) use bounds::{Changed, hold};
pub use condition::ConditionError;
pub(crate) use keys::ADDRESS_MISSING;
pub(crate) use rules::{LimitRule, Rules};
pub(crate) use select::Selected;

/// What of a call is judged: the method, the one form of the path that is also forwarded, the query as it
/// came, and the fields.
#[derive(Debug)]
pub(crate) struct Head<'c, F> {
    pub(crate) method: &'c str,
    pub(crate) path: &'c str,
    pub(crate) query: Option<&'c str>,
    pub(crate) fields: &'c F,
    /// When it is judged: every step of a decision has one idea of now.
    pub(crate) at: Time,
    /// The gateway forwards it, so a number over its ceiling can be lowered. Of a call that another program forwards,
    /// such a number is refused.
    pub(crate) changeable: bool,
}

/// What is called: an operation of the API, as logs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operation<'c> {
    pub(crate) method: &'c str,
    /// In its one form, or empty where it has none.
    pub(crate) path: &'c str,
}

/// Whose call it is.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) caller: Caller,
    /// The client's address, IPv6 by prefix; absent where an application asks and does not say it.
    pub(crate) address: Option<IpAddr>,
    /// The same as penalties know them.
    pub(crate) suspects: Suspects,
}

impl Subject {
    /// The same as one who offends.
    pub(crate) const fn offender<'s>(&'s self, label: &'s Label) -> Offender<'s> {
        Offender { suspects: &self.suspects, caller: Some(label) }
    }
}

/// A call that cannot be judged, or asks for more than it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// A word for metrics and the log.
    pub(crate) reason: &'static str,
    /// What the client is told.
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { status, reason, detail: detail.into() }
    }
}

impl<'c, F: Fields> Head<'c, F> {
    pub(crate) const fn operation(&self) -> Operation<'c> {
        Operation { method: self.method, path: self.path }
    }

    /// The only value of a field; `None` when it is not there.
    ///
    /// # Errors
    /// When it is there more than once: what is counted must be what the upstream reads, and nobody can know
    /// which of the two that is.
    pub(crate) fn field(&self, name: &str) -> Result<Option<&[u8]>, Refusal> {
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
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<String>, Refusal> {
        let mut values = ratewarden_http1::query_values(self.query.unwrap_or_default(), name);
        let first = values.next();
        if values.next().is_some() {
            let detail = format!("the query parameter `{name}` is there more than once");
            return Err(Refusal::new(400, "duplicate_parameter", detail));
        }
        Ok(first.map(std::borrow::Cow::into_owned))
    }
}
