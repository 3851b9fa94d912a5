//! `policy suggest`.

use std::fs::{self, File};
use std::process::Stdio;

use serde_json::Value;

use crate::cli::{Ran, program, run};
use crate::logs::Folder;
use crate::{calls, holds, json_of, place};

#[test]
fn what_is_suggested_is_a_policy_and_a_replay_of_it_says_the_same_figures() {
    let (folder, _, log) = place();
    let ran = run(&["policy", "suggest", &log]);
    ran.ends_with(0);
    assert_eq!(ran.stderr, "");
    let policy = folder.write("suggested.toml", &ran.stdout);
    assert!(run(&["policy", "check", &policy]).ends_with(0).stdout.contains("fine"));

    let document = json_of(run(&["policy", "suggest", "--format", "json", &log]).ends_with(0));
    holds(include_str!("../../../../docs/schema/suggest-1.schema.json"), &document);
    assert_eq!(document["policy"], ran.stdout);
    assert_eq!(document["calls"], calls().len());
    let replayed = json_of(run(&["replay", "-c", &policy, "--format", "json", &log]).ends_with(0));
    let (suggested, replayed) =
        (document["limits"].as_array().unwrap(), replayed["limits"].as_array().unwrap());
    assert!(!suggested.is_empty());
    for (limit, replay) in suggested.iter().zip(replayed) {
        for (field, other) in [
            ("name", "name"),
            ("calls", "matched"),
            ("calls_touched", "rejected"),
            ("callers", "callers"),
            ("callers_touched", "callers_rejected"),
            ("looks_honest", "looks_honest"),
        ] {
            assert_eq!(limit[field], replay[other], "{field}");
        }
    }
}

#[test]
fn of_a_pipe_nothing_is_measured_and_that_is_said() {
    let (_folder, _, log) = place();
    let piped = |arguments: &[&str]| {
        let ran = program(arguments).stdin(Stdio::from(File::open(&log).unwrap())).output().unwrap();
        Ran::of(&ran)
    };
    let ran = piped(&["policy", "suggest", "--format", "json", "-"]);
    let document = json_of(ran.ends_with(0));
    holds(include_str!("../../../../docs/schema/suggest-1.schema.json"), &document);
    assert_eq!(document["limits"][0]["calls_touched"], Value::Null);
    assert!(document["policy"].as_str().unwrap().contains("not measured"), "{document}");
    assert!(ran.stderr.contains("read once") && ran.stderr.contains("name files"), "{}", ran.stderr);
}

#[test]
fn a_policy_that_is_there_is_not_replaced_unless_it_is_said() {
    let (folder, policy, log) = place();
    let before = fs::read_to_string(&policy).unwrap();
    run(&["policy", "suggest", &log, "-o", &policy]).refuses("is there already", "--force");
    assert_eq!(fs::read_to_string(&policy).unwrap(), before);
    let ran = run(&["policy", "suggest", &log, "-o", &policy, "--force"]);
    ran.ends_with(0);
    let after = fs::read_to_string(&policy).unwrap();
    assert!(after.contains("[[limit]]") && after != before);
    assert!(
        ran.stdout.contains("all calls") && !ran.stdout.contains("[[limit]]"),
        "a summary: {}",
        ran.stdout
    );
    let new = folder.argument("new.toml");
    run(&["policy", "suggest", &log, "-o", &new]).ends_with(0);
    assert_eq!(fs::read_to_string(&new).unwrap(), after);
    run(&["policy", "suggest", &log, "-o", &log, "--force"]).refuses("written over", "name of its own");
}

#[test]
fn what_was_asked_for_stands_in_the_policy() {
    let (_folder, _, log) = place();
    let suggest = |arguments: &[&str]| {
        let mut all = vec!["policy", "suggest", &log];
        all.extend(arguments);
        run(&all)
    };
    let text = suggest(&["--upstream", "http://10.0.0.7:9000", "--caller", "header:x-api-key"]).stdout;
    assert!(text.contains("http://10.0.0.7:9000") && text.contains("header:x-api-key"), "{text}");
    let rate = |headroom: &str| {
        let document = json_of(&suggest(&["--headroom", headroom, "--format", "json"]));
        assert_eq!(document["headroom"].as_f64(), headroom.parse().ok());
        document["limits"][0]["burst"].as_u64().unwrap()
    };
    assert!(rate("4") > rate("2.0"));
    suggest(&["--upstream", "ftp://x"]).refuses("--upstream", "");
    suggest(&["--caller", "hedaer:x"]).refuses("--caller", "");
    suggest(&["--headroom", "0.5"]).refuses("0.5", "`ratewarden policy suggest --help`");
    suggest(&["--force"]).refuses("--output", "");
}

#[test]
fn of_lines_that_are_no_calls_nothing_is_suggested() {
    let folder = Folder::new();
    let log = folder.write("garbage.log", "garbage\n".repeat(30));
    let ran = run(&["policy", "suggest", &log]);
    ran.ends_with(2);
    assert!(ran.stderr.contains("30 lines are no call") && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let gone = folder.argument("gone.log");
    let ran = run(&["policy", "suggest", &gone]);
    assert!(ran.ends_with(3).stderr.contains("gone.log could not be opened"), "{}", ran.stderr);
}
