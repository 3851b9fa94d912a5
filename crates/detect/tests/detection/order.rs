//! The same calls give the same findings, whatever their order within the lateness.

use std::time::Duration;

use ratewarden_detect::Engine;
use ratewarden_model::{Finding, Seen, Severity};
use ratewarden_traffic::{OwnedCall, Traffic, background, scenario};

use crate::world::hashed;
use crate::{MORNING, findings, settings};

/// Abuse of many kinds at once, among honest callers.
fn mixed() -> Traffic {
    let honest = background::website(5, MORNING, Duration::from_secs(3600))
        .merge(background::single_page_app(5, MORNING, Duration::from_secs(600)));
    let names = [
        "flood",
        "probing",
        "token-guessing",
        "login-brute-force",
        "seven-app-logins",
        "agent-switching",
        "crawl",
        "enumeration-shuffled",
        "job-flood",
        "cluster-creations",
        "hot-key",
        "growing-limit",
        "low-and-slow",
        "token-networks",
        "unbounded-read",
    ];
    names.iter().fold(honest, |traffic, name| {
        traffic.merge(scenario::by_name(name, 5, MORNING + 60_000).unwrap().calls)
    })
}

/// All that a finding says of calls.
type Essence = (String, Severity, String, Option<Seen>);

fn essence(findings: &[Finding]) -> Vec<Essence> {
    let of = |finding: &Finding| {
        (finding.rule.clone(), finding.severity, finding.subject.label(), finding.seen.clone())
    };
    findings.iter().map(of).collect()
}

#[test]
fn calls_in_another_order_within_the_lateness_give_the_same_findings() {
    let traffic = mixed();
    let before = essence(&findings(&traffic));
    assert!(before.len() >= 15, "{before:#?}");
    for seed in 0..3 {
        let after = essence(&findings(&traffic.clone().shuffled_within(seed, 9)));
        assert_eq!(before, after, "seed {seed}");
    }
}

/// Calls of one address in one second, of which three of four bring a path that was not there.
fn three_of_four_are_new() -> Vec<OwnedCall> {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
    let call = |place: usize| OwnedCall {
        address: "198.51.100.9".parse().ok(),
        method: "GET".to_owned(),
        target: format!("/{}{}", letter(place / 26), letter(place)),
        status: 404,
        referer: "https://example.org/".to_owned(),
        ..OwnedCall::at(MORNING)
    };
    (0..400).map(|place| call(if place < 300 { place } else { 0 })).collect()
}

#[test]
fn what_comes_first_within_a_second_does_not_say_how_mixed_its_calls_are() {
    let calls = three_of_four_are_new();
    let of = |calls: &mut dyn Iterator<Item = &OwnedCall>| {
        let mut engine = Engine::new(settings());
        calls.for_each(|call| engine.see(&call.as_call()));
        engine.finish();
        essence(&engine.findings())
    };
    let (forwards, backwards) = (of(&mut calls.iter()), of(&mut calls.iter().rev()));
    assert_eq!(forwards, backwards);
    assert!(forwards.iter().all(|(rule, ..)| rule != "watch.random-paths"), "{forwards:#?}");
    let new = of(&mut calls.iter().take(320));
    assert!(new.iter().any(|(rule, ..)| rule == "watch.random-paths"), "{new:#?}");
}

#[test]
fn the_seed_of_hashes_changes_no_finding() {
    let traffic = mixed();
    let with = |seed| {
        let mut engine = Engine::new(ratewarden_detect::Settings { seed, ..settings() });
        traffic.iter().for_each(|call| engine.see(&hashed(&call.as_call())));
        engine.finish();
        engine
            .findings()
            .iter()
            .map(|finding| (finding.rule.clone(), finding.subject.label()))
            .collect::<Vec<_>>()
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn one_call_of_the_year_2099_spoils_nothing() {
    let traffic = mixed();
    let before = essence(&findings(&traffic));
    let mut engine = Engine::new(settings());
    for (place, call) in traffic.iter().enumerate() {
        engine.see(&hashed(&call.as_call()));
        if place == traffic.len() / 3 {
            engine.see(&hashed(&OwnedCall::at(4_070_908_800_000).as_call()));
        }
    }
    engine.finish();
    assert_eq!(essence(&engine.findings()), before);
    assert_eq!(engine.counts().misdated, 1);
}

#[test]
fn time_that_goes_back_begins_anew_and_loses_nothing_after_it() {
    let attack = scenario::by_name("flood", 5, MORNING - 86_400_000).unwrap();
    let honest = background::website(5, MORNING, Duration::from_secs(1800));
    let mut engine = Engine::new(settings());
    honest.iter().chain(attack.calls.iter()).for_each(|call| engine.see(&hashed(&call.as_call())));
    engine.finish();
    assert_eq!(engine.counts().backwards, 1);
    assert!(engine.findings().iter().any(|finding| finding.rule == "watch.flood"));
}
