//! How a ban begins, grows, and is taken back.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ratewarden_limiter::Time;

use super::rules::Prepared;
use super::{Ban, Cause, Offender, Penalties, Whom, has_place, place};

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

impl Penalties {
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

    /// Takes back a ban that came to nothing, as it was begun for `id` and with that end: nobody was held, so the next one is as
    /// long as this one was to be. Nothing happens where another one stands there by now.
    pub fn take_back(&self, id: u128, spares: bool, until: Time, now: Time) {
        let mut bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let place = place(id, spares);
        let Some(ban) = bans.get_mut(&place).filter(|ban| ban.until == until) else { return };
        match ban.times.checked_sub(1) {
            // When the one before ended is not known any more; it was not later.
            Some(times) => (ban.times, ban.until) = (times, now.min(until)),
            None => drop(bans.remove(&place)),
        }
        self.changed(&bans);
    }

    pub(super) fn ban(&self, id: u128, rule: &Prepared, offender: &Offender<'_>, now: Time) -> bool {
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
}
