//! What an operator does with bans.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use ratewarden_limiter::Time;

use super::{Ban, Penalties, has_place, place};

/// All places are taken by bans in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Penalties {
    /// All bans in force with their ids, in no order.
    pub fn in_force(&self, now: Time) -> Vec<(u128, Ban)> {
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        bans.iter().filter(|(_, ban)| ban.until > now).map(|(id, ban)| (*id, ban.clone())).collect()
    }

    /// One of them.
    pub fn find(&self, id: u128, now: Time) -> Option<Ban> {
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        bans.get(&id).filter(|ban| ban.until > now).cloned()
    }

    /// Bans on the operator's word, instead of any other ban of that kind against the same one; how many there were
    /// before is not forgotten. `id` is of whom, or of any ban against it: that of a lock-out, which spares some, means
    /// its address, and the ban begins beside it. Returns the ban with its own id.
    ///
    /// # Errors
    /// When all places are taken.
    pub fn impose(&self, id: u128, ban: Ban, now: Time) -> Result<(u128, Ban), Full> {
        self.put(id, ban, now, false)
    }

    /// The same, but a ban that is in force and ends no sooner stays as it is, and is returned.
    ///
    /// # Errors
    /// When all places are taken.
    pub fn extend(&self, id: u128, ban: Ban, now: Time) -> Result<(u128, Ban), Full> {
        self.put(id, ban, now, true)
    }

    fn put(&self, id: u128, mut ban: Ban, now: Time, only_longer: bool) -> Result<(u128, Ban), Full> {
        let mut bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut id = place(id, ban.spares);
        if let Some(lock_out) = bans.get(&id).filter(|found| found.spares && !ban.spares) {
            (ban.whom, ban.label) = (lock_out.whom, ban.label.or_else(|| lock_out.label.clone()));
            id = place(id, true);
        }
        if !has_place(&mut bans, id, now) {
            return Err(Full);
        }
        let before = bans.get(&id);
        let is_in_force = before.is_some_and(|before| before.until > now);
        if let Some(before) = before.filter(|before| only_longer && is_in_force && before.until >= ban.until)
        {
            return Ok((id, before.clone()));
        }
        if let Some(before) = before {
            // One that is in force is this one, with another end.
            ban.times = if is_in_force { before.times } else { before.times.saturating_add(1) };
            ban.label = ban.label.or_else(|| before.label.clone());
        }
        if !is_in_force {
            self.begun.fetch_add(1, Ordering::Relaxed);
        }
        bans.insert(id, ban.clone());
        self.changed(&bans);
        Ok((id, ban))
    }

    /// Ends a ban and forgets it; whether there was one in force.
    pub fn lift(&self, id: u128, now: Time) -> Option<Ban> {
        let mut bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        if bans.get(&id)?.until <= now {
            return None;
        }
        let lifted = bans.remove(&id);
        self.changed(&bans);
        lifted
    }
}
