//! From a finding to a ban, and to the next one while it goes on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ratewarden_detect::{News, NewsState};
use ratewarden_limiter::Time;
use ratewarden_model::Finding;

use super::running::Open;
use super::{Decided, Decision, FindingBans, Let, Now, is_old, last_ms};
use crate::penalties::{Begun, Cause, Penalties, Sentence, Whom};

/// When a ban that had no place is tried again, and who was not seen to go on is asked about again.
const AGAIN: Duration = Duration::from_secs(10);
/// The former is doubled each time up to this.
const LONGEST_AGAIN: Duration = Duration::from_secs(600);

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
        self.sentence(penalties, (&news.detector, finding), now, &address_id)
    }

    /// Whether [`Self::look`] has anything to look at.
    #[must_use]
    pub fn is_due(&self, now: Time) -> bool {
        self.running.is_due(now)
    }

    /// Bans those again who went on in spite of a ban that is over, and those whose ban came to nothing. `open` are the
    /// findings that are open, with their figures of now: who is not seen to have gone on is asked about again.
    pub fn look(
        &mut self,
        penalties: &Penalties,
        now: Now,
        open: &[Finding],
        address_id: impl Fn(IpAddr) -> u128,
    ) -> Vec<Decision> {
        let mut due = self.running.due(now.time);
        if due.is_empty() {
            return Vec::new();
        }
        let open: HashMap<&str, &Finding> =
            open.iter().map(|finding| (finding.fingerprint.as_str(), finding)).collect();
        // Of several that see the same offence, the first of the policy.
        due.sort_by_key(|one| self.rules.iter().position(|rule| rule.detector == one.detector));
        let mut decisions = Vec::new();
        for mut one in due {
            let Some(rule) = self.rules.iter().find(|rule| rule.detector == one.detector) else { continue };
            let lingers = i64::try_from(rule.lingers.as_millis()).unwrap_or(i64::MAX);
            if let Some(&now_open) = open.get(one.finding.fingerprint.as_str()) {
                one.finding.clone_from(now_open);
            }
            let is_old = is_old(&one.finding, now.unix_ms, self.late_ms);
            // Calls of before the ban have a finding last, and be seen, for as long as its windows are.
            let went_on = one.began_ms.is_none_or(|began| {
                last_ms(&one.finding).is_some_and(|last| last > began.saturating_add(lingers))
            });
            if went_on && !is_old {
                decisions.extend(self.sentence(penalties, (&one.detector, &one.finding), now, &address_id));
                self.running.back_off(&one.finding.fingerprint, one.again, LONGEST_AGAIN, now.time);
            } else {
                one.until = now.time.after(AGAIN);
                self.running.put_back(one);
            }
        }
        decisions
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
        at: Now,
        address_id: &dyn Fn(IpAddr) -> u128,
    ) -> Option<Decision> {
        let now = at.time;
        let rule = self.rules.iter().find(|rule| rule.detector == detector)?;
        let about = finding.subject.clone();
        let offender = match self.offender(&about, address_id) {
            Ok(_) if is_old(finding, at.unix_ms, self.late_ms) => {
                return Some(Decision::Not(about, Let::Old));
            }
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
        // Calls that wait for those that are late came before the ban too, also where the log's clock is ahead of ours.
        let seen_ms = last_ms(finding).map_or(at.unix_ms, |last| last.saturating_add(self.late_ms));
        let (began_ms, until) = match &begun {
            // One that was in force began before now, and nothing tells who went on since from who stopped.
            Ok(ban) | Err(Begun::InForce(ban)) => (Some(seen_ms.max(at.unix_ms)), ban.until),
            Err(Begun::Full) => (None, now.after(AGAIN)),
        };
        let first = rule.first;
        self.running.keep(&finding.fingerprint, (detector, first), || Open {
            detector: detector.to_owned(),
            first,
            finding: finding.clone(),
            id,
            began_ms,
            until,
            again: AGAIN,
        });
        let was_full = self.is_full;
        // One in force has had its place before.
        self.is_full = matches!(begun, Err(Begun::Full)) || (was_full && begun.is_err());
        let ban = match begun {
            Ok(ban) => ban,
            // Said once, until one has a place: each that has none would say the same every few seconds.
            Err(Begun::Full) if !was_full => return Some(Decision::Not(about, Let::Full)),
            Err(Begun::InForce(_) | Begun::Full) => return None,
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
