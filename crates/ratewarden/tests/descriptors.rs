//! File descriptors used up: what is under way goes on, what is new waits or is told, and everybody can see it.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "descriptors/http2.rs"]
mod http2;
#[path = "descriptors/run.rs"]
mod run;

use std::sync::atomic::Ordering;
use std::time::Instant;

use http2::Http2Client;
use run::{Client, Gateway, Setup, Upstream, wait_until};

/// So few that a test can use them up; the hard limit too, so that raising does not help.
const FEW: &str = "ulimit -n 64";

const ACCEPT: &str = "ratewarden_descriptors_used_up_total{for=\"accept\"}";

/// Clients that use up all descriptors, so that the checks of health fail as well: nothing is left that a call could
/// get by chance.
fn use_up(gateway: &Gateway, operator: &mut Client) -> Vec<Client> {
    let clients = hogs(gateway, operator);
    let name = "ratewarden_descriptors_used_up_total{for=\"health\"}";
    let before = operator.metric(name);
    wait_until(|| operator.metric(name) >= before + 3);
    clients
}

/// Clients that have begun a call and do not go on, until there is no descriptor for them; some of them wait to be
/// accepted then.
fn hogs(gateway: &Gateway, operator: &mut Client) -> Vec<Client> {
    let mut clients = Vec::new();
    while operator.metric(ACCEPT) == 0 {
        clients.push(hog(gateway));
        assert!(clients.len() < 200, "they are never used up");
    }
    for _ in 0..5 {
        clients.push(hog(gateway));
    }
    clients
}

/// A client that has begun a call and does not go on.
fn hog(gateway: &Gateway) -> Client {
    let mut client = gateway.client();
    client.send("GET / HTTP/1.1\r\n");
    client
}

#[test]
fn calls_go_on_and_new_clients_are_answered_when_there_is_room_again() {
    go_on_and_are_answered_again(|upstream| upstream.address.to_string());
}

#[test]
fn the_same_holds_for_a_server_that_is_given_by_its_name() {
    go_on_and_are_answered_again(|upstream| format!("localhost:{}", upstream.address.port()));
}

/// The C library says what was missing only where it has resolved a name before; else there is no such name.
#[test]
fn a_first_name_that_cannot_be_resolved_without_a_descriptor_is_not_the_servers_fault() {
    let upstream = Upstream::start();
    let authority = format!("localhost:{}", upstream.address.port());
    // Ann, who has not called yet, makes no room: she has more than half an hour left.
    let setup = Setup { is_checked: false, idle: "1h", ..Setup::new(FEW, &authority) };
    let gateway = setup.start();
    let (mut ann, mut operator) = (gateway.client(), gateway.operator());
    let hogs = hogs(&gateway, &mut operator);
    let told = ann.get("/");
    assert_eq!(told.status, 503, "{}", told.body);
    assert!(told.body.contains(r#""reason":"descriptors_used_up""#), "{}", told.body);
    let page = operator.get("/metrics").body;
    assert!(!page.contains("ratewarden_upstream_failures_total{"), "the server is not to blame: {page}");
    drop(hogs);
    wait_until(|| ann.get("/").status == 200);
}

fn go_on_and_are_answered_again(authority: impl Fn(&Upstream) -> String) {
    let upstream = Upstream::start();
    let authority = authority(&upstream);
    let gateway = Setup::new(FEW, &authority).start();
    let (mut ann, mut bob, mut operator) = (gateway.client(), gateway.client(), gateway.operator());
    assert_eq!([ann.get("/").status, bob.get("/").status], [200, 200]);
    let hogs = use_up(&gateway, &mut operator);

    // An accept that fails is tried again after 50 ms and no sooner, however long all of this takes.
    let (begun, before) = (Instant::now(), operator.metric(ACCEPT));
    for _ in 0..200 {
        assert_eq!(ann.get("/").status, 200, "over the connection that the server has already");
    }
    let (after, longest) = (operator.metric(ACCEPT), begun.elapsed());
    assert!(u128::from(after - before) <= longest.as_millis() / 50 + 1, "{after} - {before} in {longest:?}");

    // Ann's call has the only connection to the server, and there is none for bob's.
    ann.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    wait_until(|| upstream.waiting.load(Ordering::SeqCst) == 1);
    let told = bob.get("/");
    assert_eq!(told.status, 503, "{}", told.body);
    assert!(told.head.contains("\r\nretry-after: 1\r\n"), "{}", told.head);
    assert!(told.body.contains(r#""reason":"descriptors_used_up""#), "{}", told.body);
    upstream.let_go();
    assert_eq!([ann.read().status, bob.get("/").status], [200, 200]);

    let page = operator.get("/metrics").body;
    for line in [
        "ratewarden_descriptors_used_up_total{for=\"upstream\"} 1".to_owned(),
        "ratewarden_refused_total{reason=\"descriptors_used_up\"} 1".to_owned(),
        format!("ratewarden_upstream_healthy{{server=\"{authority}\"}} 1"),
        "process_max_fds 64".to_owned(),
    ] {
        assert!(page.lines().any(|found| found == line), "{line} is not in {page}");
    }
    assert!(!page.contains("ratewarden_upstream_failures_total{"), "the server is not to blame: {page}");
    assert_eq!(
        gateway.operator().get("/healthz").status,
        200,
        "the admin listener has descriptors of its own"
    );
    let missed = operator.metric("ratewarden_descriptors_used_up_total{for=\"admin\"}");
    assert!(
        missed >= 1,
        "it did not need them; this older connection would have ended before it got another's"
    );
    let said = gateway.said("File descriptors are used up").len() as u64;
    assert!((1..=1 + longest.as_secs() / 60).contains(&said), "{said}");

    drop(hogs);
    assert_eq!(gateway.client().get("/").status, 200);
}

#[test]
fn clients_that_say_nothing_make_room_for_others() {
    let upstream = Upstream::start();
    let gateway = Setup::new(FEW, &upstream.address).start();
    let mut ann = gateway.client();
    assert_eq!(ann.get("/").status, 200);
    let silent: Vec<Client> = (0..200).map(|_| gateway.client()).collect();
    assert_eq!(gateway.client().get("/").status, 200);
    assert!(gateway.operator().metric(ACCEPT) > 0);
    assert_eq!(ann.get("/").status, 200, "who has called a moment ago stays");
    drop(silent);
}

#[test]
fn clients_of_http2_make_room_whichever_worker_they_are_with() {
    const SILENT: u64 = 16;
    let upstream = Upstream::start();
    // A check of health would lack a descriptor too, and make room in the worker that checks.
    let before =
        Setup { threads: 2, is_checked: false, idle: "1h", ..Setup::new("ulimit -n 96", &upstream.address) };
    let gateway = before.start();
    let mut silent: Vec<Http2Client> = (0..SILENT).map(|_| gateway.client_of_http2()).collect();
    silent.iter_mut().for_each(Http2Client::call);
    // The hour that they have left is less than half of the time from now on.
    gateway.reload(&Setup { idle: "20h", ..before });
    let mut ann = gateway.client_of_http2();
    ann.call();

    // One after the other, so that only one waits to be accepted, and one worker has to do with it.
    let mut operator = gateway.operator();
    let mut hogs = Vec::new();
    let mut open = SILENT + 1;
    while operator.metric(ACCEPT) == 0 {
        hogs.push(hog(&gateway));
        open += 1;
        wait_until(|| operator.metric(ACCEPT) > 0 || operator.metric("ratewarden_connections") == open);
        assert!(open < 200, "they are never used up");
    }
    silent.iter_mut().for_each(Http2Client::is_sent_away);
    assert_eq!(gateway.client().get("/").status, 200);
    // Who has called a moment ago stays.
    ann.call();
}

#[test]
fn the_soft_limit_is_raised_and_a_hard_one_that_is_too_low_is_said() {
    let upstream = Upstream::start();
    let setup = Setup::new("ulimit -Sn 64 && ulimit -Hn 500", &upstream.address);
    let gateway = setup.start();
    assert_eq!(gateway.operator().metric("process_max_fds"), 500);
    assert_eq!(gateway.said("The limit of file descriptors is raised. before=64 limit=500").len(), 1);
    let [said] = gateway.said("Too few file descriptors").try_into().unwrap();
    assert!(said.contains("connections=20000 needed=40100 limit=500 enough_for=200"), "{said}");
    assert!(said.contains("LimitNOFILE="), "{said}");
    gateway.reload(&Setup { connections: 30_000, ..setup });
    let [_, said] = gateway.said("Too few file descriptors").try_into().unwrap();
    assert!(said.contains("connections=30000 needed=60100"), "{said}");
}
