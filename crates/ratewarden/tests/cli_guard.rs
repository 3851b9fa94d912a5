//! `ratewarden guard` watches its calls: the real binary, with alerts to a file, through a reload and to its end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with the other tests of the binary")]
mod cli;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use cli::program;
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A running gateway with its log, ended when it is dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
    folder: Arc<TempDir>,
}

impl Running {
    fn start(rules: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        fs::write(folder.path().join("ratewarden.toml"), policy(rules)).unwrap();
        Self::run(folder, &["guard"])
    }

    fn run(folder: Arc<TempDir>, arguments: &[&str]) -> Self {
        let mut command = program(arguments);
        let command = command.current_dir(folder.path()).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            log.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok());
        });
        Self { child, lines, folder }
    }

    /// Puts another policy in the place of the one in force, at once and whole.
    fn policy(&self, rules: &str) {
        let beside = self.folder.path().join("new.toml");
        fs::write(&beside, policy(rules)).unwrap();
        fs::rename(&beside, self.folder.path().join("ratewarden.toml")).unwrap();
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// The next line of the log that has this text.
    fn line(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())).unwrap();
            if line.contains(text) {
                return line;
            }
        }
    }

    fn address(&self) -> String {
        let line = self.line("Listening on http://");
        line.split_once("http://").unwrap().1.trim_end_matches('.').to_owned()
    }

    fn alerts(&self) -> Vec<Value> {
        self.alerts_in("alerts.ndjson")
    }

    fn alerts_in(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn until_alerted_in(&self, file: &str) {
        let end = Instant::now() + PATIENCE;
        while self.alerts_in(file).is_empty() {
            assert!(Instant::now() < end, "no alert in {file}");
            std::thread::yield_now();
        }
    }

    /// Ends it as an init system does, and returns its exit code.
    fn end(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn policy(rules: &str) -> String {
    format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[upstream]\nurl = \"http://127.0.0.1:1\"\n\
         [timeouts]\nshutdown = \"100ms\"\n{rules}"
    )
}

/// Watching, with alerts to a file, each at once.
fn alerting(file: &str) -> String {
    format!(
        "[watch]\nstate = \"state\"\n[[alert]]\nname = \"file\"\nfile = \"{file}\"\nseverity = \"info\"\n\
         [alerts]\ngroup-wait = \"none\"\n"
    )
}

fn flood(address: &str, calls: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let calls = "GET /data HTTP/1.1\r\nhost: a\r\n\r\n".repeat(calls - 1)
        + "GET /data HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let written = std::thread::spawn(move || writer.write_all(calls.as_bytes()).unwrap());
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).unwrap();
    written.join().unwrap();
}

#[test]
fn a_flood_is_logged_alerted_and_banned_and_the_end_comes_in_time() {
    let mut gateway = Running::start(
        "[watch]\nstate = \"state\"\n[[detector]]\nname = \"flood\"\nban = \"10m\"\n\
         [[alert]]\nname = \"file\"\nfile = \"alerts.ndjson\"\nseverity = \"info\"\n[alerts]\ngroup-wait = \"none\"\n",
    );
    let address = gateway.address();
    flood(&address, 320);
    let opened = gateway.line("A finding has opened.");
    assert!(opened.contains("rule=\"watch.flood\"") && opened.contains("127.0.0.1"), "{opened}");
    gateway.line("A finding leads to a ban.");
    gateway.until_alerted_in("alerts.ndjson");
    assert_eq!(gateway.alerts()[0]["finding"]["rule"], "watch.flood", "{:?}", gateway.alerts());
    let begun = Instant::now();
    assert_eq!(gateway.end(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(gateway.alerts().len(), 1, "nobody says that it has ended");
}

#[test]
fn alerts_without_a_folder_for_what_waits_and_places_that_are_none_stop_the_start() {
    for (rules, said) in [
        ("[[alert]]\nname = \"file\"\nfile = \"alerts.ndjson\"\n", "`state` in its [watch] names no folder"),
        ("[watch]\ngeoip = \"none.mmdb\"\n", "none.mmdb"),
    ] {
        let mut gateway = Running::start(rules);
        let code = gateway.child.wait().unwrap().code();
        let log: Vec<String> = gateway.lines.iter().collect();
        assert!(code == Some(2) && log.iter().any(|line| line.contains(said)), "{code:?} {log:?}");
    }
}

#[test]
fn a_signal_that_comes_while_the_policy_is_read_ends_the_gateway() {
    let mut gateway = Running::start("");
    gateway.address();
    // Reading the policy takes until somebody writes it.
    let path = gateway.folder.path().join("ratewarden.toml");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    gateway.signal("HUP");
    // Opened only once it is being read.
    let mut writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
    gateway.signal("TERM");
    // The signal has reached the process when none is pending any more.
    let pending = || {
        let status = fs::read_to_string(format!("/proc/{}/status", gateway.child.id())).unwrap_or_default();
        status.lines().any(|line| line.starts_with("ShdPnd:") && line.trim_end().ends_with("4000"))
    };
    while pending() {
        std::thread::yield_now();
    }
    writer.write_all(policy("").as_bytes()).unwrap();
    drop(writer);
    fs::remove_file(&path).unwrap();
    gateway.line("Ending: no further connections are accepted.");
    assert_eq!(gateway.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reload_brings_findings_to_the_receivers_of_the_new_policy_and_to_no_others() {
    let mut gateway = Running::start(&alerting("before.ndjson"));
    let address = gateway.address();
    gateway.policy(&alerting("after.ndjson"));
    gateway.line("Policy reloaded.");
    flood(&address, 320);
    gateway.until_alerted_in("after.ndjson");
    assert_eq!(gateway.end(), Some(0));
    assert_eq!((gateway.alerts_in("before.ndjson").len(), gateway.alerts_in("after.ndjson").len()), (0, 1));
}

#[test]
fn a_successor_has_the_outbox_of_alerts_once_its_predecessor_is_gone() {
    let mut before = Running::start(&alerting("alerts.ndjson"));
    before.address();
    let mut after = Running::run(Arc::clone(&before.folder), &["guard", "--take-over"]);
    let address = after.address();
    assert_eq!(before.child.wait().unwrap().code(), Some(0));
    flood(&address, 320);
    after.line("A finding has opened.");
    after.until_alerted_in("alerts.ndjson");
    assert_eq!(after.end(), Some(0));
    let alerts = after.alerts();
    assert_eq!((alerts.len(), &alerts[0]["finding"]["rule"]), (1, &"watch.flood".into()), "{alerts:?}");
}
