//! What a call is counted under.

use std::hash::Hasher as _;

use ratewarden_limiter::Algorithm;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// Hashes what identifies a caller, under the store's secret.
#[derive(Clone)]
pub struct Hasher(SipHasher13);

/// The keyed hash of what a limit counts per: a caller, an address, a field of a body, or several of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Who {
    id: u128,
    verified: bool,
}

/// One limit in the store. Limits with the same name and algorithm are the same, so a reload keeps what was
/// counted even where the numbers have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitId {
    seed: u128,
    /// Place among the limits of a policy: callers' states stand side by side, and it names the overflow bucket.
    pub(crate) ordinal: u8,
    /// Its state goes to disk, so a key's home must follow from what is on disk: the id alone.
    lasting: bool,
}

/// Where one caller's state of one limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub(crate) id: u128,
    pub(crate) home: u64,
    pub(crate) ordinal: u8,
    pub(crate) verified: bool,
}

impl Hasher {
    /// A hasher with this secret; whoever knows the secret can make keys collide.
    #[must_use]
    pub fn new(secret: &[u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(secret))
    }

    /// The hash of all parts in this order; their lengths count, so `ab, c` is not `a, bc`.
    #[must_use]
    pub fn hash<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> u128 {
        let mut hasher = self.0;
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish128().as_u128()
    }

    /// The id of the limit `name`, at `ordinal` of its policy.
    #[must_use]
    pub fn limit(&self, name: &str, algorithm: &Algorithm, ordinal: u8) -> LimitId {
        let parts = [b"limit".as_slice(), name.as_bytes(), algorithm.name().as_bytes()];
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
    /// Where `who` is counted by this limit.
    #[must_use]
    pub const fn key(&self, who: Who) -> Key {
        let mixed = who.id ^ self.seed;
        // 0, 0 is an empty slot.
        let id = if mixed == 0 { 1 } else { mixed };
        let home = if self.lasting { high(id) } else { high(who.id) };
        Key { id, home, ordinal: self.ordinal, verified: who.verified }
    }
}

const fn high(id: u128) -> u64 {
    (id >> 64) as u64
}
