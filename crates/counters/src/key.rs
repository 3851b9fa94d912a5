//! What a call is counted under.

use std::hash::Hasher as _;

use ratewarden_limiter::Algorithm;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// Hashes what identifies a caller, under the store's secret.
#[derive(Clone)]
pub struct Hasher {
    one: SipHasher13,
    /// Another key, so that several parts are never one long part.
    several: SipHasher13,
}

/// The keyed hash of what a limit counts per: a caller, an address, a field of a body, or several of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Who {
    id: u128,
    verified: bool,
}

/// One limit in the store. Limits with the same name and unit of state ([`Algorithm::unit`]) are the same, so a
/// reload keeps what was counted where the numbers still mean the same, whatever the order of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitId {
    seed: u128,
    /// Place among all that is counted, which names the overflow bucket.
    ordinal: u16,
    /// Its state goes to disk, so a key's home must follow from what is on disk: the id alone.
    lasting: bool,
}

/// Where one caller's state of one limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub(crate) id: Id,
    /// Where it stands is near here: the same for all limits of a caller, so that their states lie side by side.
    pub(crate) home: u64,
    /// Where it stands when that neighbourhood is crowded; the same for all limits of a caller too.
    pub(crate) second_home: u64,
    /// What tells the limit from others that had the same overflow bucket in an earlier policy.
    pub(crate) tag: u64,
    pub(crate) ordinal: u16,
    pub(crate) verified: bool,
}

/// A key's name in a table; all zero is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl Hasher {
    /// A hasher with this secret; whoever knows the secret can make keys collide.
    #[must_use]
    pub fn new(secret: &[u8; 16]) -> Self {
        let one = SipHasher13::new_with_key(secret);
        let several = SipHasher13::new_with_key(&one.hash(b"several").as_u128().to_le_bytes());
        Self { one, several }
    }

    /// The hash of all parts in this order; their lengths count, so `ab, c` is not `a, bc`.
    #[must_use]
    pub fn hash<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> u128 {
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_default();
        let Some(second) = parts.next() else { return self.one.hash(first).as_u128() };
        let mut hasher = self.several;
        for part in [first, second].into_iter().chain(parts) {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish128().as_u128()
    }

    /// The id of the limit `name`. `ordinal` is its place among all that is counted in one store, below
    /// [`ORDINALS`](crate::ORDINALS): two at one place take each other's overflow bucket away.
    #[must_use]
    pub fn limit(&self, name: &str, algorithm: &Algorithm, ordinal: u16) -> LimitId {
        let unit = algorithm.unit();
        let parts = [b"limit".as_slice(), name.as_bytes(), unit.as_bytes()];
        LimitId { seed: self.hash(parts), ordinal, lasting: matches!(algorithm, Algorithm::Quota(_)) }
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher(secret)")
    }
}

impl Who {
    /// `id` must be a keyed hash; `verified` says that the identity was proved (a known key, a signed token), so
    /// that its number is bounded by what the operator gave out.
    #[must_use]
    pub const fn new(id: u128, verified: bool) -> Self {
        Self { id, verified }
    }

    /// All callers together: what a shared total counts per. There is one, so it has a place of its own.
    pub const EVERYBODY: Self = Self { id: 1, verified: true };
}

impl LimitId {
    /// Its place among all that is counted.
    #[must_use]
    pub const fn ordinal(self) -> u16 {
        self.ordinal
    }

    /// Where `who` is counted by this limit.
    #[inline]
    #[must_use]
    pub const fn key(&self, who: Who) -> Key {
        let mut id = Id::new(who.id ^ self.seed);
        if id.is_nobody() {
            id.low = 1;
        }
        let Id { high: home, low: second_home } = if self.lasting { id } else { Id::new(who.id) };
        let tag = Id::new(self.seed).low;
        Key { id, home, second_home, tag, ordinal: self.ordinal, verified: who.verified }
    }
}

impl Key {
    /// The key of a lasting state that was read from disk.
    pub(crate) const fn lasting(id: Id, verified: bool) -> Self {
        Self { id, home: id.high, second_home: id.low, tag: 0, ordinal: 0, verified }
    }

    /// The name of its overflow bucket, which a bucket of another limit does not have.
    pub(crate) const fn overflow_id(&self) -> Id {
        Id { high: 1, low: self.tag }
    }
}

impl Id {
    pub(crate) const NOBODY: Self = Self { high: 0, low: 0 };

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a 128-bit id")]
    pub(crate) const fn new(id: u128) -> Self {
        Self { high: (id >> 64) as u64, low: id as u64 }
    }

    pub(crate) const fn to_u128(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    pub(crate) const fn is_nobody(self) -> bool {
        self.high == 0 && self.low == 0
    }
}
