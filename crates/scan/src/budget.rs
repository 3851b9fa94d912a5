//! The budget every request passes: so many requests, so long, so many in flight.
//!
//! One `Budget` serves one endpoint. It is the only place that counts, so a probe cannot forget to.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Which part of the budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// No requests are left.
    #[error("the budget of requests is used up")]
    Requests,
    /// No time is left.
    #[error("the time is used up")]
    Time,
    /// The target answers with errors that are no rejections: nothing more is sent, for its sake.
    #[error("the target answers with errors that are not rejections")]
    Failing,
}

/// What one endpoint may cost.
#[derive(Debug)]
pub struct Budget {
    started: Instant,
    max_time: Duration,
    max_requests: u32,
    sent: AtomicU32,
    in_flight: Semaphore,
}

impl Budget {
    /// A budget that begins now.
    #[must_use]
    pub fn new(max_requests: u32, max_time: Duration, max_in_flight: usize) -> Self {
        Self {
            started: Instant::now(),
            max_time,
            max_requests,
            sent: AtomicU32::new(0),
            in_flight: Semaphore::new(max_in_flight.clamp(1, crate::config::MAX_IN_FLIGHT)),
        }
    }

    /// Takes one request out of the budget and waits for a place in flight.
    ///
    /// # Errors
    /// When requests or time are used up; then nothing was taken.
    pub async fn take(&self) -> Result<SemaphorePermit<'_>, Exhausted> {
        let permit = tokio::time::timeout_at(self.deadline(), self.in_flight.acquire()).await;
        let Ok(Ok(permit)) = permit else { return Err(Exhausted::Time) };
        self.take_again().map(|()| permit)
    }

    /// Takes one more request for a call that has its place in flight already: it is sent a second time.
    ///
    /// # Errors
    /// When requests or time are used up; then nothing was taken.
    pub fn take_again(&self) -> Result<(), Exhausted> {
        if self.time_left().is_zero() {
            return Err(Exhausted::Time);
        }
        self.sent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sent| {
                (sent < self.max_requests).then_some(sent + 1)
            })
            .map(|_| ())
            .map_err(|_| Exhausted::Requests)
    }

    /// Requests sent so far.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Requests that may still be sent.
    #[must_use]
    pub fn requests_left(&self) -> u32 {
        self.max_requests.saturating_sub(self.sent())
    }

    /// All requests of this budget.
    #[must_use]
    pub const fn max_requests(&self) -> u32 {
        self.max_requests
    }

    /// All the time of this budget.
    #[must_use]
    pub const fn max_time(&self) -> Duration {
        self.max_time
    }

    /// Time that is left.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.max_time.saturating_sub(self.started.elapsed())
    }

    /// Time since the budget began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// When the budget began: the zero of every timeline.
    #[must_use]
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// When no request may be under way any more.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.started + self.max_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_probe_gets_past_the_number_of_requests_or_the_time() {
        let budget = Budget::new(3, Duration::from_secs(5), 50);
        for _ in 0..3 {
            assert!(budget.take().await.is_ok());
        }
        assert_eq!(budget.take().await.err(), Some(Exhausted::Requests));
        assert_eq!((budget.sent(), budget.requests_left()), (3, 0));
        let budget = Budget::new(3, Duration::from_secs(5), 50);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(budget.take().await.err(), Some(Exhausted::Time));
        assert_eq!(budget.sent(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_in_flight_than_allowed() {
        let budget = Budget::new(10, Duration::from_secs(5), 2);
        let first = budget.take().await.unwrap();
        let _second = budget.take().await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(1), budget.take()).await.is_err());
        drop(first);
        assert!(budget.take().await.is_ok());
    }
}
