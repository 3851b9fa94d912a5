//! Tokens that were verified before, since checking a signature costs more than the rest of a call: 50 to 75 µs for
//! RS256 and PS256, 110 to 130 for ES256, 100 to 145 for EdDSA, 1.3 to 2.1 ms for ES384, 10 for HS256. One that is remembered
//! takes 1.0 to 1.4 (tokens of 1 KB, two cores that were busy; `examples/token_cost.rs`).
//!
//! Each worker has its own, so nothing is locked. What is kept is a hash of the token and whom it names, never the
//! token. Only tokens that are good get in, so nobody can fill it with guesses.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::TokenRule;
use crate::caller::Caller;

/// Tokens in each of the two halves.
const HALF: usize = 4_096;

/// A worker's memory of verified tokens: at most 8,192, some 300 bytes each. When one half is full, the other, which
/// has the tokens that have not come for longest, is forgotten.
#[derive(Debug, Default)]
pub struct VerifiedTokens {
    /// What they were verified by, and the version of its keys. With anything else all are forgotten.
    by: Option<(Arc<TokenRule>, u64)>,
    young: HashMap<[u8; 32], Verified>,
    old: HashMap<[u8; 32], Verified>,
}

#[derive(Debug, Clone)]
struct Verified {
    caller: Caller,
    /// Seconds since 1970.
    until: u64,
}

impl VerifiedTokens {
    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all tokens if they were not verified by this rule with the keys that it has now.
    pub(crate) fn trust_only(&mut self, rule: &Arc<TokenRule>) {
        let version = rule.version();
        let is_same = self.by.as_ref().is_some_and(|(by, then)| Arc::ptr_eq(by, rule) && *then == version);
        if !is_same {
            self.by = Some((Arc::clone(rule), version));
            self.young.clear();
            self.old.clear();
        }
    }

    /// The caller of a token that is still good at `now`.
    pub(crate) fn get(&mut self, id: &TokenId, now: u64) -> Option<Caller> {
        let found = match self.young.get(&id.0) {
            Some(found) => found.clone(),
            None => {
                let found = self.old.remove(&id.0)?;
                self.insert(id, found.clone());
                found
            }
        };
        if now > found.until {
            self.young.remove(&id.0);
            return None;
        }
        Some(found.caller)
    }

    /// Keeps a token until it ends.
    pub(crate) fn keep(&mut self, id: &TokenId, caller: Caller, until: u64) {
        self.insert(id, Verified { caller, until });
    }

    fn insert(&mut self, id: &TokenId, verified: Verified) {
        if self.young.len() >= HALF && !self.young.contains_key(&id.0) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(id.0, verified);
    }
}

/// A token's SHA-256: who has another token of the same one has broken more than this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenId([u8; 32]);

impl TokenId {
    pub(crate) fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }
}
