//! One call against many limits: all or nothing.
//!
//! 1. *Look.* Every limit is stepped on what can be read without holding anything. If one that is enforced
//!    rejects, that is the decision: nothing was written, so a flood of rejected calls costs no other core a
//!    cache line, and a new key that is rejected takes no place.
//! 2. *Place.* Keys that have no place get one, or the overflow bucket of their limit.
//! 3. *Hold* all places, always in the same order, so two calls can not wait for each other.
//! 4. *Ask again* under the locks, and charge all or none.

use ratewarden_limiter::{Rejection, Retry, Rule, Standing, Time, WordRule};

use crate::key::Key;
use crate::store::{Cell, Counters, Place};

/// Times a decision begins anew because a place changed hands under it, before it takes the overflow bucket.
const ATTEMPTS: u32 = 8;

/// One limit of a call. A key may stand only once among the checks of a call.
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
    /// Every limit that is enforced admits the call, and it was charged to all.
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
    places: Vec<Option<Place>>,
    held: Vec<(Place, u64)>,
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
    pub fn decide(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Decision {
        for _ in 0..ATTEMPTS {
            if let Some(decision) = self.attempt(checks, now, scratch, false) {
                return decision;
            }
        }
        self.attempt(checks, now, scratch, true).unwrap_or(Decision::Admitted)
    }

    /// `None` when a place was given to another key between two steps.
    fn attempt(
        &self,
        checks: &[Check],
        now: Time,
        scratch: &mut Scratch,
        overflow: bool,
    ) -> Option<Decision> {
        let look = self.look(checks, now, scratch)?;
        if matches!(look, Decision::Rejected(_)) || checks.is_empty() {
            return Some(look);
        }
        self.hold_all(checks, now, scratch, overflow)?;
        let decision = self.ask(checks, now, scratch);
        if decision == Decision::Admitted {
            self.charge(checks, now, scratch);
        } else {
            self.let_go(scratch);
        }
        Some(decision)
    }

    fn look(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Option<Decision> {
        scratch.verdicts.clear();
        scratch.places.clear();
        let mut decision = Decision::Admitted;
        for check in checks {
            let place = self.find(&check.key, &check.rule);
            let verdict = match place.and_then(|place| self.cell(place)) {
                Some(cell) => {
                    let verdict = look_at(&cell, check, now);
                    if !cell.is(check.key.id) {
                        return None;
                    }
                    verdict
                }
                None => fresh(check, now),
            };
            decision.add(check, &verdict);
            scratch.verdicts.push(verdict);
            scratch.places.push(place);
        }
        Some(decision)
    }

    /// Holds every place, or none and `None`.
    fn hold_all(&self, checks: &[Check], now: Time, scratch: &mut Scratch, overflow: bool) -> Option<()> {
        let Scratch { verdicts, places, held } = scratch;
        held.clear();
        for ((check, place), verdict) in checks.iter().zip(places.iter_mut()).zip(verdicts.iter_mut()) {
            let found =
                if overflow { None } else { place.or_else(|| self.place(&check.key, &check.rule, now)) };
            verdict.overflow = found.is_none();
            let found = found.unwrap_or(Place::overflow(&check.key));
            *place = Some(found);
            held.push((found, 0));
        }
        held.sort_unstable_by_key(|(place, _)| *place);
        held.dedup_by_key(|(place, _)| *place);
        for (place, word) in held.iter_mut() {
            *word = self.cell(*place)?.hold();
        }
        let same = |(check, place): (&Check, &Option<Place>)| {
            place.and_then(|place| self.cell(place)).is_some_and(|cell| cell.is(check.key.id))
        };
        if !checks.iter().zip(places.iter()).all(same) {
            self.let_go(scratch);
            return None;
        }
        Some(())
    }

    fn ask(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Decision {
        let mut decision = Decision::Admitted;
        for (index, check) in checks.iter().enumerate() {
            let Some((cell, word)) = self.held(scratch, index) else { continue };
            let verdict = judge(&cell, word, check, now);
            decision.add(check, &verdict);
            if let Some(kept) = scratch.verdicts.get_mut(index) {
                *kept = Verdict { overflow: kept.overflow, ..verdict };
            }
        }
        decision
    }

    fn charge(&self, checks: &[Check], now: Time, scratch: &mut Scratch) {
        for (index, check) in checks.iter().enumerate() {
            let Some((cell, word)) = self.held(scratch, index) else { continue };
            let left = match &check.rule {
                Rule::Word(rule) => {
                    let after = rule.step(word, check.cost, now).unwrap_or(word);
                    cell.put(after, rule.idle_at(after));
                    Left::Word(*rule, after)
                }
                Rule::Window(window) => {
                    let before = cell.window(word);
                    let after = window.step(&before, check.cost, now).unwrap_or(before);
                    cell.put_window(&after, window.idle_at(&after));
                    Left::Window(window.standing(&after, now))
                }
            };
            if let Some(verdict) = scratch.verdicts.get_mut(index) {
                verdict.left = left;
            }
            if let Some(Some(place)) = scratch.places.get(index) {
                self.changed(*place);
            }
        }
    }

    fn let_go(&self, scratch: &Scratch) {
        for (place, word) in &scratch.held {
            if let Some(cell) = self.cell(*place) {
                cell.release(*word);
            }
        }
    }

    fn held(&self, scratch: &Scratch, index: usize) -> Option<(Cell<'_>, u64)> {
        let place = (*scratch.places.get(index)?)?;
        let (_, word) = scratch.held.iter().find(|(held, _)| *held == place)?;
        Some((self.cell(place)?, *word))
    }
}

impl Decision {
    fn add(&mut self, check: &Check, verdict: &Verdict) {
        if let (Some(retry), false) = (verdict.rejected, check.shadow) {
            *self = Self::Rejected(match *self {
                Self::Admitted => retry,
                Self::Rejected(other) => other.later(retry),
            });
        }
    }
}

/// A verdict from what can be read; a window's counters can only be read together while they are held.
fn look_at(cell: &Cell<'_>, check: &Check, now: Time) -> Verdict {
    match check.rule {
        Rule::Word(_) => judge(cell, cell.peek(), check, now),
        Rule::Window(_) => {
            let word = cell.hold();
            let verdict = judge(cell, word, check, now);
            cell.release(word);
            verdict
        }
    }
}

fn judge(cell: &Cell<'_>, word: u64, check: &Check, now: Time) -> Verdict {
    let rejected = |rejection: Rejection| rejection.retry;
    match &check.rule {
        Rule::Word(rule) => Verdict {
            rejected: rule.step(word, check.cost, now).err().map(rejected),
            overflow: false,
            left: Left::Word(*rule, word),
        },
        Rule::Window(window) => {
            let state = cell.window(word);
            Verdict {
                rejected: window.step(&state, check.cost, now).err().map(rejected),
                overflow: false,
                left: Left::Window(window.standing(&state, now)),
            }
        }
    }
}

/// A key that has no place has spent nothing.
fn fresh(check: &Check, now: Time) -> Verdict {
    let state = ratewarden_limiter::WindowState::default();
    let (rejected, left) = match &check.rule {
        Rule::Word(rule) => (rule.step(0, check.cost, now).err(), Left::Word(*rule, 0)),
        Rule::Window(window) => {
            (window.step(&state, check.cost, now).err(), Left::Window(window.standing(&state, now)))
        }
    };
    Verdict { rejected: rejected.map(|rejection| rejection.retry), overflow: false, left }
}
