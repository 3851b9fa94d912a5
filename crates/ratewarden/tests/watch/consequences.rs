//! What findings lead to while a log is followed: alerts at a real receiver, bans in a file, and nobody who must not be.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use ratewarden_traffic::OwnedCall;
use serde_json::Value;

use crate::cli::run;
use crate::following::{Following, Logger};
use crate::logs::{Folder, nginx};
use crate::receiver::receiver;

pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Looks for weaknesses by an address for each number.
pub(crate) fn probes(numbers: std::ops::Range<u8>, at_ms: i64) -> String {
    let mut calls = Vec::new();
    for number in numbers {
        for file in ["/.env", "/.git/config", "/wp-config.php", "/phpinfo.php", "/id_rsa"] {
            calls.push(OwnedCall {
                address: Some(std::net::Ipv4Addr::new(203, 0, 113, number).into()),
                target: file.to_owned(),
                status: 404,
                agent: "x".to_owned(),
                ..OwnedCall::at(at_ms)
            });
        }
    }
    nginx(&calls)
}

/// A call much later, so that what came before is looked at.
pub(crate) fn later(at_ms: i64) -> String {
    nginx(&[OwnedCall { address: Some("192.0.2.9".parse().unwrap()), ..OwnedCall::at(at_ms + 30_000) }])
}

#[test]
fn bans_are_placed_but_for_whom_the_list_has_and_a_dry_run_places_none() {
    let folder = Folder::new();
    let policy = folder.write(
        "rw.toml",
        "[watch]\nnever-ban = [\"203.0.113.2\"]\npenalties = { file = \"bans.ndjson\" }\n\
         [[detector]]\nname = \"sensitive files\"\nban = \"10m\"\n",
    );
    let path = folder.argument("access.log");
    let text = probes(1..4, now_ms() - 60_000) + &later(now_ms() - 60_000);
    Logger::new(&folder.path("access.log")).write(&text, text.len());
    let mut dry = Following::start(&[&path, "--from-beginning", "-c", &policy, "--dry-run"]);
    dry.until_noted("would be banned: address 203.0.113.3");
    drop(dry);
    assert!(!folder.path("bans.ndjson").exists());

    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("banned: address 203.0.113.3");
    follow.until_noted("203.0.113.2 is not banned");
    let bans = fs::read_to_string(folder.path("bans.ndjson")).unwrap();
    let bans: Vec<Value> = bans.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let values: Vec<_> = bans.iter().map(|ban| ban["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["203.0.113.1", "203.0.113.3"]);
    assert!(
        bans.iter()
            .all(|ban| ban["seconds"] == 600 && ban["reason"].as_str().unwrap().contains("watch.probing"))
    );
}

#[test]
fn yesterdays_abuse_bans_nobody_today() {
    let folder = Folder::new();
    let policy = folder.write(
        "rw.toml",
        "[watch]\npenalties = { file = \"bans.ndjson\" }\n[[detector]]\nname = \"sensitive files\"\nban = \"10m\"\n",
    );
    let path = folder.argument("access.log");
    let text = probes(1..2, now_ms() - 86_400_000) + &later(now_ms() - 86_400_000);
    Logger::new(&folder.path("access.log")).write(&text, text.len());
    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("is long over");
    assert!(!folder.path("bans.ndjson").exists());
}

#[test]
fn abuse_that_began_long_ago_is_banned_and_alerted_where_it_goes_on_and_not_where_it_is_over() {
    let folder = Folder::new();
    let (url, taken) = receiver();
    let policy = folder.write(
        "rw.toml",
        format!(
            "[watch]\nstate = \"state\"\npenalties = {{ file = \"bans.ndjson\" }}\n\
             [[detector]]\nname = \"steady\"\nover = \"10/1m\"\nper = [\"address\"]\nban = \"10m\"\n\
             [[alert]]\nname = \"hook\"\nwebhook = {{ url = \"{url}\" }}\nseverity = \"info\"\n\
             [alerts]\ngroup-wait = \"none\"\n"
        ),
    );
    // Twenty minutes, as a restart reads ten of them again. One address goes on, the other stopped fifteen minutes ago.
    let now = now_ms();
    let calls = (0..300_i64).flat_map(|number| {
        let call = |last: u8| OwnedCall {
            address: Some(std::net::Ipv4Addr::new(203, 0, 113, last).into()),
            target: "/data".to_owned(),
            status: 200,
            ..OwnedCall::at(now - 1_200_000 + number * 4_000)
        };
        [Some(call(1)), (number < 75).then(|| call(2))].into_iter().flatten()
    });
    let path = folder.argument("access.log");
    let text = nginx(&calls.collect::<Vec<_>>());
    Logger::new(&folder.path("access.log")).write(&text, text.len());
    let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    follow.until_noted("banned: address 203.0.113.1 ");
    let told = || taken.lock().unwrap().join("\n");
    follow.until_seen("it is alerted", || told().contains("203.0.113.1"));
    let bans = fs::read_to_string(folder.path("bans.ndjson")).unwrap();
    assert!(!bans.contains("203.0.113.2") && !told().contains("203.0.113.2"), "{bans}");
}

#[test]
fn a_log_that_is_read_once_says_that_its_policys_bans_place_nothing() {
    let folder = Folder::new();
    let policy = folder.write(
        "rw.toml",
        "[watch]\npenalties = { file = \"bans.ndjson\" }\n[[detector]]\nname = \"sensitive files\"\nban = \"10m\"\n",
    );
    let log = folder.write("access.log", probes(1..2, now_ms() - 60_000));
    let ran = run(&["watch", &log, "-c", &policy]);
    ran.ends_with(0);
    assert!(ran.stderr.contains("the policy's bans are only for --follow"), "{}", ran.stderr);
    assert!(!folder.path("bans.ndjson").exists());
    let plain = folder.write("plain.toml", "[watch]\nlateness = \"10s\"\n");
    let ran = run(&["watch", &log, "-c", &plain]);
    assert!(!ran.stderr.contains("--follow"), "{}", ran.stderr);
}

#[test]
fn no_alert_is_lost_when_who_watches_is_killed_again_and_again() {
    let folder = Folder::new();
    let (url, taken) = receiver();
    let policy = folder.write(
        "rw.toml",
        format!(
            "[watch]\nstate = \"state\"\n[[alert]]\nname = \"hook\"\nwebhook = {{ url = \"{url}\" }}\nseverity = \"info\"\n\
             [alerts]\ngroup-wait = \"none\"\n"
        ),
    );
    let path = folder.argument("access.log");
    let mut logger = Logger::new(&folder.path("access.log"));
    let begun = now_ms() - 300_000;
    for life in 0..6_u8 {
        let mut follow = Following::start(&[&path, "--from-beginning", "-c", &policy]);
        let at = begun + i64::from(life) * 40_000;
        let text = probes(life * 10..life * 10 + 10, at) + &later(at);
        logger.write(&text, 700);
        // Killed as soon as it says the first of these, whatever it was about to do with it and with the others.
        let mark = format!("203.0.113.{}", life * 10);
        follow.until("a finding of this life", |all| {
            all.iter().any(|said| matches!(said, crate::following::Said::Out(line) if line.contains(&mark)))
        });
        follow.signal("KILL");
        assert_eq!(follow.end(), None);
    }
    let mut last = Following::start(&[&path, "--from-beginning", "-c", &policy]);
    let whole = || {
        let taken = taken.lock().unwrap().join("\n");
        (0..60).all(|number| taken.contains(&format!("\"203.0.113.{number}\"")))
    };
    last.until_seen("every address was alerted", whole);
}
