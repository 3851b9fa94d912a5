//! The real binary against the demo API: what goes to which stream and file, what fails a run, and how it ends.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
mod cli;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use cli::{Bench, Ran, nobody, program, run};
use ratewarden_demo::PRIVATE_TOKEN;
use ratewarden_testkit::services::{REQUIRED, REQUIRED_VARIABLE};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_standard_output_is_the_report_and_nothing_else() {
    let bench = Bench::weak();
    let ran = bench.scan(&["--format=json"]);
    ran.ends_with(0);
    assert_eq!(ran.stderr, "", "without a terminal there is no progress");
    let report = json(&ran.stdout);
    assert_eq!(report["schema"], "ratewarden.scan/1");
    let deducted: u64 =
        report["findings"].as_array().unwrap().iter().map(|f| f["deduction"].as_u64().unwrap()).sum();
    assert_eq!(report["score"], 100_u64.saturating_sub(deducted), "the sum can be made again from the JSON");
}

#[test]
fn every_format_goes_to_the_standard_output_and_to_files() {
    let bench = Bench::weak();
    let names = ["r.json", "r.sarif", "r.xml", "r.md", "r.html", "r.txt"];
    let paths = names.map(|name| bench.argument(name));
    let mut arguments = vec!["--format", "markdown"];
    for path in &paths {
        arguments.extend(["-o", path]);
    }
    let ran = bench.scan(&arguments);
    ran.ends_with(0);
    let read = |name: &str| fs::read_to_string(bench.file(name)).unwrap();
    assert_eq!(json(&read("r.json"))["schema"], "ratewarden.scan/1");
    assert_eq!(json(&read("r.sarif"))["version"], "2.1.0");
    assert!(read("r.xml").contains("<testsuites") && read("r.html").contains("<!doctype html"));
    assert_eq!(read("r.md"), ran.stdout);
    let pretty = read("r.txt");
    assert!(pretty.contains("/metrics") && pretty.contains("/100") && !pretty.contains('\u{1b}'));
    assert_eq!(fs::read_dir(bench.file(".")).unwrap().count(), names.len(), "nothing is left beside them");
}

#[test]
fn headers_of_the_environment_are_sent_and_never_shown() {
    let bench = Bench::weak();
    let scan = |headers: &str| {
        let url = bench.url("/private");
        let arguments = ["scan", &url, "--depth=quick", "--max-time=2s", "--format=json"];
        Ran::of(&program(&arguments).env("RATEWARDEN_HEADERS", headers).output().unwrap())
    };
    let asks = |ran: &Ran| ran.stdout.contains("asks for credentials");
    assert!(asks(&scan("X-Nothing: 1")));
    let ran = scan(&format!("\nauthorization: Bearer {PRIVATE_TOKEN}\n"));
    assert!(!asks(&ran) && !ran.stdout.contains(PRIVATE_TOKEN), "{}", ran.stdout);
    ran.ends_with(0);
}

/// jq, without which these tests may only be left out where nothing is required.
fn has_jq() -> bool {
    let found = Command::new("jq").arg("--version").output().is_ok_and(|done| done.status.success());
    let required = std::env::var_os(REQUIRED_VARIABLE).is_some_and(|value| value == REQUIRED);
    assert!(found || !required, "jq is missing: run `cargo xtask services`");
    found
}

#[test]
fn the_pipeline_of_the_documentation_works_as_written() {
    if !has_jq() {
        return;
    }
    let bench = Bench::weak();
    let line = "ratewarden scan $URL --format json | jq '.score' | xargs -I {} test {} -ge $LEAST || exit 1";
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_ratewarden")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let piped = |least: &str| {
        let url = format!("{} --depth quick --max-time 2s", bench.url("/metrics"));
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", &path).env("URL", url).env("LEAST", least);
        Ran::of(&shell.output().unwrap())
    };
    piped("0").ends_with(0);
    piped("100").ends_with(1);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::weak();
    let url = bench.url("/metrics");
    let mut child = program(&["scan", &url, "--depth", "quick", "--max-time", "1s", "--format", "html"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(&child.wait_with_output().unwrap());
    ran.ends_with(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_full_disk_behind_the_standard_output_is_an_error() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    let ran = Ran::of(&program(&["rules"]).stdout(full).output().unwrap());
    ran.refuses("cannot write to the standard output", "disk");
}

#[test]
fn gates_fail_the_run_after_the_report_is_written() {
    let bench = Bench::weak();
    let ran = bench.scan(&["--fail-on-severity", "high", "--fail-under", "100", "--format", "json"]);
    ran.ends_with(1);
    assert!(json(&ran.stdout)["findings"].as_array().is_some_and(|findings| !findings.is_empty()));
    let errors: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 2, "{}", ran.stderr);
    assert!(errors[0].contains("at least high") && errors[1].contains("--fail-under"), "{errors:?}");
    bench.scan(&["--fail-under", "0"]).ends_with(0);
}

#[test]
fn what_is_in_the_baseline_fails_no_run() {
    let bench = Bench::weak();
    let (baseline, report) = (bench.argument("baseline.json"), bench.argument("report.json"));
    // What the first one has no time for would be new to the next.
    bench.scan_for("10s", &["--baseline", &baseline, "--update-baseline", "-o", &report]).ends_with(0);
    let written = json(&fs::read_to_string(bench.file("baseline.json")).unwrap());
    assert_eq!(written["schema"], "ratewarden.baseline/1");
    assert!(written["fingerprints"].as_array().is_some_and(|all| !all.is_empty()), "{written}");
    for known in [&baseline, &report] {
        let ran = bench.scan(&["--baseline", known, "--fail-on-severity", "high", "--fail-under", "80"]);
        ran.ends_with(0);
        assert!(ran.stderr.contains("known from the baseline: scan."), "{}", ran.stderr);
    }
    fs::write(bench.file("empty.json"), r#"{"schema":"ratewarden.baseline/1","fingerprints":[]}"#).unwrap();
    bench.scan(&["--baseline", &bench.argument("empty.json"), "--fail-on-severity", "high"]).ends_with(1);
}

#[test]
fn the_expected_limit_has_to_be_the_one_that_is_found() {
    let bench = Bench::limited();
    let url = bench.url("/api/version");
    let scan = |rate: &str| run(&["scan", &url, "--depth", "standard", "--max-time", "8s", "--expect", rate]);
    let ran = scan("10/1s");
    ran.ends_with(0);
    assert!(ran.stderr.contains("expected 10/1s, found token-bucket"), "{}", ran.stderr);
    let other = scan("100/1m");
    other.ends_with(1);
    assert!(other.stderr.contains("error: expected 100/1m, but GET http"), "{}", other.stderr);
    let none = Bench::weak().scan(&["--expect", "10/1s"]);
    none.ends_with(1);
    assert!(none.stderr.contains("no rejection in"), "{}", none.stderr);
}

#[test]
fn the_policy_that_a_scan_writes_is_one_that_the_gateway_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ratewarden.toml");
    let file = file.to_str().unwrap();
    Bench::weak().scan(&["--policy-out", file]).ends_with(0);
    let weak = std::fs::read_to_string(file).unwrap();
    assert!(weak.contains("No rejection was seen") && weak.contains("rate  = \"10/1s\""), "{weak}");
    for part in ["query = \"page_size\"", "name  = \"job submissions\"", "name  = \"all calls\""] {
        assert!(weak.contains(part), "{part}: {weak}");
    }
    run(&["policy", "check", file]).ends_with(0);
    let bench = Bench::limited();
    let url = bench.url("/api/version");
    run(&["scan", &url, "--max-time", "8s", "--policy-out", file]).ends_with(0);
    let limited = std::fs::read_to_string(file).unwrap();
    assert!(
        limited.contains("match = { method = [\"GET\", \"HEAD\"], path = \"/api/version\" }"),
        "{limited}"
    );
    assert!(limited.contains("rate  = \"10/1s\""), "{limited}");
    let checked = run(&["policy", "check", file]);
    checked.ends_with(0);
    assert!(checked.stdout.ends_with("fine, 4 limits\n"), "{}", checked.stdout);
}

#[test]
fn the_bounds_of_the_command_line_hold() {
    let bench = Bench::weak();
    let ran = bench.scan(&["--max-requests=25", "--max-in-flight=1", "--timeout=5s", "--format=json"]);
    ran.ends_with(0);
    assert!(json(&ran.stdout)["requests_sent"].as_u64().unwrap() <= 25, "{}", ran.stdout);
}

#[test]
fn options_with_equals_signs_and_a_url_after_two_dashes_are_understood() {
    let bench = Bench::limited();
    let url = bench.url("/api/version");
    let file = format!("--output={}", bench.argument("r.json"));
    let arguments =
        ["scan", "--format=json", "--depth=quick", "--max-time=1s", &file, "-HX-Key: abcd", "--", &url];
    let ran = run(&arguments);
    ran.ends_with(0);
    assert_eq!(json(&ran.stdout), json(&fs::read_to_string(bench.file("r.json")).unwrap()));
}

#[test]
fn a_target_that_cannot_be_reached_ends_with_3() {
    let ran = run(&["scan", &nobody()]);
    ran.ends_with(3);
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

/// A server that answers everything alike and tells of each request.
fn counting_server() -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/items", listener.local_addr().unwrap());
    let (tell, asked) = channel();
    std::thread::spawn(move || {
        // Ends with the first connection after the receiver is gone, at the latest with the test's process.
        for stream in listener.incoming().map_while(Result::ok) {
            let tell = tell.clone();
            std::thread::spawn(move || answer_all(&stream, &tell));
        }
    });
    (url, asked)
}

fn answer_all(mut stream: &TcpStream, tell: &Sender<()>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        let whole = line.is_empty();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        if whole && (tell.send(()).is_err() || stream.write_all(answer).is_err()) {
            break;
        }
    }
}

#[test]
fn a_signal_ends_the_scan_at_once_and_leaves_no_file() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::weak();
        let (url, asked) = counting_server();
        let file = bench.argument("r.json");
        let child = program(&["scan", &url, "-o", &file])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The baseline has 4 requests: whoever sends a twentieth is in the middle of the search.
        (0..20).for_each(|_| asked.recv_timeout(Duration::from_secs(10)).unwrap());
        let started = Instant::now();
        let killed = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let ran = Ran::of(&child.wait_with_output().unwrap());
        ran.ends_with(code);
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        assert!(ran.stdout.is_empty() && ran.stderr.contains("before the end"), "{}", ran.stderr);
        assert_eq!(fs::read_dir(bench.file(".")).unwrap().count(), 0);
    }
}
