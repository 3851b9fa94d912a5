//! One API request as an event: what a log line, an audit record or a decision of the gateway says of it.
//!
//! A [`Call`] borrows: it is seen for an instant and what must be kept is copied by who keeps it, because a day's log
//! has more calls than memory. Text is bytes, since logs hold whatever clients sent; an empty slice says that nothing
//! stood there, and so does a lone `-`, which readers of logs turn into an empty slice.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// One API request as an event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call<'a> {
    /// When, in milliseconds since 1970 (UTC). Logs mostly have full seconds.
    pub at_ms: i64,
    /// The client's address as the source says it; whether a proxy may be believed is for the source to know.
    pub address: Option<IpAddr>,
    /// Who it is by a credential.
    pub caller: CallCaller<'a>,
    /// What `caller` or `user` rests on.
    pub basis: Basis,
    /// A user name (Basic authentication, an audit record); empty: nobody.
    pub user: &'a [u8],
    /// The HTTP method, or the operation of an audit record (`SELECT`).
    pub method: &'a [u8],
    /// Path and query as they were sent, or what an audit record acts on (`keyspace.table`).
    pub target: &'a [u8],
    /// The HTTP status; 0 where the source does not say.
    pub status: u16,
    /// Bytes of the response; 0 where the source does not say.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
    /// `User-Agent`.
    pub agent: &'a [u8],
    /// `Referer`.
    pub referer: &'a [u8],
    /// A partition key, where the source names one.
    pub key: &'a [u8],
    /// What somebody holds of a resource from now on: such a call is a reading of a level.
    pub held: Option<Held>,
}

/// Who a call is from, by a credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CallCaller<'a> {
    /// It shows no credential, or its source does not say.
    Nobody,
    /// The credential itself, as a log holds it: to be hashed before anything else is done with it.
    Credential(&'a [u8]),
    /// Known by a keyed hash.
    Hashed {
        /// The hash.
        id: u128,
        /// Its name where the policy knows it, or a label of the gateway; else empty.
        name: &'a [u8],
    },
}

/// What it rests on that a call is somebody's, where its source says so, as our gateway's log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// The source does not say.
    #[default]
    Unsaid,
    /// A key of a file, a token or a certificate that was checked: `caller`, by its hash.
    Proved,
    /// A user of Basic authentication, whose password nobody checked: `user`.
    Claimed,
    /// A secret that nobody checked: `caller`, whose name is a label.
    Unchecked,
    /// A credential that is none: `caller`.
    Refused,
}

impl fmt::Debug for CallCaller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("Nobody"),
            Self::Credential(_) => f.write_str("Credential([redacted])"),
            Self::Hashed { id, name } => write!(f, "Hashed({id:032x}, {})", name.escape_ascii()),
        }
    }
}

/// How much of a resource is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Of what.
    pub resource: Resource,
    /// How much, in the resource's own unit (GPUs, CPUs, clusters).
    pub amount: f64,
    /// How much there is in all; `None` where the source does not say.
    pub total: Option<f64>,
}

/// What can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// Graphics processors.
    Gpu,
    /// Processor cores.
    Cpu,
    /// Clusters that are alive.
    Cluster,
}

impl Resource {
    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Cluster => "cluster",
        }
    }
}

impl Call<'_> {
    /// A call of which nothing is known but when it was.
    #[must_use]
    pub const fn at(at_ms: i64) -> Self {
        Call {
            at_ms,
            address: None,
            caller: CallCaller::Nobody,
            basis: Basis::Unsaid,
            user: b"",
            method: b"",
            target: b"",
            status: 0,
            bytes: 0,
            micros: None,
            agent: b"",
            referer: b"",
            key: b"",
            held: None,
        }
    }

    /// The keyed hash of its credential, where it was hashed.
    #[must_use]
    pub const fn caller_id(&self) -> Option<u128> {
        match self.caller {
            CallCaller::Hashed { id, .. } => Some(id),
            CallCaller::Nobody | CallCaller::Credential(_) => None,
        }
    }

    /// The path: the target up to its query.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        let end = self.target.iter().position(|&byte| byte == b'?').unwrap_or(self.target.len());
        self.target.get(..end).unwrap_or_default()
    }

    /// The query without its question mark; empty where there is none.
    #[must_use]
    pub fn query(&self) -> &[u8] {
        self.target.get(self.path().len() + 1..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_path_and_query() {
        let call = |target| Call { target, ..Call::at(0) };
        assert_eq!((call(b"/a?b=c?d").path(), call(b"/a?b=c?d").query()), (&b"/a"[..], &b"b=c?d"[..]));
        assert_eq!((call(b"/a").path(), call(b"/a").query()), (&b"/a"[..], &b""[..]));
        assert_eq!((call(b"?").path(), call(b"").query()), (&b""[..], &b""[..]));
    }

    #[test]
    fn a_credential_is_not_shown() {
        let text = format!("{:?}", CallCaller::Credential(b"hunter22"));
        assert!(!text.contains("hunter22"), "{text}");
    }
}
