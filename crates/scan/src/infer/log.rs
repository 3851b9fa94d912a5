//! Sliding logs: each call is kept until it is a window old.

use ratewarden_model::scan_report::Algorithm;

use super::windowed::{self, Frame, Kind};
use super::{Conditions, Fit, Sample, Trace, candidates, to_f64};

#[derive(Debug, Clone, Copy)]
struct Log {
    counts_rejected: bool,
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    if candidates::edges(samples).is_empty() {
        // Without a readmission it cannot be told from a fixed window, which is the commoner.
        return None;
    }
    windowed::best(
        |_| [false, true].map(|counts_rejected| Log { counts_rejected }).to_vec(),
        samples,
        conditions,
    )
}

impl Kind for Log {
    const ALGORITHM: Algorithm = Algorithm::SlidingLog;

    fn counts_rejected(self) -> Option<bool> {
        Some(self.counts_rejected)
    }

    fn penalty(self, _: u64, _: Conditions) -> f64 {
        if self.counts_rejected { 1.2 } else { 0.3 }
    }

    fn misfits(
        self,
        frame: Frame,
        samples: &[Sample],
        conditions: Conditions,
        trace: &mut impl Trace,
    ) -> u32 {
        let Frame { limit, window } = frame;
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
            if sample.admitted || self.counts_rejected {
                counted.push(sample.at);
            }
        }
        wrong
    }
}
