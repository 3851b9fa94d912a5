//! Concurrency: a number of calls in flight, whatever came before.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, to_f64};

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let flights: Vec<(usize, usize)> =
        (0..samples.len()).map(|index| in_flight(samples, index, conditions)).collect();
    // Every limit that some outcome speaks for.
    let mut limits: Vec<usize> = flights.iter().map(|&(_, most)| most).filter(|&most| most > 0).collect();
    limits.sort_unstable();
    limits.dedup();
    let limit = limits.into_iter().min_by_key(|&limit| misfits(limit, samples, &flights, &mut ()))?;
    let mut trace = Vec::new();
    let mut fit = Fit::new(Algorithm::Concurrency, misfits(limit, samples, &flights, &mut trace), 0.2);
    fit.limit = Some(limit as u64);
    fit.counts_rejected = Some(false);
    fit.trace = trace;
    Some(fit)
}

/// The fewest and the most admitted calls that can have been in flight when this one came.
fn in_flight(samples: &[Sample], index: usize, conditions: Conditions) -> (usize, usize) {
    let at = samples[index].at;
    let slack = conditions.jitter;
    let (mut least, mut most) = (0, 0);
    for (other, sample) in samples.iter().enumerate().filter(|(_, sample)| sample.admitted) {
        if other == index || sample.at > at + slack {
            continue;
        }
        // The limiter may count a call out some time before we have read its answer.
        least += usize::from(sample.at < at - slack && sample.done - 2.0 * slack > at);
        most += usize::from(sample.done + slack > at);
    }
    (least, most)
}

fn misfits(limit: usize, samples: &[Sample], flights: &[(usize, usize)], trace: &mut impl Trace) -> u32 {
    let mut wrong = 0;
    for (sample, &(least, most)) in samples.iter().zip(flights) {
        trace.record(sample.at, to_f64(limit.saturating_sub(least)));
        wrong += u32::from(if sample.admitted { least >= limit } else { most < limit });
    }
    wrong
}
