//! The sliding window beside a log of every call.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroU32;
use std::time::Duration;

use proptest::prelude::*;
use ratewarden_limiter::{Rejection, Retry, SLICES, SlidingWindow, Time, WindowState};

fn limits() -> impl Strategy<Value = (u32, Duration)> {
    let window = prop_oneof![
        Just(Duration::from_secs(1)),
        Just(Duration::from_secs(60)),
        (1_000_u64..10_000_000_000).prop_map(Duration::from_nanos),
    ];
    (1_u32..60, window)
}

/// Gaps in sixtieths of the window.
fn calls() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let gap = prop_oneof![4 => Just(0_u64), 6 => 0_u64..20, 2 => 0_u64..200, 1 => 1_000_u64..1_000_000];
    prop::collection::vec((gap, prop_oneof![6 => Just(1_u64), 2 => 0_u64..6, 1 => 1_u64..70]), 1..200)
}

fn instants(window: Duration, calls: &[(u64, u64)]) -> impl Iterator<Item = (u64, u64)> {
    let unit = (window.as_nanos() as u64 / 60).max(1);
    let mut now = 0;
    calls.iter().map(move |&(gap, cost)| {
        now += gap * unit + gap % 5;
        (now, cost)
    })
}

fn sliding(calls: u32, window: Duration) -> SlidingWindow {
    SlidingWindow::new(NonZeroU32::new(calls).unwrap(), window).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_window_holds_more_and_none_is_refused_that_fits_a_window_and_a_slice(
        (most, window) in limits(),
        calls in calls(),
    ) {
        let limit = sliding(most, window);
        let mut state = WindowState::default();
        let mut log: Vec<(u64, u64)> = Vec::new();
        let span = window.as_nanos() as u64;
        let generous = (u128::from(span.div_ceil(SLICES)) * u128::from(SLICES + 1)) as u64;
        for (now, cost) in instants(window, &calls) {
            let within = |span: u64| -> u64 {
                log.iter().filter(|(at, _)| now - at < span).map(|(_, cost)| cost).sum()
            };
            match limit.step(&state, cost, Time::from_nanos(now)) {
                Ok(next) => {
                    prop_assert!(within(span) + cost <= u64::from(most));
                    state = next;
                    log.push((now, cost));
                }
                Err(Rejection { retry: Retry::Never }) => prop_assert!(cost > u64::from(most)),
                Err(Rejection { retry: Retry::After(_) }) => {
                    prop_assert!(within(generous) + cost > u64::from(most));
                }
            }
        }
    }

    #[test]
    fn a_retry_admits_at_its_time_and_not_before((most, window) in limits(), calls in calls()) {
        let limit = sliding(most, window);
        let mut state = WindowState::default();
        for (now, cost) in instants(window, &calls) {
            match limit.step(&state, cost, Time::from_nanos(now)) {
                Ok(next) => state = next,
                Err(Rejection { retry: Retry::Never }) => {}
                Err(Rejection { retry: Retry::After(wait) }) => {
                    let at = Time::from_nanos(now).after(wait);
                    prop_assert!(wait > Duration::ZERO);
                    prop_assert!(limit.step(&state, cost, at).is_ok());
                    prop_assert!(limit.step(&state, cost, Time::from_nanos(at.nanos() - 1)).is_err());
                }
            }
        }
    }

    #[test]
    fn what_is_said_to_remain_can_be_had_at_once_and_no_more((most, window) in limits(), calls in calls()) {
        let limit = sliding(most, window);
        let mut state = WindowState::default();
        for (now, cost) in instants(window, &calls) {
            let now = Time::from_nanos(now);
            state = limit.step(&state, cost, now).unwrap_or(state);
            let standing = limit.standing(&state, now);
            let spent = limit.step(&state, standing.remaining, now).unwrap();
            prop_assert!(limit.step(&spent, 1, now).is_err());
            let full = now.after(standing.reset);
            prop_assert!(limit.step(&state, u64::from(most), full).is_ok());
            prop_assert_eq!(limit.standing(&state, full).remaining, u64::from(most));
            // Forgetting it then loses nothing.
            let idle = limit.idle_at(&state);
            prop_assert_eq!(limit.standing(&state, idle).remaining, u64::from(most));
        }
    }

    #[test]
    fn refunds_and_settling_are_the_same_calls_in_another_order((most, window) in limits(), calls in calls()) {
        let limit = sliding(most, window);
        let mut state = WindowState::default();
        for (now, cost) in instants(window, &calls) {
            let now = Time::from_nanos(now);
            if let Ok(next) = limit.step(&state, cost, now) {
                prop_assert_eq!(limit.settle(&state, cost, now), next);
                prop_assert_eq!(limit.standing(&limit.refund(&next, cost), now), limit.standing(&state, now));
                state = next;
            }
            let emptied = limit.refund(&state, u64::MAX);
            prop_assert_eq!(limit.standing(&emptied, now).remaining, u64::from(most));
        }
    }
}

#[test]
fn an_edge_admits_no_second_window() {
    let limit = sliding(100, Duration::from_secs(60));
    let mut state = WindowState::default();
    let mut admitted = 0;
    // The last second before, and the first after, a full minute.
    for now in [59_999_999_999, 60_000_000_000] {
        for _ in 0..100 {
            if let Ok(next) = limit.step(&state, 1, Time::from_nanos(now)) {
                (state, admitted) = (next, admitted + 1);
            }
        }
    }
    assert_eq!(admitted, 100);
}

#[test]
fn settling_never_lowers_a_count_however_large() {
    let limit = sliding(u32::MAX, Duration::from_secs(60));
    let full = limit.step(&WindowState::default(), u64::from(u32::MAX), Time::START).unwrap();
    assert_eq!(limit.standing(&limit.settle(&full, 1, Time::START), Time::START).remaining, 0);
    let over = limit.settle(&limit.settle(&full, u64::MAX, Time::START), u64::MAX, Time::NEVER);
    assert_eq!(limit.standing(&over, Time::NEVER).remaining, 0);
}

#[test]
fn a_clock_reading_that_is_a_little_old_counts_in_the_newest_slice() {
    let limit = sliding(1, Duration::from_secs(15));
    let state = limit.step(&WindowState::default(), 1, Time::from_nanos(2_000_000_000)).unwrap();
    assert!(limit.step(&state, 1, Time::from_nanos(1_999_999_999)).is_err());
}
