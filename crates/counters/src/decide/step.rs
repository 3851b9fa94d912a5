//! One limit of a call, stepped: on what was read of its place without holding it, and again once the place is held.

use std::time::Duration;

use ratewarden_limiter::{Rule, Standing, Time, WindowState};

use super::{Check, Left, Verdict};
use crate::cell::{Cell, Place};

/// One check under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) place: Option<Place>,
    pub(super) before: u64,
    /// The word after the call; of a window, where its states are among those of the scratch.
    pub(super) after: u64,
}

/// What a limit is stepped from.
pub(super) enum Before {
    Word(u64),
    Window(WindowState),
}

/// What came of holding a place.
pub(super) enum Held {
    /// Its word is the one that was looked at.
    AsSeen,
    /// Its word is this, or it is a window's, which may have changed without its word.
    Changed(u64),
    /// It is another key's, and not held.
    Lost,
}

#[inline]
pub(super) fn hold(cell: &Cell<'_>, step: &Step, check: &Check) -> Held {
    let word = matches!(check.rule, Rule::Word(_));
    if word && cell.hold_at(step.before, &check.key) {
        return Held::AsSeen;
    }
    cell.hold_for(&check.key).map_or(Held::Lost, Held::Changed)
}

/// Steps a limit that has this state. Where it rejects, the state after is the state before.
#[inline]
pub(super) fn judge(
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
            let left = Left::Window(Standing { limit: 0, remaining: 0, reset: Duration::ZERO });
            (before.newest, windows.len() as u64 - 1, rejected, left)
        }
    };
    (
        Step { place, before, after },
        Verdict { rejected, overflow: place.is_some_and(Place::is_overflow), left },
    )
}

impl Before {
    pub(super) fn of(cell: &Cell<'_>, word: u64, rule: &Rule) -> Self {
        match rule {
            Rule::Word(_) => Self::Word(word),
            Rule::Window(_) => Self::Window(cell.window(word)),
        }
    }
}

impl Step {
    #[expect(clippy::cast_possible_truncation, reason = "it was a usize")]
    pub(super) fn windows(&self, windows: &[[WindowState; 2]]) -> [WindowState; 2] {
        windows.get(self.after as usize).copied().unwrap_or_default()
    }

    /// What another check of the same place begins with.
    pub(super) fn left_behind(&self, check: &Check, windows: &[[WindowState; 2]]) -> Before {
        match check.rule {
            Rule::Word(_) => Before::Word(self.after),
            Rule::Window(_) => Before::Window(self.windows(windows)[1]),
        }
    }
}
