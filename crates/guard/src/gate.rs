//! The one door: every call of every engine passes here, and nothing else decides.

mod ask;
mod who;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ratewarden_callers::{Fields, Peer, VerifiedTokens};
use ratewarden_counters::{Check, Decision, Key, Scratch};
use ratewarden_judge::penalties::Offender;
use ratewarden_judge::{
    Body, Changed, Decided, Head, Refusal, Selected, Sheet, Subject, Undecided, is_concurrency,
};
use ratewarden_limiter::{Rule, Time};
use ratewarden_policy::{Offence, Settle};

use crate::answer::{self, Answer, FieldList};
use crate::state::Loaded;
use crate::worker::Worker;

pub(crate) use ask::{Asker, Opinion, ask};
pub(crate) use ratewarden_judge::Ending;
use who::identify;

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Gate {
    /// It cannot be judged before its body is there.
    NeedsBody,
    /// It goes to the upstream.
    Pass(Box<Pass>),
    /// The gateway answers.
    Answer(Box<Turned>),
}

/// An admitted call.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) subject: Subject,
    /// Fields for the response.
    pub(crate) fields: FieldList,
    pub(crate) changed: Changed,
    pub(crate) charges: Charges,
    /// What the log says about it.
    pub(crate) note: Note,
}

/// A call that is not forwarded.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) answer: Answer,
    pub(crate) subject: Option<Subject>,
    /// A keyed hash of a credential that is none.
    pub(crate) tried: Option<u128>,
    pub(crate) note: Note,
}

/// What is recorded of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Note {
    pub(crate) verdict: Judged,
    /// The limit that rejected it, or would have (shadow), by its place in the policy.
    pub(crate) limit: Option<usize>,
    /// Why it was refused.
    pub(crate) reason: &'static str,
    /// The cost at the first limit.
    pub(crate) cost: u64,
}

/// What is recorded of a call of somebody who is banned.
const BANNED: Note = Note { verdict: Judged::Banned, limit: None, reason: "banned", cost: 0 };

/// The decision in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Judged {
    #[default]
    Admitted,
    /// Admitted, but a shadow limit would have rejected it.
    Shadowed,
    Rejected,
    /// Of somebody who offended again and again.
    Banned,
    /// Wrong or missing credentials.
    Unauthorized,
    /// Malformed, over a bound, or otherwise not to be forwarded.
    Refused,
}

impl Judged {
    /// Every one.
    pub(crate) const ALL: [Self; 6] =
        [Self::Admitted, Self::Shadowed, Self::Rejected, Self::Banned, Self::Unauthorized, Self::Refused];

    /// The word for logs and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Shadowed => "shadow-rejected",
            Self::Rejected => "rejected",
            Self::Banned => "banned",
            Self::Unauthorized => "unauthorized",
            Self::Refused => "refused",
        }
    }
}

/// What must be given back or settled when an admitted call has ended. Dropped without
/// [`Charges::settle`] (the client went away, the task was ended) it still gives back what is under way.
#[derive(Debug)]
pub(crate) struct Charges {
    worker: Rc<Worker>,
    loaded: Arc<Loaded>,
    open: Vec<Charge>,
}

#[derive(Debug, Clone, Copy)]
struct Charge {
    key: Key,
    rule: Rule,
    cost: u64,
    overflow: bool,
    limit: usize,
}

/// Memory that decisions use again; one for each worker.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    sheet: Sheet,
    tokens: VerifiedTokens,
}

/// Decides a call. The peer's address is the client's, resolved through trusted proxies.
pub(crate) fn judge<F: Fields>(
    worker: &Rc<Worker>,
    loaded: &Arc<Loaded>,
    head: &Head<'_, F>,
    peer: &Peer<'_>,
    body: Option<&Body<'_>>,
) -> Gate {
    let mut desk = worker.desk.borrow_mut();
    let subject = match identify(worker, loaded, head, peer, &mut desk) {
        Ok(subject) => subject,
        Err(stopped) => return Gate::Answer(stopped.turned(&loaded.policy.answer)),
    };
    let decided = match decide(worker, loaded, head, &subject, body, None, &mut desk) {
        Ok(decided) => decided,
        Err(Undecided::NeedsBody) => return Gate::NeedsBody,
        Err(Undecided::Refused(refusal)) => return Gate::Answer(refused(&refusal, Some(subject))),
    };
    let Decided { decision, changed, limit, cost } = decided;
    let now = head.at;
    let Sheet { selected, checks, scratch } = &mut desk.sheet;
    let style = &loaded.policy.answer;
    match decision {
        Decision::Rejected(retry) => {
            let answer = answer::rejection(style, &loaded.rules, selected, scratch.verdicts(), retry, now);
            let note = Note { verdict: Judged::Rejected, limit, reason: "limit", cost };
            let label = subject.caller.label();
            worker.offended(loaded, Offence::Rejections, &subject.offender(&label), now, scratch);
            Gate::Answer(Box::new(Turned { answer, subject: Some(subject), tried: None, note }))
        }
        Decision::Admitted => {
            worker.remember(&subject, now);
            let fields = if style.on_success {
                answer::limit_fields(style, &loaded.rules, selected, scratch.verdicts(), now)
            } else {
                FieldList::default()
            };
            let verdict = if limit.is_some() { Judged::Shadowed } else { Judged::Admitted };
            let charges = Charges::open(worker, loaded, selected, checks, scratch);
            let note = Note { verdict, limit, reason: "", cost };
            Gate::Pass(Box::new(Pass { subject, fields, changed, charges, note }))
        }
    }
}

/// [`ratewarden_judge::decide`] in this worker's memory; who calls is counted among those who call most.
fn decide<F: Fields>(
    worker: &Worker,
    loaded: &Loaded,
    head: &Head<'_, F>,
    subject: &Subject,
    body: Option<&Body<'_>>,
    cost: Option<u64>,
    desk: &mut Desk,
) -> Result<Decided, Undecided> {
    let (counters, wall) = (&worker.shared.counters, &worker.shared.clock);
    let sheet = &mut desk.sheet;
    let decided = ratewarden_judge::decide(&loaded.rules, counters, wall, head, subject, body, cost, sheet)?;
    worker.tally(&subject.caller, matches!(decided.decision, Decision::Rejected(_)), head.at);
    Ok(decided)
}

/// An answer for a call that is refused for what it is.
pub(crate) fn refused(refusal: &Refusal, subject: Option<Subject>) -> Box<Turned> {
    let verdict = if refusal.status == 401 { Judged::Unauthorized } else { Judged::Refused };
    let note = Note { verdict, limit: None, reason: refusal.reason, cost: 0 };
    Box::new(Turned { answer: answer::refusal(refusal), subject, tried: None, note })
}

impl Worker {
    /// Counts an offence, and says who was banned for it.
    pub(crate) fn offended(
        &self,
        loaded: &Loaded,
        offence: Offence,
        offender: &Offender<'_>,
        now: Time,
        scratch: &mut Scratch,
    ) {
        let shared = &self.shared;
        let banned =
            shared.penalties.offend(&loaded.penalties, &shared.counters, offence, offender, now, scratch);
        for rule in banned {
            tracing::warn!(rule, "An offender is banned.");
        }
    }
}

impl Charges {
    fn open(
        worker: &Rc<Worker>,
        loaded: &Arc<Loaded>,
        selected: &Selected,
        checks: &[Check],
        scratch: &Scratch,
    ) -> Self {
        let mut open = Vec::new();
        for ((&limit, check), verdict) in selected.limits.iter().zip(checks).zip(scratch.verdicts()) {
            let settles = loaded.rules.limits.get(limit).is_some_and(|rule| rule.limit.settle.is_some());
            if verdict.rejected.is_none() && (settles || is_concurrency(&check.rule)) {
                let (key, rule, cost, overflow) = (check.key, check.rule, check.cost, verdict.overflow);
                open.push(Charge { key, rule, cost, overflow, limit });
            }
        }
        Self { worker: Rc::clone(worker), loaded: Arc::clone(loaded), open }
    }

    /// The response field that names the call's price, if a limit asks for one.
    pub(crate) fn price_field(&self) -> Option<&str> {
        self.open.iter().find_map(|charge| match self.settlement(charge)? {
            Settle::ResponseHeader(name) => Some(name.as_str()),
            Settle::ResponseBytes { .. } | Settle::Status { .. } => None,
        })
    }

    /// Charges what the response has cost beyond the cost at the door, or gives back what it has not.
    pub(crate) fn settle(self, ending: &Ending<'_>) {
        let (counters, now) = (&self.worker.shared.counters, self.worker.shared.clock.now());
        for charge in &self.open {
            let Some(settlement) = self.settlement(charge) else { continue };
            let instead = ratewarden_judge::price(settlement, charge.cost, ending);
            match instead {
                Some(cost) if cost > charge.cost => {
                    counters.settle(&charge.key, &charge.rule, cost - charge.cost, charge.overflow, now);
                }
                Some(cost) if cost < charge.cost => {
                    counters.refund(&charge.key, &charge.rule, charge.cost - cost, charge.overflow);
                }
                _ => {}
            }
        }
    }

    fn settlement(&self, charge: &Charge) -> Option<&Settle> {
        self.loaded.rules.limits.get(charge.limit)?.limit.settle.as_ref()
    }
}

impl Drop for Charges {
    fn drop(&mut self) {
        for charge in &self.open {
            if is_concurrency(&charge.rule) {
                self.worker.shared.counters.refund(&charge.key, &charge.rule, charge.cost, charge.overflow);
            }
        }
    }
}

/// The address a call is counted and forwarded under, before it is cut to a prefix.
pub(crate) fn client_address<F: Fields>(loaded: &Loaded, connected: IpAddr, fields: &F) -> IpAddr {
    ratewarden_callers::client_address(connected, fields, &loaded.policy.trust)
}
