//! The GitHub Action's script, run as a runner runs it: an environment of its own, files for outputs and summary.
//!
//! Two kinds of test: with a stand-in for the binary, which shows exactly what the script passes on and what it makes of
//! each exit code, and with the real binary against the demo API.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "action/step.rs"]
mod step;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use ratewarden_demo::{DemoApi, DemoOptions, TokenBucket};
use step::Step;
use tokio::runtime::Runtime;

#[test]
fn every_input_reaches_the_scan_as_one_argument() {
    let nasty = "--help; $(touch pwned) `touch pwned` \"'* ${{ x }} é";
    for url in [nasty, "-o", "http://h/?a=1&b=$HOME#;x"] {
        let step = Step::standing_in(0)
            .with("INPUT_URL", url)
            .with("INPUT_BASELINE", nasty)
            .with("INPUT_OPENAPI", "https://h/openapi.json")
            .with("INPUT_FAIL_UNDER", "80")
            .with("INPUT_FAIL_ON_SEVERITY", "high");
        assert_eq!(step.run().code, 0, "{url}");
        let arguments = step.arguments().unwrap();
        assert_eq!(arguments[..4], ["scan", "--format", "json", "--depth=standard"]);
        assert_eq!(arguments[arguments.len() - 2..], ["--", url]);
        let baseline = format!("--baseline={}", step.in_workspace(nasty).display());
        for expected in
            [&baseline, "--openapi=https://h/openapi.json", "--fail-under=80", "--fail-on-severity=high"]
        {
            assert!(arguments.iter().any(|argument| argument == expected), "{expected} in {arguments:?}");
        }
        assert_eq!(
            arguments.iter().filter(|argument| *argument == "-o").count(),
            3 + usize::from(url == "-o")
        );
        assert!(!step.in_workspace("pwned").exists() && !step.path("temp").join("pwned").exists());
    }
}

#[test]
fn headers_reach_the_scan_by_the_environment_and_never_as_arguments() {
    let lines = "Authorization: Bearer $(id)\n\nX-Key: sekrit b\n";
    let step = Step::standing_in(0).with("RATEWARDEN_HEADERS", lines);
    assert_eq!(step.run().code, 0);
    assert_eq!(fs::read_to_string(step.path("headers")).unwrap(), lines);
    let arguments = step.arguments().unwrap();
    let told = |argument: &String| argument.starts_with("-H") || argument.contains("sekrit");
    assert!(!arguments.iter().any(told), "{arguments:?}");
}

#[test]
fn a_report_is_never_written_over_what_is_read_however_it_is_spelt() {
    let spellings = ["a.json", "./a.json", ".//a.json", "b/../a.json", "../workspace/a.json", "link.json"];
    for (name, spelt) in
        ["INPUT_BASELINE", "INPUT_OPENAPI"].iter().flat_map(|name| spellings.map(|spelt| (*name, spelt)))
    {
        let step = Step::standing_in(0).with("INPUT_SARIF", "./a.sarif").with(name, spelt);
        fs::write(step.in_workspace("a.json"), "{}").unwrap();
        symlink("a.json", step.in_workspace("link.json")).unwrap();
        let ran = step.run();
        assert_eq!(ran.code, 2, "{name}={spelt}: {}", ran.log);
        assert!(ran.log.contains("written over") && step.arguments().is_none(), "{}", ran.log);
    }
    let absolute = Step::standing_in(0).with("INPUT_SARIF", "a.sarif");
    let path = absolute.in_workspace("a.sarif").to_str().unwrap().to_owned();
    assert_eq!(absolute.with("INPUT_BASELINE", &path).run().code, 2);
    for other in ["b/a.json", "a.json.bak", "https://h/a.json"] {
        let step = Step::standing_in(0).with("INPUT_SARIF", "a.sarif").with("INPUT_OPENAPI", other);
        assert_eq!(step.run().code, 0, "{other}");
    }
}

#[test]
fn inputs_that_cannot_be_meant_are_refused_before_anything_runs() {
    let cases = [
        ("INPUT_URL", ""),
        ("INPUT_URL", "http://h/\nscore=100"),
        ("INPUT_URL", "http://h/\r::set-env name=PATH::/evil"),
        ("INPUT_URL", "http://h/\u{1b}[31m"),
        ("INPUT_DEPTH", "quick; true"),
        ("INPUT_DEPTH", "bottomless"),
        ("INPUT_FAIL_ON_SEVERITY", "awful"),
        ("INPUT_FAIL_UNDER", "101"),
        ("INPUT_FAIL_UNDER", "80 --insecure"),
        ("INPUT_SARIF", "a\nscore=100.sarif"),
        ("INPUT_SARIF", "report.xml"),
        ("INPUT_BASELINE", "ratewarden.json"),
        ("INPUT_BINARY", "/nowhere/ratewarden"),
    ];
    for (name, value) in cases {
        let step = Step::standing_in(0).with(name, value);
        let ran = step.run();
        assert_eq!(ran.code, 2, "{name}={value:?}: {}", ran.log);
        assert_eq!(ran.log.lines().filter(|line| line.starts_with("::")).count(), 1, "{}", ran.log);
        assert!(ran.log.starts_with("::error title=Ratewarden::"), "{}", ran.log);
        assert!(step.arguments().is_none() && ran.outputs.is_empty());
    }
}

#[test]
fn the_step_ends_as_the_scan_ended() {
    for (code, says) in
        [(0, None), (1, Some("score 41 (F)")), (2, Some("something to say")), (3, Some("hint: what"))]
    {
        let ran = Step::standing_in(code).run();
        assert_eq!(ran.code, code);
        let error = ran.log.lines().find(|line| line.starts_with("::error"));
        assert_eq!(error.is_some(), says.is_some(), "{}", ran.log);
        assert!(error.unwrap_or_default().contains(says.unwrap_or_default()), "{}", ran.log);
    }
    assert_eq!(Step::standing_in(130).run().code, 130);
}

#[test]
fn the_runner_takes_no_commands_from_what_the_scan_prints() {
    let log = Step::standing_in(0).run().log;
    let token = log.lines().find_map(|line| line.strip_prefix("::stop-commands::")).unwrap();
    let (stop, resume) =
        (log.find("::stop-commands::").unwrap(), log.find(&format!("\n::{token}::")).unwrap());
    let command = log.find("::set-env").unwrap();
    assert!(token.len() == 32 && stop < command && command < resume, "{log}");
    assert_ne!(Step::standing_in(0).run().log, log, "the token is another each time");
}

#[test]
fn score_and_grade_are_the_same_with_jq_and_without() {
    let step = Step::standing_in(0);
    let bare = step.path("bin");
    fs::create_dir(&bare).unwrap();
    for tool in "bash env mktemp rm mkdir dirname cp cat od tr grep head".split(' ') {
        let search = std::env::var("PATH").unwrap();
        let found = search.split(':').map(|dir| Path::new(dir).join(tool)).find(|path| path.exists());
        symlink(found.unwrap(), bare.join(tool)).unwrap();
    }
    let with = Step::standing_in(0).run();
    let bare = bare.to_str().unwrap().to_owned();
    let without = step.with("PATH", &bare).run();
    assert_eq!(without.code, 0, "{}", without.log);
    assert_eq!(with.outputs, without.outputs);
    assert_eq!((with.outputs["score"].as_str(), with.outputs["grade"].as_str()), ("41", "F"));
}

#[test]
fn reports_go_where_the_input_says_and_nothing_is_left_elsewhere() {
    let step = Step::standing_in(1).with("INPUT_SARIF", "build/reports/limits.sarif");
    let ran = step.run();
    assert_eq!(ran.outputs["sarif"], "build/reports/limits.sarif");
    assert_eq!(ran.outputs["json"], "build/reports/limits.json");
    assert!(step.in_workspace("build/reports/limits.sarif").exists());
    assert!(step.in_workspace("build/reports/limits.json").exists());
    assert_eq!(ran.summary, "# Report\n");
    assert_eq!(fs::read_dir(step.path("temp")).unwrap().count(), 0);
}

fn demo(limit: Option<TokenBucket>) -> (Runtime, DemoApi) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let entered = runtime.enter();
    let api = DemoApi::start(DemoOptions { limit, ..DemoOptions::default() }).unwrap();
    drop(entered);
    (runtime, api)
}

#[test]
fn a_scan_of_the_demo_writes_score_files_and_summary() {
    let (_runtime, api) = demo(Some(TokenBucket::default()));
    let step = Step::scanning(&format!("{}/api/version", api.url()));
    let ran = step.run();
    assert_eq!(ran.code, 0, "{}", ran.log);
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(step.in_workspace(&ran.outputs[name])).unwrap()).unwrap()
    };
    let (report, sarif) = (read("json"), read("sarif"));
    assert_eq!(report["schema"], "ratewarden.scan/1");
    assert_eq!(report["score"].to_string(), ran.outputs["score"]);
    assert_eq!(report["grade"].as_str(), Some(ran.outputs["grade"].as_str()));
    assert_eq!(sarif["version"], "2.1.0");
    assert!(ran.summary.contains(&ran.outputs["score"]), "{}", ran.summary);
}

#[test]
fn a_gate_that_does_not_hold_fails_the_step_after_the_outputs_are_written() {
    let (_runtime, api) = demo(None);
    let step = Step::scanning(&format!("{}/api/jobs/", api.url())).with("INPUT_FAIL_ON_SEVERITY", "high");
    let ran = step.run();
    assert_eq!(ran.code, 1, "{}", ran.log);
    assert!(ran.log.contains("::error title=Ratewarden::the gate does not hold"), "{}", ran.log);
    assert!(step.in_workspace(&ran.outputs["sarif"]).exists() && !ran.summary.is_empty());
}

#[test]
fn a_target_that_refuses_and_a_text_that_is_no_url_say_what_to_do() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, code) in [(format!("http://127.0.0.1:{port}/"), 3), ("not a url".to_owned(), 2)] {
        let ran = Step::scanning(&url).run();
        assert_eq!(ran.code, code, "{}", ran.log);
        let error = ran.log.lines().find(|line| line.starts_with("::error title=Ratewarden::")).unwrap();
        assert!(error.contains("hint:"), "{error}");
        assert!(ran.outputs.is_empty());
    }
}
