//! Whose call it is, and whether that somebody is banned.

use std::net::IpAddr;
use std::time::Duration;

use ratewarden_callers::{Caller, Fields, Peer};
use ratewarden_policy::{Answer as Style, Offence};

use super::{BANNED, Desk, Turned, refused};
use crate::answer;
use crate::judge::{Refusal, Subject};
use crate::penalties::{Offender, Suspects};
use crate::state::Loaded;
use crate::worker::Worker;

/// A call that no limit is asked about.
#[derive(Debug)]
pub(super) enum Stopped {
    Banned(Box<Banned>),
    Refused(Refusal),
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
            Self::Refused(refusal) => refused(&refusal, None),
            Self::Banned(banned) => {
                let answer = answer::banned(style, banned.left, &banned.rule);
                Box::new(Turned { answer, subject: banned.subject, note: BANNED })
            }
        }
    }
}

/// The caller that the fields of a call say.
pub(super) fn identify<F: Fields + ?Sized>(
    worker: &Worker,
    loaded: &Loaded,
    fields: &F,
    peer: &Peer<'_>,
    desk: &mut Desk,
) -> Result<Subject, Stopped> {
    let (address, mut suspects) = suspects(loaded, Some(peer.address));
    if loaded.identifier.verifies_signatures()
        && let Some((left, rule)) = ban(worker, &suspects)
    {
        // Signatures cost more than the rest of a call; who is locked out is not to keep the gateway busy with them.
        return Err(Stopped::Banned(Box::new(Banned { subject: None, left, rule })));
    }
    // Whoever is locked out learns nothing about the credentials that are tried.
    let identified =
        loaded.identifier.identify(fields, peer, &mut desk.tokens, worker.shared.clock.unix_secs());
    match &identified {
        Ok(caller) => suspects.caller = Some(caller.id()),
        Err(failed) => suspects.target = failed.target(),
    }
    let subject = |caller| Subject { caller, address, suspects };
    if let Some((left, rule)) = ban(worker, &suspects) {
        let subject = identified.ok().map(subject);
        if let Some(subject) = &subject {
            worker.tally(&subject.caller, true, worker.shared.clock.now());
        }
        return Err(Stopped::Banned(Box::new(Banned { subject, left, rule })));
    }
    identified.map(subject).map_err(|failed| {
        if failed.status() == 401 {
            let offender = Offender { suspects: &suspects, caller: None };
            worker.offended(loaded, Offence::FailedCredentials, &offender, &mut desk.scratch);
        }
        Stopped::Refused(Refusal::new(failed.status(), failed.reason(), failed.to_string()))
    })
}

/// A caller that somebody names who is believed.
pub(super) fn named(
    worker: &Worker,
    loaded: &Loaded,
    caller: Caller,
    address: Option<IpAddr>,
) -> Result<Subject, Stopped> {
    let (address, mut suspects) = suspects(loaded, address);
    suspects.caller = Some(caller.id());
    let subject = Subject { caller, address, suspects };
    match ban(worker, &suspects) {
        Some((left, rule)) => Err(Stopped::Banned(Box::new(Banned { subject: Some(subject), left, rule }))),
        None => Ok(subject),
    }
}

/// An address as it is counted, and as penalties know it.
fn suspects(loaded: &Loaded, address: Option<IpAddr>) -> (Option<IpAddr>, Suspects) {
    let prefix = loaded.policy.trust.ipv6_prefix;
    let address = address.map(|address| ratewarden_callers::counted(address, prefix));
    let id = address.map(|address| loaded.identifier.address_id(address));
    (address, Suspects { address: id, counted: address, ..Suspects::default() })
}

/// How long a ban goes on, and what the client is told of it.
fn ban(worker: &Worker, suspects: &Suspects) -> Option<(Duration, String)> {
    let now = worker.shared.clock.now();
    let ban = worker.shared.penalties.banned(suspects, now)?;
    Some((ban.until.since(now), ban.cause.told().to_owned()))
}
