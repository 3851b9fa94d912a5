//! Which limiter explains what was observed: hypotheses, each fitted to the times of admission and rejection.
//!
//! Pure: samples in, the best explanation out. Each family (`window`, `log`, `counter`, `bucket`, `queue`,
//! `concurrency`) replays the samples through its own algorithm and counts the outcomes it would have decided
//! otherwise, its *misfits*. The state is driven by what was observed, not by what was predicted, so that one
//! misfit is one misfit and does not spoil the rest. A decision within the timing uncertainty of a boundary fits
//! either way. Parameters are searched on a grid: a scan has a few hundred samples, and an exhaustive search
//! over few candidates cannot get stuck as a descent can.

mod bucket;
mod candidates;
mod choose;
mod concurrency;
mod counter;
mod log;
mod queue;
mod rollover;
mod window;
mod windowed;

pub use candidates::{Edge, is_round};

pub use choose::{Inference, infer};

use ratewarden_model::scan_report::Algorithm;

/// One call, in seconds since the endpoint's budget began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When the limiter is taken to have seen it.
    pub at: f64,
    /// When the last byte of its answer came.
    pub done: f64,
    /// How long the header of its answer took.
    pub latency: f64,
    /// Whether it was admitted.
    pub admitted: bool,
}

/// What is known before the fit.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// How far `at` may be off, in seconds.
    pub jitter: f64,
    /// How late the machine that sends was, in seconds: answers were read as late.
    pub late: f64,
    /// The latency of a call that nothing delays, in seconds.
    pub base_latency: f64,
    /// Unix time at the samples' zero, by our clock: windows of a clock have their edges at multiples of it.
    pub unix_at_zero: f64,
    /// The answers are those of a program that keeps sliding counters and counts rejected calls (HAProxy).
    pub counter_is_likely: bool,
    /// Where what the answers say is left rose although calls were admitted: perhaps a window ended there.
    pub renewed: Option<Edge>,
}

/// One hypothesis with its best parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The family.
    pub algorithm: Algorithm,
    /// Calls in a window, or in flight.
    pub limit: Option<u64>,
    /// The window in seconds.
    pub window: Option<f64>,
    /// Of a fixed window: whether one was seen from its beginning to its end, else it may have begun before the first call.
    pub whole: bool,
    /// Where one was not, and an end was seen: it is at least so many seconds long.
    pub at_least: Option<f64>,
    /// Every end of a window that was seen fell on a full minute of the clock.
    pub on_the_minute: bool,
    /// Calls per second.
    pub rate: Option<f64>,
    /// Calls admitted at one instant from idle.
    pub burst: Option<u64>,
    /// Of a queue: how many calls beyond the rate are not delayed.
    pub undelayed: Option<u64>,
    /// Whether rejected calls are counted.
    pub counts_rejected: Option<bool>,
    /// Outcomes it would have decided otherwise.
    pub misfits: u32,
    /// How complicated the hypothesis is, in misfits: the simpler wins a tie.
    pub penalty: f64,
    /// What was left before each sample, `(at, calls)`.
    pub trace: Vec<(f64, f64)>,
}

impl Fit {
    pub(crate) fn new(algorithm: Algorithm, misfits: u32, penalty: f64) -> Self {
        Self {
            algorithm,
            limit: None,
            window: None,
            whole: true,
            at_least: None,
            on_the_minute: false,
            rate: None,
            burst: None,
            undelayed: None,
            counts_rejected: None,
            misfits,
            penalty,
            trace: Vec::new(),
        }
    }

    fn cost(&self) -> f64 {
        f64::from(self.misfits) + self.penalty
    }
}

/// Collects what was left before each sample where it is wanted, and costs nothing where it is not.
trait Trace {
    fn record(&mut self, at: f64, left: f64);
}

impl Trace for () {
    fn record(&mut self, _: f64, _: f64) {}
}

impl Trace for Vec<(f64, f64)> {
    fn record(&mut self, at: f64, left: f64) {
        self.push((at, left));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of calls are small and positive"
)]
fn to_count(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
fn to_f64(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
