//! Ids: keyed hashes of what callers are known by, of each kind under a key of its own.
//!
//! So a key and a cookie of the same text are two callers, and nothing has to be put before the text to tell them apart.

use siphasher::sip128::SipHasher13;

/// What somebody is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Cookie,
    Token,
    /// The name of a key's owner.
    Owner,
    /// An issuer and a subject.
    Jwt,
    User,
    /// A certificate's subject.
    Certificate,
    Address,
}

/// A hasher for each kind.
#[derive(Clone)]
pub(crate) struct Kinds([SipHasher13; Kind::ALL.len()]);

impl Kind {
    const ALL: [Self; 8] = [
        Self::Key,
        Self::Cookie,
        Self::Token,
        Self::Owner,
        Self::Jwt,
        Self::User,
        Self::Certificate,
        Self::Address,
    ];

    /// The word for it, as callers are shown.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Cookie => "cookie",
            Self::Token => "token",
            Self::Owner => "owner",
            Self::Jwt => "jwt",
            Self::User => "user",
            Self::Certificate => "mtls",
            Self::Address => "address",
        }
    }
}

impl Kinds {
    /// Hashers under `secret`: whoever knows it can make ids collide.
    pub(crate) fn new(secret: &[u8; 16]) -> Self {
        let root = SipHasher13::new_with_key(secret);
        let key = |kind: Kind| root.hash(kind.word().as_bytes()).as_u128().to_le_bytes();
        Self(Kind::ALL.map(|kind| SipHasher13::new_with_key(&key(kind))))
    }

    /// The id of whom `identity` names.
    pub(crate) fn hash(&self, kind: Kind, identity: &[u8]) -> u128 {
        let Self(hashers) = self;
        // In the order of the declaration, which is that of `ALL`.
        hashers.get(kind as usize).map_or(0, |hasher| hasher.hash(identity).as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_of_another_kind_or_secret_is_another_id() {
        let (kinds, others) = (Kinds::new(&[1; 16]), Kinds::new(&[2; 16]));
        let mut ids: Vec<u128> = Kind::ALL.iter().map(|&kind| kinds.hash(kind, b"text")).collect();
        ids.extend(Kind::ALL.iter().map(|&kind| others.hash(kind, b"text")));
        for (place, &kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(place, kind as usize);
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 2 * Kind::ALL.len());
        assert!(!ids.contains(&0));
    }
}
