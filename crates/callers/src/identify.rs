//! From a call to its caller.
//!
//! Sources are tried in the policy's order, and the first that is present decides: what is there must be right, or
//! the call is refused; falling through to the next would let a wrong key be counted as somebody else. A field that
//! is there twice, or empty, is refused for the same reason: the caller that is counted must be the caller that the
//! server behind sees, and two servers pick differently.

mod tokens;
mod told;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratewarden_policy::{CallerFrom, CallerSource, Policy};

use crate::address::counted;
use crate::caller::{Caller, Name};
use crate::failed::{Failed, Why};
use crate::fields::{self, Duplicate, Fields};
use crate::jwt::{RemoteKeys, TokenKeyError, TokenRule, VerifiedTokens};
use crate::keys::{Keys, KeysError, Owner};
use crate::kinds::{Kind, Kinds};
use tokens::Signatures;

pub use told::KeyIds;

/// The other end of a call.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'p> {
    /// The client's address, already resolved through trusted proxies.
    pub address: IpAddr,
    /// The subject of its certificate.
    pub certificate_subject: Option<&'p str>,
}

/// Why the callers of a policy cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// A file of keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key of tokens.
    #[error(transparent)]
    TokenKey(#[from] TokenKeyError),
}

/// Knows callers.
pub struct Identifier {
    sources: Vec<Source>,
    kinds: Kinds,
    default_plan: Option<Arc<str>>,
    /// Plans of the owners of keys, by name.
    plans: HashMap<Arc<str>, Arc<str>>,
    /// Every plan there is.
    known_plans: Vec<Arc<str>>,
    ipv6_prefix: u8,
}

struct Source {
    from: CallerFrom,
    keys: Option<Keys>,
    /// There where tokens are verified, and only there.
    tokens: Option<Arc<TokenRule>>,
    required: bool,
}

impl Identifier {
    /// Makes the callers of a policy ready: reads the files it names. Callers are hashed under `secret`. Keys that
    /// were fetched for `before` are kept, where they are still asked for.
    ///
    /// # Errors
    /// When a file cannot be read or is wrong.
    pub fn build(policy: &Policy, secret: &[u8; 16], before: Option<&Self>) -> Result<Self, CallersError> {
        let kept: Vec<Arc<RemoteKeys>> =
            before.iter().flat_map(|before| before.remote_keys()).map(Arc::clone).collect();
        let load = |source: &CallerSource| -> Result<Source, CallersError> {
            let keys = source.keys.as_deref().map(Keys::load).transpose()?;
            let tokens = match &source.from {
                CallerFrom::Jwt(jwt) => Some(Arc::new(TokenRule::build(jwt, &kept)?)),
                _ => None,
            };
            Ok(Source { from: source.from.clone(), keys, tokens, required: source.required })
        };
        let sources: Vec<Source> = policy.callers.iter().map(load).collect::<Result<_, _>>()?;
        let owners = sources.iter().filter_map(|source| source.keys.as_ref()).flat_map(Keys::owners);
        let plan = |owner: &Owner| Some((Arc::clone(&owner.name), Arc::clone(owner.plan.as_ref()?)));
        Ok(Self {
            plans: owners.filter_map(plan).collect(),
            sources,
            kinds: Kinds::new(secret),
            known_plans: policy.plans.iter().map(|plan| Arc::from(&*plan.name)).collect(),
            default_plan: policy.plans.iter().find(|plan| plan.default).map(|plan| Arc::from(&*plan.name)),
            ipv6_prefix: policy.trust.ipv6_prefix,
        })
    }

    /// Keys of tokens that somebody must fetch.
    pub fn remote_keys(&self) -> impl Iterator<Item = &Arc<RemoteKeys>> {
        self.sources.iter().filter_map(|source| source.tokens.as_ref()?.remote())
    }

    /// Whether it takes a signature to know some callers, which costs more than the rest of a call.
    #[must_use]
    pub fn verifies_signatures(&self) -> bool {
        self.sources.iter().any(|source| source.tokens.is_some())
    }

    /// Whose call it is. Tokens that `seen` has are not verified again; those that are verified go there.
    /// `unix_secs` is the wall clock's now, in seconds since 1970.
    ///
    /// # Errors
    /// When credentials are wrong, ambiguous, or missing where they are required.
    pub fn identify<F: Fields + ?Sized>(
        &self,
        fields: &F,
        peer: &Peer<'_>,
        seen: &mut VerifiedTokens,
        unix_secs: u64,
    ) -> Result<Caller, Failed> {
        self.first(fields, peer, seen, unix_secs, &mut Signatures::All)
    }

    /// The same for somebody who may not deserve the work: a token that was not verified before is looked at only
    /// where `is_worth_it` says so of the caller that it claims to be of, by its id. Why it failed is nobody's business
    /// then.
    pub fn recognise<F: Fields + ?Sized>(
        &self,
        fields: &F,
        peer: &Peer<'_>,
        seen: &mut VerifiedTokens,
        unix_secs: u64,
        is_worth_it: &mut dyn FnMut(u128) -> bool,
    ) -> Option<Caller> {
        self.first(fields, peer, seen, unix_secs, &mut Signatures::Of(is_worth_it)).ok()
    }

    fn first<F: Fields + ?Sized>(
        &self,
        fields: &F,
        peer: &Peer<'_>,
        seen: &mut VerifiedTokens,
        unix_secs: u64,
        signatures: &mut Signatures<'_>,
    ) -> Result<Caller, Failed> {
        for source in &self.sources {
            match self.try_source(source, fields, peer, seen, unix_secs, signatures)? {
                Some(caller) => return Ok(caller),
                None if source.required => return Err(Failed::new(Why::Missing)),
                None => {}
            }
        }
        // Nobody said who they are: the address is what is left.
        Ok(self.by_address(peer.address))
    }

    fn try_source<F: Fields + ?Sized>(
        &self,
        source: &Source,
        fields: &F,
        peer: &Peer<'_>,
        seen: &mut VerifiedTokens,
        unix_secs: u64,
        signatures: &mut Signatures<'_>,
    ) -> Result<Option<Caller>, Failed> {
        let twice = |Duplicate| Failed::new(Why::Duplicate);
        match &source.from {
            CallerFrom::Header(name) => fields::only(fields, name)
                .map_err(twice)?
                .map(|key| self.by_key(source, Kind::Key, key))
                .transpose(),
            CallerFrom::Cookie(name) => fields::cookie(fields, name)
                .map_err(twice)?
                .map(|key| self.by_key(source, Kind::Cookie, key))
                .transpose(),
            CallerFrom::Bearer => authorization(fields, "bearer")?
                .map(|token| self.by_key(source, Kind::Token, token))
                .transpose(),
            CallerFrom::Basic => authorization(fields, "basic")?.map(|text| self.by_basic(text)).transpose(),
            CallerFrom::Mtls => {
                Ok(peer.certificate_subject.map(|subject| self.known(Kind::Certificate, subject, None, true)))
            }
            CallerFrom::Address => Ok(Some(self.by_address(peer.address))),
            CallerFrom::Jwt(_) => match (authorization(fields, "bearer")?, &source.tokens) {
                (Some(token), Some(rule)) => {
                    self.by_token(rule, token, seen, unix_secs, signatures).map(Some)
                }
                (None, _) | (_, None) => Ok(None),
            },
        }
    }

    /// A secret: of the file of keys, or whatever it is.
    fn by_key(&self, source: &Source, kind: Kind, key: &[u8]) -> Result<Caller, Failed> {
        if key.is_empty() {
            return Err(Failed::new(Why::Empty));
        }
        let id = self.kinds.hash(kind, key);
        let Some(keys) = &source.keys else {
            return Ok(self.unproved(id, Name::Hashed(kind.word())));
        };
        match keys.owner(key) {
            Some(Owner { name, plan }) => {
                let plan = plan.clone().or_else(|| self.default_plan.clone());
                // By its name: a key that is changed for a new one is the same caller.
                let id = self.kinds.hash(Kind::Owner, name.as_bytes());
                Ok(Caller { id, verified: true, name: Name::Known(Arc::clone(name)), plan, user: None })
            }
            None => Err(Failed { why: Why::Unknown, target: Some(id) }),
        }
    }

    /// The user of Basic credentials (RFC 7617). The password is the server's to check, so the user is not verified.
    fn by_basic(&self, text: &[u8]) -> Result<Caller, Failed> {
        let malformed = Failed::new(Why::Malformed);
        let decoded = STANDARD.decode(text).map_err(|_| malformed)?;
        let colon = decoded.iter().position(|&byte| byte == b':').ok_or(malformed)?;
        let user = std::str::from_utf8(decoded.get(..colon).unwrap_or_default()).map_err(|_| malformed)?;
        if user.is_empty() {
            return Err(Failed::new(Why::Empty));
        }
        Ok(self.claimed(user))
    }

    fn by_address(&self, address: IpAddr) -> Caller {
        let address = counted(address, self.ipv6_prefix);
        self.unproved(self.address_id(address), Name::Address(address))
    }

    /// A caller whom nothing proves.
    fn unproved(&self, id: u128, name: Name) -> Caller {
        Caller { id, verified: false, name, plan: self.default_plan.clone(), user: None }
    }

    fn known(&self, kind: Kind, name: &str, user: Option<Arc<str>>, verified: bool) -> Caller {
        let plan = self.default_plan.clone();
        let id = self.kinds.hash(kind, name.as_bytes());
        Caller { id, verified, name: Name::Known(Arc::from(name)), plan, user }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

/// The credentials of `scheme`, if that is what `Authorization` has.
fn authorization<'f, F: Fields + ?Sized>(fields: &'f F, scheme: &str) -> Result<Option<&'f [u8]>, Failed> {
    let value = fields::only(fields, "authorization").map_err(|Duplicate| Failed::new(Why::Duplicate))?;
    let Some(value) = value else { return Ok(None) };
    let end = value.iter().position(|&byte| byte == b' ').unwrap_or(value.len());
    let (found, rest) = value.split_at(end);
    Ok(found.eq_ignore_ascii_case(scheme.as_bytes()).then(|| rest.trim_ascii()))
}

#[cfg(test)]
mod tests;
