//! `kill -9` while following: every finding is told, and counts hold again no more than what is stated.

use std::fs;

use ratewarden_traffic::{MONDAY_MS, OwnedCall};
use serde_json::Value;

use crate::following::{Following, Logger};
use crate::logs::{Folder, HOUR_MS, findings, nginx, report};

/// Seconds of the log that are read again after a restart (docs/watch.md): ten minutes, to which comes the time between two
/// positions and the lateness.
const READ_AGAIN: u64 = 600 + 15 + 10;

/// A login each second, from `from` on, of one address.
fn logins(from: u64, secs: u64) -> Vec<OwnedCall> {
    (from..from + secs)
        .map(|second| OwnedCall {
            address: Some("203.0.113.5".parse().unwrap()),
            method: "POST".to_owned(),
            target: "/login".to_owned(),
            status: 401,
            agent: "Go-http-client/2.0".to_owned(),
            ..OwnedCall::at(MONDAY_MS + i64::try_from(second).unwrap() * 1_000)
        })
        .collect()
}

fn long_after(from: u64) -> String {
    let at = MONDAY_MS + i64::try_from(from).unwrap() * 1_000 + 2 * HOUR_MS;
    let call = |at_ms: i64| OwnedCall { address: Some("192.0.2.1".parse().unwrap()), ..OwnedCall::at(at_ms) };
    nginx(&[call(at), call(at + 30_000), call(at + 60_000)])
}

/// Waits until the position is saved that belongs to this log when all of it was read.
#[track_caller]
fn until_saved(follow: &mut Following, folder: &Folder, log: &str) {
    let lines = log.lines().count() as u64;
    // All lines have one length.
    let settled = (lines - READ_AGAIN) * (log.len() as u64 / lines);
    let offset = || {
        let text = fs::read_to_string(folder.path("state/positions.json")).ok()?;
        let saved: Value = serde_json::from_str(&text).unwrap();
        saved["paths"][0]["files"][0]["offset"].as_u64()
    };
    follow.until_seen("the position is saved", || offset().is_some_and(|offset| offset >= settled));
}

/// The count of the login finding.
fn count(findings: &[Value]) -> u64 {
    let of =
        |finding: &&Value| finding["threshold"] == "6/10s" && finding["rule"] == "watch.login-brute-force";
    findings.iter().rev().find(of).unwrap()["count"].as_u64().unwrap()
}

#[test]
fn an_attack_that_spans_a_kill_is_told_and_counted_again_by_ten_minutes_at_most() {
    // What one run that is never killed counts. Fifty minutes, killed after thirty.
    let (before, after) = (1_800, 1_200);
    let folder = Folder::new();
    let whole = nginx(&logins(0, before + after)) + &long_after(before + after);
    let expected = report(&[&folder.write("whole.log", whole)]);
    let true_count = count(findings(&expected));
    assert_eq!(true_count, before + after);

    let (path, state) = (folder.argument("access.log"), folder.argument("state"));
    let arguments = [path.as_str(), "--from-beginning", "--state", &state];
    let mut logger = Logger::new(&folder.path("access.log"));
    // All of it at once: a log that is caught up with has the same bound as one that is read as it is written.
    let text = nginx(&logins(0, before));
    logger.write(&text, usize::MAX);
    let mut follow = Following::start(&arguments);
    follow.until_findings("opened", 2);
    until_saved(&mut follow, &folder, &text);
    follow.signal("KILL");
    assert_eq!(follow.end(), None);
    let told = follow.findings("opened");
    let saved = fs::read_to_string(folder.path("state/positions.json")).unwrap();

    logger.write(&(nginx(&logins(before, after)) + &long_after(before + after)), usize::MAX);
    let mut follow = Following::start(&arguments);
    let short: Vec<&Value> =
        findings(&expected).iter().filter(|finding| finding["rule"] != "watch.low-and-slow").collect();
    assert_eq!(
        short.len(),
        2,
        "windows of an hour begin anew with a restart, those up to ten minutes do not"
    );
    follow.until_findings("ended", short.len());
    let again = follow.findings("ended");
    follow.signal("TERM");
    assert_eq!(follow.end(), Some(143));

    for finding in short {
        let is_it = |one: &Value| one["fingerprint"] == finding["fingerprint"];
        assert!(told.iter().any(is_it), "told before the kill: {finding}");
        assert!(again.iter().any(is_it), "told again, as the same: {finding}");
    }
    let second = count(&again);
    assert!(
        second >= after + 600,
        "ten minutes are read again, so what spans the restart is found: {second}; {saved}"
    );
    assert!(
        second <= after + READ_AGAIN,
        "{second} counted after the kill, {after} were new, {READ_AGAIN} may count again; {saved}"
    );
}

#[test]
fn a_restart_after_a_signal_reads_on_too() {
    let folder = Folder::new();
    let (path, state) = (folder.argument("access.log"), folder.argument("state"));
    let arguments = [path.as_str(), "--from-beginning", "--state", &state];
    let mut logger = Logger::new(&folder.path("access.log"));
    let text = nginx(&logins(0, 1_800));
    logger.write(&text, usize::MAX);
    let mut follow = Following::start(&arguments);
    until_saved(&mut follow, &folder, &text);
    follow.signal("TERM");
    assert_eq!(follow.end(), Some(143));
    logger.write(&(nginx(&logins(1_800, 60)) + &long_after(1_860)), usize::MAX);
    let mut follow = Following::start(&arguments);
    follow.until_findings("ended", 1);
    let second = count(&follow.findings("ended"));
    assert!((60 + 600..=60 + READ_AGAIN).contains(&second), "{second}");
}

#[test]
fn a_torn_state_is_said_and_reading_begins_as_without_one() {
    let folder = Folder::new();
    fs::create_dir(folder.path("state")).unwrap();
    folder.write("state/positions.json", "{\"schema\":");
    let path = folder.write("access.log", nginx(&logins(0, 60)) + &long_after(60));
    let mut follow = Following::start(&[&path, "--from-beginning", "--state", &folder.argument("state")]);
    follow.until_noted("the saved position is not used, reading begins anew");
    follow.until_findings("ended", 1);
    let file = folder.write("file", "");
    let ran = crate::cli::run(&["watch", "--follow", "--state", &format!("{file}/state"), &path]);
    ran.refuses("cannot be used", "can be made and written");
}
