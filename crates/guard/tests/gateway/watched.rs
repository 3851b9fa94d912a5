//! Calls that the gateway watches itself: what is found is what its access log shows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratewarden_detect::{Engine, Settings};
use ratewarden_guard::{News, NewsState, Surroundings};
use ratewarden_logs::{Options, Reader};
use ratewarden_model::Finding;
use serde_json::Value;

use crate::admin::{guarded, json as body_of, send};
use crate::described::Described;
use crate::server::{Answer, Echo, Gateway, wait_for_lines, wait_until};

/// For what the gateway finds within seconds, on a machine that may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Credentials are guessed at in peace.
const NO_LOCK_OUT: &str = "[credentials]\nper-source = \"1000/1m\"\nper-target = \"1000/1m\"\n";

/// Remembers what it is told.
#[derive(Debug, Default)]
struct Told {
    news: Mutex<Vec<News>>,
    left: Mutex<Vec<Finding>>,
}

impl Surroundings for Told {
    fn told(&self, news: &[News]) {
        self.news.lock().unwrap().extend_from_slice(news);
    }

    fn left(&self, open: &[Finding]) {
        self.left.lock().unwrap().extend_from_slice(open);
    }
}

/// By rule, kind and value of the subject: the least and the most that the count may truly be. Distinct values are estimated,
/// and the bound of that is told.
type Found = BTreeMap<(String, String, String), (u64, u64)>;

fn found<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Found {
    let found = findings.into_iter().map(|finding| {
        let seen = finding.seen.as_ref().unwrap();
        let subject = (finding.rule.clone(), finding.subject.kind().to_owned(), finding.subject.label());
        let error = seen.count_error;
        (subject, (seen.count.saturating_sub(error), seen.count + error))
    });
    found.collect()
}

/// Whether the same is found, as often as both can know.
fn assert_same(one: &Found, other: &Found) {
    assert!(one.keys().eq(other.keys()), "{one:?}\n{other:?}");
    for (key, (least, most)) in one {
        let (others_least, others_most) = other[key];
        assert!(*least <= others_most && others_least <= *most, "{key:?}\n{one:?}\n{other:?}");
    }
}

impl Told {
    /// Everything that was found, once the gateway has ended.
    fn all(&self) -> Found {
        let news = self.news.lock().unwrap();
        let ended = news.iter().filter(|news| news.state == NewsState::Ended).map(|news| &news.finding);
        found(ended.chain(self.left.lock().unwrap().iter()))
    }
}

/// What an engine finds in an access log.
fn found_in(log: &std::path::Path) -> Found {
    let mut engine = Engine::new(Settings::default());
    let mut reader = Reader::new(&Options::default());
    for line in std::fs::read_to_string(log).unwrap().lines() {
        reader.read(line.as_bytes(), |call| engine.see(call)).unwrap();
    }
    engine.finish();
    found(&engine.findings())
}

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

fn try_logins(gateway: &Gateway, last: u8, calls: usize) {
    let login = "POST /login HTTP/1.1\r\nhost: a.test\r\ncontent-length: 2\r\n\r\n{}".to_owned();
    assert_eq!(pipeline(&gateway.connect_from(last), &vec![login; calls]), vec![401; calls]);
}

fn guess_keys(gateway: &Gateway, last: u8, calls: usize) {
    let guess = |number| get("/data", &format!("x-api-key: guess-{number}\r\n"));
    let guesses: Vec<String> = (0..calls).map(guess).collect();
    assert_eq!(pipeline(&gateway.connect_from(last), &guesses), vec![401; calls]);
}

/// People with pages, a program with its key, somebody who mistypes once.
fn call_honestly(gateway: &Gateway, key: &str) {
    let page = |number| {
        let fields = "referer: http://a.test/\r\nuser-agent: Mozilla/5.0 (X11) Firefox/140.0\r\n";
        get(&format!("/pages/{number}"), fields)
    };
    let pages: Vec<String> = (0..30).map(page).collect();
    assert_eq!(pipeline(&gateway.connect_from(5), &pages), [200; 30]);
    let program = get("/data", &format!("x-api-key: {key}\r\n"));
    assert_eq!(pipeline(&gateway.connect_from(6), &vec![program; 100]), [200; 100]);
    guess_keys(gateway, 7, 1);
}

struct Keys {
    _folder: tempfile::TempDir,
    key: String,
    rules: String,
}

/// A gateway's rules with one known key.
fn keys() -> Keys {
    let folder = tempfile::tempdir().unwrap();
    let ann = ratewarden_callers::NewKey::generate("ann", "").unwrap();
    let keys = folder.path().join("keys.txt");
    std::fs::write(&keys, format!("{}\n", ann.line)).unwrap();
    let rules = format!(
        "{NO_LOCK_OUT}[[caller]]\nfrom = \"header:x-api-key\"\nkeys = {:?}\n",
        keys.to_str().unwrap()
    );
    Keys { _folder: folder, key: ann.key, rules }
}

#[test]
fn the_same_is_found_as_in_the_access_log_of_the_same_calls_and_nothing_about_honest_callers() {
    let keys = keys();
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("access.log");
    let told = Arc::<Told>::default();
    let rules = format!("{}[log]\naccess = {:?}\n[watch]\n", keys.rules, log.to_str().unwrap());
    let mut gateway = Gateway::start_in(Echo::start().address, &rules, told.clone());
    call_honestly(&gateway, &keys.key);
    assert_eq!(flood(&gateway, 2, 400), [200; 400]);
    try_logins(&gateway, 3, 15);
    guess_keys(&gateway, 4, 30);
    call_honestly(&gateway, &keys.key);
    gateway.stop();
    let calls = 2 * 131 + 400 + 15 + 30;
    assert_eq!(wait_for_lines(&log, calls).len(), calls);
    let found = told.all();
    let expected = [
        ("watch.flood", "127.0.0.2", 400),
        ("watch.login-brute-force", "127.0.0.3", 15),
        ("watch.token-guessing", "127.0.0.3", 15),
        ("watch.token-guessing", "127.0.0.4", 30),
    ];
    let expected = expected.map(|(rule, address, count)| {
        ((rule.to_owned(), "address".to_owned(), address.to_owned()), (count, count))
    });
    assert_same(&found, &Found::from(expected));
    assert_same(&found, &found_in(&log));
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

#[test]
fn behind_a_trusted_proxy_findings_and_the_access_log_name_the_client() {
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("access.log");
    let told = Arc::<Told>::default();
    let rules = format!(
        "[trust]\nproxies = [\"127.0.0.1\"]\n[log]\naccess = {:?}\n[watch]\n[[detector]]\nname = \"few\"\n\
         over = \"3/1m\"\nper = [\"address\"]\n",
        log.to_str().unwrap()
    );
    let mut gateway = Gateway::start_in(Echo::start().address, &rules, told.clone());
    let calls = vec![get("/data", "x-forwarded-for: 203.0.113.7\r\n"); 5];
    assert_eq!(pipeline(&gateway.connect(), &calls), [200; 5]);
    gateway.stop();
    assert!(wait_for_lines(&log, 5).iter().all(|line| line["address"] == "203.0.113.7"));
    let found = told.all();
    let is_it = |(_, kind, subject): &(String, String, String)| {
        (kind.as_str(), subject.as_str()) == ("address", "203.0.113.7")
    };
    assert!(found.iter().any(|(key, counts)| is_it(key) && *counts == (5, 5)), "{found:?}");
}
