//! How soon abuse is found, in the calls' own time: from its first call to the newest call when the finding opens.

use ratewarden_detect::{Engine, NewsState};
use ratewarden_traffic::{MONDAY_MS, Scenario, scenario};

use crate::world::{self, hashed};
use crate::{MORNING, settings};

/// The longest delay of each scenario, in seconds. It is what the threshold takes at the scenario's pace, the lateness of
/// ten seconds, and for what is looked at every ten seconds as much again.
fn longest(name: &str) -> i64 {
    match name {
        // So many in a burst of seconds.
        "six-unauthorized" | "six-basic-unauthorized" | "seven-app-logins" | "nine-blog-logins" => 25,
        "method-flood"
        | "method-probing"
        | "encoded-logins"
        | "query-logins"
        | "style-flood"
        | "referred-random-paths"
        | "referred-cache-bypass"
        | "flood"
        | "cache-bypass"
        | "random-paths"
        | "agent-switching"
        | "crawl"
        | "probing"
        | "sensitive-files" => 35,
        "query-passwords"
        | "login-brute-force"
        | "token-guessing"
        | "token-guessing-routes"
        | "account-spread"
        | "user-enumeration" => 45,
        "job-flood" | "route-velocity" => 75,
        "script-scraping" | "enumeration-ascending" | "enumeration-gaps" | "enumeration-cursors" => 120,
        // With a key, which is allowed more.
        "enumeration-shuffled" => 240,
        "job-queue" | "cluster-creations" | "hot-key" => 330,
        "guessing-in-company" | "token-guessing-distributed" | "token-guessing-user" | "token-networks" => {
            420
        }
        // A tenth of a GB at a time, one try each 20 seconds, half an hour of holding, an hour's worth of calls.
        "unbounded-read" | "growing-limit" | "unpaged-read" | "route-baseline" => 1_400,
        // One more each few minutes.
        "clusters-alive" | "clusters-alive-read" => 7_600,
        "impossible-travel" | "token-spread" => 3_700,
        // A jump waits a quarter of an hour.
        "stolen-key" => 1_000,
        "low-and-slow" | "low-and-slow-network" | "jobs-per-hour" | "hoarding" | "caller-baseline" => 3_000,
        "hoarding-growth" => 14_400,
        "daily-quota" => 61_000,
        _ => 3_600,
    }
}

fn delay(scenario: &Scenario) -> Option<i64> {
    let mut engine = Engine::new(settings());
    let subject = world::subject(scenario);
    let opened = |engine: &mut Engine| {
        engine.news().iter().any(|news| {
            news.state == NewsState::Opened
                && news.finding.rule == scenario.rule
                && news.finding.subject == subject
        })
    };
    for call in scenario.calls.iter() {
        engine.see(&hashed(&call.as_call()));
        if opened(&mut engine) {
            return Some((call.at_ms - scenario.begins_ms) / 1000);
        }
    }
    // The last calls wait for later ones; on a server the clock brings them out.
    let last = scenario.calls.last().map_or(0, |call| call.at_ms);
    (1..=70)
        .find(|passed| {
            engine.advance(last + passed * 10_000);
            opened(&mut engine)
        })
        .map(|passed| (last - scenario.begins_ms) / 1000 + passed * 10)
}

#[test]
fn every_scenario_is_found_in_time() {
    let mut late = Vec::new();
    for (name, make) in scenario::ALL {
        let scenario = make(11, if name == "daily-quota" { MONDAY_MS } else { MORNING });
        match delay(&scenario) {
            Some(seconds) if seconds <= longest(name) => println!("{name}: after {seconds} s"),
            found => late.push(format!("{name}: {found:?}, at most {} s", longest(name))),
        }
    }
    assert!(late.is_empty(), "{late:#?}");
}
