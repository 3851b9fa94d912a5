//! The loop closed: the scan, from outside, finds in front of a guarded API the limit its policy asks for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ratewarden_guard::Guard;

/// How long the API takes for an answer.
const QUICK: Duration = Duration::from_millis(5);

/// Calls under way at once need something to be under way, for longer than a busy machine keeps a client waiting.
const SLOW: Duration = Duration::from_millis(250);

/// One scan at a time: several would measure each other on a small machine.
static SCANNING: Mutex<()> = Mutex::new(());

/// An API without limits that answers any call with a small document; it ends with the process.
fn api(service: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer_all(&stream, service));
        }
    });
    address
}

fn answer_all(stream: &TcpStream, service: Duration) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
        if line == "\r\n" {
            std::thread::sleep(service);
            let body = "{\"ok\":true}";
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let mut out = stream;
            if out.write_all(format!("{head}{body}").as_bytes()).is_err() {
                return;
            }
        }
        line.clear();
    }
}

/// Scans an API that is guarded by one limit.
fn scan(service: Duration, limit: &str, arguments: &[&str]) -> Output {
    let _alone = SCANNING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("ratewarden.toml");
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\n[upstream]\nurl = \"http://{}\"\n[log]\naccess = \"off\"\n\
         [[limit]]\nname = \"calls\"\nper = [\"address\"]\n{limit}\n",
        api(service)
    );
    std::fs::write(&policy, text).unwrap();
    let guard = Guard::start(&policy).unwrap_or_else(|error| panic!("{error}"));
    let url = format!("http://{}/v1/items", guard.http()[0]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratewarden"));
    let output = command.args(["scan", &url]).args(arguments).output().unwrap();
    guard.stop();
    output
}

fn expect(limit: &str, rate: &str) {
    let output = scan(QUICK, limit, &["--expect", rate, "--format", "pretty"]);
    let said = [output.stdout.as_slice(), b"\n", &output.stderr].concat();
    assert_eq!(output.status.code(), Some(0), "{limit}: {}", String::from_utf8_lossy(&said));
}

#[test]
fn a_token_bucket_is_found_as_the_policy_says() {
    expect("rate = \"100/10s\"\nburst = 20", "100/10s");
}

#[test]
fn a_sliding_window_is_found_as_the_policy_says() {
    expect("window = \"30/4s\"", "30/4s");
}

#[test]
fn a_limit_that_is_not_what_was_meant_is_said_to_be_another() {
    let output = scan(QUICK, "rate = \"100/10s\"\nburst = 20", &["--expect", "300/10s"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn calls_at_once_are_found_as_the_policy_says() {
    let output = scan(SLOW, "concurrent = 4", &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let limiter = &report["limiters"][0];
    let found = (limiter["algorithm"].as_str(), limiter["limit"].as_u64());
    assert_eq!(found, (Some("concurrency"), Some(4)), "{limiter}");
}
