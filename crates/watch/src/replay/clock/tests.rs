//! Time passes once, and no date that is wrong gives anything back.

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn after(times: &[i64]) -> EventClock {
    let mut clock = EventClock::new();
    times.iter().for_each(|&at| clock.set(at));
    clock
}

fn passed(times: &[i64]) -> Duration {
    after(times).now().since(Time::START.after(BEGIN))
}

const fn millis(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

#[test]
fn one_wrong_date_takes_no_time_wherever_it_is_and_is_counted() {
    for wrong in [400 * DAY, 8 * DAY, 6 * DAY, HOUR, 130_000, -130_000, -HOUR, -8 * DAY, i64::MAX, i64::MIN] {
        let times = [0, wrong, 1_000, 2_000];
        assert_eq!(passed(&times), Duration::from_secs(2), "{wrong}");
        let clock = after(&times);
        assert_eq!(clock.oddities(), Oddities { late: 0, steps: 0, misdated: 1 }, "{wrong}");
        assert_eq!(clock.span(), Some((0, 2_000)), "{wrong}");
        assert_eq!(passed(&[0, wrong, 1_000, wrong, 2_000, wrong]), Duration::from_secs(2), "{wrong}");
    }
}

#[test]
fn dates_that_several_calls_in_a_row_have_are_believed() {
    for pause in [30 * DAY, 8 * HOUR, 130_000] {
        let later = [0, pause, pause + 1_000, pause + 2_000];
        assert_eq!(passed(&later), millis(pause + 2_000));
        assert_eq!(after(&later).span(), Some((0, pause + 2_000)));
    }
    // Another file.
    for days in [1, 30] {
        let back = [0, 1_000, 2_000, 3_000].map(|at| at - days * DAY);
        let earlier = after(&[&[0][..], &back].concat());
        assert_eq!(earlier.now().since(Time::START.after(BEGIN)), Duration::from_secs(3));
        assert_eq!(earlier.oddities(), Oddities { late: 0, steps: 1, misdated: 0 });
    }
}

#[test]
fn where_calls_are_rare_their_time_passes_call_by_call_after_a_few() {
    for apart in [120_000, HOUR, 30 * DAY] {
        let rare: Vec<i64> = (0..40).map(|call| call * apart).collect();
        for calls in 7..40 {
            assert_eq!(passed(&rare[..calls]), millis(rare[calls - 1]), "{apart} {calls}");
        }
    }
}

#[test]
fn a_clock_that_was_set_back_goes_on_for_as_long_as_it_runs() {
    let before = (0..100).map(|second| second * 1_000);
    let later = (0..20_000).map(|second| second * 1_000 - HOUR);
    let times: Vec<i64> = before.chain(later).collect();
    assert_eq!(passed(&times), Duration::from_secs(99 + 20_000 - 1));
    assert_eq!(after(&times).oddities(), Oddities { late: 0, steps: 1, misdated: 0 });
}

#[test]
fn two_hosts_an_hour_apart_take_the_time_of_one_and_the_hour_once() {
    for run in [1, 2, 3, 10, 70] {
        let host = |call: i64| if (call / run) % 2 == 0 { 0 } else { HOUR };
        let times: Vec<i64> = (0..1_200).map(|call| call * 500 + host(call)).collect();
        assert!(passed(&times) <= millis(HOUR + 600_000), "{run}: {:?}", passed(&times));
        assert!(passed(&times) >= millis(500_000), "{run}: {:?}", passed(&times));
    }
}

#[test]
fn hosts_on_both_sides_of_midnight_begin_one_day_and_a_file_of_the_day_before_has_its_own() {
    let day = Calendar::new(ratewarden_limiter::Each::Day, jiff::tz::TimeZone::UTC);
    let indices = |times: &[i64]| {
        let mut clock = EventClock::new();
        let mut indices: Vec<u32> = Vec::new();
        for &at in times {
            clock.set(at);
            let index = clock.period(&day).index;
            if indices.last() != Some(&index) {
                indices.push(index);
            }
        }
        indices.len()
    };
    let hosts: Vec<i64> = (0..600).map(|call| call * 500 - 1_800_000 + (call / 5 % 2) * HOUR).collect();
    assert!(indices(&hosts) <= 4, "one clock more sets the date back once");
    let files: Vec<i64> = [1, 0].iter().flat_map(|file| (0..9).map(move |call| file * DAY + call)).collect();
    assert_eq!(indices(&files), 2);
}

/// Calls of hosts whose clocks differ: which host, and how long after the one before; at the end all of them.
fn hosts() -> impl Strategy<Value = Vec<i64>> {
    let clocks = prop::collection::vec(0_i64..48, 2..5);
    let calls = prop::collection::vec((0_usize..5, 1_usize..9, 0_i64..3_000), 1..150);
    (clocks, calls).prop_map(|(clocks, calls)| {
        let clock = |host: usize| clocks[host % clocks.len()] * 300_000;
        let mut now = 0;
        let mut times = Vec::new();
        for (host, run, wait) in calls {
            for _ in 0..run {
                now += wait;
                times.push(now + clock(host));
            }
        }
        for host in 0..clocks.len() {
            times.extend([now + clock(host); 3]);
        }
        times
    })
}

proptest! {
    #[test]
    fn hosts_with_clocks_of_their_own_take_no_more_time_than_the_log_spans(times in hosts()) {
        let (from, to) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        prop_assert!(passed(&times) <= millis(to - from), "{:?} of {:?}", passed(&times), millis(to - from));
    }

    #[test]
    fn a_lone_wrong_date_gives_nobody_anything_back(
        waits in prop::collection::vec(0_i64..30_000, 2..80),
        place in any::<prop::sample::Index>(),
        wrong in prop_oneof![120_001..30 * DAY, -30 * DAY..-60_001, Just(i64::MAX / 2), Just(i64::MIN / 2)],
    ) {
        let mut times: Vec<i64> = waits.iter().scan(0, |at, wait| { *at += wait; Some(*at) }).collect();
        let right = passed(&times);
        let place = 1 + place.index(times.len());
        times.insert(place, times[place - 1] + wrong);
        prop_assert_eq!(passed(&times), right);
        prop_assert_eq!(after(&times).oddities().misdated, 1);
    }

    #[test]
    fn a_night_without_calls_passes_as_soon_as_calls_go_on(
        waits in prop::collection::vec(0_i64..30_000, 2..80),
        mornings in prop::collection::vec(0_i64..30_000, 2..80),
        night in 1..1_000 * HOUR,
    ) {
        let all = waits.iter().chain([&night]).chain(&mornings);
        let times: Vec<i64> = all.scan(0, |at, wait| { *at += wait; Some(*at) }).collect();
        prop_assert_eq!(passed(&times), millis(times[times.len() - 1] - times[0]));
    }

    #[test]
    fn time_never_goes_back_and_passes_once_for_calls_about_now(
        times in prop::collection::vec(-30_000_i64..30_000, 1..100),
    ) {
        let mut clock = EventClock::new();
        let (mut before, mut newest): (Time, Option<i64>) = (Time::START, None);
        for at in times {
            clock.set(at);
            if let Some(newest) = newest {
                prop_assert_eq!(clock.now().since(before), millis((at - newest).max(0)));
                prop_assert!(clock.now() >= before);
            }
            before = clock.now();
            newest = newest.max(Some(at));
        }
    }

    #[test]
    fn time_never_goes_back_whatever_dates_are(
        times in prop::collection::vec(prop_oneof![any::<i64>(), -400_000..400_000_i64], 1..100),
    ) {
        let mut clock = EventClock::new();
        let mut before = Time::START;
        for at in times {
            clock.set(at);
            prop_assert!(clock.now() >= before);
            before = clock.now();
        }
    }
}
