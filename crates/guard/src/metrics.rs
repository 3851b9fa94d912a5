//! What is counted about the gateway itself. Labels are bounded: nothing per caller is one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::gate::Judged;

/// Limits of a policy.
const LIMITS: usize = 256;

/// Upper ends of the latency histogram's buckets, in microseconds.
pub(crate) const LATENCIES: [u64; 14] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    u64::MAX,
];

/// Counters of one worker, so that counting takes no cache line from another core.
#[derive(Debug)]
pub(crate) struct Metrics {
    verdicts: [AtomicU64; 6],
    rejected: Box<[AtomicU64]>,
    latencies: [AtomicU64; LATENCIES.len()],
    latency_sum: AtomicU64,
    response_bytes: AtomicU64,
    /// Seldom things, by reason: a bounded set of words in the code.
    refused: Mutex<BTreeMap<&'static str, u64>>,
    upstream: Mutex<BTreeMap<&'static str, u64>>,
}

/// The counters of all workers together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) verdicts: [u64; 6],
    pub(crate) rejected: Vec<u64>,
    pub(crate) latencies: [u64; LATENCIES.len()],
    pub(crate) latency_micros: u64,
    pub(crate) response_bytes: u64,
    pub(crate) refused: BTreeMap<&'static str, u64>,
    pub(crate) upstream: BTreeMap<&'static str, u64>,
}

impl Totals {
    /// Adds a worker's.
    pub(crate) fn add(&mut self, metrics: &Metrics) {
        let add = |to: &mut [u64], from: &[AtomicU64]| {
            for (to, from) in to.iter_mut().zip(from) {
                *to += from.load(Ordering::Relaxed);
            }
        };
        self.rejected.resize(LIMITS, 0);
        add(&mut self.verdicts, &metrics.verdicts);
        add(&mut self.rejected, &metrics.rejected);
        add(&mut self.latencies, &metrics.latencies);
        self.latency_micros += metrics.latency_sum.load(Ordering::Relaxed);
        self.response_bytes += metrics.response_bytes.load(Ordering::Relaxed);
        for (to, from) in [(&mut self.refused, &metrics.refused), (&mut self.upstream, &metrics.upstream)] {
            for (reason, count) in from.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                *to.entry(reason).or_default() += count;
            }
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            verdicts: Default::default(),
            rejected: (0..LIMITS).map(|_| AtomicU64::new(0)).collect(),
            latencies: Default::default(),
            latency_sum: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
            refused: Mutex::default(),
            upstream: Mutex::default(),
        }
    }
}

impl Metrics {
    /// Calls that the limit at this place of the policy rejected.
    pub(crate) fn rejected_by(&self, limit: usize) -> u64 {
        self.rejected.get(limit).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// A decision, and the limit that made it.
    pub(crate) fn decided(&self, verdict: Judged, limit: Option<usize>) {
        if let Some(counter) = self.verdicts.get(verdict as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(counter) = limit.and_then(|limit| self.rejected.get(limit)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A call that was answered by the upstream.
    pub(crate) fn answered(&self, micros: u64, bytes: u64) {
        let bucket = LATENCIES.iter().position(|&end| micros <= end).unwrap_or_default();
        if let Some(counter) = self.latencies.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.latency_sum.fetch_add(micros, Ordering::Relaxed);
        self.response_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A call or connection that was refused for what it is.
    pub(crate) fn refused(&self, reason: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// A call that the upstream failed.
    pub(crate) fn upstream_failed(&self, reason: &'static str) {
        *self.upstream.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }
}
