//! From a call to its caller.
//!
//! Sources are tried in the policy's order, and the first that is present decides: what is there must be right, or
//! the call is refused; falling through to the next would let a wrong key be counted as somebody else. A field that
//! is there twice, or empty, is refused for the same reason: the caller that is counted must be the caller that the
//! server behind sees, and two servers pick differently.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hasher as _;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratewarden_policy::{CallerFrom, CallerSource, Policy};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::address::counted;
use crate::fields::{self, Duplicate, Fields};
use crate::keys::{Keys, KeysError, Owner};

/// The other end of a call.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'p> {
    /// The client's address, already resolved through trusted proxies.
    pub address: IpAddr,
    /// The subject of its certificate.
    pub certificate_subject: Option<&'p str>,
}

/// Whom a call is counted against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    id: u128,
    verified: bool,
    name: Name,
    plan: Option<Arc<str>>,
    user: Option<Arc<str>>,
}

/// What a caller is called where it is shown; never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// A name that is no secret.
    Known(Arc<str>),
    Address(IpAddr),
    /// The kind of an unverified secret; shown with a few digits of its keyed hash.
    Hashed(&'static str),
}

/// A call whose credentials are missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed {
    why: Why,
    /// A keyed hash of what was tried, to count guesses by.
    target: Option<u128>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Missing,
    Unknown,
    Duplicate,
    Empty,
    Malformed,
}

/// Why the callers of a policy cannot be known.
#[derive(Debug, thiserror::Error)]
pub enum CallersError {
    /// A file of keys.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// Tokens.
    #[error(
        "caller[{index}]: callers by `jwt:` are not understood by this version; use a header with `keys`"
    )]
    Jwt {
        /// Which source, from 0.
        index: usize,
    },
}

/// Knows callers.
pub struct Identifier {
    sources: Vec<Source>,
    hasher: SipHasher13,
    default_plan: Option<Arc<str>>,
    /// Plans of the owners of keys, by name.
    plans: HashMap<Arc<str>, Arc<str>>,
    ipv6_prefix: u8,
}

struct Source {
    from: CallerFrom,
    keys: Option<Keys>,
    required: bool,
}

impl Identifier {
    /// Makes the callers of a policy ready: reads the files it names. Callers are hashed under `secret`.
    ///
    /// # Errors
    /// When a file cannot be read or is wrong.
    pub fn build(policy: &Policy, secret: &[u8; 16]) -> Result<Self, CallersError> {
        let load = |(index, source): (usize, &CallerSource)| {
            if matches!(source.from, CallerFrom::Jwt(_)) {
                return Err(CallersError::Jwt { index });
            }
            let keys = source.keys.as_deref().map(Keys::load).transpose()?;
            Ok(Source { from: source.from.clone(), keys, required: source.required })
        };
        let sources: Vec<Source> = policy.callers.iter().enumerate().map(load).collect::<Result<_, _>>()?;
        let owners = sources.iter().filter_map(|source| source.keys.as_ref()).flat_map(Keys::owners);
        let plan = |owner: &Owner| Some((Arc::clone(&owner.name), Arc::clone(owner.plan.as_ref()?)));
        Ok(Self {
            plans: owners.filter_map(plan).collect(),
            sources,
            hasher: SipHasher13::new_with_key(secret),
            default_plan: policy.plans.iter().find(|plan| plan.default).map(|plan| Arc::from(&*plan.name)),
            ipv6_prefix: policy.trust.ipv6_prefix,
        })
    }

    /// Whose call it is.
    ///
    /// # Errors
    /// When credentials are wrong, ambiguous, or missing where they are required.
    pub fn identify<F: Fields + ?Sized>(&self, fields: &F, peer: &Peer<'_>) -> Result<Caller, Failed> {
        for source in &self.sources {
            match self.try_source(source, fields, peer)? {
                Some(caller) => return Ok(caller),
                None if source.required => return Err(Failed::new(Why::Missing)),
                None => {}
            }
        }
        // Nobody said who they are: the address is what is left.
        Ok(self.by_address(peer.address))
    }

    /// The caller of this name on the word of somebody who is trusted: the one that its key would make it, if a file
    /// of keys has it, and of that key's plan. Limits per user count it by the same name.
    #[must_use]
    pub fn named(&self, name: &str) -> Caller {
        let plan = self.plans.get(name).cloned().or_else(|| self.default_plan.clone());
        let id = self.hash("owner", name.as_bytes());
        let name: Arc<str> = Arc::from(name);
        Caller { id, verified: true, name: Name::Known(Arc::clone(&name)), plan, user: Some(name) }
    }

    fn try_source<F: Fields + ?Sized>(
        &self,
        source: &Source,
        fields: &F,
        peer: &Peer<'_>,
    ) -> Result<Option<Caller>, Failed> {
        let twice = |Duplicate| Failed::new(Why::Duplicate);
        match &source.from {
            CallerFrom::Header(name) => fields::only(fields, name)
                .map_err(twice)?
                .map(|key| self.by_key(source, "key", key))
                .transpose(),
            CallerFrom::Cookie(name) => fields::cookie(fields, name)
                .map_err(twice)?
                .map(|key| self.by_key(source, "cookie", key))
                .transpose(),
            CallerFrom::Bearer => {
                authorization(fields, "bearer")?.map(|token| self.by_key(source, "token", token)).transpose()
            }
            CallerFrom::Basic => authorization(fields, "basic")?.map(|text| self.by_basic(text)).transpose(),
            CallerFrom::Mtls => {
                Ok(peer.certificate_subject.map(|subject| self.known("mtls", subject, None, true)))
            }
            CallerFrom::Address => Ok(Some(self.by_address(peer.address))),
            // Refused when the identifier was built.
            CallerFrom::Jwt(_) => Err(Failed::new(Why::Missing)),
        }
    }

    /// A secret: of the file of keys, or whatever it is.
    fn by_key(&self, source: &Source, kind: &'static str, key: &[u8]) -> Result<Caller, Failed> {
        if key.is_empty() {
            return Err(Failed::new(Why::Empty));
        }
        let id = self.hash(kind, key);
        let Some(keys) = &source.keys else {
            let plan = self.default_plan.clone();
            return Ok(Caller { id, verified: false, name: Name::Hashed(kind), plan, user: None });
        };
        match keys.owner(key) {
            Some(Owner { name, plan }) => {
                let plan = plan.clone().or_else(|| self.default_plan.clone());
                // By its name: a key that is changed for a new one is the same caller.
                let id = self.hash("owner", name.as_bytes());
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
        Ok(self.known("user", user, Some(Arc::from(user)), false))
    }

    /// The keyed hash of an address that is already cut to its prefix; the id of a caller that is known by it.
    #[must_use]
    pub fn address_id(&self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => self.hash("address", &address.octets()),
            IpAddr::V6(address) => self.hash("address", &address.octets()),
        }
    }

    fn by_address(&self, address: IpAddr) -> Caller {
        let address = counted(address, self.ipv6_prefix);
        let id = self.address_id(address);
        let plan = self.default_plan.clone();
        Caller { id, verified: false, name: Name::Address(address), plan, user: None }
    }

    fn known(&self, kind: &str, name: &str, user: Option<Arc<str>>, verified: bool) -> Caller {
        let plan = self.default_plan.clone();
        let id = self.hash(kind, name.as_bytes());
        Caller { id, verified, name: Name::Known(Arc::from(name)), plan, user }
    }

    fn hash(&self, kind: &str, identity: &[u8]) -> u128 {
        let mut hasher = self.hasher;
        hasher.write(kind.as_bytes());
        hasher.write_u8(0);
        hasher.write(identity);
        hasher.finish128().as_u128()
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

impl Caller {
    /// A keyed hash of who it is.
    #[must_use]
    pub const fn id(&self) -> u128 {
        self.id
    }

    /// Whether the identity was proved, so that there are no more of them than somebody gave out.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verified
    }

    /// Its plan, or the policy's default.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// The user of Basic credentials.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// What it is called where it is shown.
    #[must_use]
    pub fn display(&self) -> impl fmt::Display {
        self.label()
    }

    /// The same, to keep.
    #[must_use]
    pub fn label(&self) -> Label {
        Label(self.name.clone(), self.id)
    }
}

/// What a caller is called where it is shown: a name, an address, or a kind and six digits of its hash. Cheap to
/// keep; the text is made when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(Name, u128);

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Known(name) => f.write_str(name),
            Name::Address(address) => address.fmt(f),
            Name::Hashed(kind) => write!(f, "{kind}:{:06x}", self.1 & 0xff_ffff),
        }
    }
}

impl Failed {
    const fn new(why: Why) -> Self {
        Self { why, target: None }
    }

    /// 400 for what nobody can read, 401 for what is wrong.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.why {
            Why::Duplicate | Why::Malformed => 400,
            Why::Missing | Why::Unknown | Why::Empty => 401,
        }
    }

    /// A stable word for metrics and logs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self.why {
            Why::Missing => "credentials_missing",
            Why::Unknown => "credentials_unknown",
            Why::Duplicate => "credentials_duplicate",
            Why::Empty => "credentials_empty",
            Why::Malformed => "credentials_malformed",
        }
    }

    /// A keyed hash of what was tried, to count guesses by.
    #[must_use]
    pub const fn target(&self) -> Option<u128> {
        self.target
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Why::Missing => "credentials are required",
            Why::Unknown => "the credentials are not known",
            Why::Duplicate => "the credentials are there more than once",
            Why::Empty => "the credentials are empty",
            Why::Malformed => "the credentials are malformed",
        })
    }
}

#[cfg(test)]
mod tests;
