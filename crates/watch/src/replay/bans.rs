//! Bans of the log's time: who would have been banned when, by the gateway's own rules and memory.

use std::collections::BTreeMap;

use ratewarden_counters::{Counters, Hasher, Pairs, Scratch};
use ratewarden_judge::Subject;
use ratewarden_judge::penalties::{Ban, Offender, Penalties, PenaltyRules, Suspects};
use ratewarden_limiter::Time;
use ratewarden_policy::{Offence, Policy};

use super::report::PenaltyReplay;

/// Bans, and who had proved itself from where.
#[derive(Debug)]
pub(crate) struct Bans {
    rules: PenaltyRules,
    penalties: Penalties,
    pairs: Pairs,
    /// By the name of the rule: bans, and calls that met one.
    counts: BTreeMap<String, (u64, u64)>,
    scratch: Scratch,
}

impl Bans {
    pub(crate) fn new(policy: &Policy, hasher: &Hasher) -> Self {
        Self {
            rules: PenaltyRules::build(policy, hasher),
            penalties: Penalties::default(),
            pairs: Pairs::default(),
            counts: policy.penalties.iter().map(|rule| (rule.name.clone(), (0, 0))).collect(),
            scratch: Scratch::default(),
        }
    }

    /// Whether a call meets a ban; the address comes first, as at the gateway (`guard`'s `gate::who`). `who` is the caller
    /// where its credentials are right, else `None` with the target that was guessed at in `suspects`.
    pub(crate) fn meets(&mut self, suspects: &Suspects, is_identified: bool, now: Time) -> bool {
        let ban = match self.penalties.banned(suspects.address, now) {
            Some(ban) if !(is_identified && self.is_spared(&ban, suspects, now)) => Some(ban),
            _ => self.penalties.banned(suspects.but_the_address(), now),
        };
        if let Some(ban) = &ban {
            self.counts.entry(ban.cause.told().to_owned()).or_default().1 += 1;
        }
        ban.is_some()
    }

    /// Counts an offence.
    pub(crate) fn offended(
        &mut self,
        offence: Offence,
        offender: &Offender<'_>,
        counters: &Counters,
        now: Time,
    ) {
        let banned = self.penalties.offend(&self.rules, counters, offence, offender, now, &mut self.scratch);
        for rule in banned {
            self.counts.entry(rule.to_owned()).or_default().0 += 1;
        }
    }

    /// Remembers from where somebody who proved who it is was let through.
    pub(crate) fn let_through(&self, subject: &Subject, now: Time) {
        if let Some(pair) = subject.suspects.pair() {
            self.pairs.note(pair, now);
        }
    }

    /// What came of each rule.
    pub(crate) fn report(&self) -> Vec<PenaltyReplay> {
        let counts = self.counts.iter();
        counts.map(|(name, &(bans, calls))| PenaltyReplay { name: name.clone(), bans, calls }).collect()
    }

    fn is_spared(&self, ban: &Ban, suspects: &Suspects, now: Time) -> bool {
        ban.spares && suspects.pair().is_some_and(|pair| self.pairs.knows(pair, now))
    }
}
