//! From a finding to a ban, where the detector has one.
//!
//! A ban begins where those of `[[penalty]]` and of operators do, so it is listed, lifted and kept like them. Whom
//! `watch.never-ban` names is never banned, neither by name nor through the address it was seen at. A ban of an address spares
//! callers that had proved who they are from there, as a lock-out does: only a finding about such a caller bans it.
//!
//! Whoever goes on in spite of the ban keeps the finding open, so no further one would begin: at the end of a ban whose
//! finding is still open the next one follows, but only where the ban was longer than the finding lasts by itself. Else
//! nobody knows whether the last call over the threshold came before the ban.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ratewarden_callers::{Identifier, counted};
use ratewarden_judge::penalties::{Cause, Sentence, Whom};
use ratewarden_limiter::Time;
use ratewarden_model::{Call, CallCaller, Finding, Subject, SubjectKind};
use ratewarden_policy::{Exempt, Network, Policy};
use tracing::{info, warn};

use super::known::{Known, Name};
use super::tray::Whose;
use crate::state::Shared;

/// When a ban that could not begin is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// A finding is open at least so long after its last call, as in the engine.
const LINGERS: u32 = 60;

/// The digits of a hash that findings show.
const DIGITS: u64 = 0xffff_ffff_ffff;

/// Bans of detectors.
#[derive(Debug, Default)]
pub(super) struct Bans {
    rules: Vec<Rule>,
    never: Never,
    ipv6_prefix: u8,
    known: Known,
    /// Findings that are open and led to a ban, by fingerprint.
    running: HashMap<String, Running>,
}

#[derive(Debug)]
struct Rule {
    detector: String,
    /// Of its findings.
    rule: String,
    first: Duration,
    up_to: Duration,
    /// How long its findings last after their last call.
    lingers: Duration,
}

/// Whom nobody bans.
#[derive(Debug, Default)]
struct Never {
    networks: Vec<Network>,
    callers: HashSet<Vec<u8>>,
    users: HashSet<Vec<u8>>,
}

#[derive(Debug)]
struct Running {
    detector: String,
    finding: Finding,
    lasts: Duration,
    until: Time,
}

/// Whom a finding is about, as bans know it.
#[derive(Debug)]
struct Offender {
    id: u128,
    whom: Whom,
    label: Arc<str>,
    spares: bool,
}

/// Why nobody is banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Let {
    /// The policy says so.
    Spared,
    /// Nobody knows any more who it is, or several have that name.
    Unknown,
}

impl Bans {
    /// Takes the bans of a policy; those that have begun go on.
    pub(super) fn set(&mut self, policy: &Policy) {
        let rules = policy.bans.iter().map(|ban| {
            let its = policy.detectors.iter().find(|detector| detector.name == ban.detector);
            let lingers = its.map_or(LINGERS, |detector| detector.seconds.max(LINGERS));
            let lingers = Duration::from_secs(lingers.into());
            let detector = ban.detector.clone();
            Rule { detector, rule: ban.rule.clone(), first: ban.ban, up_to: ban.up_to, lingers }
        });
        self.rules = rules.collect();
        self.never = Never::default();
        self.ipv6_prefix = policy.trust.ipv6_prefix;
        for exempt in &policy.watch.never_ban {
            match exempt {
                Exempt::Network(network) => self.never.networks.push(*network),
                Exempt::Caller(name) => drop(self.never.callers.insert(name.clone().into_bytes())),
                Exempt::User(name) => drop(self.never.users.insert(name.clone().into_bytes())),
            }
        }
        if self.rules.is_empty() {
            self.known.clear();
            self.running.clear();
        }
    }

    /// Remembers whose call it is, where that may matter.
    pub(super) fn note(&mut self, call: &Call<'_>, whose: Whose) {
        if self.rules.is_empty() {
            return;
        }
        let mut is_spared = call.address.is_some_and(|address| self.never.holds(address, self.ipv6_prefix));
        if let (true, CallCaller::Hashed { name, .. }) = (whose.is_verified, call.caller)
            && self.never.callers.contains(name)
        {
            is_spared = true;
            if let Some(address) = call.address {
                let name = Name::Spared(counted(address, self.ipv6_prefix));
                self.known.note(name, 0, Whom::Address, true);
            }
        }
        let Some(id) = whose.id else { return };
        let (name, whom) = match call.caller {
            CallCaller::Hashed { name: b"", id } => (Name::Token(digits(id)), Whom::Target),
            CallCaller::Hashed { name, .. } => (Name::Caller(name), Whom::Caller),
            CallCaller::Nobody | CallCaller::Credential(_) => (Name::User(call.user), Whom::Caller),
        };
        self.known.note(name, id, whom, is_spared);
    }

    /// A finding of a detector has opened.
    pub(super) fn opened(&mut self, shared: &Shared, detector: &str, finding: &Finding) {
        if let Some(running) = self.sentence(shared, detector, finding) {
            self.running.insert(finding.fingerprint.clone(), running);
        }
    }

    /// A finding has ended.
    pub(super) fn ended(&mut self, fingerprint: &str) {
        self.running.remove(fingerprint);
    }

    /// Bans those again who went on in spite of a ban that is over.
    pub(super) fn look(&mut self, shared: &Shared) {
        let now = shared.clock.now();
        let over = self.running.iter().filter(|(_, running)| running.until <= now);
        let over: Vec<String> = over.map(|(fingerprint, _)| fingerprint.clone()).collect();
        for fingerprint in over {
            let Some(running) = self.running.remove(&fingerprint) else { continue };
            let rule = self.rules.iter().find(|rule| rule.detector == running.detector);
            let went_on = rule.is_some_and(|rule| rule.lingers <= running.lasts);
            if went_on && let Some(again) = self.sentence(shared, &running.detector, &running.finding) {
                self.running.insert(fingerprint, again);
            }
        }
    }

    /// Begins the ban that a finding leads to; what is to be remembered of it.
    fn sentence(&self, shared: &Shared, detector: &str, finding: &Finding) -> Option<Running> {
        let rule = self.rules.iter().find(|rule| rule.detector == detector)?;
        let name = finding.subject.label();
        let offender = match self.offender(&shared.loaded().identifier, &finding.subject) {
            Ok(offender) => offender,
            Err(Let::Spared) => {
                info!(
                    rule = rule.rule,
                    subject = name,
                    "A finding leads to no ban: `watch.never-ban` names it."
                );
                return None;
            }
            Err(Let::Unknown) => {
                let message = "A finding leads to no ban: nobody knows for certain whom it is about.";
                warn!(rule = rule.rule, subject = name, "{message}");
                return None;
            }
        };
        let seen = finding.seen.as_ref();
        let reason = seen.map_or_else(String::new, |seen| {
            format!("{} seen, {} is the threshold", seen.count, seen.threshold)
        });
        let now = shared.clock.now();
        let sentence = Sentence {
            whom: offender.whom,
            label: Some(offender.label),
            cause: Cause::Finding { rule: rule.rule.as_str().into(), reason: reason.into() },
            spares: offender.spares,
            first: rule.first,
            up_to: rule.up_to,
            forget: rule.up_to,
        };
        let Some(ban) = shared.penalties.sentence(offender.id, sentence, now) else {
            // Somebody else has banned it, and may do so for less long.
            let (detector, finding, lasts) = (detector.to_owned(), finding.clone(), rule.up_to);
            return Some(Running { detector, finding, lasts, until: now.after(AGAIN) });
        };
        let lasts = ban.until.since(now);
        warn!(rule = rule.rule, subject = name, seconds = lasts.as_secs(), "A finding leads to a ban.");
        Some(Running { detector: detector.to_owned(), finding: finding.clone(), lasts, until: ban.until })
    }

    fn offender(&self, identifier: &Identifier, subject: &Subject) -> Result<Offender, Let> {
        let Subject::Named { kind, value } = subject else { return Err(Let::Unknown) };
        let (name, is_never) = match kind {
            SubjectKind::Address => return self.address(identifier, value),
            SubjectKind::Caller => {
                (Name::Caller(value.as_bytes()), self.never.callers.contains(value.as_bytes()))
            }
            SubjectKind::Token => {
                let digits = u64::from_str_radix(value, 16).map_err(|_| Let::Unknown)?;
                (Name::Token(digits), self.never.callers.contains(value.as_bytes()))
            }
            // A name that anybody can give proves nothing: whoever guesses under it would get its owner banned.
            SubjectKind::User => return Err(Let::Unknown),
            _ => return Err(Let::Unknown),
        };
        let somebody = self.known.find(name);
        if is_never || somebody.is_some_and(|somebody| somebody.is_spared) {
            return Err(Let::Spared);
        }
        let somebody = somebody.filter(|somebody| !somebody.is_ambiguous).ok_or(Let::Unknown)?;
        let label = value.as_str().into();
        Ok(Offender { id: somebody.id, whom: somebody.whom, label, spares: false })
    }

    fn address(&self, identifier: &Identifier, value: &str) -> Result<Offender, Let> {
        let address: IpAddr = value.parse().map_err(|_| Let::Unknown)?;
        let counted = counted(address, self.ipv6_prefix);
        if self.never.holds(address, self.ipv6_prefix) || self.known.find(Name::Spared(counted)).is_some() {
            return Err(Let::Spared);
        }
        let (id, label) = (identifier.address_id(counted), counted.to_string().into());
        Ok(Offender { id, whom: Whom::Address, label, spares: true })
    }
}

impl Never {
    /// Whether an address, or another that is counted as one with it, is of a network that nobody bans.
    fn holds(&self, address: IpAddr, ipv6_prefix: u8) -> bool {
        let one = counted(address, ipv6_prefix);
        let mut networks = self.networks.iter();
        networks.any(|network| network.contains(address) || counted(network.first(), ipv6_prefix) == one)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the last digits are what is wanted")]
const fn digits(id: u128) -> u64 {
    id as u64 & DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exempt_address_exempts_whatever_is_counted_as_one_with_it_and_nothing_else() {
        let networks = ["192.0.2.7/32", "2001:db8::1/128", "10.0.0.0/8"];
        let networks = networks.map(|network| network.parse().unwrap()).to_vec();
        let never = Never { networks, ..Never::default() };
        for (address, is_held) in [
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("10.1.2.3", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8:0:1::1", false),
        ] {
            assert_eq!(never.holds(address.parse().unwrap(), 64), is_held, "{address}");
        }
    }
}
