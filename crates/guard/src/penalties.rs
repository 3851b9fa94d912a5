//! Penalties: who offends again and again is banned for a while, each time for twice as long.
//!
//! Offences are counted in the store that counts calls, so their number of keys is bounded like any other. Bans are
//! few: one for each offender that has been caught. They have a cap; when it is reached, those that have ended make
//! room, and while all are in force no further ban is begun (the limits go on rejecting) and that is counted.

mod kept;
mod operator;

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ratewarden_callers::Label;
use ratewarden_counters::{Check, Counters, Decision, Hasher, LimitId, Scratch, Who};
use ratewarden_limiter::{Algorithm, Gcra, Rule, Time, WordRule};
use ratewarden_model::Rate;
use ratewarden_policy::{Offence, PenaltyPer, Policy};

/// Bans that are kept, in force or remembered for the next one.
const MOST: usize = 100_000;

/// One rule, ready for offences.
#[derive(Debug)]
pub(crate) struct PenaltyRules {
    rules: Vec<Prepared>,
}

#[derive(Debug)]
struct Prepared {
    name: String,
    offence: Offence,
    whom: Whom,
    id: LimitId,
    gcra: Gcra,
    ban: Duration,
    up_to: Duration,
    forget: Duration,
}

/// Whom a rule counts, and a ban is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Whom {
    Caller,
    Address,
    /// The credential that is guessed at.
    Target,
}

/// Those who may be behind an offence, as keyed hashes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Suspects {
    pub(crate) caller: Option<u128>,
    pub(crate) address: Option<u128>,
    pub(crate) target: Option<u128>,
    /// The address itself, as it is counted, to be shown to the operator.
    pub(crate) counted: Option<IpAddr>,
}

/// Who offends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offender<'o> {
    pub(crate) suspects: &'o Suspects,
    pub(crate) caller: Option<&'o Label>,
}

/// A ban.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ban {
    pub(crate) whom: Whom,
    /// What the offender is called where that is known; never a secret.
    pub(crate) label: Option<Arc<str>>,
    pub(crate) cause: Cause,
    pub(crate) until: Time,
    /// How many there were before this one.
    pub(crate) times: u32,
}

/// Why somebody is banned.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    /// The rule of this name.
    Rule(Arc<str>),
    /// An operator, with a reason that is the operator's own.
    Operator(Arc<str>),
}

impl Cause {
    /// What the offender is told.
    pub(crate) fn told(&self) -> &str {
        match self {
            Self::Rule(name) => name,
            Self::Operator(_) => "by the operator",
        }
    }
}

/// All bans of the process.
#[derive(Debug, Default)]
pub(crate) struct Penalties {
    bans: Mutex<HashMap<u128, Ban>>,
    /// How many there are, so that a gateway without bans takes no lock.
    count: AtomicUsize,
    begun: AtomicU64,
    left_out: AtomicU64,
    /// Grows with each change of what is kept.
    version: AtomicU64,
}

impl PenaltyRules {
    /// Makes the penalties of a policy ready; `[credentials]` is two of them. A rate that cannot be counted cannot
    /// be in a policy, so none is left out.
    pub(crate) fn build(policy: &Policy, hasher: &Hasher) -> Self {
        let mut rules = Vec::new();
        let mut add = |name: &str, offence, whom, after: Rate, ban, up_to, forget| {
            let calls = NonZeroU64::new(after.calls).unwrap_or(NonZeroU64::MIN);
            if let Ok(gcra) = Gcra::new(calls, after.per, calls) {
                let ordinal = u8::try_from(255 - rules.len()).unwrap_or_default();
                let id = hasher.limit(&format!("penalty\0{name}"), &Algorithm::Rate(gcra), ordinal);
                rules.push(Prepared { name: name.to_owned(), offence, whom, id, gcra, ban, up_to, forget });
            }
        };
        let credentials = &policy.credentials;
        for (name, whom, after) in [
            ("failed credentials of an address", Whom::Address, credentials.per_source),
            ("failed credentials at one target", Whom::Target, credentials.per_target),
        ] {
            let (ban, up_to) = (credentials.lockout, credentials.lockout_max);
            add(name, Offence::FailedCredentials, whom, after, ban, up_to, up_to);
        }
        for rule in &policy.penalties {
            let whom = match rule.per {
                PenaltyPer::Caller => Whom::Caller,
                PenaltyPer::Address => Whom::Address,
            };
            add(&rule.name, rule.offence, whom, rule.after, rule.ban, rule.up_to, rule.forget);
        }
        Self { rules }
    }
}

impl Whom {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Address => "address",
            Self::Target => "target",
        }
    }
}

impl Suspects {
    fn of(&self, whom: Whom) -> Option<u128> {
        match whom {
            Whom::Caller => self.caller,
            Whom::Address => self.address,
            Whom::Target => self.target,
        }
    }

    fn all(&self) -> impl Iterator<Item = u128> {
        [self.caller, self.address, self.target].into_iter().flatten()
    }
}

impl Offender<'_> {
    /// What it is called, as far as that is known.
    fn label(&self, whom: Whom) -> Option<Arc<str>> {
        let text = match whom {
            Whom::Caller => self.caller?.to_string(),
            Whom::Address => self.suspects.counted?.to_string(),
            // What was tried is a secret, or nearly one.
            Whom::Target => return None,
        };
        Some(text.into())
    }
}

impl Penalties {
    /// The ban in force against one of the suspects that ends last.
    pub(crate) fn banned(&self, suspects: &Suspects, now: Time) -> Option<Ban> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let in_force = suspects.all().filter_map(|id| bans.get(&id)).filter(|ban| ban.until > now);
        in_force.max_by_key(|ban| ban.until).cloned()
    }

    /// Counts an offence by every rule about it, and bans where it was one too many. Returns the rules that did.
    pub(crate) fn offend<'r>(
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
            let check = Check {
                key: rule.id.key(Who::new(id, false)),
                rule: Rule::Word(WordRule::Gcra(rule.gcra)),
                cost: 1,
                shadow: false,
            };
            let over = matches!(counters.decide(&[check], now, scratch), Decision::Rejected(_));
            if over && self.ban(id, rule, offender, now) {
                banned.push(rule.name.as_str());
            }
        }
        banned
    }

    /// Bans in force, and bans begun and left out (all were in force) since the start.
    pub(crate) fn counts(&self, now: Time) -> (u64, u64, u64) {
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let in_force = bans.values().filter(|ban| ban.until > now).count() as u64;
        (in_force, self.begun.load(Ordering::Relaxed), self.left_out.load(Ordering::Relaxed))
    }

    fn ban(&self, id: u128, rule: &Prepared, offender: &Offender<'_>, now: Time) -> bool {
        let mut bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        if !has_place(&mut bans, id, now) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let times = match bans.get(&id) {
            Some(ban) if ban.until > now => return false,
            Some(ban) if now.since(ban.until) < rule.forget => ban.times.saturating_add(1),
            _ => 0,
        };
        let doubled = rule.ban.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX));
        let until = now.after(doubled.min(rule.up_to));
        let (label, cause) = (offender.label(rule.whom), Cause::Rule(rule.name.as_str().into()));
        bans.insert(id, Ban { whom: rule.whom, label, cause, until, times });
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.changed(&bans);
        true
    }

    /// After every change, while the lock is held.
    fn changed(&self, bans: &HashMap<u128, Ban>) {
        self.count.store(bans.len(), Ordering::Relaxed);
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// Makes room for one more ban; `false` while all are in force.
fn has_place(bans: &mut HashMap<u128, Ban>, id: u128, now: Time) -> bool {
    if bans.len() >= MOST && !bans.contains_key(&id) {
        bans.retain(|_, ban| ban.until > now);
    }
    bans.len() < MOST || bans.contains_key(&id)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratewarden_counters::Capacity;

    use super::*;

    const POLICY: &str = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
        [[penalty]]\nname = \"again\"\nafter = \"3 rejections/1m\"\nban = \"10s\"\nup-to = \"30s\"\nforget = \"1h\"\n";

    fn at(seconds: u64) -> Time {
        Time::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_ban_doubles_up_to_its_most_and_is_forgotten_after_good_behaviour() {
        let policy = ratewarden_policy::read(POLICY, Path::new("/p.toml")).unwrap().policy;
        let rules = PenaltyRules::build(&policy, &Hasher::new(&[1; 16]));
        let counters = Counters::new(Capacity { keys: 1_024, verified_keys: 1_024 });
        let (penalties, mut scratch) = (Penalties::default(), Scratch::default());
        let ann = Suspects { caller: Some(7), ..Suspects::default() };
        let bob = Suspects { caller: Some(8), ..Suspects::default() };
        let mut offend = |seconds| {
            let offence = Offence::Rejections;
            let offender = Offender { suspects: &ann, caller: None };
            penalties.offend(&rules, &counters, offence, &offender, at(seconds), &mut scratch).len()
        };
        let lasts = |seconds: u64| {
            penalties.banned(&ann, at(seconds)).map(|ban| ban.until.since(at(seconds)).as_secs())
        };
        // Three are allowed, the fourth is one too many; a ban that is in force is not begun again.
        assert_eq!([offend(100), offend(100), offend(100), offend(100), offend(100)], [0, 0, 0, 1, 0]);
        assert_eq!((lasts(100), penalties.banned(&bob, at(100))), (Some(10), None));
        assert_eq!(lasts(110), None, "it ends at its time");
        for (begin, length) in [(200, 20), (300, 30), (400, 30)] {
            while offend(begin) == 0 {}
            assert_eq!(lasts(begin), Some(length));
        }
        while offend(10_000) == 0 {}
        assert_eq!(lasts(10_000), Some(10), "a first one again");
        assert_eq!(penalties.counts(at(10_000)), (1, 5, 0));
    }
}
