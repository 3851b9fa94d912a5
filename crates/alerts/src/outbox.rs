//! The mailboxes of all receivers and the disk below them, behind one lock that is never held while something is sent.
//!
//! Memory is the truth and the disk its copy. When the disk cannot be written, findings go on being taken within the same bounds, it
//! is said once, and as soon as it can be written again everything is written anew.
//!
//! What a try to send a message came to is taken in by [`outcomes`].

mod outcomes;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ratewarden_model::Finding;
use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::item::State;
use crate::mailbox::{Change, Limits, Mailbox, Next};
use crate::planner::Wanted;
use crate::status::{Kept, ReceiverStatus, Status};
use crate::store::{OpenError, Store};

/// Between two tries to write to a disk that could not be written.
const DISK_PAUSE_MS: i64 = 1_000;
/// Between the first finding that is left out and the message that says so, at least. While findings go on being left out,
/// there is one such message in this time or in the cool-down, whichever is longer.
const NOTICE_MS: i64 = 60_000;

struct Inner {
    /// In the order of `names`.
    mailboxes: Vec<Mailbox>,
    failing: Vec<Option<String>>,
    /// Whether a receiver's refusals were said since it last took something.
    refusal_said: Vec<bool>,
    /// `None` once it is closed.
    store: Option<Store>,
    /// When the disk is next tried, while it cannot be written.
    disk_retry_ms: Option<i64>,
    /// Those who wait for everything to be sent.
    hurrying: usize,
}

/// Everything that the workers and whoever reports findings share.
pub(crate) struct Outbox {
    names: Vec<String>,
    inner: Mutex<Inner>,
    /// Told when a message has left.
    left: Condvar,
    /// By receiver: something is there to do.
    pub(crate) wake: Vec<Notify>,
    /// Counts up when everything shall be tried at once.
    pub(crate) hurry: watch::Sender<u64>,
}

impl Outbox {
    pub(crate) fn open(config: &Config, folder: &Path) -> Result<Self, OpenError> {
        let store = Store::open(folder)?;
        let failed = |source| OpenError::File { folder: folder.to_owned(), source };
        let (mut kept, unreadable) = store.load().map_err(failed)?;
        if unreadable > 0 {
            error!(unreadable, folder = %folder.display(), "Entries of the outbox cannot be read and are left where they are.");
        }
        let mailboxes: Vec<Mailbox> =
            config.receivers.iter().map(|receiver| mailbox(config, receiver, &mut kept)).collect();
        for (receiver, kept) in kept.iter().filter(|(_, kept)| !kept.waiting.is_empty()) {
            let messages = kept.waiting.len();
            warn!(%receiver, messages, "Alerts wait for a receiver that is no longer configured; they are kept.");
        }
        let count = mailboxes.len();
        let inner = Inner {
            mailboxes,
            failing: vec![None; count],
            refusal_said: vec![false; count],
            store: Some(store),
            disk_retry_ms: None,
            hurrying: 0,
        };
        Ok(Self {
            names: config.receivers.iter().map(|receiver| receiver.name.clone()).collect(),
            inner: Mutex::new(inner),
            left: Condvar::new(),
            wake: (0..count).map(|_| Notify::new()).collect(),
            hurry: watch::Sender::new(0),
        })
    }

    pub(crate) fn name(&self, receiver: usize) -> &str {
        self.names.get(receiver).map_or("", String::as_str)
    }

    /// Takes events in, in one transaction.
    pub(crate) fn events(&self, events: &[(&Finding, State)], now_ms: i64) -> Kept {
        let mut inner = self.lock();
        let mut changes = Vec::new();
        for (finding, state) in events {
            for (receiver, mailbox) in inner.mailboxes.iter_mut().enumerate() {
                let was_leaving_out = mailbox.is_leaving_out();
                changes.extend(of(receiver, mailbox.event(finding, *state, now_ms, &mut new_id)));
                if !was_leaving_out && mailbox.is_leaving_out() {
                    let waiting = mailbox.waiting();
                    error!(
                        receiver = self.name(receiver),
                        waiting, "The outbox is full: findings are counted and left out."
                    );
                }
            }
        }
        let kept = self.write(&mut inner, &changes, now_ms);
        drop(inner);
        for (wake, _) in self.wake.iter().zip(0..).filter(|(_, at)| changes.iter().any(|(to, _)| to == at)) {
            wake.notify_one();
        }
        kept
    }

    /// What a receiver's worker does next.
    pub(crate) fn next(&self, receiver: usize, now_ms: i64) -> Next {
        let mut inner = self.lock();
        let hurry = inner.hurrying > 0;
        let Some(mailbox) = inner.mailboxes.get_mut(receiver) else { return Next::Idle };
        let changes = of(receiver, mailbox.tick(now_ms, &mut new_id));
        let next = mailbox.next(now_ms, hurry);
        let retry_ms = inner.disk_retry_ms;
        if !changes.is_empty() || retry_ms.is_some_and(|at_ms| at_ms <= now_ms) {
            // Nothing is promised here that a crash could break.
            let _ = self.write(&mut inner, &changes, now_ms);
        }
        match (next, inner.disk_retry_ms) {
            (Next::Idle, Some(retry_ms)) => Next::At(retry_ms),
            (Next::At(at_ms), Some(retry_ms)) => Next::At(at_ms.min(retry_ms)),
            (next, _) => next,
        }
    }

    /// Tries what a receiver refused again; says how many messages.
    pub(crate) fn requeue(&self, name: &str, now_ms: i64) -> usize {
        let Some(receiver) = self.names.iter().position(|known| known == name) else { return 0 };
        let mut inner = self.lock();
        let Some(mailbox) = inner.mailboxes.get_mut(receiver) else { return 0 };
        let changes = of(receiver, mailbox.requeue());
        let _ = self.write(&mut inner, &changes, now_ms);
        drop(inner);
        if let Some(wake) = self.wake.get(receiver) {
            wake.notify_one();
        }
        changes.len()
    }

    /// Waits until nothing waits, or for so long; then says whether nothing waits. Meanwhile nothing waits for its group,
    /// and a receiver that is waited for is tried once more.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut inner = self.lock();
        inner.hurrying += 1;
        self.hurry.send_modify(|count| *count += 1);
        self.wake.iter().for_each(Notify::notify_one);
        let is_empty = loop {
            if inner.mailboxes.iter().all(Mailbox::is_empty) {
                break true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break false;
            }
            inner = self.left.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        inner.hurrying = inner.hurrying.saturating_sub(1);
        is_empty
    }

    pub(crate) fn status(&self) -> Status {
        let inner = self.lock();
        let receivers = self.names.iter().zip(&inner.mailboxes).zip(&inner.failing);
        let receivers = receivers.map(|((name, mailbox), failing)| ReceiverStatus {
            name: name.clone(),
            waiting: mailbox.waiting(),
            delivered: mailbox.delivered,
            parked: mailbox.parked().len(),
            parked_dropped: mailbox.parked_dropped,
            cooled: mailbox.cooled,
            left_out: mailbox.left_out_total,
            failing: failing.clone(),
        });
        let kept = if inner.disk_retry_ms.is_some() { Kept::InMemory } else { Kept::OnDisk };
        Status { kept, receivers: receivers.collect() }
    }

    /// Lets go of the folder. What is still being sent is not crossed out any more, and comes again after the next start.
    pub(crate) fn close(&self) {
        self.lock().store = None;
    }

    /// Brings changes to the disk, or notes that they are not there.
    fn write(&self, inner: &mut Inner, changes: &[(usize, Change)], now_ms: i64) -> Kept {
        let Inner { mailboxes, store: Some(store), disk_retry_ms, .. } = inner else { return Kept::InMemory };
        let written = match *disk_retry_ms {
            None if changes.is_empty() => return Kept::OnDisk,
            None => store.apply(changes.iter().map(|(to, change)| (self.name(*to), change))),
            // A clock that was put back must not keep it from being tried.
            Some(at_ms) if now_ms < at_ms && at_ms - now_ms <= DISK_PAUSE_MS => return Kept::InMemory,
            Some(_) => {
                let all = self.names.iter().cloned().zip(mailboxes.iter().map(Mailbox::all));
                store.rewrite(&all.collect::<Vec<_>>())
            }
        };
        match (written, disk_retry_ms.is_some()) {
            (Ok(()), false) => {}
            (Ok(()), true) => {
                info!("The outbox is on the disk again.");
                *disk_retry_ms = None;
            }
            (Err(error), was_broken) => {
                if !was_broken {
                    error!(%error, "The outbox cannot be written: alerts are kept in memory, and a crash would lose them.");
                }
                *disk_retry_ms = Some(now_ms.saturating_add(DISK_PAUSE_MS));
                return Kept::InMemory;
            }
        }
        Kept::OnDisk
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes of one receiver's mailbox.
fn of(receiver: usize, changes: Vec<Change>) -> Vec<(usize, Change)> {
    changes.into_iter().map(|change| (receiver, change)).collect()
}

fn mailbox(
    config: &Config,
    receiver: &crate::config::Receiver,
    kept: &mut HashMap<String, crate::mailbox::Kept>,
) -> Mailbox {
    let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let wanted = Wanted {
        severity: receiver.severity,
        rules: receiver.rules.clone(),
        cool_down_ms: millis(config.cool_down),
        silence_ms: millis(config.silence),
        most: config.caps.incidents.get(),
    };
    let is_grouped = receiver.kind.is_grouped() && !config.group_wait.is_zero();
    let limits = Limits {
        group_wait_ms: is_grouped.then(|| millis(config.group_wait)),
        waiting: config.caps.waiting.get(),
        bytes: config.caps.bytes.get(),
        parked: config.caps.parked.get(),
        notice_ms: millis(config.cool_down).max(NOTICE_MS),
    };
    Mailbox::new(wanted, limits, kept.remove(&receiver.name).unwrap_or_default())
}

/// A delivery id. It must differ from all others a receiver has seen, also those that a crash kept from the disk, so it
/// is not counted.
fn new_id() -> u128 {
    fastrand::u128(..)
}

#[cfg(test)]
mod tests;
