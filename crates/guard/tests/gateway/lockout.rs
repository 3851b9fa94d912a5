//! A lock-out of an address that many share: it stops who guesses, and not who was there before.

use std::time::Duration;

use jiff::Timestamp;
use ratewarden_callers::NewKey;
use ratewarden_counters::{Disk, Instant};
use ratewarden_limiter::Time;
use serde_json::json;

use crate::admin::{json as body_of, send};
use crate::operator::{admin, refusing};
use crate::server::{Answer, Echo, Gateway, wait_until};

/// Keys of these names in a file, and a policy that wants one of them.
struct Keyed {
    gateway: Gateway,
    keys: Vec<(String, NewKey)>,
    rules: String,
    _folder: tempfile::TempDir,
}

/// The address that all of them share.
const SHARED: &str = "192.0.2.1";

impl Keyed {
    fn start(upstream: std::net::SocketAddr, names: &[&str], more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.txt");
        let keys: Vec<(String, NewKey)> =
            names.iter().map(|name| ((*name).to_owned(), NewKey::generate(name, "").unwrap())).collect();
        std::fs::write(&file, keys.iter().map(|(_, key)| format!("{}\n", key.line)).collect::<String>())
            .unwrap();
        let rules = format!(
            "admin = \"127.0.0.1:0\"\n---\n[trust]\nproxies = [\"127.0.0.1\"]\n\
             [[caller]]\nfrom = \"bearer\"\nkeys = {:?}\nrequired = true\n\
             [credentials]\nper-source = \"3/1h\"\nlockout = \"1h\"\n{more}",
            file.to_str().unwrap()
        );
        Self { gateway: Gateway::start(upstream, &rules), keys, rules, _folder: folder }
    }

    fn key<'k>(&'k self, name: &'k str) -> &'k str {
        self.keys.iter().find(|(known, _)| known == name).map_or(name, |(_, key)| &key.key)
    }

    /// A call with the key of that name, or with that as a key.
    fn call_from(&self, address: &str, name: &str) -> Answer {
        let key = self.key(name);
        self.gateway.get("/", &format!("x-forwarded-for: {address}\r\nauthorization: Bearer {key}\r\n"))
    }

    fn call(&self, name: &str) -> u16 {
        self.call_from(SHARED, name).status
    }

    /// Guesses at keys until the address is locked out.
    fn guess(&self) {
        let guesses: Vec<u16> = (0..5).map(|number| self.call(&format!("rw_guess-{number}"))).collect();
        assert_eq!(guesses, [401, 401, 401, 401, 429]);
    }
}

/// Asserts that answers of a lock-out, in the order in which they were given, differ in nothing but the seconds that are
/// left, and that those never rise.
pub(crate) fn held_alike(answers: &[Answer]) {
    let mut before = (u64::MAX, None);
    for answer in answers {
        let left = answer.field("retry-after").unwrap();
        let head = answer.head.replace(&format!("retry-after: {left}\r\n"), "retry-after: SOME\r\n");
        let body = answer.body.replace(&format!("{left} more seconds"), "SOME more seconds");
        let left: u64 = left.parse().unwrap();
        assert_eq!(answer.status, 429);
        assert!(head.contains("SOME") && body.contains("SOME"), "{head}{body}");
        assert!(left <= before.0, "{left} seconds after {}", before.0);
        let shown = (head, body);
        assert_eq!(before.1.as_ref().unwrap_or(&shown), &shown);
        before = (left, Some(shown));
    }
}

#[test]
fn a_lock_out_spares_who_had_proved_a_key_from_the_address_before() {
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob", "carl"], "");
    assert_eq!(keyed.call("ann"), 200);
    assert_eq!(keyed.call_from("192.0.2.9", "bob").status, 200, "bob was elsewhere");
    keyed.guess();
    assert_eq!([keyed.call("ann"), keyed.call("ann")], [200, 200]);
    assert_eq!([keyed.call("bob"), keyed.call("carl")], [429, 429], "nobody saw them here");
    assert_eq!(keyed.call_from("192.0.2.9", "bob").status, 200);
    assert_eq!([keyed.call("carl"), keyed.call("carl")], [429, 429], "a call that is held teaches nothing");
}

#[test]
fn who_is_locked_out_is_told_nothing_of_the_keys_that_are_tried() {
    let rules = "[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"1/1h\"\n\
                 [[penalty]]\nname = \"hammering\"\nafter = \"1 rejections/1h\"\nban = \"24h\"\n";
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob"], rules);
    // Elsewhere bob is banned for longer than the lock-out lasts.
    for _ in 0..4 {
        keyed.call_from("192.0.2.9", "bob");
    }
    assert!(keyed.call_from("192.0.2.9", "bob").body.contains("hammering"));
    keyed.guess();
    let tried = ["rw_wrong", "ann", "rw_wrong", "bob", "rw_wrong"];
    held_alike(&tried.map(|name| keyed.call_from(SHARED, name)));
    let callers = admin(&keyed.gateway, "/v1/callers", "").body;
    assert!(callers.contains("\"label\":\"ann\""), "the operator is told: {callers}");
}

#[test]
fn a_caller_who_is_banned_stays_banned_and_a_ban_of_the_address_spares_nobody() {
    let rules = "[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"3/1h\"\nburst = 3\n\
                 [[penalty]]\nname = \"hammering\"\nafter = \"1 rejections/1h\"\nban = \"24h\"\n";
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob"], rules);
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    keyed.guess();
    let statuses: Vec<u16> = (0..4).map(|_| keyed.call("ann")).collect();
    assert_eq!(statuses, [200, 200, 429, 429]);
    assert!(keyed.call_from(SHARED, "ann").body.contains("hammering"), "by her own rejections");
    assert_eq!(keyed.call("bob"), 200, "bob has no part in it");
    let ban = json!({"address": SHARED, "for": "10m"}).to_string();
    assert_eq!(send(&keyed.gateway, "POST", "/v1/penalties", &ban).status, 201);
    assert!(keyed.call_from(SHARED, "bob").body.contains("by the operator"));
}

#[test]
fn a_ban_that_spares_nobody_is_not_kept_off_by_a_lock_out_that_does() {
    let rules = "[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"1/1h\"\n\
                 [[penalty]]\nname = \"hammering\"\nper = \"address\"\nafter = \"1 rejections/1h\"\nban = \"24h\"\n";
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob"], rules);
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    keyed.guess();
    assert_eq!([keyed.call("ann"), keyed.call("ann")], [429, 429]);
    assert!(keyed.call_from(SHARED, "bob").body.contains("hammering"));
}

#[test]
fn a_ban_of_the_address_that_is_over_leaves_the_lock_out_that_was_there() {
    let rules = "[[limit]]\nname = \"few\"\nper = [\"caller\"]\nrate = \"2/1h\"\nburst = 2\n\
                 [[penalty]]\nname = \"short\"\nper = \"address\"\nafter = \"1 rejections/1h\"\nban = \"10m\"\n";
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob", "carl"], rules);
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    keyed.guess();
    assert_eq!([keyed.call("ann"), keyed.call("ann"), keyed.call("ann")], [200, 429, 429]);
    let bans = body_of(&send(&keyed.gateway, "GET", "/v1/penalties", ""))["penalties"].clone();
    let shown: Vec<(&str, bool)> = bans
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| (ban["rule"].as_str().unwrap(), ban["seconds_left"].as_u64().unwrap() <= 600))
        .collect();
    assert_eq!(shown, [("failed credentials of an address", false), ("short", true)]);
    assert!(keyed.call_from(SHARED, "bob").body.contains("short"));
    let target = format!("/v1/penalties/{}", bans[1]["id"].as_str().unwrap());
    assert_eq!(send(&keyed.gateway, "DELETE", &target, "").status, 204);
    assert_eq!(keyed.call("bob"), 200, "who is known is back");
    assert!(
        keyed.call_from(SHARED, "carl").body.contains("failed credentials"),
        "a stranger is held as before"
    );
}

#[test]
fn a_known_caller_whom_the_server_refuses_again_and_again_is_locked_out_for_itself() {
    let keyed = Keyed::start(refusing(), &["ann", "bob"], "");
    // What the server says is counted when the answer has gone out, which its client may know first: one call more.
    assert_eq!(keyed.call("bob"), 401);
    let statuses: Vec<u16> = (0..7).map(|_| keyed.call("ann")).collect();
    assert_eq!((statuses[0], statuses[6]), (401, 429), "{statuses:?}");
    assert_eq!(keyed.call("bob"), 401, "bob gets to the server");
    let bans = body_of(&send(&keyed.gateway, "GET", "/v1/penalties", ""))["penalties"].clone();
    let mut shown: Vec<(&str, &str)> = bans
        .as_array()
        .unwrap()
        .iter()
        .map(|ban| (ban["kind"].as_str().unwrap(), ban["label"].as_str().unwrap()))
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, [("address", SHARED), ("pair", "ann at 192.0.2.1")]);
}

#[test]
fn a_flood_of_new_addresses_makes_nobody_forgotten() {
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob"], "");
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    for number in 0..1_000 {
        let address = format!("198.51.{}.{}", number / 250, number % 250);
        assert_eq!(keyed.call_from(&address, "bob").status, 200);
    }
    keyed.guess();
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    let metrics = admin(&keyed.gateway, "/metrics", "").body;
    // Bob's places are used up by the first addresses of the flood.
    assert!(metrics.contains("\nratewarden_known_pairs 9\n"), "{metrics}");
    assert!(metrics.contains("\nratewarden_known_pairs_left_out_total 993\n"), "{metrics}");
}

#[test]
fn a_reload_forgets_nobody_and_a_key_that_is_gone_is_not_spared() {
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob"], "");
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    keyed.guess();
    keyed.gateway.write(&keyed.rules);
    keyed.gateway.guard().reload().unwrap();
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [200, 200]);
    let file = keyed._folder.path().join("keys.txt");
    std::fs::write(file, &keyed.keys[1].1.line).unwrap();
    keyed.gateway.guard().reload().unwrap();
    assert_eq!([keyed.call("ann"), keyed.call("bob")], [429, 200]);
}

#[test]
fn with_a_store_a_restart_forgets_nobody() {
    let (folder, echo) = (tempfile::tempdir().unwrap(), Echo::start());
    let file = folder.path().join("store.db");
    let store = format!("[store]\nfile = {:?}\n", file.to_str().unwrap());
    let mut keyed = Keyed::start(echo.address, &["ann", "bob"], &store);
    assert_eq!(keyed.call("ann"), 200);
    keyed.guess();
    for _ in 0..2 {
        keyed.gateway.stop();
        keyed.gateway = Gateway::start(echo.address, &keyed.rules);
        assert_eq!([keyed.call("bob"), keyed.call("rw_wrong"), keyed.call("ann")], [429, 429, 200]);
    }
    // One that begins beside it, as a successor does, finds what it had written a moment ago.
    assert_eq!(keyed.call_from("192.0.2.9", "bob").status, 200);
    wait_until(Duration::from_secs(10), || {
        let at = Instant { now: Time::START, wall: Timestamp::now() };
        Disk::open(&file).unwrap().pairs(at).unwrap().len() == 2
    });
    let successor = Gateway::start(echo.address, &keyed.rules);
    assert!(admin(&successor, "/metrics", "").body.contains("\nratewarden_known_pairs 2\n"));
}

#[test]
fn what_the_gateway_cannot_prove_spares_nobody() {
    for (caller, fields) in [
        ("from = \"basic\"", "authorization: Basic YW5uOng=\r\n"),
        ("from = \"header:x-api-key\"", "x-api-key: k\r\n"),
    ] {
        let rules = format!(
            "[[caller]]\n{caller}\nrequired = true\n[credentials]\nper-source = \"3/1h\"\nlockout = \"1h\"\n"
        );
        let gateway = Gateway::start(Echo::start().address, &rules);
        assert_eq!(gateway.get("/", fields).status, 200);
        let statuses: Vec<u16> = (0..5).map(|_| gateway.get("/", "").status).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 429]);
        assert_eq!(gateway.get("/", fields).status, 429, "{caller}");
    }
}

#[test]
fn an_application_that_names_a_caller_meets_the_same_lock_out() {
    let keyed = Keyed::start(Echo::start().address, &["ann", "bob"], "");
    assert_eq!(keyed.call("ann"), 200);
    let ask = |name: &str| {
        let question = json!({"caller": name, "address": SHARED}).to_string();
        body_of(&send(&keyed.gateway, "POST", "/v1/check", &question))["decision"].clone()
    };
    keyed.guess();
    assert_eq!([ask("ann"), ask("bob")], [json!("admit"), json!("reject")]);
}
