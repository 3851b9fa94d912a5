//! What a finding leads to, and why it leads to nothing.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ratewarden_limiter::Time;
use ratewarden_model::Subject;

use crate::penalties::Ban;

/// When a decision is made, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// As bans count.
    pub time: Time,
    /// Milliseconds since 1970, as findings do.
    pub unix_ms: i64,
}

/// What a finding leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// A ban, which has begun in the [`Penalties`](crate::penalties::Penalties) that were asked.
    Ban(Box<Decided>),
    /// None, and why.
    Not(Subject, Let),
}

/// A ban for a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The keyed hash of whom it is about.
    pub id: u128,
    /// The ban.
    pub ban: Ban,
    /// For how long.
    pub lasts: Duration,
    /// The rule of the finding.
    pub rule: String,
    /// What was seen, in figures.
    pub reason: String,
    /// Whom it bans: whom the finding is about, and of IPv6 all that the policy counts as one with it.
    pub subject: Subject,
    /// The address as it is banned, where it is one.
    pub address: Option<IpAddr>,
    /// Of the finding.
    pub fingerprint: String,
}

/// Why nobody is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Let {
    /// The policy says so.
    Spared,
    /// It is this machine, or no address.
    Own,
    /// Nobody can hold it.
    Nobody,
    /// Nobody knows any more who it is, or several have that name.
    Unknown,
    /// Its last call that was seen is of long ago.
    Old,
    /// All places are taken by bans in force.
    Full,
}

impl fmt::Display for Let {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spared => "`never-ban` or `trust.proxies` has it",
            Self::Own => "it is this machine, or nobody",
            Self::Nobody => "only addresses and callers that prove who they are can be",
            Self::Unknown => "nobody knows for certain who it is",
            Self::Old => "what is seen of it so far is long over",
            Self::Full => "all places are taken by bans in force",
        })
    }
}
