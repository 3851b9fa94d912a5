//! Whom a call is counted against, and what that is called.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Whom a call is counted against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub(crate) id: u128,
    pub(crate) verified: bool,
    pub(crate) name: Name,
    pub(crate) plan: Option<Arc<str>>,
    pub(crate) user: Option<Arc<str>>,
}

/// What a caller is called where it is shown; never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// A name that is no secret.
    Known(Arc<str>),
    Address(IpAddr),
    /// The kind of a secret, or of who is not to be named; shown with a few digits of its keyed hash.
    Hashed(&'static str),
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

    /// Whether nothing in the call says who it is, so that its address had to.
    #[must_use]
    pub const fn is_by_address(&self) -> bool {
        matches!(self.name, Name::Address(_))
    }

    /// Its plan, or the policy's default.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// The user of Basic credentials, or whom a token names.
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
