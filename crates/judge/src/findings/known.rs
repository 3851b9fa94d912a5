//! Who is behind the names that findings show: bans are kept by keyed hashes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;

use crate::penalties::Whom;

/// Names of a generation. The one before is remembered too, so a flood of names forgets no one who calls on.
const NAMES: usize = 65_536;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Name<'n> {
    /// A caller, by its label.
    Caller(&'n [u8]),
    /// A credential that is none, by the last digits of its hash.
    Token(u64),
}

/// Somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Somebody {
    pub(super) id: u128,
    pub(super) whom: Whom,
    /// Somebody else has that name too.
    pub(super) is_ambiguous: bool,
    /// Nobody bans it, from wherever it calls.
    pub(super) is_spared: bool,
}

/// A bounded memory of names.
#[derive(Debug, Default)]
pub(super) struct Known {
    hasher: RandomState,
    names: HashMap<u64, Somebody>,
    before: HashMap<u64, Somebody>,
    /// Addresses from which somebody called whom nobody bans. Only such callers can fill it, so no flood does.
    spared: HashSet<IpAddr>,
    spared_before: HashSet<IpAddr>,
}

impl Known {
    /// Remembers somebody.
    pub(super) fn note(&mut self, name: Name<'_>, id: u128, whom: Whom, is_spared: bool) {
        let key = self.hasher.hash_one(name);
        if let Some(known) = self.names.get_mut(&key) {
            known.is_ambiguous |= known.id != id;
            known.is_spared |= is_spared;
            return;
        }
        if self.names.len() >= NAMES {
            self.before = std::mem::take(&mut self.names);
        }
        let before = self.before.get(&key);
        let is_ambiguous = before.is_some_and(|before| before.id != id || before.is_ambiguous);
        let is_spared = is_spared || before.is_some_and(|before| before.is_spared);
        self.names.insert(key, Somebody { id, whom, is_ambiguous, is_spared });
    }

    /// Who has a name.
    pub(super) fn find(&self, name: Name<'_>) -> Option<Somebody> {
        let key = self.hasher.hash_one(name);
        self.names.get(&key).or_else(|| self.before.get(&key)).copied()
    }

    /// Remembers an address from which somebody called whom nobody bans.
    pub(super) fn spare(&mut self, address: IpAddr) {
        if self.spared.len() >= NAMES && !self.spared.contains(&address) {
            self.spared_before = std::mem::take(&mut self.spared);
        }
        self.spared.insert(address);
    }

    /// Whether somebody called from there whom nobody bans.
    pub(super) fn is_spared(&self, address: IpAddr) -> bool {
        self.spared.contains(&address) || self.spared_before.contains(&address)
    }

    /// Forgets who was spared, and nobody's name.
    pub(super) fn spare_nobody(&mut self) {
        self.spared.clear();
        self.spared_before.clear();
        for somebody in self.names.values_mut().chain(self.before.values_mut()) {
            somebody.is_spared = false;
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_names_takes_bounded_memory_and_forgets_nobody_who_calls_on() {
        let mut known = Known::default();
        for number in 0..10 * NAMES as u64 {
            known.note(Name::Token(number), number.into(), Whom::Target, false);
            if number % 1_000 == 0 {
                known.note(Name::Caller(b"ann"), 7, Whom::Caller, false);
            }
        }
        assert!(known.names.len() <= NAMES && known.before.len() <= NAMES);
        assert_eq!(known.find(Name::Caller(b"ann")).map(|ann| (ann.id, ann.is_ambiguous)), Some((7, false)));
        assert_eq!(known.find(Name::Token(0)), None, "who called long ago is forgotten");
        known.note(Name::Caller(b"ann"), 8, Whom::Caller, false);
        assert!(known.find(Name::Caller(b"ann")).unwrap().is_ambiguous);
    }

    #[test]
    fn spared_addresses_are_bounded_and_no_flood_of_names_forgets_one() {
        let mut known = Known::default();
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        known.spare(address(7));
        (0..3 * NAMES as u64).for_each(|number| known.note(Name::Token(number), 1, Whom::Target, false));
        assert!(known.is_spared(address(7)) && !known.is_spared(address(8)));
        (0..3 * NAMES as u32).for_each(|number| known.spare(address(number)));
        assert!(known.spared.len() <= NAMES && known.spared_before.len() <= NAMES);
        assert!(!known.is_spared(address(7)) && known.is_spared(address(3 * NAMES as u32 - 1)));
    }
}
