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
mod suspects;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ratewarden_counters::{Counters, Decision, Scratch};
use ratewarden_limiter::Time;
use ratewarden_policy::Offence;

use rules::Prepared;

pub use rules::PenaltyRules;
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

/// A ban that is to begin, and how it grows.
#[derive(Debug, Clone)]
pub struct Sentence {
    /// Whom it is about.
    pub whom: Whom,
    /// What the offender is called where that is known; never a secret.
    pub label: Option<Arc<str>>,
    /// Why.
    pub cause: Cause,
    /// Callers that had proved who they are from the address go on.
    pub spares: bool,
    /// How long the first one is; each further one is twice as long.
    pub first: Duration,
    /// How long it is at most.
    pub up_to: Duration,
    /// After so long without a ban the next one is a first one again.
    pub forget: Duration,
}

/// Why no ban has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// One of its kind is in force, and stays as it is.
    InForce(Ban),
    /// All places are taken by bans in force.
    Full,
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

    /// Begins a ban of `id`, the keyed hash of whom it is about. One of its kind that is in force stays as it is, but that
    /// a finding lengthens what was not begun for one: whose end is later, that one's reason is told.
    ///
    /// # Errors
    /// Where one is in force that stays as it is, and where all places are taken.
    pub fn sentence(&self, id: u128, sentence: Sentence, now: Time) -> Result<Ban, Begun> {
        let mut bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let place = place(id, sentence.spares);
        if !has_place(&mut bans, place, now) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return Err(Begun::Full);
        }
        let before = bans.get(&place);
        let in_force = before.filter(|ban| ban.until > now);
        let times = match before {
            Some(ban) if ban.until > now => ban.times,
            Some(ban) if now.since(ban.until) < sentence.forget => ban.times.saturating_add(1),
            _ => 0,
        };
        let doubled = sentence.first.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX));
        let until = now.after(doubled.min(sentence.up_to));
        if let Some(ban) = in_force {
            let lengthens = sentence.cause.is_finding() && !ban.cause.is_finding() && ban.until < until;
            if !lengthens {
                return Err(Begun::InForce(ban.clone()));
            }
        } else {
            self.begun.fetch_add(1, Ordering::Relaxed);
        }
        let Sentence { whom, label, cause, spares, .. } = sentence;
        let ban = Ban { whom, label, cause, spares, until, times };
        bans.insert(place, ban.clone());
        self.changed(&bans);
        Ok(ban)
    }

    fn ban(&self, id: u128, rule: &Prepared, offender: &Offender<'_>, now: Time) -> bool {
        let sentence = Sentence {
            whom: rule.whom,
            label: offender.label(rule.whom),
            cause: Cause::Rule(rule.name.as_str().into()),
            spares: rule.spares(),
            first: rule.ban,
            up_to: rule.up_to,
            forget: rule.forget,
        };
        self.sentence(id, sentence, now).is_ok()
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
mod tests {
    use std::path::Path;

    use ratewarden_counters::{Capacity, Hasher, Instant};

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
        let mut offend = |seconds| {
            let offence = Offence::Rejections;
            let offender = Offender { suspects: &ann, caller: None };
            penalties.offend(&rules, &counters, offence, &offender, at(seconds), &mut scratch).len()
        };
        let lasts = |seconds: u64| {
            penalties.banned(ann.caller, at(seconds)).map(|ban| ban.until.since(at(seconds)).as_secs())
        };
        // Three are allowed, the fourth is one too many; a ban that is in force is not begun again.
        assert_eq!([offend(100), offend(100), offend(100), offend(100), offend(100)], [0, 0, 0, 1, 0]);
        assert_eq!((lasts(100), penalties.banned(Some(8), at(100))), (Some(10), None));
        assert_eq!(lasts(110), None, "it ends at its time");
        for (begin, length) in [(200, 20), (300, 30), (400, 30)] {
            while offend(begin) == 0 {}
            assert_eq!(lasts(begin), Some(length));
        }
        while offend(10_000) == 0 {}
        assert_eq!(lasts(10_000), Some(10), "a first one again");
        assert_eq!(penalties.counts(at(10_000)), (1, 5, 0));
    }

    #[test]
    fn a_short_ban_of_an_address_leaves_a_longer_lock_out_as_it_is() {
        let policy = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n\
            [credentials]\nper-source = \"1/1h\"\nlockout = \"24h\"\nlockout-max = \"24h\"\n\
            [[penalty]]\nname = \"short\"\nper = \"address\"\nafter = \"1 rejections/1h\"\nban = \"1m\"\n";
        let policy = ratewarden_policy::read(policy, Path::new("/p.toml")).unwrap().policy;
        let rules = PenaltyRules::build(&policy, &Hasher::new(&[1; 16]));
        let counters = Counters::new(Capacity { keys: 1_024, verified_keys: 1_024 });
        let (penalties, mut scratch) = (Penalties::default(), Scratch::default());
        let office = Suspects { address: Some(7), ..Suspects::default() };
        let mut offend = |offence, seconds| {
            let offender = Offender { suspects: &office, caller: None };
            (0..2).for_each(|_| {
                penalties.offend(&rules, &counters, offence, &offender, at(seconds), &mut scratch);
            });
        };
        let held = |seconds| {
            let ban = penalties.banned(office.address, at(seconds))?;
            Some((ban.cause.told().to_owned(), ban.spares, ban.until.since(at(seconds)).as_secs(), ban.times))
        };
        let day = 24 * 3_600;
        let lock_out = |left| Some(("failed credentials of an address".to_owned(), true, left, 0));
        offend(Offence::FailedCredentials, 100);
        assert_eq!(held(100), lock_out(day));
        offend(Offence::Rejections, 200);
        assert_eq!(
            held(200),
            Some(("short".to_owned(), false, 60, 0)),
            "its own end, and the first of its kind"
        );
        assert_eq!(penalties.in_force(at(200)).len(), 2, "each is listed");
        assert_eq!(held(260), lock_out(day - 160), "who is known returns, everybody else stays held");
        // A second ban is the second one; the lock-out is still the first.
        offend(Offence::Rejections, 300);
        assert_eq!(held(300), Some(("short".to_owned(), false, 120, 1)));
        let lifted: Vec<Option<bool>> = penalties
            .in_force(at(300))
            .into_iter()
            .filter(|(_, ban)| !ban.spares)
            .map(|(id, _)| Some(penalties.lift(id, at(300))?.spares))
            .collect();
        assert_eq!((lifted, held(300)), (vec![Some(false)], lock_out(day - 200)));
        // Both are there after a restart, the first ban too if it was not lifted.
        offend(Offence::Rejections, 310);
        let instant = |seconds| Instant {
            now: at(seconds),
            wall: jiff::Timestamp::from_second(1_800_000_000).unwrap(),
        };
        let restarted = Penalties::default();
        assert_eq!(restarted.restore(&penalties.kept(instant(310)), instant(1)), 2);
        let mut ends: Vec<_> = restarted
            .in_force(at(1))
            .iter()
            .map(|(_, ban)| (ban.spares, ban.until.since(at(1)).as_secs()))
            .collect();
        ends.sort_unstable();
        assert_eq!(ends, [(false, 60), (true, day - 210)]);
    }

    #[test]
    fn a_ban_for_a_finding_doubles_and_leaves_one_in_force_as_it_is() {
        let sentence = |spares| Sentence {
            whom: Whom::Address,
            label: Some("192.0.2.1".into()),
            cause: Cause::Finding { rule: "watch.flood".into(), reason: "320 seen".into() },
            spares,
            first: Duration::from_secs(100),
            up_to: Duration::from_secs(300),
            forget: Duration::from_secs(1_000),
        };
        let penalties = Penalties::default();
        let lasts = |seconds, spares| {
            let ban = penalties.sentence(7, sentence(spares), at(seconds)).ok()?;
            Some((ban.until.since(at(seconds)).as_secs(), ban.times))
        };
        assert_eq!((lasts(1, true), lasts(50, true)), (Some((100, 0)), None));
        assert_eq!(lasts(50, false), Some((100, 0)), "one that spares nobody stands beside it");
        assert_eq!((lasts(101, true), lasts(400, true)), (Some((200, 1)), Some((300, 2))));
        assert_eq!(lasts(2_000, true), Some((100, 0)), "a first one again");
        assert_eq!(penalties.find(7, at(50)).unwrap().cause.told(), "watch.flood");
        let instant = Instant { now: at(2_000), wall: jiff::Timestamp::from_second(1_800_000_000).unwrap() };
        let restarted = Penalties::default();
        assert_eq!(restarted.restore(&penalties.kept(instant), instant), 1, "its cause is kept too");
    }

    #[test]
    fn a_finding_lengthens_the_ban_of_an_operator_and_never_shortens_it() {
        let ban = |cause, seconds| Ban {
            whom: Whom::Caller,
            label: None,
            cause,
            spares: false,
            until: at(seconds),
            times: 0,
        };
        let finding = || Cause::Finding { rule: "watch.flood".into(), reason: "".into() };
        let sentence = || Sentence {
            whom: Whom::Caller,
            label: None,
            cause: finding(),
            spares: false,
            first: Duration::from_secs(600),
            up_to: Duration::from_secs(3_600),
            forget: Duration::from_secs(3_600),
        };
        let operator = || Cause::Operator("asked support".into());
        for (operators, lasts, cause) in [(86_400, 86_400, operator()), (60, 601, finding())] {
            let penalties = Penalties::default();
            penalties.impose(7, ban(operator(), operators), at(1)).unwrap();
            let _ = penalties.sentence(7, sentence(), at(1));
            let held = penalties.find(7, at(1)).unwrap();
            assert_eq!((held.until, &held.cause, held.times), (at(lasts), &cause, 0));
            // The same on another's word: through an admin listener, or after a restart.
            let penalties = Penalties::default();
            penalties.impose(7, ban(operator(), operators), at(1)).unwrap();
            let (id, told) = penalties.extend(7, ban(finding(), 601), at(1)).unwrap();
            assert_eq!((id, told.until, &told.cause), (7, at(lasts), &cause));
            assert_eq!(penalties.find(7, at(1)), Some(told));
        }
    }

    #[test]
    fn an_operator_bans_an_address_beside_its_lock_out_and_by_the_id_of_either() {
        let ban = |spares, seconds, times| Ban {
            whom: Whom::Address,
            label: Some("192.0.2.1".into()),
            cause: Cause::Operator("".into()),
            spares,
            until: at(seconds),
            times,
        };
        let penalties = Penalties::default();
        let (lock_out, _) = penalties.impose(7, ban(true, 900, 0), at(1)).unwrap();
        let (imposed, _) = penalties.impose(7, ban(false, 100, 0), at(1)).unwrap();
        assert_ne!(lock_out, imposed);
        assert_eq!(penalties.find(lock_out, at(1)).unwrap().until, at(900));
        // The id that the list shows of the lock-out means the same address.
        let again = Ban { label: None, whom: Whom::Caller, ..ban(false, 200, 0) };
        assert_eq!(penalties.impose(lock_out, again, at(1)).unwrap(), (imposed, ban(false, 200, 0)));
        assert_eq!(penalties.in_force(at(1)).len(), 2);
    }
}
