//! What the gateway finds itself is what its access log shows.

use std::sync::Arc;

use ratewarden_detect::Settings;
use ratewarden_testkit::issuer::SigningKey;
use serde_json::Value;

use crate::server::{Echo, Gateway, wait_for_lines};
use crate::token_issuer::{TokenIssuer, claims};
use crate::told::{Found, Told, assert_same, found_in};
use crate::watched::{flood, get, pipeline};

/// Credentials are guessed at in peace.
const NO_LOCK_OUT: &str = "[credentials]\nper-source = \"1000/1m\"\nper-target = \"1000/1m\"\n";

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
    assert_same(&found, &found_in(&log, Settings::default()));
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

/// Detectors that ask whose a call is, in each way that a call can say it.
const BY_WHOM: &str = "[[detector]]\nname = \"busy\"\nover = \"20/1m\"\nper = [\"token\"]\n\
    [[detector]]\nname = \"named\"\nover = \"20/1m\"\nper = [\"user\"]\n\
    [[detector]]\nname = \"passed-on\"\ndistinct = { of = \"address\", over = \"2/1m\" }\nper = [\"caller\"]\n";

#[test]
fn whose_calls_are_is_in_the_access_log_as_the_gateway_counts_them_and_no_secret_is() {
    let (keys, signer, logs) = (keys(), SigningKey::ed25519(), tempfile::tempdir().unwrap());
    let issuer = TokenIssuer::with(&signer, "a");
    let log = logs.path().join("access.log");
    let more = format!(
        "{}[[caller]]\nfrom = \"cookie:session\"\n[[caller]]\nfrom = \"basic\"\n\
         [log]\naccess = {:?}\n[watch]\n{BY_WHOM}",
        keys.rules,
        log.to_str().unwrap()
    );
    let told = Arc::<Told>::default();
    let mut gateway = Gateway::start_in(Echo::start().address, &issuer.rules(&more), told.clone());
    let token = signer.token("EdDSA", Some("a"), &claims("ann@sekrit.test"));
    let field = |name: &str, value: &str| format!("{name}: {value}\r\n");
    // carl:pass-sekrit
    let basic = field("authorization", "Basic Y2FybDpwYXNzLXNla3JpdA==");
    let shown = [
        (field("x-api-key", &keys.key), 200),
        (field("authorization", &format!("Bearer {token}")), 200),
        (field("cookie", "session=sekrit-cookie"), 200),
        (basic, 200),
        (field("x-api-key", "guess-sekrit"), 401),
        (String::new(), 200),
    ];
    for (number, (fields, status)) in (10..).zip(&shown) {
        // From three addresses each.
        for (from, calls) in [(number, 10), (number + 20, 15), (number + 40, 1)] {
            let sent = vec![get("/data", fields); calls];
            assert_eq!(pipeline(&gateway.connect_from(from), &sent), vec![*status; calls], "{fields}");
        }
    }
    gateway.stop();
    let lines = wait_for_lines(&log, 6 * 26);
    let identities = (10..16).map(|last| {
        let address = format!("127.0.0.{last}");
        let line = lines.iter().find(|line| line["address"] == address.as_str()).unwrap();
        line["identity"].as_str().unwrap_or_default()
    });
    let identities: Vec<&str> = identities.collect();
    assert_eq!(identities, ["proved", "proved", "unchecked", "claimed", "refused", ""]);
    let is_id = |id: &Value| id.as_str().is_some_and(|id| id.len() == 32);
    assert!(lines.iter().all(|line| is_id(&line["id"]) != line["identity"].is_null()), "{lines:?}");
    let text = std::fs::read_to_string(&log).unwrap();
    for secret in ["sekrit", keys.key.as_str(), token.as_str()] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let found = told.all();
    let of = |detector: &str| found.keys().filter(|(rule, ..)| rule.ends_with(detector)).count();
    assert_eq!((of("busy"), of("named"), of("passed-on")), (4, 1, 5), "{found:?}");
    let file = gateway.folder.path().join("ratewarden.toml");
    let policy = ratewarden_policy::read(&std::fs::read_to_string(&file).unwrap(), &file).unwrap().policy;
    let detectors = policy.detectors;
    assert_same(&found, &found_in(&log, Settings { detectors, ..Settings::default() }));
}
