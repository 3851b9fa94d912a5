//! Decisions for applications, which say themselves who calls and want to know what each limit says.
//!
//! The same steps as for a call that passes through the gateway, but for two: a caller that is named is believed,
//! and what comes out is an opinion instead of an answer or a call to forward.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderMap;
use ratewarden_callers::{Caller, Peer};
use ratewarden_counters::Decision;
use ratewarden_judge::{Body, Decided, Head, Refusal, Sheet, Subject, Undecided};
use ratewarden_limiter::{Retry, Standing};
use ratewarden_policy::Offence;

use super::who::{Stopped, identify, named};
use super::{BANNED, Charges, Judged, Note, decide, refused};
use crate::state::Loaded;
use crate::worker::Worker;

/// Who is said to call.
#[derive(Debug, Clone)]
pub(crate) enum Asker {
    /// Somebody who is named, on the asking application's word.
    Named { caller: Caller, address: Option<IpAddr> },
    /// Whoever the fields say it is; somebody at this address at least.
    Unnamed(IpAddr),
}

/// What the gateway thinks of a call.
#[derive(Debug)]
pub(crate) struct Opinion {
    pub(crate) note: Note,
    /// Whose call it is, where that is known.
    pub(crate) subject: Option<Subject>,
    /// A keyed hash of a credential that is none.
    pub(crate) tried: Option<u128>,
    /// When it may come again, of a call that a limit or a ban rejects.
    pub(crate) retry: Option<Retry>,
    /// What is wrong with the call, of one that is refused for what it is.
    pub(crate) refusal: Option<Refusal>,
    /// Of each limit that is about the call, by its place in the policy.
    pub(crate) limits: Vec<(usize, Standing, bool)>,
}

/// Decides a call that an application is about to let pass. A body is not seen, and as the end of the call is not
/// either, a limit of concurrency holds only for the moment of the decision.
pub(crate) fn ask(
    worker: &Rc<Worker>,
    loaded: &Arc<Loaded>,
    head: &Head<'_, HeaderMap>,
    asker: Asker,
    cost: Option<u64>,
) -> Opinion {
    let mut desk = worker.desk.borrow_mut();
    let subject = match asker {
        Asker::Named { caller, address } => named(worker, loaded, caller, address, head.at),
        Asker::Unnamed(address) => {
            let peer = Peer { address, certificate_subject: None };
            identify(worker, loaded, head, &peer, &mut desk)
        }
    };
    let subject = match subject {
        Ok(subject) => subject,
        Err(stopped) => return Opinion::stopped(stopped),
    };
    let body = Body::new(b"");
    let decided = match decide(worker, loaded, head, &subject, Some(&body), cost, &mut desk) {
        Ok(decided) => decided,
        Err(Undecided::Refused(refusal)) => return Opinion::refused(refusal, Some(subject)),
        // The body was given.
        Err(Undecided::NeedsBody) => {
            return Opinion::refused(Refusal::new(500, "internal", ""), Some(subject));
        }
    };
    let Decided { decision, limit, cost, .. } = decided;
    let now = head.at;
    let Sheet { selected, checks, scratch } = &mut desk.sheet;
    let said = selected.limits.iter().zip(scratch.verdicts());
    let limits =
        said.map(|(&limit, verdict)| (limit, verdict.standing(now), verdict.rejected.is_some())).collect();
    let (verdict, retry) = match decision {
        Decision::Rejected(retry) => {
            let label = subject.caller.label();
            worker.offended(loaded, Offence::Rejections, &subject.offender(&label), now, scratch);
            (Judged::Rejected, Some(retry))
        }
        Decision::Admitted => {
            worker.remember(&subject, now);
            // What is under way is given back at once.
            drop(Charges::open(worker, loaded, selected, checks, scratch));
            (if limit.is_some() { Judged::Shadowed } else { Judged::Admitted }, None)
        }
    };
    let reason = if verdict == Judged::Rejected { "limit" } else { "" };
    let note = Note { verdict, limit, reason, cost };
    Opinion { note, subject: Some(subject), tried: None, retry, refusal: None, limits }
}

impl Opinion {
    /// Of a call that is refused for what it is.
    pub(crate) fn refused(refusal: Refusal, subject: Option<Subject>) -> Self {
        let note = refused(&refusal, None).note;
        Self { note, subject, tried: None, retry: None, refusal: Some(refusal), limits: Vec::new() }
    }

    fn stopped(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Refused(refusal, tried) => Self { tried, ..Self::refused(refusal, None) },
            Stopped::Banned(banned) => {
                let retry = Some(Retry::After(banned.left));
                let (note, subject) = (BANNED, banned.subject);
                Self { note, subject, tried: None, retry, refusal: None, limits: Vec::new() }
            }
        }
    }
}
