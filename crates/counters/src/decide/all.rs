//! All limits of a call together.
//!
//! 1. *Look.* Every limit is stepped on what can be read without holding anything. If one that is enforced
//!    rejects, that is the decision: nothing was written, so a flood of rejected calls costs no other core a
//!    cache line, and a new key that is rejected takes no place.
//! 2. *Place.* Keys that have no place get one, or the overflow bucket of their limit.
//! 3. *Hold* all places, always in the same order, so two calls can not wait for each other. A place whose word is
//!    still the one that was looked at needs no second step; the others are asked again.
//! 4. *Charge* all or none.

use std::time::Duration;

use ratewarden_limiter::{Retry, Rule, Time};

use super::step::{Before, Held, Step, hold, judge};
use super::{Check, Decision, Left, Scratch, Verdict};
use crate::cell::Place;
use crate::store::{ATTEMPTS, Counters};

/// What a call that could not be counted is told to wait; see [`Counters::decide`].
const CROWDED: Retry = Retry::After(Duration::from_millis(1));

impl Counters {
    pub(super) fn decide_all(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Decision {
        for _ in 0..ATTEMPTS {
            let Some(look) = self.look(checks, now, scratch) else { continue };
            if look != Decision::Admitted {
                scratch.nothing_charged(checks, now);
                return look;
            }
            self.place_all(checks, now, scratch);
            match self.hold_all(checks, now, scratch) {
                Some(Decision::Admitted) => {
                    self.charge(checks, now, scratch);
                    return Decision::Admitted;
                }
                Some(rejected) => {
                    scratch.nothing_charged(checks, now);
                    return rejected;
                }
                None => {}
            }
        }
        scratch.nothing_charged(checks, now);
        Decision::Rejected(CROWDED)
    }

    /// `None` when a place was given to another key while it was looked at.
    fn look(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Option<Decision> {
        scratch.verdicts.clear();
        scratch.steps.clear();
        scratch.windows.clear();
        let mut decision = Decision::Admitted;
        for check in checks {
            let place = self.find(&check.key, &check.rule);
            let cell = place.and_then(|place| self.cell(place));
            let before = match (&cell, &check.rule) {
                (None, _) => Before::Word(0),
                (Some(cell), Rule::Word(_)) => Before::Word(cell.peek()),
                (Some(cell), Rule::Window(_)) => Before::Window(cell.read_window()),
            };
            let (step, verdict) = judge(before, place, check, now, &mut scratch.windows);
            if verdict.rejected.is_some() {
                if cell.is_some_and(|cell| !cell.is(&check.key)) {
                    return None;
                }
                decision.add(check, &verdict);
            }
            scratch.steps.push(step);
            scratch.verdicts.push(verdict);
        }
        Some(decision)
    }

    /// Gives every check a place, and the order in which they are held.
    fn place_all(&self, checks: &[Check], now: Time, scratch: &mut Scratch) {
        scratch.order.clear();
        let mut sorted = true;
        for (index, check) in checks.iter().enumerate() {
            let Some(place) = scratch.steps.get(index).map(|step| step.place) else { continue };
            let place = place.unwrap_or_else(|| self.place_new(check, now, scratch));
            if let (Some(step), Some(verdict)) =
                (scratch.steps.get_mut(index), scratch.verdicts.get_mut(index))
            {
                step.place = Some(place);
                verdict.overflow = place.is_overflow();
            }
            sorted &= scratch.order.last().is_none_or(|(last, _)| *last < place);
            scratch.order.push((place, index));
        }
        if !sorted {
            scratch.order.sort_unstable();
        }
    }

    /// The place of a new key; idle keys of the same call are not pushed out for it.
    #[cold]
    fn place_new(&self, check: &Check, now: Time, scratch: &Scratch) -> Place {
        let spared = |place: Place| scratch.steps.iter().any(|step| step.place == Some(place));
        self.place(&check.key, &check.rule, now, spared).unwrap_or(Place::overflow(&check.key))
    }

    /// Holds every place if all enforced limits admit the call, else none; `None` when a place is another key's.
    fn hold_all(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Option<Decision> {
        let mut previous: Option<(Place, Step)> = None;
        for position in 0..scratch.order.len() {
            let &(place, index) = scratch.order.get(position)?;
            let (check, step) = (checks.get(index)?, *scratch.steps.get(index)?);
            let cell = self.cell(place)?;
            let before = match previous {
                // Two checks of one place: the second comes after the first.
                Some((same, earlier)) if same == place => Some(earlier.left_behind(check, &scratch.windows)),
                _ => match hold(&cell, &step, check) {
                    Held::AsSeen => None,
                    Held::Changed(word) => Some(Before::of(&cell, word, &check.rule)),
                    Held::Lost => {
                        self.let_go(scratch, position);
                        return None;
                    }
                },
            };
            let Some(before) = before else {
                previous = Some((place, step));
                continue;
            };
            let (step, verdict) = judge(before, Some(place), check, now, &mut scratch.windows);
            *scratch.steps.get_mut(index)? = step;
            *scratch.verdicts.get_mut(index)? = verdict;
            if verdict.rejected.is_some() && !check.shadow {
                self.let_go(scratch, position + 1);
                let mut decision = Decision::Admitted;
                for (check, verdict) in checks.iter().zip(&scratch.verdicts) {
                    decision.add(check, verdict);
                }
                return Some(decision);
            }
            previous = Some((place, step));
        }
        Some(Decision::Admitted)
    }

    /// Puts the first `held` places of the order back as they were.
    #[cold]
    fn let_go(&self, scratch: &Scratch, held: usize) {
        let mut previous = None;
        for (place, index) in scratch.order.iter().take(held) {
            if previous.replace(*place) == Some(*place) {
                continue;
            }
            if let (Some(cell), Some(step)) = (self.cell(*place), scratch.steps.get(*index)) {
                cell.release(step.before);
            }
        }
    }

    /// Writes every new state and lets go.
    fn charge(&self, checks: &[Check], now: Time, scratch: &mut Scratch) {
        for position in 0..scratch.order.len() {
            let Some(&(place, index)) = scratch.order.get(position) else { continue };
            let (Some(check), Some(step), Some(cell), Some(verdict)) = (
                checks.get(index),
                scratch.steps.get(index),
                self.cell(place),
                scratch.verdicts.get_mut(index),
            ) else {
                continue;
            };
            if place.is_overflow() {
                self.count_overflow();
            }
            let last_of_place = scratch.order.get(position + 1).is_none_or(|(next, _)| *next != place);
            match &check.rule {
                Rule::Word(rule) => {
                    verdict.left = Left::Word(*rule, step.after);
                    if last_of_place {
                        self.mark(place);
                        cell.put(step.after, cell.idle_after(*rule, step.after));
                    }
                }
                Rule::Window(window) => {
                    let [_, after] = step.windows(&scratch.windows);
                    verdict.left = Left::Window(window.standing(&after, now));
                    if last_of_place {
                        cell.put_window(&after, window.idle_at(&after));
                    }
                }
            }
        }
    }
}

impl Scratch {
    /// The verdicts of a call that was not charged.
    fn nothing_charged(&mut self, checks: &[Check], now: Time) {
        for ((check, step), verdict) in checks.iter().zip(&self.steps).zip(&mut self.verdicts) {
            verdict.left = match &check.rule {
                Rule::Word(rule) => Left::Word(*rule, step.before),
                Rule::Window(window) => {
                    let [before, _] = step.windows(&self.windows);
                    Left::Window(window.standing(&before, now))
                }
            };
        }
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
