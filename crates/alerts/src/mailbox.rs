//! What waits for one receiver: messages in order, bounded, and what it refused. Pure: the time is an argument, and what
//! changed is returned for the disk.
//!
//! **When there is no room** a finding that opens is left out and counted, and its receiver gets one message that says how
//! many, when half of the room is free again. The newest are left out, and not the oldest pushed out: what waits was promised, and the
//! first findings of an attack say more than its last. Ends always have room, for there are no more of them than there
//! were alerts.

use std::collections::VecDeque;

use ratewarden_model::Finding;

use crate::item::{Batch, Item, LeftOut, State, json_bytes, trimmed};
use crate::planner::{Decision, Incident, Planner};

/// Findings in one message.
pub(crate) const MOST_ITEMS: usize = 20;
/// Bytes of findings in one message, as JSON.
const MOST_BYTES: usize = 128 * 1024;
/// Bytes of one finding, as JSON.
const FINDING_BYTES: usize = 32 * 1024;

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
    waiting: VecDeque<Batch>,
    parked: VecDeque<(Batch, String)>,
    left_out: Option<LeftOut>,
    /// Whether the last message takes further findings. After a restart it does not: it may have been sent.
    is_last_open: bool,
    items: usize,
    bytes: usize,
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
        let items = kept.waiting.iter().map(|batch| batch.items.len()).sum();
        let bytes = kept.waiting.iter().map(|batch| batch.bytes).sum();
        Self {
            planner: Planner::new(wanted, kept.incidents),
            limits,
            waiting: kept.waiting.into(),
            parked: kept.parked.into(),
            left_out: kept.left_out,
            is_last_open: false,
            items,
            bytes,
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
        let has_room = self.has_room();
        match self.planner.event(finding, state, has_room, now_ms) {
            Decision::Nothing => {}
            Decision::Cooled => self.cooled += 1,
            Decision::Tell(item) => self.push(item, now_ms, id, &mut changes),
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
        let mut room = self.limits.waiting.saturating_sub(self.items);
        let has_bytes = self.bytes < self.limits.bytes;
        let take = || {
            let has_room = room > 0 && has_bytes;
            room = room.saturating_sub(1);
            has_room
        };
        for item in self.planner.tick(take, now_ms) {
            self.push(item, now_ms, id, &mut changes);
        }
        if self.notice_ms().is_some_and(|due_ms| due_ms <= now_ms)
            && let Some(left_out) = self.left_out.take()
        {
            changes.push(Change::LeftOut(None));
            self.push(Item::LeftOut(left_out), now_ms, id, &mut changes);
        }
        self.changed_incidents(&mut changes);
        changes
    }

    /// What to do now. A message that is handed out takes no further findings.
    pub(crate) fn next(&mut self, now_ms: i64, hurry: bool) -> Next {
        let wake_ms = self.planner.look_ms().min(self.notice_ms().unwrap_or(i64::MAX));
        let is_only = self.waiting.len() == 1;
        let Some(first) = self.waiting.front_mut() else {
            return if wake_ms == i64::MAX { Next::Idle } else { Next::At(wake_ms) };
        };
        // A clock that was put back must not make it wait for longer than a group waits.
        first.due_ms = first.due_ms.min(now_ms.saturating_add(self.limits.group_wait_ms.unwrap_or(0)));
        if hurry || first.due_ms <= now_ms {
            if is_only {
                self.is_last_open = false;
            }
            return Next::Send(first.clone());
        }
        Next::At(first.due_ms.min(wake_ms))
    }

    /// The message was taken.
    pub(crate) fn delivered(&mut self, id: u128) -> Vec<Change> {
        self.take(id).map_or_else(Vec::new, |batch| {
            self.delivered += batch.items.len() as u64;
            vec![Change::Gone(id)]
        })
    }

    /// The message was refused for good.
    pub(crate) fn refused(&mut self, id: u128, why: &str) -> Vec<Change> {
        let Some(batch) = self.take(id) else { return Vec::new() };
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
            self.items += batch.items.len();
            self.bytes += batch.bytes;
            self.waiting.push_front(batch);
        }
        changes
    }

    fn take(&mut self, id: u128) -> Option<Batch> {
        // It is the first, unless what was refused was put before it meanwhile.
        let at = self.waiting.iter().position(|batch| batch.id == id)?;
        let batch = self.waiting.remove(at)?;
        self.items = self.items.saturating_sub(batch.items.len());
        self.bytes = self.bytes.saturating_sub(batch.bytes);
        Some(batch)
    }

    fn push(&mut self, mut item: Item, now_ms: i64, id: &mut dyn FnMut() -> u128, changes: &mut Vec<Change>) {
        if let Item::Opened { finding, .. } | Item::Ended { finding, .. } = &mut item {
            *finding = trimmed(finding, FINDING_BYTES);
        }
        let bytes = json_bytes(&item);
        let group_wait_ms = self.limits.group_wait_ms;
        let last = self.waiting.back_mut().filter(|last| {
            self.is_last_open
                && group_wait_ms.is_some()
                && now_ms < last.due_ms
                && last.items.len() < MOST_ITEMS
                && last.bytes + bytes <= MOST_BYTES
        });
        let (batch, due_ms) = if let Some(last) = last {
            last.items.push(item.clone());
            last.bytes += bytes;
            (last.id, last.due_ms)
        } else {
            let batch = Batch {
                id: id(),
                due_ms: now_ms.saturating_add(group_wait_ms.unwrap_or(0)),
                items: vec![item.clone()],
                bytes,
            };
            let new = (batch.id, batch.due_ms);
            self.waiting.push_back(batch);
            self.is_last_open = true;
            new
        };
        self.items += 1;
        self.bytes += bytes;
        changes.push(Change::Item { batch, due_ms, item });
    }

    fn changed_incidents(&mut self, changes: &mut Vec<Change>) {
        let changed = self.planner.take_changed();
        changes.extend(
            changed.into_iter().map(|(fingerprint, incident)| Change::Incident(fingerprint, incident)),
        );
    }

    fn has_room(&self) -> bool {
        self.items < self.limits.waiting && self.bytes < self.limits.bytes
    }

    /// When it can be said what was left out.
    fn notice_ms(&self) -> Option<i64> {
        let has_half = self.items <= self.limits.waiting / 2 && self.bytes <= self.limits.bytes / 2;
        let left_out = self.left_out.as_ref().filter(|_| has_half)?;
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
        self.items
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
