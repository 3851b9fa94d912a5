//! What became of all calls together.

use std::collections::BTreeMap;

use ratewarden_model::Call;

use super::Outcome;
use super::clock::{EventClock, Oddities};
use super::count::plural;

/// Different reasons of refusals that are told apart.
const REASONS: usize = 64;

/// The sums of a replay.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) calls: u64,
    pub(crate) admitted: u64,
    pub(crate) rejected: u64,
    pub(crate) banned: u64,
    pub(crate) refused: BTreeMap<String, u64>,
    pub(crate) unattributed: u64,
    pub(crate) rejected_then: u64,
    pub(crate) fine_time: bool,
    pub(crate) queries: bool,
}

impl Totals {
    /// A call comes.
    pub(crate) fn see(&mut self, call: &Call<'_>) {
        self.calls += 1;
        self.rejected_then += u64::from(matches!(call.status, 429 | 503));
        self.fine_time |= call.at_ms.rem_euclid(1_000) != 0;
        self.queries |= !call.query().is_empty();
    }

    /// What became of it.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Admitted => self.admitted += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Banned => self.banned += 1,
            Outcome::Unattributed => self.unattributed += 1,
            // Counted with its reason.
            Outcome::Refused => {}
        }
    }

    /// It is refused for this reason.
    pub(crate) fn refuse(&mut self, reason: &str) -> Outcome {
        let is_told_apart = self.refused.contains_key(reason) || self.refused.len() < REASONS;
        let reason = if is_told_apart { reason } else { "other" };
        match self.refused.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.refused.insert(reason.to_owned(), 1);
            }
        }
        Outcome::Refused
    }

    /// What the sums rest on.
    pub(crate) fn assumptions(&self, clock: &EventClock, cut: u64) -> Vec<String> {
        let mut all = vec![
            "Every limit begins unspent with the first call, and time is the log's own.".to_owned(),
            "Nobody changes what they do: who would have been told to wait comes back as the log says."
                .to_owned(),
        ];
        if self.rejected_then > 0 {
            let calls = plural(self.rejected_then, "call was", "calls were");
            all.push(format!("{calls} answered 429 or 503 then; they are attempts here like all others."));
        }
        if self.unattributed > 0 {
            let calls = plural(self.unattributed, "call names", "calls name");
            all.push(format!("{calls} neither address nor caller and met no limit."));
        }
        let Oddities { late, steps, misdated } = clock.oddities();
        if late > 0 {
            let calls = plural(late, "call stands", "calls stand");
            all.push(format!("{calls} up to a minute behind a later one and counted at the later time."));
        }
        if misdated > 0 {
            let calls = plural(misdated, "call has", "calls have");
            all.push(format!(
                "{calls} a date far from all around it, which is not believed, and counted where the log stood."
            ));
        }
        if steps > 0 {
            let steps = plural(steps, "time", "times");
            all.push(format!(
                "The log went back by over a minute {steps} (files out of order, or a clock that was set): limits went on \
                 from there."
            ));
        }
        if cut > 0 {
            let calls = plural(cut, "call", "calls");
            all.push(format!("There was no room for all calls under way: {calls} ended early."));
        }
        all
    }
}
