//! Calendar quotas beside a count for every period, in zones that change their clocks in every way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use ratewarden_limiter::{Calendar, Each, Period, Quota, Rejection, Retry, Time};

/// Ordinary; half an hour; the date line skipped; clocks set at midnight, either way; set over midnight; two hours.
const ZONES: [&str; 11] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
    "America/Havana",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Antarctica/Troll",
    "America/Nuuk",
];

const UNITS: [Each; 6] = [Each::Minute, Each::Hour, Each::Day, Each::Week, Each::Month, Each::Year];

fn calendars() -> impl Strategy<Value = (Each, TimeZone)> {
    (prop::sample::select(&UNITS), prop::sample::select(&ZONES))
        .prop_map(|(each, zone)| (each, TimeZone::get(zone).unwrap()))
}

/// Between 2005 and 2035, half of them within hours of a change of clocks.
fn instants(zone: TimeZone) -> impl Strategy<Value = Timestamp> {
    let seconds = (1_104_537_600_i64..2_051_222_400, 0_i32..1_000_000_000);
    let instant = seconds.prop_map(|(second, nano)| Timestamp::new(second, nano).unwrap());
    (instant, any_offset(), any::<bool>()).prop_map(move |(at, offset, near)| {
        match zone.following(at).next() {
            Some(change) if near => change.timestamp().checked_add(offset.seconds()).unwrap(),
            _ => at,
        }
    })
}

fn any_offset() -> impl Strategy<Value = i64> {
    prop_oneof![Just(-1_i64), Just(0), Just(1), -7_300_i64..7_300, -200_000_i64..200_000]
}

/// What people would say: the name of the period on a calendar.
fn name(each: Each, zone: &TimeZone, at: Timestamp) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    let week = local.date().iso_week_date();
    match each {
        Each::Minute => local.strftime("%Y-%m-%d %H:%M %z").to_string(),
        Each::Hour => local.strftime("%Y-%m-%d %H %z").to_string(),
        Each::Day => local.strftime("%Y-%m-%d").to_string(),
        Each::Week => format!("{}-{}", week.year(), week.week()),
        Each::Month => local.strftime("%Y-%m").to_string(),
        Each::Year => local.strftime("%Y").to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_period_lasts_to_its_end_and_no_longer(
        ((each, zone), at) in calendars().prop_flat_map(|(each, zone)| {
            let at = instants(zone.clone());
            (Just((each, zone)), at)
        })
    ) {
        let calendar = Calendar::new(each, zone.clone());
        let (index, end) = calendar.period(at);
        prop_assert!(end > at);
        let last = end.checked_sub(1.nanosecond()).unwrap();
        let (next, _) = calendar.period(end);
        prop_assert_eq!(calendar.period(last), (index, end));
        // Set back over midnight, a day is said to be over and goes on: its count does not begin anew.
        let over_midnight = zone.iana_name() == Some("America/St_Johns");
        prop_assert!(next > index || over_midnight, "{} then {}", index, next);
        prop_assert!(next < 1 << 26);
        let called = name(each, &zone, at);
        // An hour in the midst of which clocks are set (00:01 in St John's, until 2011) is still one hour long, but
        // has two names.
        let renamed = matches!(each, Each::Hour | Each::Minute) && zone.to_offset(at) != zone.to_offset(last);
        prop_assert!(renamed || name(each, &zone, last) == called, "{} to {}", called, name(each, &zone, last));
        prop_assert!(name(each, &zone, end) != called || over_midnight);
    }

    #[test]
    fn each_period_has_its_quota_and_no_more(
        ((each, zone), start) in calendars().prop_flat_map(|(each, zone)| {
            let start = instants(zone.clone());
            (Just((each, zone)), start)
        }),
        calls in prop::collection::vec((any_gap(), 0_u64..4), 1..100),
        most in 1_u64..9,
    ) {
        // Its clocks went back over midnight until 2011; a day that is named twice is not what this is about.
        prop_assume!(zone.iana_name() != Some("America/St_Johns"));
        let quota = Quota::new(NonZeroU64::new(most).unwrap(), Calendar::new(each, zone.clone())).unwrap();
        let mut counts: HashMap<String, u64> = HashMap::new();
        let (mut word, mut wall) = (0, start);
        for (gap, cost) in calls {
            let unit = i64::try_from(quota.calendar().nominal_seconds()).unwrap();
            wall = wall.checked_add((gap * unit / 100).seconds()).unwrap();
            let now = |wall: Timestamp| Time::from_nanos(
                u64::try_from(wall.duration_since(start).as_nanos()).unwrap()
            );
            let rule = |at: Timestamp| {
                let (index, ends) = quota.calendar().period(at);
                quota.in_period(Period { index, ends: now(ends) })
            };
            let used = counts.entry(name(each, &zone, wall)).or_default();
            prop_assert_eq!(rule(wall).standing(word, now(wall)).remaining, most - *used);
            match rule(wall).step(word, cost, now(wall)) {
                Ok(next) => {
                    prop_assert!(next < 1 << 63);
                    prop_assert_eq!(rule(wall).refund(next, cost) & 0xffff, *used);
                    *used += cost;
                    prop_assert!(*used <= most);
                    word = next;
                }
                Err(Rejection { retry: Retry::Never }) => prop_assert!(cost > most),
                Err(Rejection { retry: Retry::After(wait) }) => {
                    prop_assert!(*used + cost > most);
                    let at = wall.checked_add(jiff::SignedDuration::try_from(wait).unwrap()).unwrap();
                    prop_assert!(rule(at).step(word, cost, now(at)).is_ok());
                    let before = at.checked_sub(1.nanosecond()).unwrap();
                    prop_assert!(rule(before).step(word, cost, now(before)).is_err());
                }
            }
        }
    }
}

/// Hundredths of a usual period.
fn any_gap() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0_i64), 6 => 0_i64..60, 1 => 100_i64..5_000]
}

fn daily(most: u64) -> Quota {
    Quota::new(NonZeroU64::new(most).unwrap(), Calendar::new(Each::Day, TimeZone::UTC)).unwrap()
}

fn in_day(quota: &Quota, index: u32) -> ratewarden_limiter::QuotaRule {
    quota.in_period(Period { index, ends: Time::START.after(Duration::from_secs(3_600)) })
}

#[test]
fn a_clock_set_back_a_little_opens_no_period_again() {
    let quota = daily(1);
    let word = in_day(&quota, 20_001).step(0, 1, Time::START).unwrap();
    assert!(in_day(&quota, 20_000).step(word, 1, Time::START).is_err());
    assert!(in_day(&quota, 20_001).step(word, 1, Time::START).is_err());
    assert!(in_day(&quota, 20_002).step(word, 1, Time::START).is_ok());
}

#[test]
fn a_clock_that_was_wrong_by_a_year_blocks_nobody_for_a_year() {
    let quota = daily(1);
    let word = in_day(&quota, 20_365).step(0, 1, Time::START).unwrap();
    assert!(in_day(&quota, 20_000).step(word, 1, Time::START).is_ok());
}

#[test]
fn what_was_charged_yesterday_is_not_given_back_today() {
    let quota = daily(5);
    let (yesterday, today) = (in_day(&quota, 20_000), in_day(&quota, 20_001));
    let word = yesterday.step(0, 3, Time::START).unwrap();
    let word = today.step(word, 2, Time::START).unwrap();
    assert_eq!(yesterday.refund(word, 3), word);
    assert_eq!(today.standing(word, Time::START).remaining, 3);
    // What it turns out to cost today is charged today.
    assert_eq!(today.standing(yesterday.settle(word, 1), Time::START).remaining, 2);
}

#[test]
fn counts_beyond_a_word_are_refused_when_a_limit_is_made_and_kept_at_the_most_when_settled() {
    let calendar = Calendar::new(Each::Year, TimeZone::UTC);
    assert!(Quota::new(NonZeroU64::new(1 << 37).unwrap(), calendar.clone()).is_err());
    let quota = Quota::new(NonZeroU64::new((1 << 37) - 1).unwrap(), calendar).unwrap();
    let rule = quota.in_period(Period { index: u32::MAX, ends: Time::NEVER });
    let word = rule.settle(rule.settle(0, u64::MAX), u64::MAX);
    assert!(word < 1 << 63);
    assert_eq!(rule.standing(word, Time::START).remaining, 0);
    assert!(rule.step(word, 1, Time::START).is_err());
}
