//! Callers without a call: whom a log, an operator or another gateway speaks of. They get the ids that their calls would have,
//! so that both are counted as one.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ratewarden_policy::CallerFrom;

use super::Identifier;
use crate::caller::{Caller, Name};
use crate::kinds::{Kind, Kinds};

impl Identifier {
    /// The caller of this name on the word of somebody who is trusted: the one that its key would make it, if a file
    /// of keys has it, and of that key's plan. Limits per user count it by the same name.
    #[must_use]
    pub fn named(&self, name: &str) -> Caller {
        let plan = self.plans.get(name).cloned().or_else(|| self.default_plan.clone());
        let id = self.kinds.hash(Kind::Owner, name.as_bytes());
        let name: Arc<str> = Arc::from(name);
        Caller { id, verified: true, name: Name::Known(Arc::clone(&name)), plan, user: Some(name) }
    }

    /// Whose a credential is of which only the text is known, as in a log: the owner of a key, else the hash that a
    /// header, a bearer token or a cookie with it has here, whichever the policy names first.
    #[must_use]
    pub fn credential(&self, text: &[u8]) -> Caller {
        let owner = self.sources.iter().filter_map(|source| source.keys.as_ref()?.owner(text)).next();
        if let Some(owner) = owner {
            return self.named(&owner.name);
        }
        let kind = self.sources.iter().find_map(|source| match source.from {
            CallerFrom::Header(_) => Some(Kind::Key),
            CallerFrom::Cookie(_) => Some(Kind::Cookie),
            CallerFrom::Bearer | CallerFrom::Jwt(_) => Some(Kind::Token),
            CallerFrom::Basic | CallerFrom::Mtls | CallerFrom::Address => None,
        });
        let kind = kind.unwrap_or(Kind::Key);
        self.unproved(self.kinds.hash(kind, text), Name::Hashed(kind.word()))
    }

    /// A caller of whom only the keyed hash is known, as a log of calls that were counted before names it. It has the
    /// default plan, and nothing proves it.
    #[must_use]
    pub fn hashed(&self, id: u128) -> Caller {
        self.unproved(id, Name::Hashed("caller"))
    }

    /// A caller that proved to a gateway who it is, by that gateway's log: its hash says who it is, since a key, a token and a
    /// certificate may have one name; the name is what it is called, and whose plan it has. A token's caller is called by its hash and has a
    /// user, whom the log does not name; the hash stands for it.
    #[must_use]
    pub fn proved(&self, id: u128, name: &str) -> Caller {
        let plan = self.plans.get(name).cloned().or_else(|| self.default_plan.clone());
        let mut caller =
            Caller { id, verified: true, name: Name::Hashed(Kind::Jwt.word()), plan, user: None };
        if name == caller.display().to_string() {
            caller.user = Some(Arc::from(format!("{id:032x}")));
        } else {
            caller.name = Name::Known(Arc::from(name));
        }
        caller
    }

    /// The user of Basic credentials of whom only the name is known: who such credentials would make it, which nothing proves.
    #[must_use]
    pub fn claimed(&self, user: &str) -> Caller {
        self.known(Kind::User, user, Some(Arc::from(user)), false)
    }

    /// The keyed hash of an address that is already cut to its prefix; the id of a caller that is known by it.
    #[must_use]
    pub fn address_id(&self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => self.kinds.hash(Kind::Address, &address.octets()),
            IpAddr::V6(address) => self.kinds.hash(Kind::Address, &address.octets()),
        }
    }
}

/// Ids of credentials where no policy says what they are: those of keys in a header.
#[derive(Clone)]
pub struct KeyIds(Kinds);

impl fmt::Debug for KeyIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyIds")
    }
}

impl KeyIds {
    /// Under `secret`. This hashes once for each kind of caller, so it is kept where many credentials are hashed.
    #[must_use]
    pub fn new(secret: &[u8; 16]) -> Self {
        Self(Kinds::new(secret))
    }

    /// The id of the credential.
    #[must_use]
    pub fn of(&self, text: &[u8]) -> u128 {
        self.0.hash(Kind::Key, text)
    }
}
