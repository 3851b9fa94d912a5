//! Fixed windows: a counter that starts anew at each edge.
//!
//! Two kinds are in use. Some windows start with a key's first call (express-rate-limit), others at round times
//! of a clock. Whether rejected calls are counted makes no difference to a fixed window.

use ratewarden_model::scan_report::Algorithm;

use super::windowed::{self, Frame, Kind};
use super::{Conditions, Fit, Sample, Trace, candidates, rollover};

#[derive(Debug, Clone, Copy)]
enum Start {
    /// With the first call after the last window ended.
    FirstCall,
    /// At `phase` plus any multiple of the window.
    Clock { phase: f64 },
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let edges = candidates::edges(samples);
    let settled = if edges.is_empty() { unseen_end(samples) } else { with_window(samples, conditions) };
    let (mut settled, cut) = match (settled, rollover::fit(samples, conditions)) {
        (Some(settled), Some(cut)) => (settled, cut),
        (either, other) => return either.or(other),
    };
    if cut.cost() < settled.cost() || (cut.on_the_minute && cut.cost() <= settled.cost()) {
        return Some(cut);
    }
    // What one end explains as well is no whole window.
    settled.whole &= cut.misfits > settled.misfits;
    settled.on_the_minute =
        !edges.is_empty() && edges.iter().all(|&edge| rollover::is_on_the_minute(edge, conditions));
    Some(settled)
}

fn with_window(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let mut starts = vec![Start::FirstCall];
    starts.extend(candidates::phases(samples).into_iter().map(|phase| Start::Clock { phase }));
    windowed::best(|_| starts.clone(), samples, conditions)
}

/// Rejected until the end of the observation: the limit is seen, the window is only "at least".
fn unseen_end(samples: &[Sample]) -> Option<Fit> {
    let limit = samples.iter().take_while(|sample| sample.admitted).count();
    let late = samples.iter().skip(limit).filter(|sample| sample.admitted).count();
    if limit == samples.len() {
        return None;
    }
    let mut fit = Fit::new(Algorithm::FixedWindow, u32::try_from(late).unwrap_or(u32::MAX), 0.0);
    fit.limit = Some(limit as u64);
    fit.whole = false;
    let mut left = super::to_f64(limit);
    for sample in samples {
        fit.trace.push((sample.at, left));
        left = (left - f64::from(u8::from(sample.admitted))).max(0.0);
    }
    Some(fit)
}

impl Kind for Start {
    const ALGORITHM: Algorithm = Algorithm::FixedWindow;

    fn counts_rejected(self) -> Option<bool> {
        None
    }

    fn penalty(self, limit: u64, _: Conditions) -> f64 {
        let start = match self {
            Start::FirstCall => 0.0,
            Start::Clock { .. } => 0.6,
        };
        // One call in each interval is what a bucket of depth one does too, and that is the commoner.
        start + if limit == 1 { 0.5 } else { 0.0 }
    }

    fn misfits(
        self,
        frame: Frame,
        samples: &[Sample],
        conditions: Conditions,
        trace: &mut impl Trace,
    ) -> u32 {
        let Frame { limit, window } = frame;
        let start = self;
        let Some(first) = samples.first() else { return 0 };
        let mut end = match start {
            Start::FirstCall => first.at + window,
            Start::Clock { phase } => phase + ((first.at - phase) / window).floor() * window + window,
        };
        let (mut count, mut wrong, mut was_full) = (0, 0, false);
        let slack = 2.0 * conditions.jitter;
        for sample in samples {
            // Where the edge is within the uncertainty, the outcome says on which side the call fell.
            let over =
                sample.at > end + slack || (sample.at > end - slack && sample.admitted && count >= limit);
            if over && !sample.admitted {
                // A window that has just begun rejects nobody.
                wrong += 1;
                continue;
            }
            if over {
                was_full = count >= limit;
                count = 0;
                end = match start {
                    Start::FirstCall => sample.at + window,
                    Start::Clock { .. } => {
                        end + ((sample.at - end).max(0.0) / window).floor() * window + window
                    }
                };
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
            trace.record(sample.at, limit.saturating_sub(count) as f64);
            if sample.admitted {
                wrong += u32::from(count >= limit);
                count += 1;
            } else {
                // Right after an edge it may have been the last window that rejected, if that was full.
                let by_the_last = was_full && sample.at <= end - window + slack;
                wrong += u32::from(count < limit && !by_the_last);
            }
        }
        wrong
    }
}
