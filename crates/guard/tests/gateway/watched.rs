//! Calls that the gateway watches itself: who is told of what is found, and what it costs.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratewarden_guard::{News, NewsState, Surroundings};
use serde_json::Value;

use crate::admin::{guarded, json as body_of, send};
use crate::described::Described;
use crate::server::{Answer, Echo, Gateway, wait_until};
use crate::told::Told;

/// For what the gateway finds within seconds, on a machine that may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends calls one behind the other on one connection, and returns the statuses.
pub(crate) fn pipeline(stream: &TcpStream, calls: &[String]) -> Vec<u16> {
    let mut writer = stream.try_clone().unwrap();
    let bytes = calls.concat();
    // Whoever only writes would wait for whoever only answers.
    let written = std::thread::spawn(move || writer.write_all(bytes.as_bytes()).unwrap());
    let statuses = calls.iter().map(|_| Answer::read(stream).expect("an answer").status).collect();
    written.join().unwrap();
    statuses
}

pub(crate) fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: a.test\r\n{fields}\r\n")
}

pub(crate) fn flood(gateway: &Gateway, last: u8, calls: usize) -> Vec<u16> {
    pipeline(&gateway.connect_from(last), &vec![get("/data", ""); calls])
}

#[test]
fn findings_and_their_counts_are_shown_to_the_operator_while_the_gateway_runs() {
    let (gateway, _folder) = guarded("[watch]\n");
    flood(&gateway, 2, 320);
    let open = || body_of(&send(&gateway, "GET", "/v1/findings?state=open", ""));
    // What it shows is not the figure with which it opened but what there is by now.
    wait_until(PATIENCE, || open()["findings"][0]["count"] == 320);
    let all = body_of(&send(&gateway, "GET", "/v1/findings", ""));
    let finding = &all["findings"][0];
    assert_eq!((&all["watching"], &finding["state"]), (&Value::Bool(true), &"open".into()));
    assert_eq!(
        (&finding["rule"], &finding["subject"]["value"]),
        (&"watch.flood".into(), &"127.0.0.2".into())
    );
    Described::by(&gateway).get(&gateway, "/v1/findings", "/v1/findings?state=open&limit=1", 200);
    let none = body_of(&send(&gateway, "GET", "/v1/findings?state=ended", ""));
    assert_eq!((&none["total"], &none["findings"]), (&0.into(), &Value::Array(Vec::new())));
    let metrics = send(&gateway, "GET", "/metrics", "").body;
    for line in [
        "ratewarden_findings_open{rule=\"watch.flood\"} 1",
        "ratewarden_findings_total{rule=\"watch.flood\"} 1",
        "ratewarden_watch_calls_total 320",
        "ratewarden_watch_calls_dropped_total 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert_eq!(send(&gateway, "GET", "/v1/findings?state=maybe", "").status, 400);
}

#[test]
fn what_applications_and_other_gateways_ask_about_is_watched_too() {
    let (gateway, _folder) =
        guarded("[watch]\n[[detector]]\nname = \"asked\"\nover = \"5/1m\"\nper = [\"address\"]\n");
    for _ in 0..6 {
        send(&gateway, "POST", "/v1/check", r#"{"address": "192.0.2.1", "path": "/data"}"#);
    }
    let open = || body_of(&send(&gateway, "GET", "/v1/findings", ""));
    wait_until(PATIENCE, || open()["findings"][0]["subject"]["value"] == "192.0.2.1");
}

#[test]
fn nothing_is_watched_where_the_policy_does_not_say_so() {
    let (gateway, _folder) = guarded("");
    flood(&gateway, 2, 320);
    let all = body_of(&send(&gateway, "GET", "/v1/findings", ""));
    assert_eq!((&all["watching"], &all["total"]), (&Value::Bool(false), &0.into()));
    assert!(send(&gateway, "GET", "/metrics", "").body.contains("\nratewarden_watch_calls_total 0\n"));
}

/// Says that it is told of something, and waits to be let go.
struct Stalled {
    entered: Mutex<Sender<()>>,
    leave: Mutex<Receiver<()>>,
}

impl Surroundings for Stalled {
    fn told(&self, _: &[News]) {
        self.entered.lock().unwrap().send(()).unwrap();
        // Until whoever holds the other end is gone.
        let _ = self.leave.lock().unwrap().recv();
    }
}

#[test]
fn detectors_that_hang_hold_up_no_call_and_what_they_miss_is_counted() {
    let (entered, is_entered) = channel();
    let (let_go, leave) = channel::<()>();
    let stalled = Arc::new(Stalled { entered: Mutex::new(entered), leave: Mutex::new(leave) });
    let rules = "admin = \"127.0.0.1:0\"\n---\n[watch]\n";
    let gateway = Gateway::start_in(Echo::start().address, rules, stalled);
    flood(&gateway, 2, 320);
    is_entered.recv_timeout(PATIENCE).unwrap();
    let metric = |name: &str| -> u64 {
        let admin = gateway.guard().admin().unwrap();
        let page = crate::server::exchange(admin, "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").body;
        let line = page.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    };
    let before = metric("ratewarden_watch_calls_total ");
    let large = get(&format!("/{}", "a".repeat(4_000)), &format!("user-agent: {}\r\n", "b".repeat(500)));
    // One connection is one worker's; all of its places are taken before the last call.
    assert_eq!(pipeline(&gateway.connect_from(3), &vec![large; 1_200]), vec![200; 1_200]);
    drop(let_go);
    let dropped = || metric("ratewarden_watch_calls_dropped_total ");
    wait_until(PATIENCE, || metric("ratewarden_watch_calls_total ") + dropped() == before + 1_200);
    assert!((200..400).contains(&dropped()), "{}", dropped());
}

#[test]
fn a_reload_keeps_findings_takes_new_detectors_and_can_end_watching() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "open-sesame\n").unwrap();
    let rules = |rules: &str| {
        format!("admin = \"127.0.0.1:0\"\n---\n[admin]\ntoken-file = {:?}\n{rules}", token.to_str().unwrap())
    };
    let told = Arc::<Told>::default();
    let gateway = Gateway::start_in(Echo::start().address, &rules("[watch]\n"), told.clone());
    flood(&gateway, 2, 320);
    let open = || -> BTreeSet<String> {
        let all = body_of(&send(&gateway, "GET", "/v1/findings?state=open", ""));
        let rules = all["findings"].as_array().unwrap().iter();
        rules.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    wait_until(PATIENCE, || open().len() == 1);
    gateway.write(&rules("[watch]\n[[detector]]\nname = \"few\"\nover = \"3/1m\"\nper = [\"address\"]\nmatch = { path = \"/few\" }\n"));
    gateway.guard().reload().unwrap();
    pipeline(&gateway.connect_from(3), &vec![get("/few", ""); 5]);
    wait_until(PATIENCE, || open().len() == 2);
    assert!(open().contains("watch.flood"), "it goes on: {:?}", open());
    flood(&gateway, 2, 320);
    pipeline(&gateway.connect_from(4), &vec![get("/few", ""); 5]);
    let opened = |told: &Told| {
        let news = told.news.lock().unwrap();
        news.iter().filter(|news| news.state == NewsState::Opened).count()
    };
    wait_until(PATIENCE, || opened(&told) == 3);
    let metrics = send(&gateway, "GET", "/metrics", "").body;
    assert!(
        metrics.contains("ratewarden_findings_total{rule=\"watch.flood\"} 1\n"),
        "found again is no news"
    );
    gateway.write(&rules(""));
    gateway.guard().reload().unwrap();
    let all = body_of(&send(&gateway, "GET", "/v1/findings", ""));
    let states = all["findings"].as_array().unwrap().iter().map(|finding| finding["state"].as_str().unwrap());
    assert_eq!((all["watching"].as_bool(), states.collect::<Vec<_>>()), (Some(false), vec!["ended"; 3]));
}
