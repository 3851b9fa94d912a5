//! What is detected, and what is not: scenarios of abuse in honest traffic, and honest traffic alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod delay;
mod hostile;
mod memory;
mod order;
mod world;

use std::time::Duration;

use ratewarden_detect::{By, Detector, Engine, Filter, Kind, RouteKind, Settings};
use ratewarden_model::{Finding, Resource, Severity};
use ratewarden_traffic::{MONDAY_MS, Traffic, background, scenario};
use world::{World, hashed};

const HOUR: Duration = Duration::from_secs(3600);
/// Nine o'clock.
const MORNING: i64 = MONDAY_MS + 9 * 3_600_000;

/// The defaults, and what only an operator can say.
fn settings() -> Settings {
    let own = |rule: &str, kinds: &[RouteKind], per: By, kind: Kind, seconds: u32| Detector {
        name: rule.to_owned(),
        rule: format!("watch.{rule}"),
        severity: Severity::Medium,
        filter: Filter { kinds: kinds.to_vec(), ..Filter::default() },
        per: vec![per],
        kind,
        seconds,
        about: None,
    };
    let mut detectors = ratewarden_detect::detectors();
    let alive = Kind::Level { resource: Resource::Cluster, most: Some(20.0), percent: None };
    detectors.extend([
        own("clusters-alive", &[RouteKind::Cluster, RouteKind::ClusterEnd], By::Caller, alive, 3600),
        own("jobs-per-hour", &[RouteKind::Job], By::Caller, Kind::Rate { calls: 500, filled: 1 }, 3600),
        own("daily-quota", &[], By::Token, Kind::Daily { calls: 10_000 }, 86_400),
    ]);
    Settings { detectors, geography: Some(Box::new(World)), ..Settings::default() }
}

fn findings(traffic: &Traffic) -> Vec<Finding> {
    found_with(settings(), traffic)
}

fn found_with(settings: Settings, traffic: &Traffic) -> Vec<Finding> {
    let mut engine = Engine::new(settings);
    for call in traffic.iter() {
        engine.see(&hashed(&call.as_call()));
    }
    engine.finish();
    assert_eq!(engine.counts().calls, traffic.len() as u64);
    engine.findings()
}

fn shown(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let seen = finding.seen.as_ref().unwrap();
        format!(
            "{} {} {} count {}±{} of {} {}..{} {:?}",
            finding.rule,
            finding.subject.kind(),
            finding.subject.label(),
            seen.count,
            seen.count_error,
            seen.threshold,
            seen.first_seen,
            seen.last_seen,
            seen.samples
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn abuse_is_found() {
    let (mut missing, mut unexpected) = (Vec::new(), Vec::new());
    for (name, make) in scenario::ALL {
        // A day's quota wants a whole day.
        let scenario = make(7, if name == "daily-quota" { MONDAY_MS } else { MORNING });
        let found = findings(&scenario.calls);
        let subject = world::subject(&scenario);
        let is_it = |finding: &&Finding| finding.rule == scenario.rule && finding.subject == subject;
        let others: Vec<_> = found.iter().filter(|finding| !is_it(finding)).cloned().collect();
        let (also, extra): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|finding| scenario.also.contains(&finding.rule.as_str()));
        if !extra.is_empty() {
            unexpected.push(format!("{name}:\n{}", shown(&extra)));
        }
        match found.iter().find(is_it) {
            Some(finding) => {
                let seen = finding.seen.as_ref().unwrap();
                println!(
                    "ok   {name}: {} of {} abusive; also\n{}",
                    seen.count,
                    scenario.abusive,
                    shown(&also)
                );
            }
            None => missing.push(format!(
                "{name}: {} {:?} ({} calls) not in\n{}",
                scenario.rule,
                subject,
                scenario.abusive,
                shown(&found)
            )),
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n\n"));
    assert!(unexpected.is_empty(), "nobody said that these may speak too:\n{}", unexpected.join("\n\n"));
}

#[test]
fn one_offence_that_several_detectors_see_is_one_episode() {
    let scenario = scenario::by_name("login-brute-force", 7, MORNING).unwrap();
    let found = findings(&scenario.calls);
    let it = found.iter().find(|finding| finding.rule == scenario.rule).unwrap();
    assert_eq!(it.evidence.get("episodes"), None, "{:?}", it.evidence);
    let again = scenario::by_name("login-brute-force", 7, MORNING + 3_600_000).unwrap();
    let found = findings(&scenario.calls.merge(again.calls));
    let it = found.iter().find(|finding| finding.rule == scenario.rule).unwrap();
    assert_eq!(it.evidence["episodes"], 2, "{:?}", it.evidence);
}

/// What honest traffic is accused of, by its name, seed and hour of the week.
fn accused(seed: u64, start_ms: i64, duration: Duration) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, make) in background::ALL {
        let traffic = make(seed, start_ms, duration);
        // A crowd behind one address is all there is in its log, and is excused for that where it is looked for; here
        // it must do without. What a plan allows, these callers have.
        let is_for_it = |rule: &str| match rule {
            "watch.no-client-addresses" => name == "behind-balancer",
            rule => rule != "watch.daily-quota",
        };
        let mut settings = settings();
        settings.detectors.retain(|detector| is_for_it(&detector.rule));
        let mut found = found_with(settings, &traffic);
        if name == "behind-balancer" {
            // It is no accusation to say what this log lacks, but it must be said, of both.
            let said = found.extract_if(.., |finding| finding.rule == "watch.no-client-addresses").count();
            assert_eq!(said, 2, "{}", shown(&found));
        }
        if !found.is_empty() {
            let hour = (start_ms - MONDAY_MS) / 3_600_000;
            wrong.push(format!(
                "{name}, seed {seed}, hour {hour} ({} calls):\n{}",
                traffic.len(),
                shown(&found)
            ));
        }
    }
    wrong
}

#[test]
fn honest_traffic_is_not_called_abuse() {
    let wrong = accused(3, MORNING, 3 * HOUR);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// How long the tests of honest traffic are: `long` for who changes a threshold, as `cargo xtask crowds` sets it.
const LENGTH: &str = "RATEWARDEN_CROWDS";

#[test]
fn honest_traffic_is_not_called_abuse_at_any_hour() {
    let is_long = std::env::var_os(LENGTH).is_some_and(|length| length == "long");
    // Monday before work, in the night, and across midnight.
    let mut hours: Vec<(u64, i64)> = vec![(4, 7), (5, 26), (6, 23)];
    if is_long {
        hours.extend([0, 2, 7, 9, 14, 23].iter().flat_map(|hour| (20..24).map(move |seed| (seed, *hour))));
    }
    let duration = if is_long { 4 * HOUR } else { 2 * HOUR };
    let accused = |(seed, hour)| accused(seed, MONDAY_MS + hour * 3_600_000, duration);
    let wrong: Vec<_> = hours.into_iter().flat_map(accused).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
