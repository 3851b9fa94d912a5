//! One call against many limits: all or nothing.
//!
//! 1. *Look.* Every limit is stepped on what can be read without holding anything. If one that is enforced
//!    rejects, that is the decision: nothing was written, so a flood of rejected calls costs no other core a
//!    cache line, and a new key that is rejected takes no place.
//! 2. *Place.* Keys that have no place get one, or the overflow bucket of their limit.
//! 3. *Hold* all places, always in the same order, so two calls can not wait for each other. A place whose word is
//!    still the one that was looked at needs no second step; the others are asked again.
//! 4. *Charge* all or none.

use ratewarden_limiter::{Retry, Rule, Standing, Time, WindowState, WordRule};

use crate::cell::{Cell, Place};
use crate::key::Key;
use crate::store::{ATTEMPTS, Counters};

/// What a call that could not be counted is told to wait; see [`Counters::decide`].
const CROWDED: Retry = Retry::After(std::time::Duration::from_millis(1));

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

/// One check under way.
#[derive(Debug, Clone, Copy)]
struct Step {
    place: Option<Place>,
    before: u64,
    /// The word after the call; of a window, where its states are among [`Scratch::windows`].
    after: u64,
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

    fn decide_all(&self, checks: &[Check], now: Time, scratch: &mut Scratch) -> Decision {
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

/// What a limit is stepped from.
enum Before {
    Word(u64),
    Window(WindowState),
}

/// What came of holding a place.
enum Held {
    /// Its word is the one that was looked at.
    AsSeen,
    /// Its word is this, or it is a window's, which may have changed without its word.
    Changed(u64),
    /// It is another key's, and not held.
    Lost,
}

#[inline]
fn hold(cell: &Cell<'_>, step: &Step, check: &Check) -> Held {
    let word = matches!(check.rule, Rule::Word(_));
    if word && cell.hold_at(step.before, &check.key) {
        return Held::AsSeen;
    }
    cell.hold_for(&check.key).map_or(Held::Lost, Held::Changed)
}

/// Steps a limit that has this state. Where it rejects, the state after is the state before.
#[inline]
fn judge(
    before: Before,
    place: Option<Place>,
    check: &Check,
    now: Time,
    windows: &mut Vec<[WindowState; 2]>,
) -> (Step, Verdict) {
    let (before, after, rejected, left) = match (&check.rule, before) {
        (Rule::Word(rule), before) => {
            let before = if let Before::Word(word) = before { word } else { 0 };
            let (after, rejected) = match rule.step(before, check.cost, now) {
                Ok(after) => (after, None),
                Err(rejection) => (before, Some(rejection.retry)),
            };
            (before, after, rejected, Left::Word(*rule, before))
        }
        (Rule::Window(window), before) => {
            let before = if let Before::Window(state) = before { state } else { WindowState::default() };
            let (after, rejected) = match window.step(&before, check.cost, now) {
                Ok(after) => (after, None),
                Err(rejection) => (before, Some(rejection.retry)),
            };
            windows.push([before, after]);
            // Its standing is worked out when it is known whether the call is charged.
            let left = Left::Window(Standing { limit: 0, remaining: 0, reset: std::time::Duration::ZERO });
            (before.newest, windows.len() as u64 - 1, rejected, left)
        }
    };
    (
        Step { place, before, after },
        Verdict { rejected, overflow: place.is_some_and(Place::is_overflow), left },
    )
}

impl Before {
    fn of(cell: &Cell<'_>, word: u64, rule: &Rule) -> Self {
        match rule {
            Rule::Word(_) => Self::Word(word),
            Rule::Window(_) => Self::Window(cell.window(word)),
        }
    }
}

impl Step {
    #[expect(clippy::cast_possible_truncation, reason = "it was a usize")]
    fn windows(&self, windows: &[[WindowState; 2]]) -> [WindowState; 2] {
        windows.get(self.after as usize).copied().unwrap_or_default()
    }

    /// What another check of the same place begins with.
    fn left_behind(&self, check: &Check, windows: &[[WindowState; 2]]) -> Before {
        match check.rule {
            Rule::Word(_) => Before::Word(self.after),
            Rule::Window(_) => Before::Window(self.windows(windows)[1]),
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
