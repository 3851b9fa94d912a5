//! Whose call it is, and whether that somebody is banned.
//!
//! The address comes first. Where it is locked out for failed credentials, who had proved a credential from it before
//! goes on: what is known of that is a bounded memory of pairs of caller and address ([`ratewarden_counters::Pairs`]), which
//! is read here and written when a call is let through.

use std::net::IpAddr;
use std::time::Duration;

use ratewarden_callers::{Caller, Fields, Peer};
use ratewarden_counters::Pair;
use ratewarden_judge::penalties::{Ban, Offender, Suspects};
use ratewarden_judge::{Head, Refusal, Sheet, Subject};
use ratewarden_limiter::Time;
use ratewarden_policy::{Answer as Style, Offence};

use super::{BANNED, Desk, Turned, refused};
use crate::answer;
use crate::state::Loaded;
use crate::worker::Worker;

/// A call that no limit is asked about.
#[derive(Debug)]
pub(super) enum Stopped {
    Banned(Box<Banned>),
    /// With a keyed hash of a credential that is none.
    Refused(Refusal, Option<u128>),
}

/// A call of somebody who is banned.
#[derive(Debug)]
pub(super) struct Banned {
    /// Absent where the credentials are wrong, or were not looked at.
    pub(super) subject: Option<Subject>,
    pub(super) left: Duration,
    /// What the client is told.
    pub(super) rule: String,
}

impl Stopped {
    /// As the gateway answers it.
    pub(super) fn turned(self, style: &Style) -> Box<Turned> {
        match self {
            Self::Refused(refusal, tried) => {
                let mut turned = refused(&refusal, None);
                turned.tried = tried;
                turned
            }
            Self::Banned(banned) => {
                let answer = answer::banned(style, banned.left, &banned.rule);
                Box::new(Turned { answer, subject: banned.subject, tried: None, note: BANNED })
            }
        }
    }
}

/// The caller that the fields of a call say.
pub(super) fn identify<F: Fields>(
    worker: &Worker,
    loaded: &Loaded,
    head: &Head<'_, F>,
    peer: &Peer<'_>,
    desk: &mut Desk,
) -> Result<Subject, Stopped> {
    let (shared, now) = (&worker.shared, head.at);
    let (address, mut suspects) = suspects(loaded, Some(peer.address));
    if let Some(ban) = shared.penalties.banned(suspects.address, now) {
        let caller = recognise(worker, loaded, head, peer, &suspects, ban.spares, desk);
        return spared(worker, caller.map(|caller| subject(caller, address, suspects)), &ban, now);
    }
    match loaded.identifier.identify(head.fields, peer, &mut desk.tokens, unix_secs(worker, loaded)) {
        Ok(caller) => unbanned(worker, subject(caller, address, suspects), now),
        Err(failed) => {
            suspects.target = failed.target();
            if let Some(ban) = shared.penalties.banned(suspects.target, now) {
                return Err(banned(worker, None, &ban, now));
            }
            if failed.status() == 401 {
                let offender = Offender { suspects: &suspects, caller: None };
                worker.offended(loaded, Offence::FailedCredentials, &offender, now, &mut desk.sheet.scratch);
            }
            let refusal = Refusal::new(failed.status(), failed.reason(), failed.to_string());
            Err(Stopped::Refused(refusal, suspects.target))
        }
    }
}

/// A caller that somebody names who is believed.
pub(super) fn named(
    worker: &Worker,
    loaded: &Loaded,
    caller: Caller,
    address: Option<IpAddr>,
    now: Time,
) -> Result<Subject, Stopped> {
    let (address, suspects) = suspects(loaded, address);
    let subject = subject(caller, address, suspects);
    match worker.shared.penalties.banned(suspects.address, now) {
        Some(ban) => spared(worker, Some(subject), &ban, now),
        None => unbanned(worker, subject, now),
    }
}

impl Worker {
    /// Remembers from where a caller that proved who it is was let through.
    pub(super) fn remember(&self, subject: &Subject, now: Time) {
        if let Some(pair) = subject.suspects.pair() {
            self.shared.pairs.note(pair, now);
        }
    }
}

/// Who it is that calls from an address that is banned, where that costs little. Signatures cost more than the rest
/// of a call: one is checked only of a token that claims to be of somebody who is known here, and only so many a second
/// in that name and at that address. So a lock-out does not keep the gateway busy, and a colleague whose token is new is
/// let through, but for one thing: who floods the gateway with forgeries in a colleague's name from the same address
/// uses up what is checked in that name, and that colleague's new tokens are held meanwhile. Others' are not, unless
/// the forger knows ten of them. Tokens that a worker has seen before need no check.
fn recognise<F: Fields>(
    worker: &Worker,
    loaded: &Loaded,
    head: &Head<'_, F>,
    peer: &Peer<'_>,
    suspects: &Suspects,
    spares: bool,
    desk: &mut Desk,
) -> Option<Caller> {
    if loaded.identifier.verifies_signatures() && !spares {
        return None;
    }
    let Desk { tokens, sheet: Sheet { scratch, .. } } = desk;
    let (shared, now) = (&worker.shared, head.at);
    let mut is_worth_it = |caller| {
        suspects.address.is_some_and(|address| {
            let pair = Pair::new(caller, address);
            shared.pairs.knows(pair, now)
                && loaded.penalties.may_check_a_signature(&shared.counters, pair, address, now, scratch)
        })
    };
    loaded.identifier.recognise(head.fields, peer, tokens, unix_secs(worker, loaded), &mut is_worth_it)
}

/// The wall clock as tokens count; nobody asks it where there are none.
fn unix_secs(worker: &Worker, loaded: &Loaded) -> u64 {
    if loaded.identifier.verifies_signatures() { worker.shared.clock.unix_secs() } else { 0 }
}

/// What becomes of a call from an address that is banned. Whoever is held is told of that ban and of nothing else, so
/// that nobody learns whether a credential is right: neither by another answer nor by a ban that its owner has.
fn spared(worker: &Worker, subject: Option<Subject>, ban: &Ban, now: Time) -> Result<Subject, Stopped> {
    let is_known = |subject: &Subject| {
        ban.spares && subject.suspects.pair().is_some_and(|pair| worker.shared.pairs.knows(pair, now))
    };
    match subject {
        Some(subject) if is_known(&subject) => unbanned(worker, subject, now),
        subject => Err(banned(worker, subject, ban, now)),
    }
}

/// The caller, unless it is banned itself.
fn unbanned(worker: &Worker, subject: Subject, now: Time) -> Result<Subject, Stopped> {
    match worker.shared.penalties.banned(subject.suspects.but_the_address(), now) {
        Some(ban) => Err(banned(worker, Some(subject), &ban, now)),
        None => Ok(subject),
    }
}

fn banned(worker: &Worker, subject: Option<Subject>, ban: &Ban, now: Time) -> Stopped {
    if let Some(subject) = &subject {
        worker.tally(&subject.caller, true, now);
    }
    let (left, rule) = (ban.until.since(now), ban.cause.told().to_owned());
    Stopped::Banned(Box::new(Banned { subject, left, rule }))
}

fn subject(caller: Caller, address: Option<IpAddr>, suspects: Suspects) -> Subject {
    let suspects = Suspects { caller: Some(caller.id()), is_proved: caller.is_verified(), ..suspects };
    Subject { caller, address, suspects }
}

/// An address as it is counted, and as penalties know it.
fn suspects(loaded: &Loaded, address: Option<IpAddr>) -> (Option<IpAddr>, Suspects) {
    let prefix = loaded.policy.trust.ipv6_prefix;
    let address = address.map(|address| ratewarden_callers::counted(address, prefix));
    let id = address.map(|address| loaded.identifier.address_id(address));
    (address, Suspects { address: id, counted: address, ..Suspects::default() })
}
