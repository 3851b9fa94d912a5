//! Who is behind the names that findings show: bans are kept by keyed hashes.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use ratewarden_judge::penalties::Whom;

/// Names of a generation. The one before is remembered too, so a flood of names forgets no one who calls on.
const NAMES: usize = 65_536;

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Name<'n> {
    /// A caller, by its label.
    Caller(&'n [u8]),
    /// A credential that is none, by the last digits of its hash.
    Token(u64),
    /// A user of Basic authentication.
    User(&'n [u8]),
    /// An address from which somebody called whom nobody bans.
    Spared(std::net::IpAddr),
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

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.names = HashMap::new();
        self.before = HashMap::new();
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
        assert_eq!(known.find(Name::User(b"ann")), None, "a user of that name is somebody else");
        known.note(Name::Caller(b"ann"), 8, Whom::Caller, false);
        assert!(known.find(Name::Caller(b"ann")).unwrap().is_ambiguous);
    }
}
