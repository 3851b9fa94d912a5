//! From what was seen to what the inference takes: instants at the limiter, and how far they may be off.

use jiff::Timestamp;

use super::prober::Seen;
use super::{Prober, known};
use crate::infer::{Conditions, Edge, Sample};
use crate::published::PublishedLimit;

/// Less than this is not measurable with user-space clocks on a busy machine, in seconds.
const LEAST_JITTER: f64 = 0.001_5;
/// More than this would blur every hypothesis into every other, in seconds.
const MOST_JITTER: f64 = 0.060;

/// The samples of everything seen, failed calls left out, and the conditions they were taken under.
pub(super) fn of(prober: &Prober<'_>) -> (Vec<Sample>, Conditions) {
    let base = prober.ctx.baseline_latency.as_secs_f64();
    // The limiter sees a call about half a round trip after it was sent.
    let way = prober.ctx.client.round_trip().unwrap_or_default().as_secs_f64().min(base) / 2.0;
    let mut samples: Vec<Sample> = prober
        .seen
        .iter()
        .filter(|seen| !seen.has_failed())
        .map(|seen| {
            let sent = seen.observation.sent_at.as_secs_f64();
            Sample {
                at: sent + way,
                done: sent + seen.total.as_secs_f64(),
                latency: seen.observation.latency.as_secs_f64(),
                admitted: seen.is_admitted(),
            }
        })
        .collect();
    samples.sort_by(|a, b| a.at.total_cmp(&b.at));
    let elapsed = prober.now().as_secs_f64();
    let unix = Timestamp::now().as_duration().as_secs_f64();
    let conditions = Conditions {
        jitter: jitter(&prober.seen, base),
        base_latency: base,
        unix_at_zero: unix - elapsed,
        counter_is_likely: prober.seen.iter().any(known::counts_rejected),
        renewed: renewed(&prober.seen, way),
    };
    (samples, conditions)
}

/// Where what is said to be left of the same limit rose most from one admitted call to the next.
fn renewed(seen: &[Seen], way: f64) -> Option<Edge> {
    /// Calls that overtake each other make it rise by one or two.
    const LEAST: u64 = 3;
    let told: Vec<(f64, &PublishedLimit)> = seen
        .iter()
        .filter(|seen| seen.is_admitted())
        .filter_map(|seen| Some((seen.observation.sent_at.as_secs_f64() + way, seen.published.first()?)))
        .collect();
    let rises = told.windows(2).filter_map(|pair| {
        let [(from, before), (to, after)] = pair else { return None };
        let same = (&before.name, before.limit) == (&after.name, after.limit);
        let rise = after.remaining?.checked_sub(before.remaining?).filter(|&rise| same && rise >= LEAST)?;
        Some((rise, Edge { from: *from, to: *to }))
    });
    rises.max_by_key(|&(rise, _)| rise).map(|(_, edge)| edge)
}

/// Half the spread of latency, of rejections where there are enough: they do no work, so what varies is the way.
/// Calls that a limiter made wait say nothing about the way.
fn jitter(seen: &[Seen], base: f64) -> f64 {
    let waited = (4.0 * base).max(base + 0.025);
    let latencies = |wanted: fn(&Seen) -> bool| -> Vec<f64> {
        let mut found: Vec<f64> = seen
            .iter()
            .filter(|seen| wanted(seen))
            .map(|seen| seen.observation.latency.as_secs_f64())
            .filter(|&latency| latency < waited)
            .collect();
        found.sort_by(f64::total_cmp);
        found
    };
    let mut found = latencies(Seen::is_rejected);
    if found.len() < 5 {
        found = latencies(Seen::is_admitted);
    }
    if found.len() < 5 {
        return LEAST_JITTER * 2.0;
    }
    let spread = found[found.len() * 8 / 10] - found[found.len() / 10];
    (spread / 2.0).clamp(LEAST_JITTER, MOST_JITTER)
}
