//! Keys that an issuer publishes: what is known of them, and whether they should be asked for again.
//!
//! This room has no sockets, so somebody else asks ([`RemoteKeys::put`]). A call never waits for that: while there are
//! no keys, or the one that a token names may just have been published, the token is refused as nobody's fault.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use ratewarden_policy::JwksUrl;

use super::key_set::KeySet;

/// The keys of one issuer, shared by all workers.
#[derive(Debug)]
pub struct RemoteKeys {
    at: JwksUrl,
    current: RwLock<Option<Arc<KeySet>>>,
    /// Grows each time that the keys change.
    version: AtomicU64,
    wanted: AtomicBool,
    settled: AtomicBool,
}

impl RemoteKeys {
    pub(super) fn new(at: JwksUrl) -> Self {
        Self {
            at,
            current: RwLock::new(None),
            version: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
            settled: AtomicBool::new(false),
        }
    }

    /// Where they are.
    #[must_use]
    pub const fn at(&self) -> &JwksUrl {
        &self.at
    }

    /// Takes a JWKS that the issuer has given. Says whether the keys are others than before.
    ///
    /// # Errors
    /// When it is none, or has no key that can be used; in words. The keys stay what they were.
    pub fn put(&self, json: &[u8]) -> Result<bool, String> {
        let new = KeySet::of_jwks(json)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|old| old.is_same_as(&new)) {
            return Ok(false);
        }
        *current = Some(Arc::new(new));
        // Whoever sees the new version sees the new keys; the other way round an old key would outlive it.
        self.version.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// Whether there have been any yet.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.version() > 0
    }

    /// Whether a token has come with a key that is not there, since this was last asked.
    #[must_use]
    pub fn take_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    /// While it is settled, what is not among the keys does not exist: they have just been asked for on account of
    /// such a key. Otherwise a token with one is a reason to ask again.
    pub fn settle(&self, settled: bool) {
        self.settled.store(settled, Ordering::Release);
    }

    /// Whether a key that is not there does not exist; where that is not known, the keys are asked for.
    pub(super) fn is_missing_for_good(&self) -> bool {
        if self.settled.load(Ordering::Acquire) {
            return true;
        }
        self.wanted.store(true, Ordering::Release);
        false
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
