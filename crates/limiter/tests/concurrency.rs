//! Calls under way beside a plain count of them, and what is the same for every algorithm.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratewarden_limiter::{
    Algorithm, Calendar, Concurrency, Each, Gcra, Quota, Rejection, Retry, SlidingWindow, Time,
};

proptest! {
    #[test]
    fn never_more_under_way_than_the_limit(
        limit in 1_u64..20,
        steps in prop::collection::vec((any::<bool>(), 0_u64..5, 0_usize..8), 1..200),
    ) {
        let rule = Concurrency::new(NonZeroU64::new(limit).unwrap());
        let mut word = 0;
        let mut under_way: Vec<u64> = Vec::new();
        for (begins, cost, which) in steps {
            if begins {
                let used: u64 = under_way.iter().sum();
                match rule.step(word, cost) {
                    Ok(next) => {
                        prop_assert!(used + cost <= limit);
                        under_way.push(cost);
                        word = next;
                    }
                    Err(Rejection { retry: Retry::Never }) => prop_assert!(cost > limit),
                    Err(_) => prop_assert!(used + cost > limit),
                }
            } else if !under_way.is_empty() {
                let ended = under_way.swap_remove(which % under_way.len());
                word = Concurrency::release(word, ended);
            }
            let used: u64 = under_way.iter().sum();
            prop_assert_eq!(rule.standing(word).remaining, limit - used);
            prop_assert_eq!(Concurrency::idle_at(word) == Time::NEVER, used > 0);
        }
    }
}

#[test]
fn giving_back_more_than_was_taken_frees_no_more_than_there_is() {
    let rule = Concurrency::new(NonZeroU64::MAX);
    assert_eq!(Concurrency::release(3, 5), 0);
    assert!(rule.step((1 << 62) - 1, 1).unwrap() < 1 << 63);
    assert!(rule.step(1 << 62, 1).is_err());
    assert_eq!(rule.step(0, u64::MAX), Err(Rejection { retry: Retry::Never }));
}

#[test]
fn limits_whose_words_mean_something_else_have_another_unit() {
    let (two, three) = (NonZeroU64::new(2).unwrap(), NonZeroU64::new(3).unwrap());
    let rate =
        |calls, secs, burst| Algorithm::Rate(Gcra::new(calls, Duration::from_secs(secs), burst).unwrap());
    let window = |calls, secs| {
        let calls = NonZeroU32::new(calls).unwrap();
        Algorithm::Window(SlidingWindow::new(calls, Duration::from_secs(secs)).unwrap())
    };
    let quota = |calls, each, zone: &str| {
        Algorithm::Quota(Quota::new(calls, Calendar::new(each, TimeZone::get(zone).unwrap())).unwrap())
    };
    let places = |limit| Algorithm::Concurrency(Concurrency::new(limit));
    // Each line is one unit.
    let units = [
        vec![rate(two, 1, two), rate(two, 1, three), rate(NonZeroU64::new(4).unwrap(), 2, two)],
        vec![rate(three, 1, two)],
        vec![window(5, 60), window(6, 60)],
        vec![window(5, 61)],
        vec![quota(two, Each::Day, "UTC"), quota(three, Each::Day, "UTC")],
        vec![quota(two, Each::Month, "UTC")],
        vec![quota(two, Each::Day, "Europe/Berlin")],
        vec![places(two), places(three)],
    ];
    for (line, same) in units.iter().enumerate() {
        assert!(same.iter().all(|algorithm| algorithm.unit() == same[0].unit()));
        for other in &units[..line] {
            assert_ne!(same[0].unit(), other[0].unit());
        }
    }
}
