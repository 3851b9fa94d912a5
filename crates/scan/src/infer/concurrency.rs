//! Concurrency: a number of calls in flight, whatever came before.

use ratewarden_model::scan_report::Algorithm;

use super::{Conditions, Fit, Sample, Trace, to_f64};

/// How many admitted calls were in flight when one came.
#[derive(Debug, Clone, Copy)]
struct Flight {
    /// Surely.
    least: usize,
    /// At most.
    most: usize,
    /// If nothing was lost on the way.
    likely: usize,
}

pub(super) fn fit(samples: &[Sample], conditions: Conditions) -> Option<Fit> {
    let usual = usual(samples)?;
    let flights: Vec<Flight> =
        (0..samples.len()).map(|index| in_flight(samples, index, usual, conditions.jitter)).collect();
    // Every limit that some outcome speaks for.
    let mut limits: Vec<usize> =
        flights.iter().flat_map(|flight| [flight.likely, flight.most]).filter(|&most| most > 0).collect();
    limits.sort_unstable();
    limits.dedup();
    // Late answers leave several limits possible; of those the likeliest.
    let wrong = |limit| (misfits(limit, samples, &flights, &mut ()), unlikely(limit, samples, &flights));
    let limit = limits.into_iter().min_by_key(|&limit| wrong(limit))?;
    let mut trace = Vec::new();
    let mut fit = Fit::new(Algorithm::Concurrency, misfits(limit, samples, &flights, &mut trace), 0.2);
    fit.limit = Some(limit as u64);
    fit.counts_rejected = Some(false);
    fit.trace = trace;
    Some(fit)
}

/// The time that an admitted call takes where nothing is lost: what a fifth of them take at most. The baseline is four calls,
/// and on a busy machine all of them may have been late.
fn usual(samples: &[Sample]) -> Option<f64> {
    let mut lengths: Vec<f64> =
        samples.iter().filter(|sample| sample.admitted).map(|sample| sample.done - sample.at).collect();
    lengths.sort_by(f64::total_cmp);
    lengths.get(lengths.len() / 5).copied()
}

/// A call is decided upon somewhere between its sending and its answer, and what an admitted one takes longer than usual may
/// have been lost before the decision or after the end. So an admitted call of length `L` was surely in flight only from
/// `L − usual` after its sending until `usual` after it, and a rejected one came at any time until its answer.
fn in_flight(samples: &[Sample], index: usize, usual: f64, slack: f64) -> Flight {
    let own = &samples[index];
    let lost = |sample: &Sample| (sample.done - sample.at - usual).max(0.0);
    let latest = own.at + if own.admitted { lost(own) } else { own.latency };
    let mut flight = Flight { least: 0, most: 0, likely: 0 };
    for (other, sample) in samples.iter().enumerate().filter(|(_, sample)| sample.admitted) {
        if other == index {
            continue;
        }
        let lost = lost(sample);
        // The limiter may count a call out some time before we have read its answer.
        flight.least +=
            usize::from(sample.at + lost < own.at - slack && sample.done - lost - 2.0 * slack > latest);
        flight.most += usize::from(sample.at <= latest + slack && sample.done + slack > own.at);
        flight.likely += usize::from(sample.at <= own.at && sample.done > own.at);
    }
    flight
}

fn misfits(limit: usize, samples: &[Sample], flights: &[Flight], trace: &mut impl Trace) -> u32 {
    let mut wrong = 0;
    for (sample, flight) in samples.iter().zip(flights) {
        trace.record(sample.at, to_f64(limit.saturating_sub(flight.least)));
        wrong += u32::from(if sample.admitted { flight.least >= limit } else { flight.most < limit });
    }
    wrong
}

/// Outcomes that are otherwise than they would be if nothing were lost.
fn unlikely(limit: usize, samples: &[Sample], flights: &[Flight]) -> usize {
    let is_odd = |(sample, flight): &(&Sample, &Flight)| sample.admitted == (flight.likely >= limit);
    samples.iter().zip(flights).filter(is_odd).count()
}
