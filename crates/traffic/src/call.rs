//! A call that owns what it says, and many of them in order.

use std::net::IpAddr;
use std::ops::Deref;

use ratewarden_model::{Call, CallCaller, Held};

use crate::dice::Dice;

/// A [`Call`] that owns its text. Empty text says that nothing stood there.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedCall {
    /// When, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The raw credential; `None`: nobody.
    pub credential: Option<String>,
    /// A user's name.
    pub user: Option<String>,
    /// The HTTP method, or a CQL type (`SELECT`).
    pub method: String,
    /// Path and query, or `keyspace.table`.
    pub target: String,
    /// The HTTP status; 0 where there is none.
    pub status: u16,
    /// Bytes of the response.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
    /// `User-Agent`.
    pub agent: String,
    /// `Referer`.
    pub referer: String,
    /// A partition key.
    pub key: Option<String>,
    /// A reading of what the caller holds from now on.
    pub held: Option<Held>,
}

impl OwnedCall {
    /// `GET /`, answered 200 at that time; from nobody, from nowhere.
    #[must_use]
    pub fn at(at_ms: i64) -> Self {
        Self {
            at_ms,
            address: None,
            credential: None,
            user: None,
            method: "GET".to_owned(),
            target: "/".to_owned(),
            status: 200,
            bytes: 0,
            micros: None,
            agent: String::new(),
            referer: String::new(),
            key: None,
            held: None,
        }
    }

    /// The same, borrowed.
    #[must_use]
    pub fn as_call(&self) -> Call<'_> {
        Call {
            address: self.address,
            caller: match &self.credential {
                Some(credential) => CallCaller::Credential(credential.as_bytes()),
                None => CallCaller::Nobody,
            },
            user: self.user.as_deref().unwrap_or_default().as_bytes(),
            method: self.method.as_bytes(),
            target: self.target.as_bytes(),
            status: self.status,
            bytes: self.bytes,
            micros: self.micros,
            agent: self.agent.as_bytes(),
            referer: self.referer.as_bytes(),
            key: self.key.as_deref().unwrap_or_default().as_bytes(),
            held: self.held,
            ..Call::at(self.at_ms)
        }
    }
}

/// Calls in the order in which they are read: by time, unless they were shuffled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traffic {
    calls: Vec<OwnedCall>,
}

impl Traffic {
    /// These calls, by time; those of one time stay in their order.
    #[must_use]
    pub fn new(mut calls: Vec<OwnedCall>) -> Self {
        calls.sort_by_key(|call| call.at_ms);
        Self { calls }
    }

    /// Both, by time.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.calls.extend(other.calls);
        Self::new(self.calls)
    }

    /// The same calls with the same times, read in another order: before a call stands none that is more than
    /// `secs` later than it.
    #[must_use]
    pub fn shuffled_within(self, seed: u64, secs: u32) -> Self {
        let mut dice = Dice::new(seed);
        let most = i64::from(secs) * 1000;
        let mut late: Vec<(i64, OwnedCall)> =
            self.calls.into_iter().map(|call| (call.at_ms + dice.between(0, most), call)).collect();
        late.sort_by_key(|(read_ms, _)| *read_ms);
        Self { calls: late.into_iter().map(|(_, call)| call).collect() }
    }

    /// The calls themselves.
    #[must_use]
    pub fn into_calls(self) -> Vec<OwnedCall> {
        self.calls
    }

    /// The calls from one time up to, but not including, another.
    #[must_use]
    pub fn between(mut self, from_ms: i64, to_ms: i64) -> Self {
        self.calls.retain(|call| (from_ms..to_ms).contains(&call.at_ms));
        self
    }
}

impl Deref for Traffic {
    type Target = [OwnedCall];

    fn deref(&self) -> &[OwnedCall] {
        &self.calls
    }
}

impl Extend<OwnedCall> for Traffic {
    /// Adds calls and sorts by time anew.
    fn extend<I: IntoIterator<Item = OwnedCall>>(&mut self, calls: I) {
        self.calls.extend(calls);
        self.calls.sort_by_key(|call| call.at_ms);
    }
}

impl IntoIterator for Traffic {
    type Item = OwnedCall;
    type IntoIter = std::vec::IntoIter<OwnedCall>;

    fn into_iter(self) -> Self::IntoIter {
        self.calls.into_iter()
    }
}

impl<'a> IntoIterator for &'a Traffic {
    type Item = &'a OwnedCall;
    type IntoIter = std::slice::Iter<'a, OwnedCall>;

    fn into_iter(self) -> Self::IntoIter {
        self.calls.iter()
    }
}

/// Somebody who calls.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) address: IpAddr,
    pub(crate) agent: String,
    pub(crate) credential: Option<String>,
    pub(crate) user: Option<String>,
}

impl Who {
    pub(crate) fn new(address: IpAddr, agent: &str) -> Self {
        Self { address, agent: agent.to_owned(), credential: None, user: None }
    }

    pub(crate) fn with_credential(mut self, credential: impl Into<String>) -> Self {
        self.credential = Some(credential.into());
        self
    }

    pub(crate) fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    pub(crate) fn get(&self, at_ms: i64, target: &str, status: u16, bytes: u64) -> OwnedCall {
        self.call(at_ms, "GET", target, status, bytes)
    }

    pub(crate) fn post(&self, at_ms: i64, target: &str, status: u16, bytes: u64) -> OwnedCall {
        self.call(at_ms, "POST", target, status, bytes)
    }

    pub(crate) fn call(&self, at_ms: i64, method: &str, target: &str, status: u16, bytes: u64) -> OwnedCall {
        OwnedCall {
            address: Some(self.address),
            credential: self.credential.clone(),
            user: self.user.clone(),
            method: method.to_owned(),
            target: target.to_owned(),
            status,
            bytes,
            // Some milliseconds, and more for what is long; nobody draws conclusions from it.
            micros: Some(900 + bytes / 40 + at_ms.unsigned_abs() % 7 * 310),
            agent: self.agent.clone(),
            ..OwnedCall::at(at_ms)
        }
    }

    /// A reading of what is held.
    pub(crate) fn holds(&self, at_ms: i64, held: Held) -> OwnedCall {
        OwnedCall {
            credential: self.credential.clone(),
            user: self.user.clone(),
            method: String::new(),
            target: String::new(),
            status: 0,
            held: Some(held),
            ..OwnedCall::at(at_ms)
        }
    }
}

impl OwnedCall {
    pub(crate) fn refer(mut self, referer: &str) -> Self {
        self.referer = referer.to_owned();
        self
    }

    pub(crate) fn keyed(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}
