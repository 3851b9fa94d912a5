//! From a finding to a ban, and to the next one while it goes on.

use std::net::IpAddr;
use std::time::Duration;

use ratewarden_detect::{News, NewsState};
use ratewarden_limiter::Time;
use ratewarden_model::Finding;

use super::running::Open;
use super::{Decided, Decision, FindingBans, Let, Now, OLD_MS};
use crate::penalties::{Begun, Cause, Penalties, Sentence, Whom};

/// When a ban that had no place is tried again.
const AGAIN: Duration = Duration::from_secs(10);

impl FindingBans {
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
            self.running.end(&finding.fingerprint);
            return None;
        }
        let last = finding.seen.as_ref().and_then(|seen| seen.last_seen.parse::<jiff::Timestamp>().ok());
        let is_old = last.is_some_and(|last| last.as_millisecond().saturating_add(OLD_MS) < now.unix_ms);
        self.sentence(penalties, (&news.detector, finding), is_old, now.time, &address_id)
    }

    /// Bans those again who went on in spite of a ban that is over, and those whose ban came to nothing.
    pub fn look(
        &mut self,
        penalties: &Penalties,
        now: Time,
        address_id: impl Fn(IpAddr) -> u128,
    ) -> Vec<Decision> {
        let mut over = self.running.due(now);
        // Of several that see the same offence, the first of the policy.
        over.sort_by_key(|open| self.rules.iter().position(|rule| rule.detector == open.detector));
        let again = over.into_iter().filter_map(|open| {
            let rule = self.rules.iter().find(|rule| rule.detector == open.detector)?;
            // Who stopped when the ban began is open until then as well.
            if open.lasts.is_some_and(|lasts| rule.lingers >= lasts) {
                return None;
            }
            // It is open, so it was seen until now.
            self.sentence(penalties, (&open.detector, &open.finding), false, now, &address_id)
        });
        again.collect()
    }

    /// A ban that was decided on came to nothing: it counts as none, and is decided on again after `again` while what led to
    /// it goes on.
    pub fn come_to_nothing(
        &mut self,
        penalties: &Penalties,
        (id, is_address): (u128, bool),
        until: Time,
        (now, again): (Time, Duration),
    ) {
        penalties.take_back(id, is_address, until, now);
        self.running.come_to_nothing(id, until, now.after(again));
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
        let about = finding.subject.clone();
        let offender = match self.offender(&about, address_id) {
            Ok(_) if is_old => return Some(Decision::Not(about, Let::Old)),
            Ok(offender) => offender,
            Err(why) => return Some(Decision::Not(about, why)),
        };
        let id = offender.id;
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
        let begun = penalties.sentence(id, sentence, now);
        let (lasts, until) = match &begun {
            Ok(ban) => (Some(ban.until.since(now)), ban.until),
            // Somebody else's, which may last less long than this one would: then it is this one's turn.
            Err(Begun::InForce(ban)) => (Some(rule.up_to), ban.until),
            Err(Begun::Full) => (None, now.after(AGAIN)),
        };
        self.running.keep(&finding.fingerprint, || Open {
            detector: detector.to_owned(),
            finding: finding.clone(),
            id,
            lasts,
            until,
        });
        let ban = match begun {
            Ok(ban) => ban,
            Err(Begun::InForce(_)) => return None,
            Err(Begun::Full) => return Some(Decision::Not(about, Let::Full)),
        };
        Some(Decision::Ban(Box::new(Decided {
            id,
            lasts: ban.until.since(now),
            ban,
            rule: finding.rule.clone(),
            reason,
            subject: offender.subject,
            address: offender.address,
            fingerprint: finding.fingerprint.clone(),
        })))
    }
}
