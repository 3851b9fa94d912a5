//! The instants of one request: those that were, and those until which is waited.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::message::{Answer, Failure, Response};
use crate::budget::Budget;

/// The longest wait for a TCP connection, whatever the wait for an answer is: one that takes longer is a packet filter.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// So much later than the budget's end an answer may still come: one that is on its way is not wasted.
const GRACE: Duration = Duration::from_millis(50);

/// The instants of one request, set where they happen.
pub(super) struct Clock {
    /// The zero of the timeline.
    started: Instant,
    begun: Instant,
    timeout: Duration,
    /// Whether the budget ends sooner than the wait for an answer would.
    cut: bool,
    sent: Mutex<Instant>,
    headed: Mutex<Option<Instant>>,
}

impl Clock {
    /// Of a request that begins now and takes at most this long, and no longer than the budget has.
    pub(super) fn new(budget: &Budget, timeout: Duration) -> Self {
        let begun = Instant::now();
        let left = budget.time_left() + GRACE;
        Self {
            started: budget.started(),
            begun,
            timeout: timeout.min(left),
            cut: left < timeout,
            sent: Mutex::new(begun),
            headed: Mutex::new(None),
        }
    }

    /// Until when a TCP connection may take.
    pub(super) fn connect_by(&self) -> Instant {
        self.begun + self.timeout.min(LONGEST_CONNECT)
    }

    /// How long a TCP connection may take.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.timeout.min(LONGEST_CONNECT)
    }

    /// Whether it is the budget that ends the wait, rather than the patience with a server.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Until when the answer may take, its body included.
    pub(super) fn answer_by(&self) -> Instant {
        self.begun + self.timeout
    }

    /// What comes before the answer's time is over, else a timeout.
    pub(super) async fn within<T>(
        &self,
        step: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let timely = tokio::time::timeout_at(self.answer_by(), step).await;
        timely.unwrap_or(Err(Failure::Timeout(self.timeout)))
    }

    pub(super) fn mark_sent(&self) {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn mark_headed(&self) {
        *self.headed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The answer with the times it took.
    pub(super) fn answer(self, result: Result<Response, Failure>) -> Answer {
        let sent = self.sent.into_inner().unwrap_or_else(PoisonError::into_inner);
        let headed = self.headed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        Answer {
            sent_at: sent.duration_since(self.started),
            latency: headed.unwrap_or(now).duration_since(sent),
            total: now.duration_since(sent),
            result,
        }
    }
}
