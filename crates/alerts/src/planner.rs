//! What is told to one receiver: a finding once while it is open, its end, and not every flicker. Pure: the time is an
//! argument, in milliseconds since 1970; one that steps back makes waits longer, never a decision wrong.
//!
//! ```text
//!            alert                 resolve
//! (unknown) ──────▶ open ───────────────────────▶ ended ──▶ forgotten after the cool-down
//!                    ▲                              │  ▲
//!                    │ alert: still open when       ▼  │ ended again: nothing is sent
//!                    └──── the cool-down is over ── quiet (counted)
//! ```
//!
//! The cool-down runs from the end that was told. If each unsaid end began a new one, whoever abuses an API every few
//! minutes would be told once and never again.

use std::collections::HashMap;

use ratewarden_model::{Finding, Severity};
use serde::{Deserialize, Serialize};

use crate::item::{Item, State, trimmed};

/// For how long after its cool-down a finding's unsaid openings are remembered.
pub(crate) const UNSAID_REMEMBERED_MS: i64 = 86_400_000;
/// Bytes of a finding that is remembered.
const REMEMBERED_BYTES: usize = 4_096;

/// What one receiver wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) severity: Severity,
    pub(crate) rules: Vec<String>,
    pub(crate) cool_down_ms: i64,
    pub(crate) silence_ms: i64,
    /// Incidents that are remembered.
    pub(crate) most: usize,
}

impl Wanted {
    fn takes(&self, finding: &Finding) -> bool {
        let matches = |rule: &String| match rule.strip_suffix('*') {
            Some(beginning) => finding.rule.starts_with(beginning),
            None => *rule == finding.rule,
        };
        finding.severity >= self.severity && (self.rules.is_empty() || self.rules.iter().any(matches))
    }
}

/// What a receiver knows of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Incident {
    /// It was told that it is open.
    Open {
        /// When it was last heard of, to within a part of the silence.
        heard_ms: i64,
        finding: Box<Finding>,
    },
    /// It was told that it ended.
    Ended { at_ms: i64, unsaid: u32 },
    /// It opened again, which was not told.
    Quiet { ended_ms: i64, unsaid: u32, heard_ms: i64, finding: Box<Finding> },
}

/// What is to be done about an event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Nothing.
    Nothing,
    /// To count it as cooled down.
    Cooled,
    /// To tell it.
    Tell(Item),
    /// There is no place to remember it.
    NoRoom,
}

/// Decides for one receiver.
#[derive(Debug)]
pub(crate) struct Planner {
    wanted: Wanted,
    incidents: HashMap<String, Incident>,
    /// Fingerprints whose incident was changed since it was last asked.
    changed: Vec<String>,
    /// Nothing is to be looked at before.
    look_ms: i64,
}

impl Planner {
    pub(crate) fn new(wanted: Wanted, incidents: HashMap<String, Incident>) -> Self {
        Self { wanted, incidents, changed: Vec::new(), look_ms: i64::MIN }
    }

    /// What an event means. `room` says whether something new can be told now; a resolve always can.
    pub(crate) fn event(&mut self, finding: &Finding, state: State, room: bool, now_ms: i64) -> Decision {
        match (self.incidents.get_mut(&finding.fingerprint), state) {
            (None, State::Ended) | (Some(Incident::Ended { .. }), State::Ended) => Decision::Nothing,
            (None, _) => {
                if self.wanted.takes(finding) {
                    self.open(finding, 0, room, now_ms)
                } else {
                    Decision::Nothing
                }
            }
            (Some(&mut Incident::Ended { at_ms, unsaid }), _) => {
                if !self.wanted.takes(finding) {
                    return Decision::Nothing;
                }
                if now_ms.saturating_sub(at_ms) >= self.wanted.cool_down_ms {
                    return self.open(finding, unsaid, room, now_ms);
                }
                let finding = trimmed(finding, REMEMBERED_BYTES);
                let unsaid = unsaid.saturating_add(1);
                self.put(Incident::Quiet { ended_ms: at_ms, unsaid, heard_ms: now_ms, finding });
                Decision::Cooled
            }
            (Some(Incident::Open { .. }), State::Ended) => {
                self.put_for(finding, Incident::Ended { at_ms: now_ms, unsaid: 0 });
                Decision::Tell(Item::Ended { at_ms: now_ms, finding: Box::new(finding.clone()) })
            }
            (Some(Incident::Open { heard_ms, .. }), State::Opened | State::Grown) => {
                // Written down only when it matters, or each figure would be a write.
                if now_ms.saturating_sub(*heard_ms) >= self.wanted.silence_ms / 16 {
                    *heard_ms = now_ms;
                    self.changed.push(finding.fingerprint.clone());
                }
                Decision::Nothing
            }
            (Some(&mut Incident::Quiet { ended_ms, unsaid, .. }), State::Ended) => {
                self.put_for(finding, Incident::Ended { at_ms: ended_ms, unsaid });
                Decision::Nothing
            }
            (Some(Incident::Quiet { ended_ms, unsaid, heard_ms, finding: known }), _) => {
                if now_ms.saturating_sub(*ended_ms) >= self.wanted.cool_down_ms {
                    let unsaid = *unsaid;
                    return self.open(finding, unsaid, room, now_ms);
                }
                // Only in memory: after a crash older figures are told.
                *heard_ms = now_ms;
                *known = trimmed(finding, REMEMBERED_BYTES);
                Decision::Nothing
            }
        }
    }

    /// What has become due by time alone: findings still open after their cool-down, and such of which nothing was
    /// heard. `room` is asked before each that would be told.
    pub(crate) fn tick(&mut self, mut room: impl FnMut() -> bool, now_ms: i64) -> Vec<Item> {
        if now_ms < self.look_ms {
            return Vec::new();
        }
        let due: Vec<String> = self
            .incidents
            .iter()
            .filter(|(_, incident)| self.due_ms(incident) <= now_ms)
            .map(|(fingerprint, _)| fingerprint.clone())
            .collect();
        let mut items: Vec<Item> =
            due.iter().filter_map(|fingerprint| self.become_due(fingerprint, &mut room, now_ms)).collect();
        items.sort_by(|a, b| order(a).cmp(&order(b)));
        let next = self.incidents.values().map(|incident| self.due_ms(incident)).min();
        // What found no room is asked again soon, and not at once.
        self.look_ms = next.unwrap_or(i64::MAX).max(now_ms.saturating_add(1_000));
        items
    }

    fn become_due(&mut self, fingerprint: &str, room: &mut dyn FnMut() -> bool, now_ms: i64) -> Option<Item> {
        match self.incidents.get(fingerprint)?.clone() {
            Incident::Ended { .. } => {
                self.incidents.remove(fingerprint);
                self.changed.push(fingerprint.to_owned());
                None
            }
            Incident::Open { finding, .. } => {
                self.put_for(&finding, Incident::Ended { at_ms: now_ms, unsaid: 0 });
                Some(Item::Ended { at_ms: now_ms, finding })
            }
            Incident::Quiet { ended_ms, unsaid, heard_ms, finding } => {
                if now_ms.saturating_sub(heard_ms) >= self.wanted.silence_ms {
                    self.put_for(&finding, Incident::Ended { at_ms: ended_ms, unsaid });
                    return None;
                }
                if !room() {
                    return None;
                }
                self.put(Incident::Open { heard_ms, finding: finding.clone() });
                Some(Item::Opened { at_ms: now_ms, finding, unsaid })
            }
        }
    }

    /// When something happens to it by itself.
    fn due_ms(&self, incident: &Incident) -> i64 {
        match incident {
            Incident::Open { heard_ms, .. } => heard_ms.saturating_add(self.wanted.silence_ms),
            Incident::Quiet { ended_ms, heard_ms, .. } => ended_ms
                .saturating_add(self.wanted.cool_down_ms)
                .min(heard_ms.saturating_add(self.wanted.silence_ms)),
            Incident::Ended { at_ms, unsaid } => at_ms
                .saturating_add(self.wanted.cool_down_ms)
                .saturating_add(if *unsaid > 0 { UNSAID_REMEMBERED_MS } else { 0 }),
        }
    }

    fn open(&mut self, finding: &Finding, unsaid: u32, room: bool, now_ms: i64) -> Decision {
        let is_new = !self.incidents.contains_key(&finding.fingerprint);
        if !room || (is_new && self.incidents.len() >= self.wanted.most && !self.forget_one()) {
            return Decision::NoRoom;
        }
        self.put(Incident::Open { heard_ms: now_ms, finding: trimmed(finding, REMEMBERED_BYTES) });
        Decision::Tell(Item::Opened { at_ms: now_ms, finding: Box::new(finding.clone()), unsaid })
    }

    /// Makes a place: the finding that ended longest ago is forgotten.
    fn forget_one(&mut self) -> bool {
        let ended = |(fingerprint, incident): (&String, &Incident)| match incident {
            Incident::Ended { at_ms, .. } => Some((*at_ms, fingerprint.clone())),
            Incident::Open { .. } | Incident::Quiet { .. } => None,
        };
        let Some((_, oldest)) = self.incidents.iter().filter_map(ended).min() else { return false };
        self.incidents.remove(&oldest);
        self.changed.push(oldest);
        true
    }

    fn put(&mut self, incident: Incident) {
        let (Incident::Open { finding, .. } | Incident::Quiet { finding, .. }) = &incident else { return };
        let fingerprint = finding.fingerprint.clone();
        self.put_as(fingerprint, incident);
    }

    fn put_for(&mut self, finding: &Finding, incident: Incident) {
        self.put_as(finding.fingerprint.clone(), incident);
    }

    fn put_as(&mut self, fingerprint: String, incident: Incident) {
        self.look_ms = self.look_ms.min(self.due_ms(&incident));
        self.incidents.insert(fingerprint.clone(), incident);
        self.changed.push(fingerprint);
    }

    /// What has changed since this was last asked, each once.
    pub(crate) fn take_changed(&mut self) -> Vec<(String, Option<Incident>)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
            .into_iter()
            .map(|fingerprint| {
                let incident = self.incidents.get(&fingerprint).cloned();
                (fingerprint, incident)
            })
            .collect()
    }

    pub(crate) fn incidents(&self) -> &HashMap<String, Incident> {
        &self.incidents
    }

    /// When [`Planner::tick`] may have something to say.
    pub(crate) fn look_ms(&self) -> i64 {
        self.look_ms
    }
}

/// So that the same input gives the same output: a map has no order of its own.
fn order(item: &Item) -> (i64, &str) {
    match item {
        Item::Opened { at_ms, finding, .. } | Item::Ended { at_ms, finding } => {
            (*at_ms, &finding.fingerprint)
        }
        Item::LeftOut(left_out) => (left_out.until_ms, ""),
    }
}

#[cfg(test)]
mod tests;
