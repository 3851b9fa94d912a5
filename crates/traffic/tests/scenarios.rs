//! Each scenario has the shape that it promises.
#![expect(clippy::unwrap_used, reason = "a test may stop where its own data is wrong")]

use std::collections::{BTreeMap, BTreeSet};

use ratewarden_model::SubjectKind;
use ratewarden_traffic::{MONDAY_MS, OwnedCall, Scenario, scenario};

/// Every rule that something must be found by.
const RULES: [&str; 29] = [
    "watch.account-spread",
    "watch.agent-switching",
    "watch.baseline",
    "watch.cache-bypass",
    "watch.cluster-creations",
    "watch.clusters-alive",
    "watch.crawl",
    "watch.daily-quota",
    "watch.enumeration",
    "watch.flood",
    "watch.growing-limit",
    "watch.hoarding",
    "watch.hot-key",
    "watch.impossible-travel",
    "watch.job-flood",
    "watch.job-queue",
    "watch.jobs-per-hour",
    "watch.login-brute-force",
    "watch.low-and-slow",
    "watch.low-and-slow-network",
    "watch.probing",
    "watch.random-paths",
    "watch.route-velocity",
    "watch.token-guessing",
    "watch.token-guessing-distributed",
    "watch.token-networks",
    "watch.token-spread",
    "watch.unbounded-read",
    "watch.unpaged-read",
];

/// Whether a call is of the subject, as far as a call can say it.
fn is_of(call: &OwnedCall, subject: &(SubjectKind, String)) -> bool {
    let value = subject.1.as_str();
    match subject.0 {
        SubjectKind::Address => call.address.is_some_and(|address| address.to_string() == value),
        SubjectKind::Prefix => {
            let start = value.trim_end_matches("0/24").trim_end_matches(":/64");
            call.address.is_some_and(|address| address.to_string().starts_with(start))
        }
        SubjectKind::Caller | SubjectKind::Token => call.credential.as_deref() == Some(value),
        SubjectKind::User => call.user.as_deref() == Some(value),
        SubjectKind::Key => call.key.as_deref() == Some(value),
        SubjectKind::Route => {
            let path = call.target.split('?').next().unwrap();
            format!("{} {path}", call.method) == value
        }
        _ => false,
    }
}

/// The scenario of that name, and how long its abuse takes in milliseconds.
fn made(name: &str) -> (Scenario, i64) {
    let scenario = scenario::by_name(name, 3, MONDAY_MS).unwrap();
    let last = scenario.calls.iter().rfind(|call| is_of(call, &scenario.subject)).unwrap();
    let span = last.at_ms - scenario.begins_ms;
    (scenario, span)
}

#[test]
fn every_rule_has_a_scenario_and_no_other() {
    let rules: BTreeSet<_> = scenario::all(1, MONDAY_MS).map(|scenario| scenario.rule).collect();
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), RULES);
}

#[test]
fn scenarios_are_sorted_named_and_the_same_for_one_seed() {
    for (name, make) in scenario::ALL {
        let scenario = make(5, MONDAY_MS);
        assert_eq!(scenario.name, name);
        assert_eq!(scenario, make(5, MONDAY_MS), "{name}");
        assert!(scenario.calls.is_sorted_by_key(|call| call.at_ms), "{name}");
        assert!(scenario.begins_ms >= MONDAY_MS, "{name}");
    }
}

#[test]
fn the_abusive_calls_are_those_of_the_subject_since_it_began() {
    for scenario in scenario::all(9, MONDAY_MS) {
        let count = scenario
            .calls
            .iter()
            .filter(|call| call.at_ms >= scenario.begins_ms && is_of(call, &scenario.subject))
            .count() as u64;
        // Ends of clusters are the same caller's.
        let ends = if scenario.name == "cluster-creations" { 15 } else { 0 };
        assert_eq!(count - ends, scenario.abusive, "{}", scenario.name);
    }
}

#[test]
fn real_cases_have_their_real_numbers() {
    for (name, abusive, most_ms, status) in [
        ("six-unauthorized", 6, 999, 401),
        ("six-basic-unauthorized", 6, 999, 401),
        ("seven-app-logins", 7, 3_000, 200),
        ("nine-blog-logins", 9, 999, 200),
        ("agent-switching", 13, 20_000, 200),
        ("low-and-slow", 180, 3_600_000, 401),
        ("low-and-slow-network", 180, 3_600_000, 401),
    ] {
        let (scenario, span) = made(name);
        assert_eq!(scenario.abusive, abusive, "{name}");
        assert!(span <= most_ms, "{name}: {span}");
        assert!(scenario.calls.iter().all(|call| call.status == status), "{name}");
    }
    let agents: BTreeSet<_> = made("agent-switching").0.calls.iter().map(|call| call.agent.clone()).collect();
    assert_eq!(agents.len(), 12);
}

#[test]
fn limits_of_the_table_are_passed_and_those_beside_it_are_not() {
    let (velocity, span) = made("route-velocity");
    assert!(velocity.abusive > 500 && span < 60_000);
    let (creations, span) = made("cluster-creations");
    assert!(creations.abusive > 10 && span < 300_000);
    let (flood, span) = made("job-flood");
    assert!(flood.abusive > 100 && span < 60_000);
    let (queue, span) = made("job-queue");
    assert!(queue.abusive > 1_000 && span < 300_000);
    let mut each = BTreeMap::new();
    for call in &queue.calls {
        *each.entry(call.credential.clone()).or_insert(0u32) += 1;
    }
    assert!(each.values().all(|&count| count == 20));
    let (quota, span) = made("daily-quota");
    assert!(quota.abusive > 10_000 && span < 86_400_000);
}

#[test]
fn one_network_hides_behind_forty_addresses() {
    let mut each = BTreeMap::new();
    for call in &made("low-and-slow-network").0.calls {
        *each.entry(call.address).or_insert(0u32) += 1;
    }
    assert_eq!(each.len(), 40);
    assert!(each.values().all(|count| (4..=5).contains(count)));
}

#[test]
fn tokens_spread_as_far_as_they_say() {
    let networks = |name| {
        let (scenario, span) = made(name);
        let of = |call: &OwnedCall| call.address.unwrap().to_string().rsplit_once('.').unwrap().0.to_owned();
        (scenario.calls.iter().map(of).collect::<BTreeSet<_>>().len(), span)
    };
    let (count, span) = networks("token-spread");
    assert!(count == 55 && span < 3_600_000, "{count} in {span}");
    let (count, span) = networks("token-networks");
    assert!(count == 30 && span <= 600_000, "{count} in {span}");
    let (count, _) = networks("token-guessing-distributed");
    assert_eq!(count, 80);
    let (guessing, _) = made("token-guessing");
    let tokens: BTreeSet<_> = guessing.calls.iter().map(|call| call.credential.clone()).collect();
    assert_eq!(tokens.len(), 60);
    assert!(guessing.calls.iter().all(|call| matches!(call.status, 401 | 403)));
}

#[test]
fn a_hot_key_has_two_of_five_writes_and_no_other_has_much() {
    let (scenario, _) = made("hot-key");
    let mut each = BTreeMap::new();
    for call in &scenario.calls {
        *each.entry(call.key.clone().unwrap()).or_insert(0u64) += 1;
    }
    assert_eq!(each.remove("tenant-0001"), Some(scenario.calls.len() as u64 * 2 / 5));
    assert!(each.values().all(|&count| count * 20 < scenario.calls.len() as u64));
}

#[test]
fn shuffled_ids_are_the_whole_range() {
    let ids: BTreeSet<i64> = made("enumeration-shuffled")
        .0
        .calls
        .iter()
        .map(|call| call.target.rsplit('/').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), (50_001..50_601).collect::<Vec<_>>());
}

#[test]
fn a_break_has_eight_days_of_history_before_it() {
    for name in ["route-baseline", "caller-baseline"] {
        let (scenario, _) = made(name);
        let first = scenario.calls.first().unwrap().at_ms;
        assert!(scenario.begins_ms - first > 7 * 86_400_000, "{name}");
        let before = scenario.calls.iter().filter(|call| call.at_ms < scenario.begins_ms).count();
        let days = (scenario.begins_ms - first) as f64 / 86_400_000.0;
        let of_minute = before as f64 / days / 1440.0;
        assert!((0.5..10.0).contains(&of_minute), "{name}: {of_minute} a minute");
    }
}
