//! Calls that stand in the log a little out of order.

use proptest::prelude::*;

use super::{MIDNIGHT, call, replay};

const POLICY: &str = "[[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"60/1m\"\nburst = 5\n";

/// What comes back to one caller within two seconds.
const COMES_BACK: u64 = 2;

fn rejected(calls: &[(i64, u8)]) -> u64 {
    let mut replay = replay(POLICY);
    for &(at, caller) in calls {
        replay.see(&call(at, caller, "/"));
    }
    let report = replay.finish();
    assert_eq!(report.calls, calls.len() as u64);
    report.limits[0].rejected.unwrap()
}

proptest! {
    /// A call of which the time is wrong by at most two seconds (it is clamped to a later one, never moved back) meets a
    /// bucket that has at most two tokens more. Tokens that came early are missing later, so each caller's sum is off by
    /// what comes back in two seconds, plus the burst once where the shuffle crosses its idle time.
    #[test]
    fn a_shuffle_within_two_seconds_changes_little(
        calls in prop::collection::vec((0_i64..400, 0_u8..3), 1..300),
        jitter in prop::collection::vec(0_i64..2_000, 300),
    ) {
        let mut now = MIDNIGHT;
        let ordered: Vec<(i64, u8)> = calls.iter().map(|&(wait, caller)| { now += wait; (now, caller) }).collect();
        let mut keyed: Vec<(i64, (i64, u8))> =
            ordered.iter().zip(&jitter).map(|(&call, &jitter)| (call.0 + jitter, call)).collect();
        keyed.sort_by_key(|(place, _)| *place);
        let shuffled: Vec<(i64, u8)> = keyed.into_iter().map(|(_, call)| call).collect();
        let (exact, loose) = (rejected(&ordered), rejected(&shuffled));
        prop_assert!(exact.abs_diff(loose) <= 3 * (COMES_BACK + 1), "{exact} in order, {loose} shuffled");
    }
}

#[test]
fn files_in_the_wrong_order_are_said_and_stop_nothing() {
    let mut replay = replay(POLICY);
    let day = 86_400_000;
    for file in [1, 0, 2] {
        for second in 0..100 {
            replay.see(&call(MIDNIGHT + file * day + second * 1_000, 1, "/"));
        }
    }
    let report = replay.finish();
    assert_eq!((report.calls, report.admitted), (300, 300));
    assert!(
        report.assumptions.iter().any(|one| one.contains("went back by over a minute 1 time")),
        "{report:?}"
    );
    assert_eq!(report.from.as_deref(), Some("2026-11-27T00:00:00Z"));
}

#[test]
fn a_line_from_the_future_does_not_stop_time() {
    let of = |odd_ms: i64| {
        let mut replay = replay(POLICY);
        for second in 0..1_000_i64 {
            let odd = if second == 500 { odd_ms } else { 0 };
            replay.see(&call(MIDNIGHT + odd + second * 100, 1, "/"));
        }
        replay.finish()
    };
    let rejected = |odd_ms: i64| of(odd_ms).limits[0].rejected.unwrap();
    let day = 86_400_000;
    // Ten a second where one is admitted. Nor does it give anything back: as many as without it, but for the odd call.
    let without = rejected(0);
    assert!((890..=900).contains(&without), "{without}");
    for odd_ms in [400 * day, -400 * day, 8 * day, 6 * day, day / 24, -day / 24] {
        assert!(rejected(odd_ms).abs_diff(without) <= 1, "{odd_ms}: {} of {without}", rejected(odd_ms));
        let report = of(odd_ms);
        let said = report.assumptions.iter().any(|one| one.starts_with("1 call has a date far from all"));
        assert!(said, "{report:?}");
        assert_eq!(report.to.as_deref(), Some("2026-11-27T00:01:39.9Z"));
    }
}

#[test]
fn two_hosts_whose_clocks_are_an_hour_apart_give_nobody_anything_back() {
    let policy = "[[limit]]\nname = \"a\"\nper = [\"caller\"]\nrate = \"60/1h\"\n\
        [[limit]]\nname = \"b\"\nper = [\"caller\"]\nquota = { calls = 60, each = \"day\", zone = \"UTC\" }\n";
    let mut replay = replay(policy);
    let half_an_hour = 1_800_000;
    for second in 0..600 {
        for host in [-half_an_hour, half_an_hour] {
            replay.see(&call(MIDNIGHT + host + second * 1_000, 1, "/"));
        }
    }
    // 60 and what comes back in an hour and ten minutes; 60 of each day and of one that began twice.
    let report = replay.finish();
    assert!(report.admitted <= 130, "{report:?}");
    assert!(report.limits[1].rejected.unwrap() >= 1_200 - 180, "{report:?}");
}
