//! The steps of a decision, in their order.

use ratewarden_callers::Fields;
use ratewarden_counters::{Check, Counters, Decision, Scratch};
use ratewarden_limiter::{Rule, WordRule};

use crate::body::Body;
use crate::bounds::{Changed, hold};
use crate::rules::{Rules, Wall};
use crate::select::Selected;
use crate::{Head, Refusal, Subject};

/// What a decision was made from, and what each limit said; memory that the next one uses again.
#[derive(Debug, Default)]
pub struct Sheet {
    /// The limits and bounds that are about the call.
    pub selected: Selected,
    /// One for each of these limits.
    pub checks: Vec<Check>,
    /// One verdict for each of these checks.
    pub scratch: Scratch,
}

/// A decision.
#[derive(Debug)]
pub struct Decided {
    /// What the limits together say.
    pub decision: Decision,
    /// What bounds change of the call.
    pub changed: Changed,
    /// The first limit that rejects it, by its place in the policy; one that is only a shadow where none other does.
    pub limit: Option<usize>,
    /// The cost at the first limit that is about it.
    pub cost: u64,
}

/// Why a call was not decided.
#[derive(Debug)]
pub enum Undecided {
    /// Its body must be seen first.
    NeedsBody,
    /// It is refused for what it is.
    Refused(Refusal),
}

/// Selects, weighs and decides. `cost` stands for what the call would cost at every limit but those of concurrency,
/// of which a call takes one place whatever it costs.
///
/// # Errors
/// When the body is needed and `None`, and when the call is refused for what it is; nothing is charged then.
#[expect(clippy::too_many_arguments, reason = "what a decision depends on, each once")]
pub fn decide<F: Fields>(
    rules: &Rules,
    counters: &Counters,
    wall: &impl Wall,
    head: &Head<'_, F>,
    subject: &Subject,
    body: Option<&Body<'_>>,
    cost: Option<u64>,
    sheet: &mut Sheet,
) -> Result<Decided, Undecided> {
    let Sheet { selected, checks, scratch } = sheet;
    rules.select(head, subject, selected);
    if selected.needs_body && body.is_none() {
        return Err(Undecided::NeedsBody);
    }
    let now = head.at;
    let changed = hold(rules, selected, head, body).map_err(Undecided::Refused)?;
    let weighed = rules.weigh(selected, head, subject, body, wall, now, checks);
    weighed.map_err(Undecided::Refused)?;
    if let Some(cost) = cost {
        for check in checks.iter_mut().filter(|check| !is_concurrency(&check.rule)) {
            check.cost = cost;
        }
    }
    let decision = counters.decide(checks, now, scratch);
    let limit = first_rejecting(rules, selected, scratch);
    let cost = checks.first().map_or(1, |check| check.cost);
    Ok(Decided { decision, changed, limit, cost })
}

/// Whether a rule counts calls under way, whose places are given back when they end.
#[must_use]
pub const fn is_concurrency(rule: &Rule) -> bool {
    matches!(rule, Rule::Word(WordRule::Concurrency(_)))
}

fn first_rejecting(rules: &Rules, selected: &Selected, scratch: &Scratch) -> Option<usize> {
    let rejecting =
        selected.limits.iter().zip(scratch.verdicts()).filter(|(_, verdict)| verdict.rejected.is_some());
    let is_shadow = |limit: &usize| rules.limits.get(*limit).is_some_and(|rule| rule.limit.shadow);
    rejecting.map(|(&limit, _)| limit).min_by_key(|limit| (is_shadow(limit), *limit))
}
