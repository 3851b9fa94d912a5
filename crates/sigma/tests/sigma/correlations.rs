//! Correlation rules, against a slow and exact model over random calls.
//!
//! The model keeps every call with its milliseconds. What it finds within the timespan must be found; and what is found
//! must be there for the model within the timespan and the edge that docs/sigma.md states: a second for rules that count
//! exactly, a stretch of the window for those that count by stretches.

use std::collections::HashSet;

use proptest::prelude::*;
use ratewarden_model::Call;

use crate::{call, carried, findings};

const BASES: &str = "\
title: Put
name: put
logsource: {category: webserver}
detection: {s: {cs-method: PUT}, condition: s}
---
title: Denied
name: denied
logsource: {category: webserver}
detection: {s: {sc-status: [401, 403]}, condition: s}
---
title: Large
name: large
logsource: {category: webserver}
detection: {s: {sc-bytes|gt: 5000}, condition: s}
---
";

/// Which of the three rules each call meets, who makes it, when, with how many bytes.
#[derive(Debug, Clone)]
struct One {
    at_ms: i64,
    who: usize,
    meets: [bool; 3],
    path: usize,
    bytes: u64,
}

const WHO: [&str; 3] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
const PATHS: [&str; 9] = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i"];

fn as_call(one: &One) -> Call<'static> {
    Call {
        address: WHO[one.who].parse().ok(),
        user: b"",
        method: if one.meets[0] { b"PUT" } else { b"GET" },
        status: if one.meets[1] { 403 } else { 200 },
        bytes: one.bytes,
        target: PATHS[one.path].as_bytes(),
        ..call(one.at_ms)
    }
}

fn traffic() -> impl Strategy<Value = Vec<One>> {
    let one = (0_i64..9_000, 0..WHO.len(), any::<[bool; 2]>(), 0..PATHS.len(), 1_u64..8_000);
    proptest::collection::vec(one, 1..120).prop_map(|list| {
        let mut at_ms = 0;
        let made = list.into_iter().map(|(passed, who, [put, denied], path, bytes)| {
            at_ms += passed;
            One { at_ms, who, meets: [put, denied, bytes > 5000], path, bytes }
        });
        made.collect()
    })
}

/// Who is found, by a correlation grouped by address.
fn found(correlation: &str, calls: &[One]) -> HashSet<usize> {
    let text = format!("{BASES}title: C\nlevel: high\ncorrelation:\n  group-by: [c-ip]\n{correlation}");
    let calls: Vec<_> = calls.iter().map(as_call).collect();
    let found = findings(&carried(&text), &calls);
    // An address of IPv6 is shown as its line.
    let shown = |who: &str| if who.contains(':') { "2001:db8::/64".to_owned() } else { who.to_owned() };
    let who = found.iter().map(|one| WHO.iter().position(|who| shown(who) == one.subject.label()).unwrap());
    assert!(
        found
            .iter()
            .all(|one| matches!(one.rule.as_str(), "sigma.c" | "sigma.large" | "sigma.put" | "sigma.denied"))
    );
    let own: Vec<_> =
        found.iter().zip(who).filter(|(one, _)| one.rule == "sigma.c").map(|(_, who)| who).collect();
    own.into_iter().collect()
}

/// Who has a window of at most `span_ms` that ends with a call of theirs and of which `holds` is true.
fn exact(calls: &[One], span_ms: i64, holds: impl Fn(&[&One]) -> bool) -> HashSet<usize> {
    let has = |who: &usize| {
        let own: Vec<&One> = calls.iter().filter(|one| one.who == *who).collect();
        (0..own.len()).any(|last| {
            let from = own[last].at_ms - span_ms;
            let first = own.iter().position(|one| one.at_ms >= from).unwrap();
            holds(&own[first..=last])
        })
    };
    (0..WHO.len()).filter(has).collect()
}

/// Checks that all in `must` are found, and none but those in `may`.
fn between(found: &HashSet<usize>, must: &HashSet<usize>, may: &HashSet<usize>) -> Result<(), TestCaseError> {
    prop_assert!(must.is_subset(found), "missed: {:?} of {:?}", found, must);
    prop_assert!(found.is_subset(may), "made up: {:?}, at most {:?}", found, may);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn calls_that_meet_any_of_the_rules_are_counted(calls in traffic(), least in 2_usize..12) {
        let rule = format!("  type: event_count\n  rules: [put, denied]\n  timespan: 70s\n  condition: {{gte: {least}}}\n");
        let holds = |window: &[&One]| window.iter().filter(|one| one.meets[0] || one.meets[1]).count() >= least;
        between(&found(&rule, &calls), &exact(&calls, 69_000, holds), &exact(&calls, 81_000, holds))?;
    }

    #[test]
    fn few_different_values_are_counted_exactly(calls in traffic(), more in 1_usize..8) {
        let rule = format!("  type: value_count\n  rules: put\n  timespan: 1m\n  condition: {{gt: {more}, field: cs-uri-stem}}\n");
        let holds = |window: &[&One]| {
            window.iter().filter(|one| one.meets[0]).map(|one| one.path).collect::<HashSet<_>>().len() > more
        };
        between(&found(&rule, &calls), &exact(&calls, 60_000, holds), &exact(&calls, 61_000, holds))?;
    }

    #[test]
    fn rules_that_hold_together_are_found_in_any_order(calls in traffic(), least in 2_usize..4, seconds in 1_i64..30) {
        let rule = format!("  type: temporal\n  rules: [put, denied, large]\n  timespan: {seconds}s\n  condition: {{gte: {least}}}\n");
        let holds = |window: &[&One]| {
            (0..3).filter(|&rule| window.iter().any(|one| one.meets[rule])).count() >= least
        };
        let (must, may) = (seconds * 1000, (seconds + 1) * 1000);
        between(&found(&rule, &calls), &exact(&calls, must, holds), &exact(&calls, may, holds))?;
    }

    #[test]
    fn rules_in_order_are_found_in_order(calls in traffic(), seconds in 1_i64..30) {
        let rule = format!("  type: temporal_ordered\n  rules: [put, denied, large]\n  timespan: {seconds}s\n");
        let chain = |unit: i64| move |window: &[&One]| {
            window.iter().any(|put| put.meets[0] && window.iter().any(|denied| {
                denied.meets[1] && denied.at_ms / unit >= put.at_ms / unit && window.iter().any(|large| {
                    large.meets[2] && large.at_ms / unit >= denied.at_ms / unit
                })
            }))
        };
        // A window may begin in the middle of a second whose calls are in any order.
        let (must, may) = (seconds * 1000, (seconds + 2) * 1000);
        let ends = |calls: &[One]| {
            let mut calls = calls.to_vec();
            calls.iter_mut().for_each(|one| one.at_ms = one.at_ms / 1000 * 1000);
            exact(&calls, may, chain(1000))
        };
        between(&found(&rule, &calls), &exact(&calls, must, chain(1)), &ends(&calls))?;
    }

    #[test]
    fn sums_are_those_of_the_window(calls in traffic(), bound in 1_000_u64..60_000) {
        let rule = format!("  type: value_sum\n  rules: [put]\n  timespan: 70s\n  condition: {{gt: {bound}, field: sc-bytes}}\n");
        let holds = |window: &[&One]| {
            window.iter().filter(|one| one.meets[0]).map(|one| one.bytes).sum::<u64>() > bound
        };
        between(&found(&rule, &calls), &exact(&calls, 69_000, holds), &exact(&calls, 81_000, holds))?;
    }

    #[test]
    fn averages_and_percentiles_are_those_of_the_windows_stretches(
        calls in traffic(), bound in 1_000_u64..8_000, percent in 1_usize..101, is_average: bool,
    ) {
        let kind = if is_average { "value_avg".to_owned() } else { "value_percentile".to_owned() };
        let which = if is_average { String::new() } else { format!(", percentile: {percent}") };
        let rule = format!("  type: {kind}\n  rules: [put]\n  timespan: 70s\n  condition: {{gt: {bound}, field: sc-bytes{which}}}\n");
        let exceeds = |mut bytes: Vec<u64>| {
            bytes.sort_unstable();
            let rank = (bytes.len() * percent).div_ceil(100).max(1);
            if is_average {
                bytes.iter().sum::<u64>() as f64 / bytes.len() as f64 > bound as f64
            } else {
                bytes[rank - 1] > bound
            }
        };
        // Seven stretches of ten seconds and the current one, counted from 1970, of which the start is a multiple.
        let has = |who: &usize| {
            let own: Vec<&One> = calls.iter().filter(|one| one.who == *who && one.meets[0]).collect();
            (0..own.len()).any(|last| {
                let from = (own[last].at_ms / 10_000 - 7) * 10_000;
                exceeds(own[..=last].iter().filter(|one| one.at_ms >= from).map(|one| one.bytes).collect())
            })
        };
        // Calls of one second may come in any order, so only who is found at a second's end is compared.
        let seconds: Vec<i64> = calls.iter().map(|one| one.at_ms / 1000).collect();
        prop_assume!(seconds.windows(2).all(|pair| pair[0] != pair[1]));
        let expected: HashSet<usize> = (0..WHO.len()).filter(has).collect();
        prop_assert_eq!(found(&rule, &calls), expected);
    }

    #[test]
    fn the_order_of_the_calls_of_a_second_changes_nothing(calls in traffic(), kind in 0..4) {
        let rule = match kind {
            0 => "  type: temporal_ordered\n  rules: [put, denied, large]\n  timespan: 9s\n",
            1 => "  type: temporal\n  rules: [put, denied, large]\n  timespan: 3s\n",
            2 => "  type: event_count\n  rules: [put, large]\n  timespan: 20s\n  condition: {gte: 3}\n",
            _ => "  type: value_count\n  rules: [put]\n  timespan: 20s\n  condition: {gte: 3, field: cs-uri-stem}\n",
        };
        let mut calls = calls;
        calls.iter_mut().for_each(|one| one.at_ms = one.at_ms / 3000 * 1000);
        let text = format!("{BASES}title: C\ncorrelation:\n  group-by: [c-ip]\n{rule}");
        let compiled = carried(&text);
        let there: Vec<_> = calls.iter().map(as_call).collect();
        let mut back: Vec<_> = calls.iter().rev().map(as_call).collect();
        back.sort_by_key(|call| call.at_ms);
        prop_assert_eq!(findings(&compiled, &there), findings(&compiled, &back));
    }
}

#[test]
fn rules_that_only_feed_a_correlation_are_not_looked_for_by_themselves() {
    let correlation = |more: &str| {
        format!(
            "{BASES}title: C\ncorrelation:\n  type: event_count\n  rules: [put, large]\n  timespan: 1m\n  condition: {{gte: 5}}\n{more}"
        )
    };
    let names = |text: &str| carried(text).detectors.iter().map(|one| one.rule.clone()).collect::<Vec<_>>();
    assert_eq!(names(&correlation("")), ["sigma.c", "sigma.denied"]);
    let all = ["sigma.c", "sigma.put", "sigma.denied", "sigma.large"];
    assert_eq!(names(&correlation("  generate: true\n")), all);
    assert_eq!(names(&correlation("generate: true\n")), all);
}

#[test]
fn rules_of_a_correlation_that_is_refused_do_not_cry_at_every_call() {
    let text = format!(
        "{BASES}title: C\ncorrelation:\n  type: event_count\n  rules: [put]\n  timespan: 1m\n  condition: {{lt: 5}}\n"
    );
    let compiled = crate::rules(&text);
    let names: Vec<_> = compiled.detectors.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(names, ["sigma.denied", "sigma.large"]);
    assert!(compiled.refused[0].why.ends_with("the rules it names are not looked for by themselves"));
}

#[test]
fn an_alias_that_means_one_field_of_a_call_groups_by_it() {
    let text = format!(
        "{BASES}title: C\ncorrelation:\n  type: temporal\n  rules: [put, denied]\n  timespan: 1m\n  group-by: [who, cs-method]\n\
         \x20 aliases:\n    who: {{put: c-ip, denied: source.ip}}\n"
    );
    let compiled = carried(&text);
    use ratewarden_detect::By;
    assert_eq!(compiled.detectors[0].per, [By::Address, By::Method]);
}

#[test]
fn without_groups_all_calls_count_together_and_a_finding_is_about_the_route() {
    let text = format!(
        "{BASES}title: C\ncorrelation:\n  type: event_count\n  rules: [put]\n  timespan: 1m\n  condition: {{gte: 3}}\n"
    );
    let put = |who: usize| as_call(&One { at_ms: 0, who, meets: [true, false, false], path: 0, bytes: 1 });
    let found = findings(&carried(&text), &[put(0), put(1), put(2)]);
    assert_eq!((found.len(), found[0].subject.label().as_str()), (1, "PUT /a"));
}

#[test]
fn the_time_that_calls_took_is_summed_up_in_milliseconds() {
    let text = format!(
        "{BASES}title: C\ncorrelation:\n  type: value_sum\n  rules: [put]\n  timespan: 1m\n  group-by: [c-ip]\n  condition: {{gte: 1000, field: time-taken}}\n"
    );
    let calls = |count: usize| vec![Call { method: b"PUT", ..call(0) }; count];
    assert_eq!(findings(&carried(&text), &calls(3)).len(), 0);
    let found = findings(&carried(&text), &calls(4));
    let seen = found[0].seen.as_ref().unwrap();
    assert_eq!((seen.count, seen.threshold.as_str()), (1000, "≥ 1000 ms/1m"));
}
