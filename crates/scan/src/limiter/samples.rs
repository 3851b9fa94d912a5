//! From what was seen to what the inference takes: instants at the limiter, and how far they may be off.

use std::time::Duration;

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
    let late = lateness(&prober.seen).as_secs_f64();
    let elapsed = prober.now().as_secs_f64();
    let unix = Timestamp::now().as_duration().as_secs_f64();
    let conditions = Conditions {
        jitter: jitter(&prober.seen, base).max(late / 2.0).min(MOST_JITTER),
        late,
        base_latency: base,
        unix_at_zero: unix - elapsed,
        counter_is_likely: prober.seen.iter().any(known::counts_rejected),
        renewed: renewed(&prober.seen, way),
    };
    (samples, conditions)
}

/// How much later than planned nine of ten requests at most were sent, beyond what timers are off anyway. A machine that sends
/// late reads answers late as well.
pub(super) fn lateness(seen: &[Seen]) -> Duration {
    const TIMERS: Duration = Duration::from_millis(2);
    const FEWEST: usize = 10;
    let mut late: Vec<Duration> = seen.iter().filter_map(|seen| seen.late).collect();
    late.sort_unstable();
    if late.len() < FEWEST {
        return Duration::ZERO;
    }
    late[late.len() * 9 / 10].saturating_sub(TIMERS)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Observation, Verdict};

    fn seen(at_ms: u64, late_ms: u64, remaining: u64) -> Seen {
        let observation = Observation {
            sent_at: Duration::from_millis(at_ms),
            latency: Duration::from_millis(1),
            verdict: Verdict::Admitted,
            other_query: false,
        };
        let limit =
            PublishedLimit { limit: Some(40), remaining: Some(remaining), ..PublishedLimit::of("ietf-10") };
        Seen {
            late: Some(Duration::from_millis(late_ms)),
            published: vec![limit],
            ..Seen::from_observation(observation)
        }
    }

    #[test]
    fn a_machine_is_as_late_as_nine_of_ten_calls_were_at_most() {
        let late = |late: fn(u64) -> u64| {
            let seen: Vec<Seen> = (0..40).map(|index| seen(index * 10, late(index), 9)).collect();
            lateness(&seen)
        };
        assert_eq!(late(|_| 1), Duration::ZERO, "so much timers are off");
        assert_eq!(late(|index| if index % 20 == 0 { 90 } else { 1 }), Duration::ZERO, "one in twenty");
        assert_eq!(late(|index| if index % 4 == 0 { 22 } else { 1 }), Duration::from_millis(20));
        assert_eq!(lateness(&[seen(0, 50, 9)]), Duration::ZERO, "one call shows nothing");
    }

    #[test]
    fn what_is_left_rises_where_a_window_began_anew() {
        let left = [22, 21, 20, 19, 39, 38, 36, 37, 35];
        let seen: Vec<Seen> = (0..).zip(left).map(|(index, left)| seen(index * 10, 0, left)).collect();
        let edge = renewed(&seen, 0.0).unwrap();
        assert!((edge.from - 0.03).abs() < 1e-9 && (edge.to - 0.04).abs() < 1e-9, "{edge:?}");
        assert_eq!(renewed(&seen[4..], 0.0), None, "calls that overtake each other");
    }
}
