//! The attack on the demo API, with the gateway before it and without. Nothing here depends on how fast the machine is:
//! what a limit admits is computed from the time that really passed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::{Duration, Instant};

use ratewarden_callers::NewKey;
use ratewarden_demo::attack::{Attack, AttackError, AttackOptions, Attacker, Outcome, Tally, Who};
use ratewarden_demo::{DemoApi, DemoOptions};
use ratewarden_guard::Guard;

/// What `scan --policy-out` writes for the demo API, in short.
const RULES: &str = r#"
[[caller]]
from = "header:x-api-key"
keys = "demo.keys"

[[caller]]
from = "address"

[credentials]
per-source = "10/1m"
lockout    = "10m"

[[limit]]
name  = "job submissions"
match = { method = "POST", path = "/api/jobs/" }
rate  = "10/1m"
burst = 5

[[limit]]
name  = "one user"
match = { method = "POST", path = "/events" }
per   = ["caller", "body:user_id"]
rate  = "2/1s"
burst = 5

[[limit]]
name  = "job list"
match = { method = "GET", path = "/api/jobs/" }
rate  = "1/1s"
burst = 3

[[limit]]
name  = "all calls"
rate  = "50/1s"
burst = 100

[[bound]]
name  = "page size"
match = { path = "/events" }
query = "limit"
max   = 100
"#;

/// Short and slow, so that a busy machine keeps up.
fn options(target: std::net::SocketAddr) -> AttackOptions {
    AttackOptions {
        alone: Duration::from_millis(300),
        attack: Duration::from_secs(2),
        honest_per_s: 10,
        attacker_per_s: 100,
        ..AttackOptions::new(target)
    }
}

/// A gateway before `api`, and everybody's key.
fn gateway(api: &DemoApi, folder: &Path) -> (Guard, Vec<(Who, String)>) {
    let who = [Attacker::JobFlood, Attacker::HotKey, Attacker::ScanOfEverything].map(Who::Attacker);
    let mut keys = Vec::new();
    let mut lines = String::new();
    for (number, who) in std::iter::once(Who::Honest).chain(who).enumerate() {
        let new = NewKey::generate(&format!("caller-{number}"), "").unwrap();
        lines.push_str(&format!("{}\n", new.line));
        keys.push((who, new.key));
    }
    std::fs::write(folder.join("demo.keys"), lines).unwrap();
    let policy = folder.join("ratewarden.toml");
    let listen = "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[timeouts]\nshutdown = \"1s\"\n";
    std::fs::write(&policy, format!("{listen}[upstream]\nurl = \"{}\"\n{RULES}", api.url())).unwrap();
    (Guard::start(&policy).unwrap(), keys)
}

fn of(outcome: &Outcome, attacker: Attacker) -> &Tally {
    &outcome.attackers.iter().find(|(own, _)| *own == attacker).unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_turns_every_attacker_away_and_the_honest_client_never() {
    let folder = tempfile::tempdir().unwrap();
    let api = DemoApi::start(DemoOptions::default()).unwrap();
    let (guard, keys) = gateway(&api, folder.path());
    let begun = Instant::now();
    let attack = Attack::start(AttackOptions { keys, ..options(guard.http()[0]) }).unwrap();
    let outcome = attack.outcome().await.unwrap();
    let seconds = begun.elapsed().as_secs() + 1;
    tokio::task::spawn_blocking(move || guard.stop()).await.unwrap();
    for tally in [&outcome.alone, &outcome.honest] {
        assert!(tally.is_all_answered(), "{tally:?}");
    }
    for (attacker, tally) in &outcome.attackers {
        assert!(tally.rejected > 0, "{attacker:?}: {tally:?}");
        assert_eq!(tally.sent, tally.answered + tally.rejected + tally.failed, "{attacker:?}");
    }
    let counts = api.counts();
    assert!(counts.jobs <= 5 + seconds.div_ceil(6), "{} jobs in {seconds} s", counts.jobs);
    // The lock-out follows the tenth refusal; what was under way then was under way.
    assert!(counts.refused_tokens <= 11 + 16, "{counts:?}");
    let hot = of(&outcome, Attacker::HotKey);
    assert!(hot.answered <= 5 + 2 * seconds, "{hot:?} in {seconds} s");
    let scan = of(&outcome, Attacker::ScanOfEverything);
    assert!(scan.answered <= 100 + 50 * seconds, "{scan:?} in {seconds} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_gateway_nobody_is_turned_away_but_by_the_limiter_that_believes_any_address() {
    let api = DemoApi::start(DemoOptions::default()).unwrap();
    let outcome = Attack::start(options(api.address())).unwrap().outcome().await.unwrap();
    for (attacker, tally) in &outcome.attackers {
        assert!(tally.answered > 0 && tally.rejected == 0, "{attacker:?}: {tally:?}");
    }
    let counts = api.counts();
    assert!(counts.jobs >= of(&outcome, Attacker::JobFlood).answered, "{counts:?}");
    assert!(counts.refused_tokens >= of(&outcome, Attacker::KeyGuessing).answered, "{counts:?}");
    assert!(outcome.honest.sent > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attack_ends_when_it_is_dropped() {
    let api = DemoApi::start(DemoOptions::default()).unwrap();
    let begun = Instant::now();
    let long = AttackOptions { attack: Duration::from_secs(300), ..options(api.address()) };
    let attack = Attack::start(long).unwrap();
    while api.counts().jobs == 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::spawn_blocking(move || drop(attack)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(100));
}

#[tokio::test]
async fn options_out_of_their_bounds_are_refused() {
    let target = "127.0.0.1:1".parse().unwrap();
    let wrong = [
        AttackOptions { attack: Duration::ZERO, ..options(target) },
        AttackOptions { alone: Duration::from_secs(601), ..options(target) },
        AttackOptions { honest_per_s: 0, ..options(target) },
        AttackOptions { attacker_per_s: 0, ..options(target) },
    ];
    for options in wrong {
        assert!(matches!(Attack::start(options), Err(AttackError::Options(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_is_not_there_fails_every_call_and_rejects_none() {
    let api = DemoApi::start(DemoOptions::default()).unwrap();
    let target = api.address();
    api.shutdown().await;
    let outcome = Attack::start(options(target)).unwrap().outcome().await.unwrap();
    assert!(outcome.honest.sent > 0 && outcome.honest.failed == outcome.honest.sent, "{:?}", outcome.honest);
    assert!(outcome.attackers.iter().all(|(_, tally)| tally.failed == tally.sent));
}
