//! Penalties: who offends again and again is banned for a while, each time for twice as long.
//!
//! Behind one address there are often many, so an address that is locked out for failed credentials is a ban that
//! spares ([`Ban::spares`]): who had proved who it is from that address before goes on. What such a caller fails at
//! itself counts against it at that address, by the same rule, so sparing it opens no way to guess on. A ban that spares
//! and one that spares nobody stand beside each other (`place`), each with its own end and its own doubling: a short
//! one of everybody must not become as long as the lock-out that it meets, nor end it.
//!
//! Offences are counted in the store that counts calls, so their number of keys is bounded like any other. Bans are
//! few: one for each offender that has been caught. They have a cap; when it is reached, those that have ended make
//! room, and while all are in force no further ban is begun (the limits go on rejecting) and that is counted.

mod kept;
mod operator;
mod rules;
mod sentence;
mod suspects;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ratewarden_counters::{Counters, Decision, Scratch};
use ratewarden_limiter::Time;
use ratewarden_policy::Offence;

pub use rules::PenaltyRules;
pub use sentence::{Begun, Sentence};
pub use suspects::{Offender, Suspects, Whom};

/// Bans that are kept, in force or remembered for the next one.
const MOST: usize = 100_000;

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Whom it is about.
    pub whom: Whom,
    /// What the offender is called where that is known; never a secret.
    pub label: Option<Arc<str>>,
    /// Why.
    pub cause: Cause,
    /// Callers that had proved who they are from the address go on.
    pub spares: bool,
    /// When it ends.
    pub until: Time,
    /// How many there were before this one.
    pub times: u32,
}

/// Why somebody is banned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The rule of this name.
    Rule(Arc<str>),
    /// An operator, with a reason that is the operator's own.
    Operator(Arc<str>),
    /// What was found in traffic.
    Finding {
        /// The rule of the finding.
        rule: Arc<str>,
        /// How much of it, in figures.
        reason: Arc<str>,
    },
}

impl Cause {
    const fn is_finding(&self) -> bool {
        matches!(self, Self::Finding { .. })
    }

    /// What the offender is told.
    pub fn told(&self) -> &str {
        match self {
            Self::Rule(name) | Self::Finding { rule: name, .. } => name,
            Self::Operator(_) => "by the operator",
        }
    }
}

/// All bans of the process.
#[derive(Debug, Default)]
pub struct Penalties {
    /// By [`place`].
    bans: Mutex<HashMap<u128, Ban>>,
    /// How many there are, so that a gateway without bans takes no lock.
    count: AtomicUsize,
    begun: AtomicU64,
    left_out: AtomicU64,
    /// Grows with each change of what is kept.
    version: AtomicU64,
}

impl Penalties {
    /// The ban in force against one of these: one that spares nobody before one that spares some, then the one that
    /// ends last.
    pub fn banned(&self, ids: impl IntoIterator<Item = u128>, now: Time) -> Option<Ban> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let places = ids.into_iter().flat_map(|id| [false, true].map(|spares| place(id, spares)));
        let in_force = places.filter_map(|place| bans.get(&place)).filter(|ban| ban.until > now);
        in_force.max_by_key(|ban| (!ban.spares, ban.until)).cloned()
    }

    /// Counts an offence by every rule about it, and bans where it was one too many. Returns the rules that did.
    pub fn offend<'r>(
        &self,
        rules: &'r PenaltyRules,
        counters: &Counters,
        offence: Offence,
        offender: &Offender<'_>,
        now: Time,
        scratch: &mut Scratch,
    ) -> Vec<&'r str> {
        let mut banned = Vec::new();
        for rule in rules.rules.iter().filter(|rule| rule.offence == offence) {
            let Some(id) = offender.suspects.of(rule.whom) else { continue };
            let over =
                matches!(counters.decide(&[rule.counted.check(id)], now, scratch), Decision::Rejected(_));
            if over && self.ban(id, rule, offender, now) {
                banned.push(rule.name.as_str());
            }
        }
        banned
    }

    /// Bans in force, and bans begun and left out (all were in force) since the start.
    pub fn counts(&self, now: Time) -> (u64, u64, u64) {
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let in_force = bans.values().filter(|ban| ban.until > now).count() as u64;
        (in_force, self.begun.load(Ordering::Relaxed), self.left_out.load(Ordering::Relaxed))
    }

    /// After every change, while the lock is held.
    fn changed(&self, bans: &HashMap<u128, Ban>) {
        self.count.store(bans.len(), Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// Where a ban stands: at the keyed hash of whom it is about, and one that spares some at the complement, which no other
/// keyed hash is likely to be. So an id that is listed, stored or lifted means one ban.
const fn place(id: u128, spares: bool) -> u128 {
    if spares { !id } else { id }
}

/// Makes room for one more ban; `false` while all are in force.
fn has_place(bans: &mut HashMap<u128, Ban>, place: u128, now: Time) -> bool {
    if bans.len() >= MOST && !bans.contains_key(&place) {
        bans.retain(|_, ban| ban.until > now);
    }
    bans.len() < MOST || bans.contains_key(&place)
}

#[cfg(test)]
mod tests;
