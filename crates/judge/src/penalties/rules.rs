//! What counts as how many offences too many, and how long a ban is then.

use std::num::NonZeroU64;
use std::time::Duration;

use ratewarden_counters::{Check, Counters, Decision, Hasher, LimitId, Pair, Scratch, Who};
use ratewarden_limiter::{Algorithm, Gcra, Rule, Time, WordRule};
use ratewarden_model::Rate;
use ratewarden_policy::{MAX_LIMITS, Offence, PenaltyPer, Policy};

use super::Whom;

/// Signatures that are checked in the name of one caller at an address that is locked out. A colleague's new token is
/// looked at once by each worker; a forger who knows the colleague's name uses up these, and no others.
const SIGNATURES: Rate = Rate { calls: 10, per: Duration::from_secs(1) };

/// The same for all names at the address together. Without it the work would be bounded by the callers that are known
/// there alone, thousands at some; at 2 ms for the dearest algorithm this is a fifth of a core, and 30 times less for the
/// usual ones. It takes ten known names to use it up.
const SIGNATURES_AT_AN_ADDRESS: Rate = Rate { calls: 100, per: Duration::from_secs(1) };

/// The rules of a policy, ready for offences.
#[derive(Debug)]
pub struct PenaltyRules {
    pub(crate) rules: Vec<Prepared>,
    /// For a caller at an address, and for an address.
    signatures: Option<[Counted; 2]>,
}

/// One rule.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) name: String,
    pub(crate) offence: Offence,
    pub(crate) whom: Whom,
    pub(crate) counted: Counted,
    pub(crate) ban: Duration,
    pub(crate) up_to: Duration,
    pub(crate) forget: Duration,
}

/// What is counted in the store that counts calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    id: LimitId,
    gcra: Gcra,
}

impl PenaltyRules {
    /// Makes the penalties of a policy ready; `[credentials]` is some of them. A rate that cannot be counted cannot
    /// be in a policy, so none is left out.
    pub fn build(policy: &Policy, hasher: &Hasher) -> Self {
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
        let of_pairs = Counted::new(hasher, "signatures", SIGNATURES, rules.len());
        let name = "signatures at an address";
        let of_addresses = Counted::new(hasher, name, SIGNATURES_AT_AN_ADDRESS, rules.len() + 1);
        let signatures = of_pairs.zip(of_addresses).map(|(pair, address)| [pair, address]);
        Self { signatures, rules }
    }

    /// Whether one more signature may be checked in the name of a caller who is known at an address that is locked out;
    /// it is counted then, and only then: what is too much in one name takes nothing from the address.
    pub fn may_check_a_signature(
        &self,
        counters: &Counters,
        known: Pair,
        address: u128,
        now: Time,
        scratch: &mut Scratch,
    ) -> bool {
        self.signatures.is_some_and(|[of_pairs, of_addresses]| {
            let checks = [of_pairs.check_known(known.id()), of_addresses.check_known(address)];
            counters.decide(&checks, now, scratch) == Decision::Admitted
        })
    }
}

impl Prepared {
    /// Whether its bans spare who is known at the address.
    pub(crate) fn spares(&self) -> bool {
        self.whom == Whom::Address && self.offence == Offence::FailedCredentials
    }
}

impl Counted {
    /// `place` is its place among all that is counted here, which comes after what limits can have.
    fn new(hasher: &Hasher, name: &str, after: Rate, place: usize) -> Option<Self> {
        let ordinal = u16::try_from(MAX_LIMITS + place).ok()?;
        let calls = NonZeroU64::new(after.calls).unwrap_or(NonZeroU64::MIN);
        let gcra = Gcra::new(calls, after.per, calls).ok()?;
        Some(Self { id: hasher.limit(name, &Algorithm::Rate(gcra), ordinal), gcra })
    }

    /// One more of `who`, a keyed hash.
    pub(crate) const fn check(&self, who: u128) -> Check {
        self.check_who(Who::new(who, false))
    }

    /// The same of somebody who proved a credential: no flood of made-up keys makes these share a place.
    const fn check_known(&self, who: u128) -> Check {
        self.check_who(Who::new(who, true))
    }

    const fn check_who(&self, who: Who) -> Check {
        let rule = Rule::Word(WordRule::Gcra(self.gcra));
        Check { key: self.id.key(who), rule, cost: 1, shadow: false }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratewarden_counters::{Capacity, ORDINALS};

    use super::*;

    fn rules(more: &str) -> PenaltyRules {
        let policy =
            "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n".to_owned() + more;
        let policy = ratewarden_policy::read(&policy, Path::new("/p.toml")).unwrap().policy;
        PenaltyRules::build(&policy, &Hasher::new(&[1; 16]))
    }

    #[test]
    fn forgeries_in_one_name_take_no_check_from_another_and_an_address_gets_so_many_in_all() {
        let (rules, hasher) = (rules(""), Hasher::new(&[2; 16]));
        let counters = Counters::new(Capacity { keys: 1_024, verified_keys: 1_024 });
        let mut scratch = Scratch::default();
        let hash = |number: u128| hasher.hash([number.to_le_bytes().as_slice()]);
        let mut checked = |caller: u128, address: u128, seconds: u64| {
            let (caller, address) = (hash(caller), hash(1_000 + address));
            let at = Time::START.after(Duration::from_secs(seconds));
            let mut may = || {
                rules.may_check_a_signature(&counters, Pair::new(caller, address), address, at, &mut scratch)
            };
            (0..200).filter(|_| may()).count()
        };
        assert_eq!([checked(1, 1, 1), checked(1, 1, 1), checked(2, 1, 1), checked(1, 2, 1)], [10, 0, 10, 10]);
        assert_eq!(checked(1, 1, 2), 10);
        // Ten at an address in the same second; then it has had its hundred, and another address has its own.
        let names: Vec<usize> = (10..22).map(|caller| checked(caller, 1, 3)).collect();
        assert_eq!(names, [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 0, 0]);
        assert_eq!([checked(10, 2, 3), checked(21, 1, 4)], [10, 10]);
    }

    #[test]
    fn no_penalty_counts_at_the_place_of_a_limit_or_of_another_penalty() {
        // The most there can be: each takes a place for the address and one for callers at it.
        let penalty = |number: usize| {
            format!(
                "[[penalty]]\nname = \"p{number}\"\nper = \"address\"\n\
                 after = \"9 failed-credentials/1h\"\nban = \"1m\"\n"
            )
        };
        let rules = rules(&(0..64).map(penalty).collect::<String>());
        let counted =
            rules.rules.iter().map(|rule| rule.counted).chain(rules.signatures.into_iter().flatten());
        let mut places: Vec<usize> = counted.map(|counted| usize::from(counted.id.ordinal())).collect();
        places.sort_unstable();
        let begin = MAX_LIMITS;
        assert_eq!(places, (begin..begin + 64 * 2 + 3 + 2).collect::<Vec<_>>());
        assert!(places.iter().all(|place| *place < ORDINALS), "{places:?}");
    }
}
