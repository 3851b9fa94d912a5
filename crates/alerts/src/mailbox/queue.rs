//! Messages that wait, in their order: which of them takes another finding, when the first may go, and how much room is left.

use std::collections::VecDeque;

use super::{Change, Limits, Next};
use crate::item::{Batch, Item, json_bytes, trimmed};

/// Findings in one message.
const MOST_ITEMS: usize = 20;
/// Bytes of findings in one message, as JSON.
const MOST_BYTES: usize = 128 * 1024;
/// Bytes of one finding, as JSON.
const FINDING_BYTES: usize = 32 * 1024;

/// Messages that wait, the next to be sent first.
#[derive(Debug)]
pub(super) struct Queue {
    batches: VecDeque<Batch>,
    limits: Limits,
    /// Whether the last message takes further findings. After a restart it does not: it may have been sent.
    is_last_open: bool,
    items: usize,
    bytes: usize,
}

impl Queue {
    pub(super) fn new(batches: Vec<Batch>, limits: Limits) -> Self {
        let items = batches.iter().map(|batch| batch.items.len()).sum();
        let bytes = batches.iter().map(|batch| batch.bytes).sum();
        Self { batches: batches.into(), limits, is_last_open: false, items, bytes }
    }

    /// Puts an item at the end: into the last message while that is open, else into a new one.
    pub(super) fn push(&mut self, mut item: Item, now_ms: i64, id: &mut dyn FnMut() -> u128) -> Change {
        if let Item::Opened { finding, .. } | Item::Ended { finding, .. } = &mut item {
            *finding = trimmed(finding, FINDING_BYTES);
        }
        let bytes = json_bytes(&item);
        let group_wait_ms = self.limits.group_wait_ms;
        let last = self.batches.back_mut().filter(|last| {
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
            self.batches.push_back(batch);
            self.is_last_open = true;
            new
        };
        self.items += 1;
        self.bytes += bytes;
        Change::Item { batch, due_ms, item }
    }

    /// What to do now, as far as time and order tell. A message that is handed out takes no further findings.
    pub(super) fn next(&mut self, now_ms: i64, hurry: bool) -> Next {
        let is_only = self.batches.len() == 1;
        let Some(first) = self.batches.front_mut() else { return Next::Idle };
        // A clock that was put back must not make it wait for longer than a group waits.
        first.due_ms = first.due_ms.min(now_ms.saturating_add(self.limits.group_wait_ms.unwrap_or(0)));
        if hurry || first.due_ms <= now_ms {
            if is_only {
                self.is_last_open = false;
            }
            return Next::Send(first.clone());
        }
        Next::At(first.due_ms)
    }

    /// Takes a message out.
    pub(super) fn take(&mut self, id: u128) -> Option<Batch> {
        // It is the first, unless what was refused was put before it meanwhile.
        let at = self.batches.iter().position(|batch| batch.id == id)?;
        let batch = self.batches.remove(at)?;
        self.items = self.items.saturating_sub(batch.items.len());
        self.bytes = self.bytes.saturating_sub(batch.bytes);
        Some(batch)
    }

    /// Puts a message before all others, whatever room there is.
    pub(super) fn put_first(&mut self, batch: Batch) {
        self.items += batch.items.len();
        self.bytes += batch.bytes;
        self.batches.push_front(batch);
    }

    /// For how many findings there is room.
    pub(super) fn room(&self) -> usize {
        let has_bytes = self.bytes < self.limits.bytes;
        if has_bytes { self.limits.waiting.saturating_sub(self.items) } else { 0 }
    }

    /// Whether half of the room is free.
    pub(super) fn is_half_free(&self) -> bool {
        self.items <= self.limits.waiting / 2 && self.bytes <= self.limits.bytes / 2
    }

    /// Findings that wait.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter()
    }
}
