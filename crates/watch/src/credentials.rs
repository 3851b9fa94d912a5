//! Credentials out of logs: hashed before anything else is done with them.
//!
//! The hash is keyed, so nobody who reads a report can try tokens against it, and the key is that of the gateway's store
//! where there is one: the same credential then has the same id in both. Names come from the policy's files of keys.

use std::collections::HashMap;

use ratewarden_callers::{Identifier, KeyIds};
use ratewarden_model::{Call, CallCaller};

/// Credentials that are remembered, so that one of them is hashed once.
const REMEMBERED: usize = 1 << 14;

/// Hashes credentials.
#[derive(Debug)]
pub struct Credentials {
    ids: KeyIds,
    identifier: Option<Identifier>,
    /// By the hash under the secret alone: names cost a SHA-256 each.
    names: HashMap<u128, (u128, Vec<u8>)>,
}

impl Credentials {
    /// Hashes under `secret`; `identifier` knows the policy's callers.
    #[must_use]
    pub fn new(secret: [u8; 16], identifier: Option<Identifier>) -> Self {
        Self { ids: KeyIds::new(&secret), identifier, names: HashMap::new() }
    }

    /// Hands on the call, its credential hashed.
    pub fn hash<T>(&mut self, call: &Call<'_>, then: impl FnOnce(&Call<'_>) -> T) -> T {
        let CallCaller::Credential(text) = call.caller else { return then(call) };
        let id = self.ids.of(text);
        let Some(identifier) = &self.identifier else {
            return then(&Call { caller: CallCaller::Hashed { id, name: b"" }, ..*call });
        };
        if self.names.len() >= REMEMBERED && !self.names.contains_key(&id) {
            self.names.clear();
        }
        let (id, name) = self.names.entry(id).or_insert_with(|| {
            let caller = identifier.credential(text);
            let name =
                if caller.is_verified() { caller.display().to_string().into_bytes() } else { Vec::new() };
            (caller.id(), name)
        });
        then(&Call { caller: CallCaller::Hashed { id: *id, name }, ..*call })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_hashed_and_nothing_else_is_touched() {
        let mut credentials = Credentials::new([7; 16], None);
        let call = Call { caller: CallCaller::Credential(b"hunter22"), user: b"ann", ..Call::at(5) };
        let id = |call: &Call<'_>| call.caller_id();
        let (first, second) = (credentials.hash(&call, id), credentials.hash(&call, id));
        assert!(first.is_some() && first == second);
        let other = Credentials::new([8; 16], None).hash(&call, id);
        assert_ne!(first, other, "under another secret it is another");
        let nobody = Call { user: b"ann", ..Call::at(5) };
        assert!(credentials.hash(&nobody, |call| *call == nobody));
    }
}
