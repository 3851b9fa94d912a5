//! The real binary, given what it cannot use: exit code 2, one `error:` line, one `hint:` line, no secret, no request.
//! And the commands that need no target.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "the demo API is for the tests that scan")]
mod cli;

use std::fs;

use cli::{nobody, program, run};

/// A scan of a URL where nobody listens: were it not refused beforehand, it would end with 3.
fn scan(arguments: &[&str]) -> cli::Ran {
    let url = nobody();
    let mut all = vec!["scan", &url];
    all.extend(arguments);
    run(&all)
}

#[test]
fn a_value_that_cannot_be_meant_is_refused_with_what_can() {
    for (arguments, error, hint) in [
        (["--depth", "bottomless"], "quick, standard, deep", "ratewarden scan --help"),
        (["--format", "pdf"], "sarif", "ratewarden scan --help"),
        (["--fail-on-severity", "urgent"], "critical, high, medium, low, info", "--help"),
        (["--fail-under", "101"], "0..=100", "--help"),
        (["--fail-under", "-1"], "-1", ""),
        (["--max-requests", "0"], "1..=", "--help"),
        (["--max-in-flight", "51"], "1..=50", "--help"),
        (["--max-time", "0s"], "zero never means unlimited", "--help"),
        (["--max-time", "10"], "a unit, such as", "--help"),
        (["--timeout", "25h"], "longer than 24h", "--help"),
        (["--expect", "100"], "100/1m", "--help"),
        (["--expect", "0/1m"], "zero", "--help"),
        (["--backend", "mongodb"], "cassandra, ray, anyscale", "--help"),
        (["--source-address", "here"], "IP", "--help"),
        (["--source-address", "203.0.113.9"], "cannot send from `203.0.113.9`", "address of this machine"),
        (["--openap", "x"], "--openap", "--openapi"),
        (["-o", "report.pdf"], "report.pdf", ".sarif"),
        (["-o", "no-such-folder/report.json"], "no-such-folder", "folder that exists"),
        (["-o", "/"], "names no format", ".json"),
    ] {
        scan(&arguments).refuses(error, hint);
    }
    run(&["scan"]).refuses("<URL>", "ratewarden scan --help");
    run(&[]).refuses("no command", "ratewarden demo");
    run(&["scna"]).refuses("scna", "scan");
}

#[test]
fn a_header_of_the_environment_is_refused_with_its_line_and_without_its_value() {
    let done = program(&["scan", &nobody()]).env("RATEWARDEN_HEADERS", "X-Good: 1\nsekrit4711\n").output();
    let ran = cli::Ran::of(&done.unwrap());
    assert!(!ran.stderr.contains("sekrit4711"), "{}", ran.stderr);
    ran.refuses("line 2 of RATEWARDEN_HEADERS", "Authorization: Bearer TOKEN");
}

#[test]
fn writes_have_to_be_allowed_and_are_never_deletes() {
    scan(&["--endpoint", "POST /events"]).refuses("--writes", "");
    scan(&["--writes", "--endpoint", "DELETE /events"]).refuses("DELETE is never sent", "never deletes");
    scan(&["--writes", "--endpoint", "GET /events"]).refuses("does not write", "POST /events");
    scan(&["--writes", "--endpoint", "events"]).refuses("not a method and a path", "POST /events");
}

#[test]
fn a_report_is_never_written_over_what_is_read_or_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json").to_str().unwrap().to_owned();
    let detour = dir.path().join("./a.json").to_str().unwrap().to_owned();
    fs::write(&path, r#"{"schema":"ratewarden.baseline/1","fingerprints":[]}"#).unwrap();
    scan(&["-o", &path, "-o", &detour]).refuses("written over", "name of its own");
    scan(&["-o", &detour, "--baseline", &path]).refuses("written over", "--baseline");
    scan(&["-o", &path, "--openapi", &path]).refuses("written over", "--openapi");
}

#[test]
fn a_file_that_cannot_be_written_is_found_out_before_the_scan() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder.json");
    fs::create_dir(&folder).unwrap();
    scan(&["-o", folder.to_str().unwrap()]).refuses("folder.json", "may be written to");
    let below = dir.path().join("missing/baseline.json");
    scan(&["--baseline", below.to_str().unwrap(), "--update-baseline"])
        .refuses("missing", "folder that exists");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_baseline_that_is_none_is_refused_before_the_scan() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("baseline.json");
    scan(&["--baseline", path.to_str().unwrap()]).refuses("cannot read the baseline", "--update-baseline");
    for (content, error) in [
        (r#"{"schema":"ratewarden.baseline/2","fingerprints":[]}"#, "ratewarden.baseline/2"),
        (r#"{"schema":"ratewarden.scan/0","findings":[]}"#, "expected `ratewarden.scan/1`"),
        ("{}", "no schema"),
        ("{", "not JSON"),
    ] {
        fs::write(&path, content).unwrap();
        scan(&["--baseline", path.to_str().unwrap()]).refuses(error, "");
    }
}

#[test]
fn no_usage_error_shows_a_secret() {
    let url = nobody();
    let with_password = url.replace("http://", "http://ann:sekrit-12345@");
    for arguments in [
        vec!["scan", &url, "-H", "Authorization Bearer sekrit-12345"],
        vec!["scan", &url, "-H", "Authorization: sekrit-12345\nX: y"],
        vec!["scan", &url, "-H", "a b: sekrit-12345"],
        vec!["scan", &url, "Authorization: Bearer sekrit-12345"],
        vec!["scan", &url, &with_password],
        vec!["scan", &with_password, "--depth", "deeper"],
        vec!["scan", "http//ann:sekrit-12345@h/", "extra"],
        vec!["scan", "http//ann:sekrit-12345@h/"],
        vec!["scan", &url, "--heder", "-HX-Key: sekrit-12345"],
        vec!["scan", &url, "-H", "X-Key: sekrit-12345", "--endpoint", "sekrit-12345", "--writes"],
    ] {
        let ran = run(&arguments);
        ran.ends_with(2);
        assert!(!ran.stderr.contains("sekrit-12345") && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    }
}

#[test]
fn a_rule_is_listed_and_explained_and_a_misspelt_one_suggested() {
    let list = run(&["rules"]);
    list.ends_with(0);
    let line = list.stdout.lines().find(|line| line.starts_with("scan.no-limit ")).unwrap();
    assert!(
        line.contains("high") && line.contains("35") && line.contains("No rate limit was seen"),
        "{line}"
    );
    let one = run(&["rules", "scan.hot-key"]);
    for words in ["What to do", "References", "CWE-770", "docs/rules/scan.hot-key.md"] {
        assert!(one.ends_with(0).stdout.contains(words), "{}", one.stdout);
    }
    let all: serde_json::Value = serde_json::from_str(&run(&["rules", "--format", "json"]).stdout).unwrap();
    assert_eq!(all["rules"].as_array().unwrap().len(), list.stdout.lines().count());
    run(&["rules", "scan.no-limt"]).refuses("scan.no-limt", "scan.no-limit");
}

#[test]
fn help_version_completions_and_man_are_data() {
    for (arguments, words) in [
        (vec!["--help"], "Exit codes: 0 fine"),
        (vec!["scan", "--help"], "--fail-on-severity"),
        (vec!["--version"], "ratewarden 0."),
        (vec!["completions", "bash"], "complete -F"),
        (vec!["completions", "fish"], "complete -c ratewarden"),
        (vec!["man"], ".TH ratewarden 1"),
        (vec!["man", "scan"], "update"),
    ] {
        let ran = run(&arguments);
        assert!(ran.ends_with(0).stdout.contains(words), "{arguments:?}: {}", ran.stdout);
        assert_eq!(ran.stderr, "");
    }
    run(&["completions", "cmd"]).refuses("bash", "ratewarden completions --help");
    run(&["man", "wacth"]).refuses("no command `wacth`", "watch");
}

#[test]
fn a_port_of_the_demo_that_is_taken_is_a_usage_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    run(&["demo", "--once", "--port", &port]).refuses(&port, "another --port");
    run(&["demo", "--once", "-o", "report.pdf"]).refuses("report.pdf", ".html");
}
