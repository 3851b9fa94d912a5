//! What waits for one receiver: messages in order, bounded, and what it refused. Pure: the time is an argument, and what
//! changed is returned for the disk.
//!
//! **When there is no room** a finding that opens is left out and counted, and its receiver gets one message that says how
//! many, when half of the room is free again. The newest are left out, and not the oldest pushed out: what waits was promised, and the
//! first findings of an attack say more than its last. Ends always have room, for there are no more of them than there
//! were alerts.
//!
//! The messages in their order, and what stands in which of them, are the [`Queue`]'s.

mod queue;

use std::collections::VecDeque;

use ratewarden_model::Finding;

use crate::item::{Batch, Item, LeftOut, State};
use crate::planner::{Decision, Incident, Planner};
use queue::Queue;

/// How messages are made, and bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long a message waits for further findings; `None`: each finding is a message.
    pub(crate) group_wait_ms: Option<i64>,
    /// Findings that wait.
    pub(crate) waiting: usize,
    /// Bytes that wait.
    pub(crate) bytes: usize,
    /// Refused messages that are kept.
    pub(crate) parked: usize,
    /// Between the first finding that is left out and the message that says so.
    pub(crate) notice_ms: i64,
}

/// A change for the disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// What is remembered of a finding, by its fingerprint; `None`: nothing any more.
    Incident(String, Option<Incident>),
    /// One more item at the end of this message, which may be new.
    Item { batch: u128, due_ms: i64, item: Item },
    /// The message is delivered, or dropped from the parked ones.
    Gone(u128),
    /// The message was refused.
    Parked(u128, String),
    /// It is to be tried again.
    Unparked(u128),
    /// What was left out.
    LeftOut(Option<LeftOut>),
}

/// What to do next.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Next {
    /// Send this.
    Send(Batch),
    /// Nothing before this time, in milliseconds since 1970.
    At(i64),
    /// Nothing until something happens.
    #[default]
    Idle,
}

/// What waits for one receiver.
#[derive(Debug)]
pub(crate) struct Mailbox {
    planner: Planner,
    limits: Limits,
    waiting: Queue,
    parked: VecDeque<(Batch, String)>,
    left_out: Option<LeftOut>,
    pub(crate) delivered: u64,
    pub(crate) cooled: u64,
    pub(crate) left_out_total: u64,
    pub(crate) parked_dropped: u64,
}

/// What a disk remembers of one receiver.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Kept {
    pub(crate) incidents: std::collections::HashMap<String, Incident>,
    pub(crate) waiting: Vec<Batch>,
    pub(crate) parked: Vec<(Batch, String)>,
    pub(crate) left_out: Option<LeftOut>,
}

impl Mailbox {
    pub(crate) fn new(wanted: crate::planner::Wanted, limits: Limits, kept: Kept) -> Self {
        Self {
            planner: Planner::new(wanted, kept.incidents),
            limits,
            waiting: Queue::new(kept.waiting, limits),
            parked: kept.parked.into(),
            left_out: kept.left_out,
            delivered: 0,
            cooled: 0,
            left_out_total: 0,
            parked_dropped: 0,
        }
    }

    /// Takes an event in. `id` makes the id of a new message.
    pub(crate) fn event(
        &mut self,
        finding: &Finding,
        state: State,
        now_ms: i64,
        id: &mut dyn FnMut() -> u128,
    ) -> Vec<Change> {
        let mut changes = self.tick(now_ms, id);
        let has_room = self.waiting.room() > 0;
        match self.planner.event(finding, state, has_room, now_ms) {
            Decision::Nothing => {}
            Decision::Cooled => self.cooled += 1,
            Decision::Tell(item) => changes.push(self.waiting.push(item, now_ms, id)),
            Decision::NoRoom => {
                LeftOut::add(&mut self.left_out, finding, now_ms);
                self.left_out_total += 1;
                changes.push(Change::LeftOut(self.left_out.clone()));
            }
        }
        self.changed_incidents(&mut changes);
        changes
    }

    /// What time alone brings: findings still open after their cool-down, and the message that says what was left out.
    pub(crate) fn tick(&mut self, now_ms: i64, id: &mut dyn FnMut() -> u128) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut room = self.waiting.room();
        let take = || {
            let has_room = room > 0;
            room = room.saturating_sub(1);
            has_room
        };
        for item in self.planner.tick(take, now_ms) {
            changes.push(self.waiting.push(item, now_ms, id));
        }
        if self.notice_ms().is_some_and(|due_ms| due_ms <= now_ms)
            && let Some(left_out) = self.left_out.take()
        {
            changes.push(Change::LeftOut(None));
            changes.push(self.waiting.push(Item::LeftOut(left_out), now_ms, id));
        }
        self.changed_incidents(&mut changes);
        changes
    }

    /// What to do now. A message that is handed out takes no further findings.
    pub(crate) fn next(&mut self, now_ms: i64, hurry: bool) -> Next {
        let wake_ms = self.planner.look_ms().min(self.notice_ms().unwrap_or(i64::MAX));
        match self.waiting.next(now_ms, hurry) {
            Next::Idle if wake_ms == i64::MAX => Next::Idle,
            Next::Idle => Next::At(wake_ms),
            Next::At(due_ms) => Next::At(due_ms.min(wake_ms)),
            send => send,
        }
    }

    /// The message was taken.
    pub(crate) fn delivered(&mut self, id: u128) -> Vec<Change> {
        self.waiting.take(id).map_or_else(Vec::new, |batch| {
            self.delivered += batch.items.len() as u64;
            vec![Change::Gone(id)]
        })
    }

    /// The message was refused for good.
    pub(crate) fn refused(&mut self, id: u128, why: &str) -> Vec<Change> {
        let Some(batch) = self.waiting.take(id) else { return Vec::new() };
        self.parked.push_back((batch, why.to_owned()));
        let mut changes = vec![Change::Parked(id, why.to_owned())];
        let mut bytes: usize = self.parked.iter().map(|(batch, _)| batch.bytes).sum();
        while self.parked.len() > self.limits.parked || bytes > self.limits.bytes {
            let Some((oldest, _)) = self.parked.pop_front() else { break };
            bytes = bytes.saturating_sub(oldest.bytes);
            self.parked_dropped += 1;
            changes.push(Change::Gone(oldest.id));
        }
        changes
    }

    /// What was refused is tried again, before everything that waits, in its old order. Nothing is left out for it.
    pub(crate) fn requeue(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some((batch, _)) = self.parked.pop_back() {
            changes.push(Change::Unparked(batch.id));
            self.waiting.put_first(batch);
        }
        changes
    }

    fn changed_incidents(&mut self, changes: &mut Vec<Change>) {
        let changed = self.planner.take_changed();
        changes.extend(
            changed.into_iter().map(|(fingerprint, incident)| Change::Incident(fingerprint, incident)),
        );
    }

    /// When it can be said what was left out.
    fn notice_ms(&self) -> Option<i64> {
        let left_out = self.left_out.as_ref().filter(|_| self.waiting.is_half_free())?;
        Some(left_out.since_ms.saturating_add(self.limits.notice_ms))
    }

    /// Everything, as the disk should have it.
    pub(crate) fn all(&self) -> Vec<Change> {
        let incidents = self.planner.incidents().iter();
        let mut changes: Vec<Change> = incidents
            .map(|(fingerprint, incident)| Change::Incident(fingerprint.clone(), Some(incident.clone())))
            .collect();
        let items = |batch: &Batch| {
            let (batch, due_ms, items) = (batch.id, batch.due_ms, batch.items.clone());
            items.into_iter().map(move |item| Change::Item { batch, due_ms, item })
        };
        for (batch, why) in &self.parked {
            changes.extend(items(batch));
            changes.push(Change::Parked(batch.id, why.clone()));
        }
        changes.extend(self.waiting.iter().flat_map(items));
        changes.extend(self.left_out.clone().map(|left_out| Change::LeftOut(Some(left_out))));
        changes
    }

    /// Findings that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.items()
    }

    /// Whether findings were left out of which its receiver has not been told.
    pub(crate) fn is_leaving_out(&self) -> bool {
        self.left_out.is_some()
    }

    /// Whether anything waits, be it the message that says what was left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Messages that were refused.
    pub(crate) fn parked(&self) -> &VecDeque<(Batch, String)> {
        &self.parked
    }
}

#[cfg(test)]
mod tests;
