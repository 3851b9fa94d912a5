//! What of the store outlives the process: calendar quotas. A month's calls cannot begin anew with each deployment;
//! a rate or a window is full again before a restart is over.

use std::sync::OnceLock;

use ratewarden_limiter::Time;

use crate::key::{Id, Key};
use crate::store::{ATTEMPTS, Counters};
use crate::table::Table;

/// What one key has used of a quota's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The key's keyed hash; it means the same only under the same secret.
    pub id: u128,
    /// Whether the key's identity was proved.
    pub verified: bool,
    /// The state as the limiter keeps it: the period above, what was used of it below.
    pub word: u64,
    /// When the period ends.
    pub ends: Time,
}

impl Counters {
    /// What has changed since the last call of this; nothing twice, and what changes meanwhile the next time.
    pub fn take_changed(&self) -> Vec<Used> {
        let mut changed = Vec::new();
        for (verified, table) in [false, true].into_iter().zip(&self.quotas) {
            let Some(table) = table.get() else { continue };
            for index in table.take_changed() {
                let Some(slot) = table.slot(index) else { continue };
                let word = slot.hold();
                let (id, ends) = (slot.id(), slot.idle_at());
                slot.release(word);
                if !id.is_nobody() {
                    changed.push(Used { id: id.to_u128(), verified, word, ends });
                }
            }
        }
        changed
    }

    /// Says that these must be taken again: they could not be written.
    pub fn change_again(&self, changed: &[Used]) {
        for used in changed {
            let key = Key::lasting(Id::new(used.id), used.verified);
            let table = self.quotas.get(usize::from(used.verified)).and_then(OnceLock::get);
            if let Some((table, index)) = table.and_then(|table| Some((table, table.find(&key)?))) {
                table.mark(index);
            }
        }
    }

    /// Puts back what was used before the start. Returns whether there was a place for it; a period that has ended
    /// needs none.
    pub fn restore(&self, used: &Used, now: Time) -> bool {
        if used.ends <= now {
            return true;
        }
        let key = Key::lasting(Id::new(used.id), used.verified);
        let table: &Table<()> = self.table(&self.quotas, used.verified);
        for _ in 0..ATTEMPTS {
            let Some(slot) = table.find_or_place(&key, now, |_| false).and_then(|index| table.slot(index))
            else {
                return false;
            };
            let word = slot.hold();
            if slot.is(key.id) {
                slot.put(word.max(used.word), used.ends.max(slot.idle_at()));
                return true;
            }
            slot.release(word);
        }
        false
    }
}
