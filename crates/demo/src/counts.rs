//! What the API has done so far: what came through whatever stands before it.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, StatusCode};

use crate::routes::Call;

/// Calls that reached the API since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// All of them that a limiter of its own let in.
    pub calls: u64,
    /// Jobs submitted.
    pub jobs: u64,
    /// Events written.
    pub writes: u64,
    /// Tokens that `/private` refused, missing ones included.
    pub refused_tokens: u64,
}

/// The counters behind.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    jobs: AtomicU64,
    writes: AtomicU64,
    refused_tokens: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, call: &Call<'_>, status: StatusCode) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        add(&self.calls);
        match (call.method, call.path) {
            (&Method::POST, "/api/jobs/") if status.is_success() => add(&self.jobs),
            (&Method::POST, "/events") if status.is_success() => add(&self.writes),
            (_, "/private") if status == StatusCode::UNAUTHORIZED => add(&self.refused_tokens),
            _ => 0,
        };
    }

    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            calls: read(&self.calls),
            jobs: read(&self.jobs),
            writes: read(&self.writes),
            refused_tokens: read(&self.refused_tokens),
        }
    }
}
