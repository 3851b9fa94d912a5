//! Whom a finding bans, for how long, and why: the one place where that is decided.
//!
//! `guard` asks here for what it finds in its own calls, `watch` for what it finds in logs; where a ban is placed is for each
//! of them. What was decided stands in [`Penalties`](crate::penalties::Penalties), which doubles and forgets for both.
//!
//! - **`never-ban` is asked first**: networks (and `trust.proxies`, and of logs this machine), callers by name, and the addresses
//!   that a caller of such a name proved itself at. A line of IPv6 is banned as a whole, so it is exempt where anything of it is.
//! - **Only what can be held for certain is banned**: an address, or a caller that proved who it is. A user is not:
//!   anybody can give that name.
//! - **Old abuse bans nobody**: a log may be read from its beginning, or again. Who asks tells of it once more where it is
//!   seen to go on.
//! - **One offence is one ban**, however many detectors see it. A ban on another's word (an operator, a `[[penalty]]`) is
//!   only ever lengthened by a finding.
//! - **Who goes on is banned again** when the ban has ended while the finding is open, but only once it was seen for longer
//!   after the ban began than the finding lasts by itself. Else the last call over the threshold may have come before the ban,
//!   or before whoever holds it had heard of it. A finding of which nobody can say that is asked about until it ends.

mod decision;
mod known;
mod offender;
mod running;
mod sentence;
mod whom;

use std::time::Duration;

use ratewarden_callers::counted;
use ratewarden_model::{Call, CallCaller, Finding, Subject};
use ratewarden_policy::Policy;

use crate::penalties::Whom;
pub use decision::{Decided, Decision, Let, Now};
use known::{Known, Name};
use running::Running;
use whom::Never;

/// Calls of longer ago lead to no ban, in milliseconds. To it comes how long the engine waits for calls that are late.
pub const OLD_MS: i64 = 600_000;

/// Whether a finding's last call was long ago, where calls are waited for so many milliseconds.
#[must_use]
pub fn is_old(finding: &Finding, now_ms: i64, late_ms: i64) -> bool {
    last_ms(finding).is_some_and(|last| last.saturating_add(OLD_MS).saturating_add(late_ms) < now_ms)
}

/// When a finding's last call was, in milliseconds since 1970.
fn last_ms(finding: &Finding) -> Option<i64> {
    let last = finding.seen.as_ref()?.last_seen.parse::<jiff::Timestamp>().ok()?;
    Some(last.as_millisecond())
}

/// A finding is open at least so long after its last call, as in the engine.
const LINGERS: u32 = 60;

/// The digits of a hash that findings show.
const DIGITS: u64 = 0xffff_ffff_ffff;

/// Decides on bans.
#[derive(Debug, Default)]
pub struct FindingBans {
    rules: Vec<Rule>,
    never: Never,
    ipv6_prefix: u8,
    /// Addresses are those that logs say.
    of_logs: bool,
    /// How long calls are waited for, in milliseconds.
    late_ms: i64,
    known: Known,
    running: Running,
    /// The last one had no place, and that is said.
    is_full: bool,
}

#[derive(Debug)]
struct Rule {
    detector: String,
    first: Duration,
    up_to: Duration,
    /// How long its findings last after their last call: as long as those of all detectors that find the same.
    lingers: Duration,
}

/// Whose call it is, as far as bans depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Whose {
    /// The keyed hash of whom it is counted against, or of a credential that is none.
    pub id: Option<u128>,
    /// The caller proved who it is.
    pub is_verified: bool,
}

impl FindingBans {
    /// Bans for what logs say: there an address of this machine is a proxy's, or nobody's. A gateway has its clients'
    /// addresses from their connections.
    #[must_use]
    pub fn of_logs() -> Self {
        Self { of_logs: true, ..Self::default() }
    }

    /// The same where calls may be late by so many seconds: they are seen that much later.
    #[must_use]
    pub fn late_by(self, seconds: u32) -> Self {
        Self { late_ms: i64::from(seconds) * 1_000, ..self }
    }

    /// How long calls are waited for, in milliseconds.
    #[must_use]
    pub const fn late_ms(&self) -> i64 {
        self.late_ms
    }

    /// Takes the bans of a policy; those that have begun go on.
    pub fn set(&mut self, policy: &Policy) {
        let rules = policy.bans.iter().map(|ban| {
            let its = policy.detectors.iter().find(|detector| detector.name == ban.detector);
            let same = policy.detectors.iter().filter(|other| its.is_some_and(|its| its.rule == other.rule));
            let lingers = same.map(|detector| detector.seconds).fold(LINGERS, u32::max);
            let lingers = Duration::from_secs(lingers.into());
            Rule { detector: ban.detector.clone(), first: ban.ban, up_to: ban.up_to, lingers }
        });
        self.rules = rules.collect();
        let never = Never::of(policy);
        if never != self.never || policy.trust.ipv6_prefix != self.ipv6_prefix {
            // Who was spared by what the policy said before is so no more; who still is will be seen again.
            self.known.spare_nobody();
        }
        self.never = never;
        self.ipv6_prefix = policy.trust.ipv6_prefix;
        if self.rules.is_empty() {
            self.known.clear();
            self.running.clear();
        }
    }

    /// Remembers whose call it is, where that may matter. To be told of every call before detectors see it.
    pub fn note(&mut self, call: &Call<'_>, whose: Whose) {
        if self.rules.is_empty() {
            return;
        }
        let mut is_spared = call.address.is_some_and(|address| self.never.names(address, self.ipv6_prefix));
        if let (true, CallCaller::Hashed { name, .. }) = (whose.is_verified, call.caller)
            && self.never.has_caller(name)
        {
            is_spared = true;
            if let Some(address) = call.address {
                self.known.spare(counted(address, self.ipv6_prefix));
            }
        }
        let Some(id) = whose.id else { return };
        let (name, whom) = match call.caller {
            CallCaller::Hashed { name: b"", id } => (Name::Token(digits(id)), Whom::Target),
            CallCaller::Hashed { name, .. } => (Name::Caller(name), Whom::Caller),
            CallCaller::Nobody | CallCaller::Credential(_) => return,
        };
        self.known.note(name, id, whom, is_spared);
    }

    /// Whether findings of a detector ban.
    #[must_use]
    pub fn has_rule(&self, detector: &str) -> bool {
        self.rules.iter().any(|rule| rule.detector == detector)
    }

    /// Whether nobody bans a subject, whatever it does.
    #[must_use]
    pub fn is_exempt(&self, subject: &Subject) -> bool {
        matches!(self.offender(subject, &|_| 0), Err(Let::Spared | Let::Own))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the last digits are what is wanted")]
const fn digits(id: u128) -> u64 {
    id as u64 & DIGITS
}

#[cfg(test)]
mod tests;
