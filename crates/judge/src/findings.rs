//! Whom a finding bans, for how long, and why: the one place where that is decided.
//!
//! `guard` asks here for what it finds in its own calls, `watch` for what it finds in logs; where a ban is placed is for each
//! of them. What was decided stands in [`Penalties`], which doubles and forgets for both.
//!
//! - **`never-ban` is asked first**: networks (and `trust.proxies`, and of logs this machine), callers by name, and the addresses
//!   that a caller of such a name proved itself at. A line of IPv6 is banned as a whole, so it is exempt where anything of it is.
//! - **Only what can be held for certain is banned**: an address, or a caller that proved who it is. A user is not:
//!   anybody can give that name.
//! - **Old abuse bans nobody**: a log may be read from its beginning, or again. Who asks tells of it once more where it is
//!   seen to go on.
//! - **One offence is one ban**, however many detectors see it. A ban on another's word (an operator, a `[[penalty]]`) is
//!   only ever lengthened by a finding.
//! - **Who goes on is banned again** when the ban ends while the finding is open, but only where the ban was longer than the
//!   finding lasts by itself. Else nobody knows whether the last call over the threshold came before the ban.

mod known;
mod whom;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ratewarden_callers::counted;
use ratewarden_detect::{News, NewsState};
use ratewarden_limiter::Time;
use ratewarden_model::{Call, CallCaller, Finding, Subject, SubjectKind};
use ratewarden_policy::Policy;

use crate::penalties::{Ban, Begun, Cause, Penalties, Sentence, Whom};
use known::{Known, Name};
use whom::Never;

/// Calls of longer ago lead to no ban, in milliseconds.
pub const OLD_MS: i64 = 600_000;

/// A finding is open at least so long after its last call, as in the engine.
const LINGERS: u32 = 60;

/// Open findings that led to a ban and are looked at when it ends.
const OPEN: usize = 10_000;

/// When a ban that had no place is tried again.
const AGAIN: Duration = Duration::from_secs(10);

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
    known: Known,
    /// Findings that are open and led to a ban, by fingerprint.
    running: HashMap<String, Running>,
}

#[derive(Debug)]
struct Rule {
    detector: String,
    first: Duration,
    up_to: Duration,
    /// How long its findings last after their last call.
    lingers: Duration,
}

#[derive(Debug)]
struct Running {
    detector: String,
    finding: Finding,
    lasts: Duration,
    until: Time,
}

/// When a decision is made, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// As bans count.
    pub time: Time,
    /// Milliseconds since 1970, as findings do.
    pub unix_ms: i64,
}

/// Whose call it is, as far as bans depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Whose {
    /// The keyed hash of whom it is counted against, or of a credential that is none.
    pub id: Option<u128>,
    /// The caller proved who it is.
    pub is_verified: bool,
}

/// What a finding leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// A ban, which has begun in the [`Penalties`] that were asked.
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
    /// Whom the finding is about.
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

/// Whom a finding is about, as bans know it.
#[derive(Debug)]
struct Offender {
    id: u128,
    whom: Whom,
    label: Arc<str>,
    address: Option<IpAddr>,
}

impl FindingBans {
    /// Bans for what logs say: there an address of this machine is a proxy's, or nobody's. A gateway has its clients'
    /// addresses from their connections.
    #[must_use]
    pub fn of_logs() -> Self {
        Self { of_logs: true, ..Self::default() }
    }

    /// Takes the bans of a policy; those that have begun go on.
    pub fn set(&mut self, policy: &Policy) {
        let rules = policy.bans.iter().map(|ban| {
            let its = policy.detectors.iter().find(|detector| detector.name == ban.detector);
            let lingers = its.map_or(LINGERS, |detector| detector.seconds.max(LINGERS));
            let lingers = Duration::from_secs(lingers.into());
            Rule { detector: ban.detector.clone(), first: ban.ban, up_to: ban.up_to, lingers }
        });
        self.rules = rules.collect();
        self.never = Never::of(policy);
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

    /// What to do about a finding; `None` where no rule asks for a ban, and where one is in force for that offence.
    /// `address_id` is the keyed hash of an address as it is counted.
    pub fn decide(
        &mut self,
        penalties: &Penalties,
        news: &News,
        now: Now,
        address_id: impl Fn(IpAddr) -> u128,
    ) -> Option<Decision> {
        let finding = &news.finding;
        if news.state == NewsState::Ended {
            self.running.remove(&finding.fingerprint);
            return None;
        }
        let last = finding.seen.as_ref().and_then(|seen| seen.last_seen.parse::<jiff::Timestamp>().ok());
        let is_old = last.is_some_and(|last| last.as_millisecond().saturating_add(OLD_MS) < now.unix_ms);
        self.sentence(penalties, (&news.detector, finding), is_old, now.time, &address_id)
    }

    /// Bans those again who went on in spite of a ban that is over.
    pub fn look(
        &mut self,
        penalties: &Penalties,
        now: Time,
        address_id: impl Fn(IpAddr) -> u128,
    ) -> Vec<Decision> {
        let over = self.running.iter().filter(|(_, running)| running.until <= now);
        let over: Vec<String> = over.map(|(fingerprint, _)| fingerprint.clone()).collect();
        let mut over: Vec<Running> = over.iter().filter_map(|print| self.running.remove(print)).collect();
        // Of several that see the same offence, the first of the policy.
        over.sort_by_key(|running| self.rules.iter().position(|rule| rule.detector == running.detector));
        let again = over.into_iter().filter_map(|running| {
            let rule = self.rules.iter().find(|rule| rule.detector == running.detector)?;
            // Who stopped when the ban began is open until then as well.
            if rule.lingers >= running.lasts {
                return None;
            }
            // It is open, so it was seen until now.
            self.sentence(penalties, (&running.detector, &running.finding), false, now, &address_id)
        });
        again.collect()
    }

    fn sentence(
        &mut self,
        penalties: &Penalties,
        (detector, finding): (&str, &Finding),
        is_old: bool,
        now: Time,
        address_id: &dyn Fn(IpAddr) -> u128,
    ) -> Option<Decision> {
        let rule = self.rules.iter().find(|rule| rule.detector == detector)?;
        let subject = finding.subject.clone();
        let offender = match self.offender(&subject, address_id) {
            Ok(_) if is_old => return Some(Decision::Not(subject, Let::Old)),
            Ok(offender) => offender,
            Err(why) => return Some(Decision::Not(subject, why)),
        };
        let seen = finding.seen.as_ref();
        let reason = seen.map_or_else(String::new, |seen| {
            format!("{} seen, {} is the threshold", seen.count, seen.threshold)
        });
        let sentence = Sentence {
            whom: offender.whom,
            label: Some(offender.label),
            cause: Cause::Finding { rule: finding.rule.as_str().into(), reason: reason.as_str().into() },
            spares: offender.whom == Whom::Address,
            first: rule.first,
            up_to: rule.up_to,
            forget: rule.up_to,
        };
        let begun = penalties.sentence(offender.id, sentence, now);
        let (lasts, until) = match &begun {
            Ok(ban) => (ban.until.since(now), ban.until),
            // Somebody else's, which may last less long than this one would: then it is this one's turn.
            Err(Begun::InForce(ban)) => (rule.up_to, ban.until),
            Err(Begun::Full) => (rule.up_to, now.after(AGAIN)),
        };
        if self.running.len() < OPEN {
            let running =
                || Running { detector: detector.to_owned(), finding: finding.clone(), lasts, until };
            // The detector that had it banned is the one that is asked at its end.
            self.running.entry(finding.fingerprint.clone()).or_insert_with(running);
        }
        let ban = match begun {
            Ok(ban) => ban,
            Err(Begun::InForce(_)) => return None,
            Err(Begun::Full) => return Some(Decision::Not(subject, Let::Full)),
        };
        Some(Decision::Ban(Box::new(Decided {
            id: offender.id,
            ban,
            lasts,
            rule: finding.rule.clone(),
            reason,
            subject,
            address: offender.address,
            fingerprint: finding.fingerprint.clone(),
        })))
    }

    fn offender(&self, subject: &Subject, address_id: &dyn Fn(IpAddr) -> u128) -> Result<Offender, Let> {
        let Subject::Named { kind, value } = subject else { return Err(Let::Nobody) };
        let name = match kind {
            SubjectKind::Address | SubjectKind::Prefix => return self.address(value, address_id),
            SubjectKind::Caller => Name::Caller(value.as_bytes()),
            SubjectKind::Token => Name::Token(u64::from_str_radix(value, 16).map_err(|_| Let::Unknown)?),
            // A user too: whoever guesses under somebody else's name would get its owner banned.
            _ => return Err(Let::Nobody),
        };
        let somebody = self.known.find(name);
        if self.never.has_caller(value.as_bytes()) || somebody.is_some_and(|somebody| somebody.is_spared) {
            return Err(Let::Spared);
        }
        let somebody = somebody.filter(|somebody| !somebody.is_ambiguous).ok_or(Let::Unknown)?;
        let label = value.as_str().into();
        Ok(Offender { id: somebody.id, whom: somebody.whom, label, address: None })
    }

    /// Whether nobody bans a subject, whatever it does.
    #[must_use]
    pub fn is_exempt(&self, subject: &Subject) -> bool {
        matches!(self.offender(subject, &|_| 0), Err(Let::Spared | Let::Own))
    }

    fn address(&self, value: &str, address_id: &dyn Fn(IpAddr) -> u128) -> Result<Offender, Let> {
        let address = whom::held(value, self.ipv6_prefix).ok_or(Let::Nobody)?;
        if self.never.holds(address, self.ipv6_prefix) || self.known.is_spared(address) {
            return Err(Let::Spared);
        }
        if self.of_logs && (address.is_loopback() || address.is_unspecified()) {
            return Err(Let::Own);
        }
        let (id, label) = (address_id(address), address.to_string().into());
        Ok(Offender { id, whom: Whom::Address, label, address: Some(address) })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the last digits are what is wanted")]
const fn digits(id: u128) -> u64 {
    id as u64 & DIGITS
}

#[cfg(test)]
mod tests;
