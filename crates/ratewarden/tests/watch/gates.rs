//! What fails a run in CI.

use std::fs;

use ratewarden_traffic::{MONDAY_MS, scenario};

use crate::cli::run;
use crate::logs::{Folder, as_logged, nginx};

/// A log with three hundred logins of 203.0.113.5.
fn log(folder: &Folder) -> String {
    folder.write("access.log", nginx(&as_logged(scenario::login_brute_force(7, MONDAY_MS).calls)))
}

#[test]
fn a_finding_as_severe_as_was_said_fails_the_run() {
    let folder = Folder::new();
    let log = folder.write("access.log", nginx(&as_logged(scenario::crawl(7, MONDAY_MS).calls)));
    run(&["watch", &log]).ends_with(0);
    run(&["watch", &log, "--fail-on-severity", "high"]).ends_with(0);
    for severity in ["medium", "low"] {
        let ran = run(&["watch", &log, "--fail-on-severity", severity]);
        ran.ends_with(1);
        assert!(ran.stderr.starts_with("error: 2 findings are at least"), "{}", ran.stderr);
        assert!(ran.stderr.contains("watch.crawl") && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
        assert!(ran.stdout.contains("watch.crawl"), "the report is there all the same");
    }
}

#[test]
fn findings_are_those_of_a_list_or_the_run_fails() {
    let folder = Folder::new();
    let log = log(&folder);
    let report = folder.argument("report.json");
    run(&["watch", &log, "-o", &report]).ends_with(0);
    run(&["watch", &log, "--expect", &report]).ends_with(0);
    let expect = |list: &str| run(&["watch", &log, "--expect", &folder.write("list.json", list)]);
    let wrong_count = r#"[{"rule":"watch.login-brute-force","subject":"203.0.113.5","count":299}]"#;
    let ran = expect(wrong_count);
    ran.ends_with(1);
    assert!(ran.stderr.contains("expected a count of 299, found 300"), "{}", ran.stderr);
    let ran = expect("[]");
    assert!(
        ran.ends_with(1).stderr.contains("address 203.0.113.5 was found and is not expected"),
        "{}",
        ran.stderr
    );
    let more = fs::read_to_string(&report).unwrap();
    let more = more.replacen(
        "\"findings\": [",
        "\"findings\": [{\"rule\":\"watch.flood\",\"subject\":\"192.0.2.9\"},",
        1,
    );
    let ran = expect(&more);
    ran.ends_with(1);
    assert!(ran.stderr.contains("expected watch.flood 192.0.2.9, and it was not found"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "the others are there: {}", ran.stderr);
}

#[test]
fn a_list_that_is_none_is_refused_with_all_its_mistakes() {
    let folder = Folder::new();
    let log = log(&folder);
    let list =
        folder.write("list.json", r#"[{"rule":"a"},{"subject":"b"},{"rule":"a","subject":"b","count":-1}]"#);
    let ran = run(&["watch", &log, "--expect", &list]);
    ran.refuses("entry 1", "a list is");
    assert!(ran.stderr.contains("entry 2") && ran.stderr.contains("entry 3"), "{}", ran.stderr);
    run(&["watch", &log, "--expect", &folder.argument("gone.json")]).refuses("gone.json", "a list is");
    run(&["watch", &log, "--expect", &folder.write("torn.json", "[{")]).refuses("torn.json", "a list is");
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_can() {
    let folder = Folder::new();
    let log = log(&folder);
    for (arguments, error, hint) in [
        (["--log-format", "nginx-combind"], "nginx-combind", "nginx-combined"),
        (["--log-format", "$remote_adr"], "remote_adr", "remote_addr"),
        (["--json-fields", "tiem=ts"], "tiem", "time"),
        (["--lateness", "11m"], "longer than 10m", "0s to 10m"),
        (["--year", "12"], "1970..=9999", "--help"),
        (["--utc-offset", "Berlin"], "no offset from UTC", "+02:00"),
        (["--format", "sarif"], "pretty, json", "--help"),
        (["-o", "report.pdf"], "report.pdf", ".json or .txt"),
        (["-o", "no-such-folder/report.json"], "no-such-folder", "folder that exists"),
    ] {
        let mut all = vec!["watch", &log];
        all.extend(arguments);
        run(&all).refuses(error, hint);
    }
    run(&["watch", "--follow", "-"]).refuses("standard input cannot be followed", "--follow");
    run(&["watch", "--state", "x", &log]).refuses("--follow", "");
}
