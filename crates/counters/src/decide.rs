//! One call against many limits: all or nothing. What is asked and what is said stands here, with the short way that most
//! calls take; the way of all others is in [`all`], and how one limit is stepped in [`step`].

mod all;
mod step;

use ratewarden_limiter::{Retry, Rule, Standing, Time, WindowState, WordRule};

use crate::cell::{Cell, Place};
use crate::key::Key;
use crate::store::Counters;
use step::Step;

/// One limit of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Where it is counted.
    pub key: Key,
    /// The limit.
    pub rule: Rule,
    /// What the call costs of it.
    pub cost: u64,
    /// A rejection is recorded but does not count.
    pub shadow: bool,
}

/// What the limits together say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Every limit that is enforced admits the call, and it was charged to all; a shadow limit that rejects it was
    /// not charged.
    Admitted,
    /// At least one rejects it; nothing was charged. When all would admit it, if nobody else came.
    Rejected(Retry),
}

/// What one limit said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// When it would admit the call, if it did not.
    pub rejected: Option<Retry>,
    /// The key was counted together with others, because the table is full of keys in use.
    pub overflow: bool,
    left: Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Word(WordRule, u64),
    Window(Standing),
}

/// Memory that decisions use again and again; one for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    verdicts: Vec<Verdict>,
    steps: Vec<Step>,
    /// States of windows, before and after.
    windows: Vec<[WindowState; 2]>,
    /// Places in the order they are held, with the check each is for.
    order: Vec<(Place, usize)>,
}

impl Scratch {
    /// What each limit said in the last decision, in the order of the checks.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
}

impl Verdict {
    /// What is left of the limit, as of the decision.
    #[must_use]
    pub fn standing(&self, now: Time) -> Standing {
        match &self.left {
            Left::Word(rule, word) => rule.standing(*word, now),
            Left::Window(standing) => *standing,
        }
    }
}

impl Counters {
    /// Decides one call at `now`. The verdicts of the single limits are then in `scratch`.
    ///
    /// Should its places change hands under it time and again, which takes other callers that replace idle keys
    /// faster than a slot can be held, the call is rejected for a millisecond rather than let through uncounted.
    #[inline]
    pub fn decide(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Decision {
        if let [check] = checks
            && let Rule::Word(rule) = &check.rule
            && let Some(decision) = self.decide_one(check, *rule, now, scratch)
        {
            return decision;
        }
        self.decide_all(checks, now, scratch)
    }

    /// One limit whose state is one word, which is most calls of most policies: nothing needs to be ordered, so
    /// nothing is written down on the way. `None` when the key has no place yet, or somebody else is at it.
    #[inline]
    fn decide_one(
        &self,
        check: &Check,
        rule: WordRule,
        now: Time,
        scratch: &mut Scratch,
    ) -> Option<Decision> {
        let (table, index, slot) = self.find_word(&check.key, rule)?;
        let word = slot.peek();
        let (decision, rejected, left) = match rule.step(word, check.cost, now) {
            Ok(after) => {
                if !slot.hold_at(word) {
                    return None;
                }
                if !slot.is(check.key.id) {
                    slot.release(word);
                    return None;
                }
                let cell = Cell::Word(slot);
                if let WordRule::Quota(_) = rule {
                    table.mark(index);
                }
                cell.put(after, cell.idle_after(rule, after));
                (Decision::Admitted, None, after)
            }
            Err(_) if !slot.is(check.key.id) => return None,
            Err(rejection) if check.shadow => (Decision::Admitted, Some(rejection.retry), word),
            Err(rejection) => (Decision::Rejected(rejection.retry), Some(rejection.retry), word),
        };
        scratch.verdicts.clear();
        scratch.verdicts.push(Verdict { rejected, overflow: false, left: Left::Word(rule, left) });
        Some(decision)
    }
}
