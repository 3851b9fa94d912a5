//! Small limiters that make the samples' timelines: the model of a limiter and its chart must fit each other.

use ratewarden_model::scan_report::{Observed, Outcome, Timeline, TimelinePoint};

/// A latency that wavers without a random generator: the same report every time.
fn latency(number: u32, base: f64) -> f64 {
    base + f64::from(number.wrapping_mul(2_654_435_761) >> 24).powi(3) / 3e6
}

/// Growing pace to the first rejections, then single probes.
fn schedule() -> Vec<f64> {
    let burst = (0..40).map(|number| f64::from(number) * 12.0);
    let probes = (0..48).map(|number| 700.0 + f64::from(number) * 37.0);
    let pause = (0..30).map(|number| 4_400.0 + f64::from(number) * 15.0);
    let beat = (0..60).map(|number| 5_200.0 + f64::from(number) * 76.0);
    burst.chain(probes).chain(pause).chain(beat).collect()
}

pub(super) fn token_bucket(rate: f64, burst: f64) -> Timeline {
    let (mut tokens, mut last) = (burst, 0.0);
    let mut timeline = Timeline::default();
    for (number, at_ms) in (0_u32..).zip(schedule()) {
        tokens = f64::min(burst, tokens + (at_ms - last) / 1_000.0 * rate);
        last = at_ms;
        timeline.model.push([at_ms, tokens]);
        let outcome = if tokens >= 1.0 { Outcome::Admitted } else { Outcome::Rejected };
        if outcome == Outcome::Admitted {
            tokens -= 1.0;
            timeline.model.push([at_ms, tokens]);
        }
        timeline.requests.push(TimelinePoint { at_ms, latency_ms: latency(number, 9.0), outcome });
    }
    timeline
}

pub(super) fn fixed_window(limit: u32, budget_ms: f64) -> Timeline {
    let mut timeline = Timeline::default();
    let pace = budget_ms / 160.0;
    for number in 0_u32..160 {
        let at_ms = f64::from(number) * pace;
        let outcome = if number < limit { Outcome::Admitted } else { Outcome::Rejected };
        timeline.model.push([at_ms, f64::from(limit.saturating_sub(number))]);
        timeline.requests.push(TimelinePoint { at_ms, latency_ms: latency(number, 22.0), outcome });
    }
    timeline
}

pub(super) fn leaky_queue(rate: f64, room: u32) -> Timeline {
    let mut timeline = Timeline::default();
    let mut free_at = 0.0;
    for number in 0_u32..90 {
        let at_ms = f64::from(number) * 45.0;
        let wait = f64::max(0.0, free_at - at_ms);
        let waiting = wait / 1_000.0 * rate;
        let outcome = if waiting < f64::from(room) { Outcome::Admitted } else { Outcome::Rejected };
        timeline.model.push([at_ms, f64::max(0.0, f64::from(room) - waiting)]);
        let latency_ms = if outcome == Outcome::Admitted { wait } else { 0.0 } + latency(number, 14.0);
        if outcome == Outcome::Admitted {
            free_at = f64::max(free_at, at_ms) + 1_000.0 / rate;
        }
        timeline.requests.push(TimelinePoint { at_ms, latency_ms, outcome });
    }
    timeline
}

pub(super) fn unlimited(requests: u32, over_ms: f64) -> Timeline {
    let point = |number: u32| {
        // The pace grows: the square root bends the even numbers.
        let part = f64::from(number) / f64::from(requests);
        let outcome = if number % 97 == 96 { Outcome::Failed } else { Outcome::Admitted };
        TimelinePoint { at_ms: part.sqrt() * over_ms, latency_ms: latency(number, 6.0), outcome }
    };
    Timeline { requests: (0..requests).map(point).collect(), model: Vec::new() }
}

pub(super) fn observed(timeline: &Timeline) -> Observed {
    let rejected = timeline.requests.iter().filter(|point| point.outcome == Outcome::Rejected).count();
    let seconds = timeline.requests.last().map_or(0.0, |point| point.at_ms / 1_000.0);
    Observed { requests: timeline.requests.len() as u64, rejected: rejected as u64, seconds }
}
