//! A call of a log as the gateway would have seen it: who it is from, and the header fields that a log shows.
//!
//! A log has a credential, but not the field it stood in. So it is put where the policy looks for one, source by source in
//! the policy's order, and the gateway's own [`Identifier`] says whose it is: the same keys, the same hashes, the same
//! refusals.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratewarden_callers::{Caller, Failed, Fields, Identifier, Peer, VerifiedTokens};
use ratewarden_model::{Basis, Call, CallCaller};
use ratewarden_policy::{CallerFrom, Policy};

/// The header fields that a log shows of a call.
#[derive(Debug, Clone)]
pub(crate) struct LogFields<'c> {
    /// In lower case; empty where nobody shows a credential.
    name: &'c str,
    value: Cow<'c, [u8]>,
    agent: &'c [u8],
    referer: &'c [u8],
}

/// Where a policy looks for a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Header(String),
    Cookie(String),
    Bearer,
    /// A token, which has a user too.
    Jwt,
    Basic,
}

/// Who a call is from.
#[derive(Debug)]
pub(crate) enum Whose<'c> {
    Caller(Caller, LogFields<'c>),
    /// Its credentials are missing or wrong.
    Failed(Failed, LogFields<'c>),
    /// The log names neither address nor caller, so nobody can be counted.
    Nobody,
}

impl<'c> LogFields<'c> {
    fn new(call: &Call<'c>) -> Self {
        Self { name: "", value: Cow::Borrowed(b""), agent: call.agent, referer: call.referer }
    }

    fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let all: [(&str, &[u8]); 3] =
            [(self.name, &self.value), ("user-agent", self.agent), ("referer", self.referer)];
        all.into_iter().filter(|(name, value)| !name.is_empty() && !value.is_empty())
    }
}

impl Fields for LogFields<'_> {
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.all().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn each(&self, with: &mut dyn FnMut(&str, &[u8])) {
        self.all().for_each(|(name, value)| with(name, value));
    }
}

/// Where the policy looks, in its order; an address ends the search.
pub(crate) fn places(policy: &Policy) -> Vec<Place> {
    let sources = policy.callers.iter().map(|source| &source.from);
    let sources = sources.take_while(|from| !matches!(from, CallerFrom::Address));
    let place = |from: &CallerFrom| match from {
        CallerFrom::Header(name) => Some(Place::Header(name.clone())),
        CallerFrom::Cookie(name) => Some(Place::Cookie(name.clone())),
        CallerFrom::Bearer => Some(Place::Bearer),
        CallerFrom::Jwt(_) => Some(Place::Jwt),
        CallerFrom::Basic => Some(Place::Basic),
        CallerFrom::Mtls | CallerFrom::Address => None,
    };
    sources.filter_map(place).collect()
}

/// Whose call it is. `hash` is the keyed hash of a credential that nobody can check any more.
pub(crate) fn identify<'c>(
    identifier: &Identifier,
    places: &'c [Place],
    call: &Call<'c>,
    seen: &mut VerifiedTokens,
    hash: impl Fn(&[u8]) -> u128,
) -> Whose<'c> {
    let bare = LogFields::new(call);
    let peer = Peer {
        address: call.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        certificate_subject: None,
    };
    let secs = u64::try_from(call.at_ms.div_euclid(1_000)).unwrap_or(0);
    if let CallCaller::Hashed { id, name } = call.caller
        && !is_refused(call)
    {
        // A hash says who it is; a name alone would make one of many whose labels have the same few digits.
        let caller = match (call.basis, std::str::from_utf8(name)) {
            (Basis::Proved, Ok(name)) if !name.is_empty() => identifier.proved(id, name),
            _ => identifier.hashed(id),
        };
        return Whose::Caller(caller, bare);
    }
    let mut failed = None;
    for place in places {
        let Some(fields) = place.filled(call, &bare) else {
            // A token whose user alone was logged; the log's word is taken as an application's.
            // Not of a user that anybody can claim to be.
            if let (Place::Jwt, Some(user)) = (place, user(call))
                && call.basis != Basis::Claimed
            {
                return Whose::Caller(identifier.named(user), bare);
            }
            continue;
        };
        match identifier.identify(&fields, &peer, seen, secs) {
            Ok(caller) if caller.is_by_address() => {}
            Ok(caller) => return Whose::Caller(caller, fields),
            // Keys of tokens that are fetched from an issuer are not there: it is somebody, by the token itself.
            Err(why) if why.status() == 503 => {
                return Whose::Caller(identifier.hashed(hash(&fields.value)), fields);
            }
            Err(why) => failed = failed.or(Some((why, fields))),
        }
    }
    match (failed, call.address) {
        (Some((why, fields)), _) => Whose::Failed(why, fields),
        (None, Some(_)) => match identifier.identify(&bare, &peer, seen, secs) {
            Ok(caller) => Whose::Caller(caller, bare),
            Err(why) => Whose::Failed(why, bare),
        },
        (None, None) => match (user(call), call.caller) {
            (Some(user), _) if call.basis == Basis::Claimed => Whose::Caller(identifier.claimed(user), bare),
            (Some(user), _) => Whose::Caller(identifier.named(user), bare),
            (None, CallCaller::Credential(secret)) if !secret.is_empty() => {
                Whose::Caller(identifier.hashed(hash(secret)), bare)
            }
            _ => Whose::Nobody,
        },
    }
}

/// Whether it shows a credential that was none, as the gateway's own log has it: that is nobody with a quota.
fn is_refused(call: &Call<'_>) -> bool {
    let is_nameless = matches!(call.caller, CallCaller::Hashed { name: b"", .. });
    call.basis == Basis::Refused || (call.basis == Basis::Unsaid && is_nameless && call.status == 401)
}

fn user<'c>(call: &Call<'c>) -> Option<&'c str> {
    std::str::from_utf8(call.user).ok().filter(|user| !user.is_empty())
}

impl Place {
    /// The call's fields with what it shows of a caller in this place.
    fn filled<'c>(&'c self, call: &Call<'c>, bare: &LogFields<'c>) -> Option<LogFields<'c>> {
        let credential = match call.caller {
            CallCaller::Credential(secret) if !secret.is_empty() => Some(unprefixed(secret)),
            _ => None,
        };
        let (name, value) = match self {
            Self::Header(name) => (name.as_str(), Cow::Borrowed(credential?)),
            Self::Cookie(name) => ("cookie", Cow::Owned([name.as_bytes(), b"=", credential?].concat())),
            Self::Bearer | Self::Jwt => ("authorization", Cow::Owned([b"Bearer ", credential?].concat())),
            Self::Basic => {
                let text = STANDARD.encode([user(call)?.as_bytes(), b":"].concat());
                ("authorization", Cow::Owned(format!("Basic {text}").into_bytes()))
            }
        };
        Some(LogFields { name, value, ..bare.clone() })
    }
}

/// A logged `Authorization` has its scheme before the token.
fn unprefixed(secret: &[u8]) -> &[u8] {
    match secret.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer ") => token.trim_ascii(),
        _ => secret,
    }
}
