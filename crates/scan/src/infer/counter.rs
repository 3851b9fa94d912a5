//! Sliding counters: this window's count plus what is left of the last one's.
//!
//! `estimate = last × (1 − part of this window gone) + this`; a call is admitted while the estimate is below the
//! limit. HAProxy's `http_req_rate` starts its windows with a key's first call and counts rejected calls too;
//! Flask-Limiter's `sliding-window-counter` uses the clock's windows and does not.

use ratewarden_model::scan_report::Algorithm;

use super::windowed::{self, Frame, Kind};
use super::{Conditions, Fit, Sample, Trace, candidates};

#[derive(Debug, Clone, Copy)]
struct Counter {
    /// An edge of a window.
    phase: f64,
    /// Where the phase is from.
    start: Start,
    counts_rejected: bool,
}

/// Where a window's edges are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    FirstCall,
    /// Multiples of the window in Unix time.
    Clock,
    /// Any other clock: one that is not set like ours.
    OtherClock,
}

/// How many phases of another clock are tried.
const PHASES: u32 = 20;

fn phases(first: f64, window: f64, conditions: Conditions) -> impl Iterator<Item = (f64, Start)> {
    let clock = -conditions.unix_at_zero.rem_euclid(window);
    let others = (1..PHASES).map(move |step| first - window * f64::from(step) / f64::from(PHASES));
    [(first, Start::FirstCall), (clock, Start::Clock)]
        .into_iter()
        .chain(others.map(|phase| (phase, Start::OtherClock)))
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let first = samples.first()?.at;
    if candidates::edges(samples).is_empty() {
        return None;
    }
    let kinds = |window| {
        let phases = phases(first, window, conditions);
        phases
            .flat_map(|(phase, start)| {
                [false, true].map(|counts_rejected| Counter { phase, start, counts_rejected })
            })
            .collect()
    };
    windowed::best(kinds, samples, conditions)
}

impl Kind for Counter {
    const ALGORITHM: Algorithm = Algorithm::SlidingCounter;

    fn counts_rejected(self) -> Option<bool> {
        Some(self.counts_rejected)
    }

    fn penalty(self, _: u64, conditions: Conditions) -> f64 {
        let start = match self.start {
            Start::FirstCall | Start::Clock => 0.0,
            Start::OtherClock => 1.0,
        };
        let likely = conditions.counter_is_likely && self.counts_rejected && self.start == Start::FirstCall;
        start + if likely { -0.8 } else { 0.9 + if self.counts_rejected { 0.2 } else { 0.0 } }
    }

    fn misfits(
        self,
        frame: Frame,
        samples: &[Sample],
        conditions: Conditions,
        trace: &mut impl Trace,
    ) -> u32 {
        let Frame { limit, window } = frame;
        let Self { phase, counts_rejected, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
        let limit = limit as f64;
        let (mut last, mut this, mut index) = (0.0, 0.0, f64::NEG_INFINITY);
        let mut wrong = 0;
        for sample in samples {
            let now = ((sample.at - phase) / window).floor();
            if now > index {
                last = if (now - index - 1.0).abs() < 0.5 { this } else { 0.0 };
                this = 0.0;
                index = now;
            }
            let gone = (sample.at - phase) / window - now;
            let estimate: f64 = last * (1.0 - gone) + this;
            // What the timing uncertainty can make of it, and at an edge the whole step.
            let near_edge = gone * window < conditions.jitter || (1.0 - gone) * window < conditions.jitter;
            let phase_tolerance =
                if self.start == Start::OtherClock { window / f64::from(PHASES) / 2.0 } else { 0.0 };
            let tolerance = 0.05
                + last / window * phase_tolerance
                + last / window * conditions.jitter
                + if near_edge { limit } else { 0.0 };
            trace.record(sample.at, (limit - estimate).max(0.0));
            wrong += u32::from(if sample.admitted {
                estimate >= limit + tolerance
            } else {
                estimate + 1.0 <= limit - tolerance
            });
            if sample.admitted || counts_rejected {
                this += 1.0;
            }
        }
        wrong
    }
}
