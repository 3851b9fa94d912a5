//! The one door: every call of every engine passes here, and nothing else decides.

mod ask;
mod who;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use ratewarden_callers::{Fields, Peer, VerifiedTokens};
use ratewarden_counters::{Check, Decision, Key, Scratch};
use ratewarden_limiter::{Rule, Time, WordRule};
use ratewarden_policy::{Offence, Settle};

use crate::answer::{self, Answer, FieldList};
use crate::judge::{self, Body, Changed, Head, Refusal, Rules, Selected, Subject};
use crate::penalties::Offender;
use crate::state::Loaded;
use crate::worker::Worker;

pub(crate) use ask::{Asker, Opinion, ask};
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

/// The end of a call, as far as costs depend on it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ending<'r> {
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    /// The response's price tag, where a limit asked for one.
    pub(crate) price: Option<&'r [u8]>,
}

/// Memory that decisions use again; one for each worker.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    selected: Selected,
    checks: Vec<Check>,
    scratch: Scratch,
    tokens: VerifiedTokens,
}

/// A decision, before it is told to anybody. What each limit said is on the desk.
struct Decided {
    decision: Decision,
    changed: Changed,
    limit: Option<usize>,
    cost: u64,
}

enum Undecided {
    NeedsBody,
    Refused(Refusal),
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
    let Desk { selected, checks, scratch, .. } = &mut *desk;
    let style = &loaded.policy.answer;
    match decision {
        Decision::Rejected(retry) => {
            let answer = answer::rejection(style, &loaded.rules, selected, scratch.verdicts(), retry, now);
            let note = Note { verdict: Judged::Rejected, limit, reason: "limit", cost };
            let label = subject.caller.label();
            worker.offended(loaded, Offence::Rejections, &subject.offender(&label), now, scratch);
            Gate::Answer(Box::new(Turned { answer, subject: Some(subject), note }))
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

/// Selects, weighs and decides. `cost` stands for what the call would cost at every limit but those of concurrency,
/// of which a call takes one place whatever it costs.
fn decide<F: Fields>(
    worker: &Worker,
    loaded: &Loaded,
    head: &Head<'_, F>,
    subject: &Subject,
    body: Option<&Body<'_>>,
    cost: Option<u64>,
    desk: &mut Desk,
) -> Result<Decided, Undecided> {
    let Desk { selected, checks, scratch, .. } = desk;
    loaded.rules.select(head, subject, selected);
    if selected.needs_body && body.is_none() {
        return Err(Undecided::NeedsBody);
    }
    let now = head.at;
    let changed = judge::hold(&loaded.rules, selected, head, body).map_err(Undecided::Refused)?;
    let clock = &worker.shared.clock;
    let weighed = loaded.rules.weigh(selected, head, subject, body, clock, now, checks);
    weighed.map_err(Undecided::Refused)?;
    if let Some(cost) = cost {
        for check in checks.iter_mut().filter(|check| !is_concurrency(&check.rule)) {
            check.cost = cost;
        }
    }
    let decision = worker.shared.counters.decide(checks, now, scratch);
    let limit = first_rejecting(&loaded.rules, selected, scratch);
    let cost = checks.first().map_or(1, |check| check.cost);
    worker.tally(&subject.caller, matches!(decision, Decision::Rejected(_)), now);
    Ok(Decided { decision, changed, limit, cost })
}

/// An answer for a call that is refused for what it is.
pub(crate) fn refused(refusal: &Refusal, subject: Option<Subject>) -> Box<Turned> {
    let verdict = if refusal.status == 401 { Judged::Unauthorized } else { Judged::Refused };
    let note = Note { verdict, limit: None, reason: refusal.reason, cost: 0 };
    Box::new(Turned { answer: answer::refusal(refusal), subject, note })
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

/// The first limit that rejects; one that is only a shadow when none other does.
fn first_rejecting(rules: &Rules, selected: &Selected, scratch: &Scratch) -> Option<usize> {
    let rejecting =
        selected.limits.iter().zip(scratch.verdicts()).filter(|(_, verdict)| verdict.rejected.is_some());
    let is_shadow = |limit: &usize| rules.limits.get(*limit).is_some_and(|rule| rule.limit.shadow);
    rejecting.map(|(&limit, _)| limit).min_by_key(|limit| (is_shadow(limit), *limit))
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
            let instead = match settlement {
                Settle::ResponseBytes { per } => Some(charge.cost + ending.body_bytes.div_ceil(per.get())),
                Settle::ResponseHeader(_) => {
                    ending.price.and_then(|price| std::str::from_utf8(price).ok()?.trim().parse::<u64>().ok())
                }
                Settle::Status { from, to, cost } => (*from..=*to).contains(&ending.status).then_some(*cost),
            };
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

const fn is_concurrency(rule: &Rule) -> bool {
    matches!(rule, Rule::Word(WordRule::Concurrency(_)))
}

/// The address a call is counted and forwarded under, before it is cut to a prefix.
pub(crate) fn client_address<F: Fields>(loaded: &Loaded, connected: IpAddr, fields: &F) -> IpAddr {
    ratewarden_callers::client_address(connected, fields, &loaded.policy.trust)
}
