//! The task of one receiver: the next message, until it is taken or refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::backoff;
use crate::config::Retry;
use crate::mailbox::Next;
use crate::outbox::Outbox;
use crate::send::{Outcome, Sender};

/// The longest sleep: the machine may have been suspended, or its clock put forward.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Sends what waits for one receiver, for ever.
pub(crate) async fn run(
    outbox: Arc<Outbox>,
    receiver: usize,
    sender: Sender,
    retry: Retry,
    timeout: Duration,
) {
    let mut hurry = outbox.hurry.subscribe();
    let mut failures = 0;
    loop {
        let batch = match on_disk(&outbox, move |outbox| outbox.next(receiver, now_ms())).await {
            Next::Send(batch) => batch,
            Next::At(at_ms) => {
                let wait = u64::try_from(at_ms.saturating_sub(now_ms())).unwrap_or(0).max(1);
                sleep_or_wake(&outbox, receiver, Duration::from_millis(wait).min(LONGEST_SLEEP)).await;
                continue;
            }
            Next::Idle => {
                sleep_or_wake(&outbox, receiver, LONGEST_SLEEP).await;
                continue;
            }
        };
        hurry.mark_unchanged();
        let sent = tokio::time::timeout(timeout, sender.send(&batch, now_ms())).await;
        let outcome = sent.unwrap_or_else(|_| Outcome::Failed {
            why: format!("no answer within {} ms", timeout.as_millis()),
            asked: None,
        });
        match outcome {
            Outcome::Delivered => {
                failures = 0;
                on_disk(&outbox, move |outbox| outbox.delivered(receiver, &batch, now_ms())).await;
            }
            Outcome::Refused(why) => {
                failures = 0;
                on_disk(&outbox, move |outbox| outbox.refused(receiver, &batch, &why, now_ms())).await;
            }
            Outcome::Failed { why, asked } => {
                failures += 1;
                let wait = backoff::wait(retry, failures, asked, fastrand::f64());
                outbox.failed(receiver, &batch, &why, wait);
                back_off(&mut hurry, wait).await;
            }
        }
    }
}

/// Runs what may wait for the disk where it holds up no other receiver.
async fn on_disk<T: Default + Send + 'static>(
    outbox: &Arc<Outbox>,
    work: impl FnOnce(&Outbox) -> T + Send + 'static,
) -> T {
    let outbox = Arc::clone(outbox);
    tokio::task::spawn_blocking(move || work(&outbox)).await.unwrap_or_default()
}

async fn sleep_or_wake(outbox: &Outbox, receiver: usize, longest: Duration) {
    let sleep = tokio::time::sleep(longest);
    match outbox.wake.get(receiver) {
        Some(wake) => tokio::select! { () = wake.notified() => {}, () = sleep => {} },
        None => sleep.await,
    }
}

/// Waits after a failure. New findings do not cut it short, only who wants everything to be tried once more.
async fn back_off(hurry: &mut watch::Receiver<u64>, wait: Duration) {
    tokio::select! { _ = hurry.changed() => {}, () = tokio::time::sleep(wait) => {} }
}

/// The time on the wall, in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
