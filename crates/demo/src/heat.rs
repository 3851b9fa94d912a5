//! What a hot partition costs: each write to one key within the last seconds makes the next one slower.
//!
//! In a wide-column store all writes of one partition meet in one memtable entry on the same replicas, however many
//! nodes there are. Here the price is [`BASE`] and [`EACH`] more for every write of the last [`MEMORY`], up to
//! [`MOST`]: visible within twenty writes, and bounded.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Every write takes this long.
pub(crate) const BASE: Duration = Duration::from_millis(2);
/// So much more for each recent write to the same key.
pub(crate) const EACH: Duration = Duration::from_micros(500);
/// A write never takes longer.
pub(crate) const MOST: Duration = Duration::from_millis(50);
/// How long a write is remembered.
pub(crate) const MEMORY: Duration = Duration::from_secs(5);
/// The most keys that are remembered; the half least lately written is forgotten first.
pub(crate) const MAX_KEYS: usize = 4_096;
/// The longest key that is kept; a longer one counts by its beginning.
pub(crate) const MAX_KEY_BYTES: usize = 64;

/// Recent writes by key.
#[derive(Debug, Default)]
pub(crate) struct Heat {
    keys: HashMap<Vec<u8>, VecDeque<Duration>>,
}

impl Heat {
    /// Notes a write and says how long it takes.
    pub(crate) fn write(&mut self, key: &[u8], now: Duration) -> Duration {
        let key = &key[..key.len().min(MAX_KEY_BYTES)];
        if self.keys.len() >= MAX_KEYS && !self.keys.contains_key(key) {
            self.make_room(now);
        }
        let writes = self.keys.entry(key.to_vec()).or_default();
        while writes.front().is_some_and(|&at| at + MEMORY <= now) {
            writes.pop_front();
        }
        let recent = u32::try_from(writes.len()).unwrap_or(u32::MAX);
        // More than these change nothing: the price is at its most.
        if u128::from(recent) * EACH.as_nanos() < MOST.as_nanos() {
            writes.push_back(now);
        }
        BASE.saturating_add(EACH.saturating_mul(recent)).min(MOST)
    }

    fn make_room(&mut self, now: Duration) {
        self.keys.retain(|_, writes| writes.back().is_some_and(|&at| at + MEMORY > now));
        if self.keys.len() < MAX_KEYS {
            return;
        }
        // Half of them at once, so that a flood of fresh keys does not search the whole map for each.
        let mut last: Vec<_> = self.keys.values().filter_map(|writes| writes.back().copied()).collect();
        let (_, &mut median, _) = last.select_nth_unstable(MAX_KEYS / 2);
        self.keys.retain(|_, writes| writes.back().is_some_and(|&at| at > median));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_key_slows_down_and_fresh_keys_do_not() {
        let mut heat = Heat::default();
        let at = |write: u32| Duration::from_millis(u64::from(write) * 10);
        let hot: Vec<_> = (0..20).map(|write| heat.write(b"celebrity", at(write))).collect();
        assert_eq!(hot[0], BASE);
        assert!(hot.is_sorted() && hot[19] >= 4 * BASE, "{hot:?}");
        assert!((0..20).all(|key: u32| heat.write(&key.to_be_bytes(), at(20)) == BASE));
    }

    #[test]
    fn the_price_is_bounded_and_cools_down() {
        let mut heat = Heat::default();
        let dearest = (0..10_000).map(|_| heat.write(b"k", Duration::ZERO)).max();
        assert_eq!(dearest, Some(MOST));
        assert_eq!(heat.write(b"k", MEMORY), BASE);
    }

    #[test]
    fn the_map_of_keys_is_bounded_and_keeps_the_hot_one() {
        let mut heat = Heat::default();
        let now = |write: u32| Duration::from_micros(u64::from(write));
        for fresh in 0..3 * u32::try_from(MAX_KEYS).unwrap() {
            heat.write(b"hot", now(fresh));
            heat.write(&fresh.to_be_bytes(), now(fresh));
        }
        assert!(heat.keys.len() <= MAX_KEYS);
        assert_eq!(heat.write(b"hot", now(u32::from(u16::MAX))), MOST);
    }

    #[test]
    fn an_endless_key_is_kept_only_in_part() {
        let mut heat = Heat::default();
        heat.write(&[b'x'; 1_000_000], Duration::ZERO);
        assert!(heat.keys.keys().all(|key| key.len() <= MAX_KEY_BYTES));
    }
}
