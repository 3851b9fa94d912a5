//! How fast requests go out at each depth.

use std::time::Duration;

use crate::config::Depth;

/// The gaps of the search for the first rejection: slow at first, so that a small target notices in time, and
/// faster step by step, so that a limit of 300 a minute is met within the budget.
pub(super) fn search(depth: Depth, requests: u32) -> impl Iterator<Item = Duration> {
    let steps: &'static [(usize, u64)] = match depth {
        Depth::Quick => &[(8, 40), (16, 25), (usize::MAX, 15)],
        Depth::Standard => &[(10, 50), (20, 25), (50, 14), (usize::MAX, 9)],
        Depth::Deep => &[(20, 50), (60, 25), (200, 14), (500, 9), (usize::MAX, 5)],
    };
    let requests = usize::try_from(requests).unwrap_or(usize::MAX);
    steps
        .iter()
        .flat_map(|&(times, gap)| std::iter::repeat_n(Duration::from_millis(gap), times))
        .take(requests)
}

/// The part of the budget's requests that the search may use; the rest is for what follows the first rejection, and
/// `kept` for probes that need answers.
pub(super) fn search_requests(max_requests: u32, kept: u32) -> u32 {
    let share = u64::from(max_requests) * 41 / 50;
    u32::try_from(share).unwrap_or(u32::MAX).min(max_requests.saturating_sub(kept)).max(1)
}

/// When the inference must leave the rest of the time to the other probes.
pub(super) fn inference_deadline(max_time: Duration) -> Duration {
    max_time.mul_f64(0.92)
}

/// Requests kept back for the bypass probes.
pub(super) fn reserve(max_requests: u32) -> u32 {
    (max_requests / 6).clamp(4, 140)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_three_hundred_a_minute_is_within_reach_of_a_standard_search() {
        let requests = search_requests(400, 0);
        let gaps: Vec<Duration> = search(Depth::Standard, requests).collect();
        let took: Duration = gaps.iter().sum();
        // A bucket that holds 300 and returns 5 a second.
        assert!(gaps.len() as f64 - 5.0 * took.as_secs_f64() > 301.0, "{} in {took:?}", gaps.len());
        assert!(took < Duration::from_secs(5));
    }

    #[test]
    fn the_first_requests_are_slow() {
        let first: Duration = search(Depth::Standard, 10).sum();
        assert!(first >= Duration::from_millis(400));
    }
}
