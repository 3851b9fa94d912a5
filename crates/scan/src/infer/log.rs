//! Sliding logs: each call is kept until it is a window old.

use ratewarden_model::scan_report::Algorithm;

use super::windowed::{self, Windowed};
use super::{Conditions, Fit, Sample, Trace, candidates, to_f64};

#[derive(Debug, Clone, Copy)]
struct Params {
    limit: u64,
    window: f64,
    counts_rejected: bool,
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    if candidates::edges(samples).is_empty() {
        // Without a readmission it cannot be told from a fixed window, which is the commoner.
        return None;
    }
    let limits = candidates::limits(samples);
    let all = candidates::windows(samples).into_iter().flat_map(|window| {
        let limits = &limits;
        [false, true].into_iter().flat_map(move |counts_rejected| {
            limits.iter().map(move |&limit| Params { limit, window, counts_rejected })
        })
    });
    windowed::best(all, samples, conditions)
}

impl Windowed for Params {
    const ALGORITHM: Algorithm = Algorithm::SlidingLog;

    fn limit(self) -> u64 {
        self.limit
    }

    fn window(self) -> f64 {
        self.window
    }

    fn with_window(self, window: f64) -> Self {
        Self { window, ..self }
    }

    fn counts_rejected(self) -> Option<bool> {
        Some(self.counts_rejected)
    }

    fn penalty(self, _: Conditions) -> f64 {
        if self.counts_rejected { 1.2 } else { 0.3 }
    }

    fn misfits(self, samples: &[Sample], conditions: Conditions, trace: &mut impl Trace) -> u32 {
        let Self { limit, window, counts_rejected } = self;
        // Samples are in order of time, so what is still in the window is a suffix: two cursors suffice.
        let mut counted: Vec<f64> = Vec::with_capacity(samples.len());
        let (mut surely_gone, mut maybe_gone) = (0, 0);
        let mut wrong = 0;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        for sample in samples {
            while counted
                .get(surely_gone)
                .is_some_and(|&at| at < sample.at - window - 2.0 * conditions.jitter)
            {
                surely_gone += 1;
            }
            while counted.get(maybe_gone).is_some_and(|&at| at < sample.at - window + 2.0 * conditions.jitter)
            {
                maybe_gone += 1;
            }
            let (most, least) = (counted.len() - surely_gone, counted.len() - maybe_gone.max(surely_gone));
            trace.record(sample.at, to_f64(limit.saturating_sub(most)));
            wrong += u32::from(if sample.admitted { least >= limit } else { most < limit });
            if sample.admitted || counts_rejected {
                counted.push(sample.at);
            }
        }
        wrong
    }
}
