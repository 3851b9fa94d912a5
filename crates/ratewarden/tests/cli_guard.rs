//! `ratewarden guard` watches its calls: the real binary, with alerts to a file, through a reload and to its end.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with the other tests of the binary")]
mod cli;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
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
    folder: TempDir,
}

impl Running {
    fn start(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy = format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[upstream]\nurl = \"http://127.0.0.1:1\"\n\
             [timeouts]\nshutdown = \"100ms\"\n{rules}"
        );
        fs::write(folder.path().join("ratewarden.toml"), policy).unwrap();
        let mut command = program(&["guard"]);
        let command = command.current_dir(folder.path()).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            log.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok());
        });
        Self { child, lines, folder }
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
        let text = fs::read_to_string(self.folder.path().join("alerts.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Ends it as an init system does, and returns its exit code.
    fn end(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
    let end = Instant::now() + PATIENCE;
    while gateway.alerts().is_empty() {
        assert!(Instant::now() < end, "no alert");
        std::thread::yield_now();
    }
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
