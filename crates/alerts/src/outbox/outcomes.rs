//! What a try to send a message came to: taken, refused for good, or failed for now. A receiver's trouble is said when it
//! begins and when it is over, not at each message.

use std::time::Duration;

use tracing::{error, info, warn};

use super::{Outbox, of};
use crate::item::Batch;

impl Outbox {
    /// A message was taken.
    pub(crate) fn delivered(&self, receiver: usize, batch: &Batch, now_ms: i64) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        if let Some(failing) = inner.failing.get_mut(receiver)
            && failing.take().is_some()
        {
            info!(receiver = self.name(receiver), "Alerts are delivered again.");
        }
        if let Some(said) = inner.refusal_said.get_mut(receiver) {
            *said = false;
        }
        let Some(mailbox) = inner.mailboxes.get_mut(receiver) else { return };
        let changes = of(receiver, mailbox.delivered(batch.id));
        let _ = self.write(inner, &changes, now_ms);
        self.left.notify_all();
    }

    /// A message was refused for good.
    pub(crate) fn refused(&self, receiver: usize, batch: &Batch, why: &str, now_ms: i64) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let delivery = batch.name();
        let name = self.name(receiver);
        if inner.refusal_said.get_mut(receiver).is_some_and(|said| !std::mem::replace(said, true)) {
            error!(receiver = name, %delivery, why, "An alert was refused for good and is parked; further ones are too.");
        }
        if let Some(failing) = inner.failing.get_mut(receiver) {
            *failing = Some(why.to_owned());
        }
        let Some(mailbox) = inner.mailboxes.get_mut(receiver) else { return };
        let dropped = mailbox.parked_dropped;
        let changes = of(receiver, mailbox.refused(batch.id, why));
        if dropped == 0 && mailbox.parked_dropped > 0 {
            error!(receiver = name, "Too many alerts are parked: the oldest are dropped and counted.");
        }
        let _ = self.write(inner, &changes, now_ms);
        self.left.notify_all();
    }

    /// A try failed. Said at the first in a row.
    pub(crate) fn failed(&self, receiver: usize, batch: &Batch, why: &str, wait: Duration) {
        let mut inner = self.lock();
        let Some(failing) = inner.failing.get_mut(receiver) else { return };
        if failing.is_none() {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let delivery = batch.name();
            warn!(receiver = self.name(receiver), %delivery, why, wait_ms, "An alert could not be delivered and is tried again.");
        }
        *failing = Some(why.to_owned());
    }
}
