//! Who was identified, as lines of the access log say it: by the keyed hash that the gateway counts with.
//!
//! A label alone does not tell callers apart: it has six digits of a hash, and a name may be proved by a key or claimed by
//! anybody with Basic authentication. With both said, whoever reads the log counts by what the gateway counts by. The hash
//! is keyed with the gateway's own secret, so nobody who reads the log can try credentials against it.

use ratewarden_judge::Subject;

/// Who was identified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    id: u128,
    how: How,
}

/// What the identity rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// A key of a file, a token or a certificate that was checked.
    Proved,
    /// A user of Basic authentication, whose password is the server's to check.
    Claimed,
    /// A secret that nobody checks, as it is.
    Unchecked,
    /// A credential that is none.
    Refused,
}

impl Identity {
    /// Whose call it is; nobody's where nothing but its address says who it is. `tried` is the keyed hash of a credential
    /// that is none.
    pub(crate) fn of(subject: Option<&Subject>, tried: Option<u128>) -> Option<Self> {
        let refused = tried.map(|id| Self { id, how: How::Refused });
        let Some(caller) = subject.map(|subject| &subject.caller) else { return refused };
        if caller.is_by_address() {
            return refused;
        }
        let how = match (caller.is_verified(), caller.user()) {
            (true, _) => How::Proved,
            (false, Some(_)) => How::Claimed,
            (false, None) => How::Unchecked,
        };
        Some(Self { id: caller.id(), how })
    }

    /// The hash, in the digits by which the admin listener knows it too.
    pub(crate) fn id(self) -> String {
        format!("{:032x}", self.id)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self.how {
            How::Proved => "proved",
            How::Claimed => "claimed",
            How::Unchecked => "unchecked",
            How::Refused => "refused",
        }
    }
}
