//! A replay of what a client sent says of each call what the running gateway did with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use ratewarden_guard::Guard;
use ratewarden_model::{Call, CallCaller};
use ratewarden_watch::Replay;
use ratewarden_watch::replay::Outcome;

use super::MIDNIGHT;

/// Nothing comes back while the test runs, so that the two clocks need not agree.
const LIMITS: &str = r#"
[[caller]]
from = "header:x-api-key"
[[caller]]
from = "address"

[[limit]]
name = "callers"
per  = ["caller"]
rate = "6/24h"

[[limit]]
name = "items"
match = { method = "GET", path = "/items/{id}" }
per   = ["path:id", "address"]
quota = { calls = 4, each = "year", zone = "UTC" }

[[limit]]
name = "pages"
match = { query = { deep = "1" } }
per   = []
cost  = "query:size"
cost-max = 5
window = "12/24h"

[[limit]]
name = "agents"
per  = ["header:user-agent"]
when = 'request.path.startsWith("/items") && request.headers["user-agent"].contains("bot")'
rate = "3/24h"

[[penalty]]
name  = "persistent"
after = "4 rejections/24h"
ban   = "24h"
"#;

const METHODS: [&str; 2] = ["GET", "POST"];
const TARGETS: [&str; 9] = [
    "/",
    "/items/1",
    "/items/%31",
    "/items//2?deep=1&size=4",
    "/items/2/../3",
    "/q?deep=1",
    "/q?deep=%31&size=many",
    "/q?deep=1&size=1&size=2",
    "/q?a=1;b=2",
];
const KEYS: [&str; 4] = ["", "ann", "bob", "cleo"];
const AGENTS: [&str; 3] = ["", "a bot", "browser"];

type Step = (usize, usize, usize, usize);

struct Server {
    guard: Guard,
    address: SocketAddr,
    policy: ratewarden_policy::Policy,
    _folder: tempfile::TempDir,
}

fn server() -> Server {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 1\n[upstream]\nurl = \"http://{}\"\n{LIMITS}",
        upstream.local_addr().unwrap()
    );
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in upstream.incoming().map_while(Result::ok) {
            std::thread::spawn(move || while answered(&stream).is_some() {});
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ratewarden.toml");
    std::fs::write(&path, &text).unwrap();
    let guard = Guard::start(&path).unwrap();
    let policy = ratewarden_policy::read(&text, &path).unwrap().policy;
    Server { address: guard.http()[0], guard, policy, _folder: folder }
}

fn answered(mut stream: &TcpStream) -> Option<()> {
    read_head(stream)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()
}

/// The head's first line and how long the body is.
fn read_head(stream: impl Read) -> Option<(String, usize)> {
    let mut reader = BufReader::with_capacity(1, stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|&count| count > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => return Some((first, length)),
            line => {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
            }
        }
    }
}

/// Status and body of the answer to one call, on a connection of its own.
fn send(address: SocketAddr, &(method, target, key, agent): &Step) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head =
        format!("{} {} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n", METHODS[method], TARGETS[target]);
    for (name, value) in [("x-api-key", KEYS[key]), ("user-agent", AGENTS[agent])] {
        if !value.is_empty() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    let (first, length) = read_head(&stream).unwrap();
    let mut body = vec![0; length];
    (&stream).read_exact(&mut body).unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    (status, String::from_utf8(body).unwrap())
}

fn logged(&(method, target, key, agent): &Step, at_ms: i64) -> Call<'static> {
    let caller = match KEYS[key] {
        "" => CallCaller::Nobody,
        key => CallCaller::Credential(key.as_bytes()),
    };
    Call {
        address: Some([127, 0, 0, 1].into()),
        caller,
        method: METHODS[method].as_bytes(),
        target: TARGETS[target].as_bytes(),
        agent: AGENTS[agent].as_bytes(),
        ..Call::at(at_ms)
    }
}

#[test]
fn a_replay_says_what_the_gateway_did() {
    let step = (0..METHODS.len(), 0..TARGETS.len(), 0..KEYS.len(), 0..AGENTS.len());
    let steps = prop::collection::vec(step, 80..160);
    let mut seen = std::collections::BTreeMap::new();
    let seen_here = std::cell::RefCell::new(&mut seen);
    let mut runner = TestRunner::new(Config {
        cases: 8,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&steps, |steps| {
        let Server { guard, address, policy, _folder } = server();
        let mut replay = Replay::new(&policy, &[3; 16]).unwrap();
        for (at, step) in (MIDNIGHT..).zip(&steps) {
            let (status, body) = send(address, step);
            let outcome = replay.see(&logged(step, at)).unwrap();
            let did = match status {
                200 => Outcome::Admitted,
                429 if body.contains("persistent") => Outcome::Banned,
                429 => Outcome::Rejected,
                _ => Outcome::Refused,
            };
            *seen_here.borrow_mut().entry(format!("{did:?}")).or_insert(0) += 1;
            prop_assert_eq!(outcome, did, "{:?} {}", (METHODS[step.0], TARGETS[step.1], KEYS[step.2]), body);
        }
        guard.stop();
        Ok(())
    });
    result.unwrap();
    assert_eq!(seen.len(), 4, "every outcome was among them: {seen:?}");
}
