//! `--follow`: the findings of a log that grows are those of the log when it is whole.

use ratewarden_traffic::{MONDAY_MS, OwnedCall, lines, scenario};
use serde_json::Value;

use crate::following::{Following, Logger, Said};
use crate::logs::{Folder, HOUR_MS, as_logged, findings, morning, nginx, report, said};

/// Two calls long after all others: what was found before them ends.
fn long_after(last_ms: i64) -> String {
    let call = |secs: i64| OwnedCall {
        address: Some("192.0.2.1".parse().unwrap()),
        ..OwnedCall::at(last_ms + 2 * HOUR_MS + secs * 1_000)
    };
    nginx(&[call(0), call(30), call(60)])
}

/// The log of a morning, with its end.
fn text() -> String {
    nginx(morning()) + &long_after(MONDAY_MS + 10 * HOUR_MS)
}

/// As the last state of each finding has it.
fn last(mut found: Vec<Value>) -> Vec<Value> {
    let mut last: Vec<Value> = Vec::new();
    for finding in found.drain(..) {
        last.retain(|other| other["fingerprint"] != finding["fingerprint"]);
        last.push(finding);
    }
    said(&last)
}

/// Whether as many findings have ended as the whole log has, and a signal ends it.
#[track_caller]
fn says_the_same(mut follow: Following, expected: &Value) {
    let count = findings(expected).len();
    follow.until("every finding ends", |all| {
        let ended = all.iter().filter(|said| matches!(said, Said::Out(line) if line.contains("\"ended\"")));
        let mut fingerprints: Vec<String> = ended
            .map(|said| match said {
                Said::Out(line) | Said::Err(line) => {
                    serde_json::from_str::<Value>(line).unwrap()["fingerprint"].to_string()
                }
            })
            .collect();
        fingerprints.sort();
        fingerprints.dedup();
        fingerprints.len() >= count
    });
    follow.signal("INT");
    assert_eq!(follow.end(), Some(130));
    assert_eq!(last(follow.findings("ended")), said(findings(expected)));
    assert_eq!(follow.findings("opened").len(), follow.findings("ended").len());
}

#[test]
fn lines_that_are_added_in_pieces_give_what_the_whole_log_gives() {
    let folder = Folder::new();
    let text = text();
    let expected = report(&[&folder.write("whole.log", &text)]);
    let path = folder.argument("access.log");
    let mut follow = Following::start(&[&path, "--from-beginning"]);
    follow.until_noted("waiting for it");
    Logger::new(&folder.path("access.log")).write(&text, 7_777);
    says_the_same(follow, &expected);
}

#[test]
fn what_was_there_before_is_not_read_unless_it_is_asked_for() {
    let folder = Folder::new();
    let before = nginx(&as_logged(scenario::login_brute_force(7, MONDAY_MS).calls));
    let after = nginx(&as_logged(scenario::probing(7, MONDAY_MS + HOUR_MS).calls));
    let path = folder.write("access.log", before);
    let expected = report(&[&folder.write("after.log", after.clone() + &long_after(MONDAY_MS + HOUR_MS))]);
    let mut follow = Following::start(&[&path]);
    follow.until_noted("reading");
    Logger::new(&folder.path("access.log")).write(&(after + &long_after(MONDAY_MS + HOUR_MS)), usize::MAX);
    says_the_same(follow, &expected);
}

#[test]
fn rotation_loses_no_line_and_counts_none_twice() {
    let folder = Folder::new();
    let text = text();
    let expected = report(&[&folder.write("whole.log", &text)]);
    let parts: Vec<&str> = thirds(&text);
    let path = folder.argument("access.log");
    let mut logger = Logger::new(&folder.path("access.log"));
    let mut follow = Following::start(&[&path, "--from-beginning"]);
    follow.until_noted("reading");
    logger.write(parts[0], 50_000);
    logger.rotate(&folder.path("access.log.1"));
    logger.write(parts[1], 50_000);
    follow.until_noted("rotated");
    std::fs::rename(folder.path("access.log.1"), folder.path("access.log.2")).unwrap();
    logger.rotate(&folder.path("access.log.1"));
    logger.write(parts[2], 50_000);
    says_the_same(follow, &expected);
}

#[test]
fn a_log_that_is_copied_and_truncated_is_read_on() {
    let folder = Folder::new();
    let text = text();
    let expected = report(&[&folder.write("whole.log", &text)]);
    let parts: Vec<&str> = thirds(&text);
    let path = folder.argument("access.log");
    let mut logger = Logger::new(&folder.path("access.log"));
    let mut follow = Following::start(&[&path, "--from-beginning"]);
    logger.write(parts[0], 50_000);
    // Of a file that is empty when it is truncated nothing can be known; once it was found in something, it was read.
    follow.until_findings("opened", 1);
    logger.copy_and_truncate(&folder.path("access.log.1"));
    follow.until_noted("truncated");
    logger.write(parts[1], 50_000);
    logger.write(parts[2], 50_000);
    says_the_same(follow, &expected);
}

#[test]
fn several_logs_are_caught_up_with_as_one_and_a_clock_that_is_behind_is_said() {
    let folder = Folder::new();
    let text = text();
    let expected = report(&[&folder.write("whole.log", &text)]);
    // As two hosts that share the work would have written it.
    let part = |of: usize| -> String {
        let lines = text.lines().enumerate().filter(|(number, _)| number % 2 == of);
        lines.map(|(_, line)| format!("{line}\n")).collect()
    };
    let (one, other) = (folder.write("one.log", part(0)), folder.write("other.log", part(1)));
    let mut follow = Following::start(&[&one, &other, "--from-beginning"]);
    follow.until_findings("ended", findings(&expected).len());
    follow.signal("INT");
    assert_eq!(follow.end(), Some(130));
    // Which call of a second comes first may change what is estimated, and nothing else.
    let counted = |mut found: Vec<Value>| {
        for finding in found.iter_mut().filter(|finding| finding[5] != 0) {
            (finding[4], finding[5]) = (Value::Null, Value::Null);
        }
        found
    };
    assert_eq!(counted(last(follow.findings("ended"))), counted(said(findings(&expected))));

    let mut follow = Following::start(&[&one, &other]);
    follow.until_noted("one.log from byte");
    follow.until_noted("other.log from byte");
    let mut loggers = ["one.log", "other.log"].map(|name| Logger::new(&folder.path(name)));
    loggers[0].write(&nginx(morning()), usize::MAX);
    follow.until_findings("opened", 1);
    loggers[1].write(&nginx(&morning()[..10]), usize::MAX);
    follow.until_noted("other.log: 10 calls came later than the lateness");
    follow.signal("INT");
    assert_eq!(follow.end(), Some(130));
}

/// Three parts of whole lines.
fn thirds(text: &str) -> Vec<&str> {
    let cut = |at: usize| text[..at].rfind('\n').unwrap() + 1;
    let (one, two) = (cut(text.len() * 2 / 5), cut(text.len() * 3 / 4));
    vec![&text[..one], &text[one..two], &text[two..]]
}

#[test]
fn a_single_line_from_the_future_does_not_move_the_time_of_all_others() {
    let folder = Folder::new();
    let attack = as_logged(scenario::login_brute_force(7, MONDAY_MS).calls).into_calls();
    let (first, second) = attack.split_at(150);
    let future =
        OwnedCall { address: Some("192.0.2.1".parse().unwrap()), ..OwnedCall::at(4_070_908_800_000) };
    let whole = nginx(&attack) + &long_after(MONDAY_MS);
    let expected = report(&[&folder.write("whole.log", whole)]);
    let mut logger = Logger::new(&folder.path("access.log"));
    let mut follow = Following::start(&[&folder.argument("access.log"), "--from-beginning"]);
    logger.write(&(nginx(first) + &lines::nginx_combined(&future) + "\n"), usize::MAX);
    follow.until_findings("opened", 1);
    // Looks at a log in which nothing is new: time goes on with the clock.
    let began = std::time::Instant::now();
    follow.until_seen("five looks", || began.elapsed() > std::time::Duration::from_millis(1_200));
    logger.write(&(nginx(second) + &long_after(MONDAY_MS)), usize::MAX);
    says_the_same(follow, &expected);
}

#[test]
fn either_signal_ends_it_with_its_code() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = Folder::new();
        let path = folder.write("access.log", "");
        let mut follow = Following::start(&[&path]);
        follow.until_noted("reading");
        follow.signal(signal);
        assert_eq!(follow.end(), Some(code));
        assert!(follow.findings("opened").is_empty());
    }
}

#[test]
fn a_signal_is_heard_while_it_catches_up() {
    let folder = Folder::new();
    let attack = nginx(&as_logged(scenario::login_brute_force(7, MONDAY_MS).calls));
    let path = folder.write("access.log", attack + &nginx(morning()).repeat(4));
    let mut follow = Following::start(&[&path, "--from-beginning", "--state", &folder.argument("state")]);
    follow.until_findings("opened", 1);
    follow.signal("INT");
    assert_eq!(follow.end(), Some(130));
}
