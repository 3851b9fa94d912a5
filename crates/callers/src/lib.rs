//! Who a call is counted against.

use std::hash::Hasher as _;
use std::net::{IpAddr, Ipv6Addr};

use ratewarden_policy::{CallerFrom, Policy, Trust};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// Read access to header fields, whichever engine parsed them.
pub trait Fields {
    /// Every value of the field `name`, which is in lower case; the comparison ignores case.
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]>;

    /// Calls `with` for every field, its name as it came.
    fn each(&self, with: &mut dyn FnMut(&str, &[u8]));
}

/// The other end of a call.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'p> {
    /// The client's address, already resolved through trusted proxies.
    pub address: IpAddr,
    /// The subject of its certificate.
    pub certificate_subject: Option<&'p str>,
}

/// Whom a call is counted against.
#[derive(Debug, Clone)]
pub struct Caller {
    id: u128,
}

impl Caller {
    /// A keyed hash of who it is.
    #[must_use]
    pub fn id(&self) -> u128 {
        self.id
    }
    /// The identity was proved.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        false
    }
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        None
    }
    /// The user.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        None
    }
    /// A name that is safe to show.
    #[must_use]
    pub fn display(&self) -> String {
        format!("{:06x}", self.id & 0xff_ffff)
    }
}

/// A call without the credentials it needs.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub struct Failed {
    detail: String,
}

impl Failed {
    /// 400 or 401.
    #[must_use]
    pub fn status(&self) -> u16 {
        401
    }
    /// A word for metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "credentials"
    }
}

/// What is wrong with the callers of a policy.
#[derive(Debug, thiserror::Error)]
#[error("callers")]
pub struct CallersError;

/// Knows callers.
#[derive(Debug)]
pub struct Identifier {
    header: Option<String>,
    hasher: SipHasher13,
}

impl Identifier {
    /// Makes the callers of a policy ready.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn build(policy: &Policy, secret: &[u8; 16]) -> Result<Self, CallersError> {
        let header = policy.callers.iter().find_map(|source| match &source.from {
            CallerFrom::Header(name) => Some(name.clone()),
            _ => None,
        });
        Ok(Self { header, hasher: SipHasher13::new_with_key(secret) })
    }

    /// Whose call it is.
    ///
    /// # Errors
    /// When credentials are wrong.
    pub fn identify<F: Fields>(&self, fields: &F, peer: &Peer<'_>, _now: u64) -> Result<Caller, Failed> {
        let mut hasher = self.hasher;
        let value = self.header.as_deref().and_then(|name| fields.values(name).next());
        match value {
            Some(value) => hasher.write(value),
            None => hasher.write(peer.address.to_string().as_bytes()),
        }
        Ok(Caller { id: hasher.finish128().as_u128() })
    }
}

/// The address by prefix.
#[must_use]
pub fn counted(address: IpAddr, prefix: u8) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address => address,
    }
}

/// The client behind proxies.
pub fn client_address<F: Fields>(connected: IpAddr, _fields: &F, _trust: &Trust) -> IpAddr {
    connected.to_canonical()
}

/// More than one.
#[derive(Debug, Clone, Copy)]
pub struct Duplicate;

/// The only cookie `name`.
///
/// # Errors
/// When there are several.
pub fn cookie<'f, F: Fields>(_fields: &'f F, _name: &str) -> Result<Option<&'f [u8]>, Duplicate> {
    Ok(None)
}
