//! What counts as how many offences too many, and how long a ban is then.

use std::num::NonZeroU64;
use std::time::Duration;

use ratewarden_counters::{Check, Counters, Decision, Hasher, LimitId, Scratch, Who};
use ratewarden_limiter::{Algorithm, Gcra, Rule, Time, WordRule};
use ratewarden_model::Rate;
use ratewarden_policy::{Offence, PenaltyPer, Policy};

use super::Whom;

/// Signatures that are checked for an address that is locked out. A colleague's new token is looked at once by each
/// worker; at 2 ms for the dearest algorithm a forger who knows the colleague's name takes 2 % of a core.
const SIGNATURES: Rate = Rate { calls: 10, per: Duration::from_secs(1) };

/// The rules of a policy, ready for offences.
#[derive(Debug)]
pub(crate) struct PenaltyRules {
    pub(super) rules: Vec<Prepared>,
    signatures: Option<Counted>,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) name: String,
    pub(super) offence: Offence,
    pub(super) whom: Whom,
    pub(super) counted: Counted,
    pub(super) ban: Duration,
    pub(super) up_to: Duration,
    pub(super) forget: Duration,
}

/// What is counted in the store that counts calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    id: LimitId,
    gcra: Gcra,
}

impl PenaltyRules {
    /// Makes the penalties of a policy ready; `[credentials]` is some of them. A rate that cannot be counted cannot
    /// be in a policy, so none is left out.
    pub(crate) fn build(policy: &Policy, hasher: &Hasher) -> Self {
        let mut rules = Vec::new();
        let mut add = |name: &str, offence, whom, after: Rate, ban, up_to, forget| {
            if let Some(counted) = Counted::new(hasher, &format!("penalty\0{name}"), after, rules.len()) {
                rules.push(Prepared { name: name.to_owned(), offence, whom, counted, ban, up_to, forget });
            }
            // An address whose credentials fail is spared to those who are known there; each of them is counted too.
            let is_spared = whom == Whom::Address && offence == Offence::FailedCredentials;
            if is_spared
                && let Some(counted) = Counted::new(hasher, &format!("pair\0{name}"), after, rules.len())
            {
                let (name, whom) = (name.to_owned(), Whom::Pair);
                rules.push(Prepared { name, offence, whom, counted, ban, up_to, forget });
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
        Self { signatures: Counted::new(hasher, "signatures", SIGNATURES, rules.len()), rules }
    }

    /// Whether one more signature may be checked for an address that is locked out; it is counted then.
    pub(crate) fn may_check_a_signature(
        &self,
        counters: &Counters,
        address: u128,
        now: Time,
        scratch: &mut Scratch,
    ) -> bool {
        self.signatures.is_some_and(|counted| {
            counters.decide(&[counted.check(address)], now, scratch) == Decision::Admitted
        })
    }
}

impl Prepared {
    /// Whether its bans spare who is known at the address.
    pub(super) fn spares(&self) -> bool {
        self.whom == Whom::Address && self.offence == Offence::FailedCredentials
    }
}

impl Counted {
    /// `place` is its place among all that is counted here; those of limits begin at the other end.
    fn new(hasher: &Hasher, name: &str, after: Rate, place: usize) -> Option<Self> {
        let ordinal = u8::try_from(255_usize.saturating_sub(place)).unwrap_or_default();
        let calls = NonZeroU64::new(after.calls).unwrap_or(NonZeroU64::MIN);
        let gcra = Gcra::new(calls, after.per, calls).ok()?;
        Some(Self { id: hasher.limit(name, &Algorithm::Rate(gcra), ordinal), gcra })
    }

    /// One more of `who`, a keyed hash.
    pub(super) const fn check(&self, who: u128) -> Check {
        let rule = Rule::Word(WordRule::Gcra(self.gcra));
        Check { key: self.id.key(Who::new(who, false)), rule, cost: 1, shadow: false }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratewarden_counters::Capacity;

    use super::*;

    #[test]
    fn an_address_that_is_locked_out_gets_few_signatures_checked_and_takes_none_from_others() {
        let policy = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n";
        let policy = ratewarden_policy::read(policy, Path::new("/p.toml")).unwrap().policy;
        let rules = PenaltyRules::build(&policy, &Hasher::new(&[1; 16]));
        let counters = Counters::new(Capacity { keys: 1_024, verified_keys: 1_024 });
        let mut scratch = Scratch::default();
        let mut checked = |address: u128, seconds: u64| {
            let at = Time::START.after(Duration::from_secs(seconds));
            (0..100).filter(|_| rules.may_check_a_signature(&counters, address, at, &mut scratch)).count()
        };
        assert_eq!([checked(7, 1), checked(7, 1), checked(8, 1), checked(7, 2)], [10, 0, 10, 10]);
    }
}
