//! The GitHub Action's script, run as a runner runs it: an environment of its own, files for outputs and summary.
//!
//! Two kinds of test: with a stand-in for the binary, which shows exactly what the script passes on and what it makes of
//! each exit code, and with the real binary against the demo API.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use ratewarden_demo::{DemoApi, DemoOptions, TokenBucket};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A runner's directories, and the environment of one step.
struct Step {
    dir: TempDir,
    env: BTreeMap<String, String>,
}

/// What a step left behind.
struct Ran {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    summary: String,
}

impl Step {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut step = Self { env: BTreeMap::new(), dir };
        for name in ["workspace", "temp"] {
            fs::create_dir(step.path(name)).unwrap();
        }
        for name in ["output", "summary"] {
            fs::write(step.path(name), "").unwrap();
        }
        step = step.with("PATH", &std::env::var("PATH").unwrap());
        step = step.with("GITHUB_ACTION_PATH", root.to_str().unwrap());
        for (name, file) in [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("GITHUB_WORKSPACE", "workspace"),
            ("RUNNER_TEMP", "temp"),
        ] {
            let path = step.path(file);
            step = step.with(name, path.to_str().unwrap());
        }
        step
    }

    /// A step that runs the real binary against `url`, at the smallest depth.
    fn scanning(url: &str) -> Self {
        let step = Self::new().with("RATEWARDEN_BIN", env!("CARGO_BIN_EXE_ratewarden"));
        step.with("INPUT_URL", url).with("INPUT_DEPTH", "quick")
    }

    /// A step whose binary is a script that notes its arguments, writes the files it is asked for and ends with `code`.
    fn standing_in(code: i32) -> Self {
        let step = Self::new();
        let stand_in = format!(
            r#"#!/usr/bin/env bash
printf '%s\0' "$@" >'{arguments}'
printf 'error: something to say\n::set-env name=PATH::/evil\nhint: what to do\n' >&2
while (($#)); do
  if [[ $1 == -o ]]; then
    case $2 in
      *.json) printf '%s' '{report}' >"$2" ;;
      *.sarif) printf '{{}}' >"$2" ;;
      *.md) printf '# Report\n' >"$2" ;;
    esac
  fi
  shift
done
exit {code}
"#,
            arguments = step.path("arguments").display(),
            report = r#"{"target":"http://h/,\"score\":7","score":41,"grade":"F","categories":{"x":{"score":99}}}"#,
        );
        let path = step.path("stand-in");
        fs::write(&path, stand_in).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        step.with("INPUT_BINARY", &path).with("INPUT_URL", "http://h/")
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn in_workspace(&self, name: &str) -> PathBuf {
        self.path("workspace").join(name)
    }

    fn run(&self) -> Ran {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../action/scan.sh");
        let done = Command::new("bash")
            .arg(script)
            .current_dir(self.path("temp"))
            .env_clear()
            .envs(&self.env)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let outputs = fs::read_to_string(self.path("output")).unwrap();
        Ran {
            code: done.status.code().unwrap(),
            log: text(&done.stdout) + &text(&done.stderr),
            outputs: outputs.lines().map(|line| line.split_once('=').unwrap()).map(own).collect(),
            summary: fs::read_to_string(self.path("summary")).unwrap(),
        }
    }

    /// What the stand-in was called with; None where it was not called.
    fn arguments(&self) -> Option<Vec<String>> {
        let noted = fs::read_to_string(self.path("arguments")).ok()?;
        Some(noted.split_terminator('\0').map(str::to_owned).collect())
    }
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn every_input_reaches_the_scan_as_one_argument() {
    let nasty = "--help; $(touch pwned) `touch pwned` \"'* ${{ x }} é";
    for url in [nasty, "-o", "http://h/?a=1&b=$HOME#;x"] {
        let step = Step::standing_in(0)
            .with("INPUT_URL", url)
            .with("INPUT_BASELINE", nasty)
            .with("INPUT_OPENAPI", "https://h/openapi.json")
            .with("INPUT_FAIL_UNDER", "80")
            .with("INPUT_FAIL_ON_SEVERITY", "high")
            .with("RATEWARDEN_HEADERS", "Authorization: Bearer $(id)\n\nX-Key: a b\n");
        assert_eq!(step.run().code, 0, "{url}");
        let arguments = step.arguments().unwrap();
        assert_eq!(arguments[..4], ["scan", "--format", "json", "--depth=standard"]);
        assert_eq!(arguments[arguments.len() - 2..], ["--", url]);
        let baseline = format!("--baseline={}", step.in_workspace(nasty).display());
        for expected in [
            &baseline,
            "--openapi=https://h/openapi.json",
            "--fail-under=80",
            "--fail-on-severity=high",
            "Authorization: Bearer $(id)",
            "X-Key: a b",
        ] {
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
