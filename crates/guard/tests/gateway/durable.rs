//! What outlives the gateway.

use std::time::Duration;

use jiff::Timestamp;
use ratewarden_counters::{Disk, Instant};
use ratewarden_limiter::Time;

use crate::operator::admin;
use crate::server::{Echo, Gateway, wait_until};

/// Three calls a year for each key, and a ban of an hour after two rejections.
fn rules(store: &std::path::Path) -> String {
    format!(
        "admin = \"127.0.0.1:0\"\n---\n[store]\nfile = {:?}\n\
         [[limit]]\nname = \"yearly\"\nper = [\"header:x-user\"]\nquota = {{ calls = 3, each = \"year\" }}\n\
         [[penalty]]\nname = \"again\"\nper = \"address\"\nafter = \"2 rejections/1h\"\nban = \"1h\"\n",
        store.to_str().unwrap()
    )
}

fn statuses<const N: usize>(gateway: &Gateway, user: &str) -> [u16; N] {
    std::array::from_fn(|_| gateway.get("/", &format!("x-user: {user}\r\n")).status)
}

/// What the file says was used of each quota; the lower 37 bits of a state.
fn used(store: &std::path::Path) -> Vec<u64> {
    let at = Instant { now: Time::START, wall: Timestamp::now() };
    let quotas = Disk::open(store).unwrap().quotas(at).unwrap();
    quotas.iter().map(|used| used.word & ((1 << 37) - 1)).collect()
}

#[test]
fn quotas_and_bans_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let echo = Echo::start();
    let mut gateway = Gateway::start(echo.address, &rules(&store));
    assert_eq!(statuses(&gateway, "ann"), [200, 200]);
    assert_eq!(statuses(&gateway, "bob"), [200]);
    gateway.stop();

    let mut gateway = Gateway::start(echo.address, &rules(&store));
    assert_eq!(statuses(&gateway, "ann"), [200, 429], "two of three were used before");
    assert_eq!(statuses(&gateway, "bob"), [200, 200]);
    // The second and the third rejection: one too many.
    assert_eq!(statuses(&gateway, "ann"), [429, 429]);
    assert_eq!(statuses(&gateway, "carl"), [429], "the address is banned");
    gateway.stop();

    let gateway = Gateway::start(echo.address, &rules(&store));
    assert_eq!(statuses(&gateway, "carl"), [429], "and still is");
    let metrics = admin(&gateway, "/metrics", "").body;
    assert!(metrics.contains("ratewarden_bans 1\n"), "{metrics}");
}

#[test]
fn a_gateway_that_is_killed_loses_at_most_what_was_not_written_yet() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let echo = Echo::start();
    let gateway = Gateway::start(echo.address, &rules(&store));
    assert_eq!(statuses(&gateway, "ann"), [200, 200]);
    wait_until(Duration::from_secs(5), || used(&store) == [2]);
    // The first is not asked to end: a second one that begins beside it finds what a killed one leaves.
    let second = Gateway::start(echo.address, &rules(&store));
    assert_eq!(statuses(&second, "ann"), [200, 429]);
}

#[test]
fn a_store_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("no such folder/store.db");
    let error = Gateway::refusal(&rules(&store));
    assert!(error.to_string().contains("no such folder/store.db"), "{error}");
}
