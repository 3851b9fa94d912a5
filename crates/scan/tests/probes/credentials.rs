//! Credential guessing.

use std::time::Duration;

use ratewarden_model::Secret;
use ratewarden_scan::Config;
use ratewarden_scan::probes::{Outcome, credentials};
use serde_json::json;

use crate::server::{Reply, Seen, Server, nothing, only};

fn is_false(seen: &Seen) -> bool {
    ["authorization", "x-api-key", "cookie"]
        .iter()
        .any(|name| seen.header(name).is_some_and(|value| value.contains("ratewarden-false-")))
}

/// A server that knows one token and treats the nth false one like this.
fn guarded(false_token: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Server {
    let tries = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |seen| {
        if is_false(seen) {
            return false_token(tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        }
        match seen.header("authorization") {
            Some("Bearer the-real-one") => Reply::json(200, &json!({ "ok": true })),
            _ => Reply::text(401, "who are you").header("www-authenticate", "Bearer"),
        }
    })
}

fn refused() -> Reply {
    Reply::text(401, "no")
}

async fn run(server: &Server, header: Option<(&str, &str)>) -> Outcome {
    let own = header.map(|(name, value)| (name.to_owned(), Secret::new(value)));
    let ctx = server.context("/v1/me", |config: &mut Config| config.headers.extend(own)).await;
    let before = server.seen().len();
    let outcome = credentials::probe(&ctx).await;
    let sent = &server.seen()[before..];
    assert!(sent.len() <= 13, "{}", sent.len());
    assert!(sent.iter().filter(|seen| is_false(seen)).count() <= 12);
    assert_eq!(outcome.observations.len(), sent.len());
    outcome
}

const REAL: Option<(&str, &str)> = Some(("Authorization", "Bearer the-real-one"));

#[tokio::test]
async fn guessing_without_hindrance_is_found() {
    let server = guarded(|_| refused());
    let outcome = run(&server, None).await;
    let finding = only(&outcome, "scan.no-lockout");
    assert_eq!((&finding.evidence["tries"], &finding.evidence["status"]), (&json!(12), &json!(401)));
    assert!(finding.reproduce.as_ref().unwrap().contains("Bearer ratewarden-false-"));
    let tokens: std::collections::HashSet<_> =
        server.seen().iter().filter_map(|seen| seen.header("authorization").map(str::to_owned)).collect();
    assert_eq!(tokens.len(), 12, "another false token each time");
}

#[tokio::test]
async fn the_users_own_token_is_never_shown() {
    let server = guarded(|_| Reply::text(403, "wrong token"));
    let outcome = run(&server, REAL).await;
    let shown = format!("{:?}", only(&outcome, "scan.no-lockout"));
    assert!(!shown.contains("the-real-one"), "{shown}");
    // The last request is the honest one: it shows that 403 was about the token.
    assert_eq!(server.seen().last().unwrap().header("authorization"), Some("Bearer the-real-one"));
    assert!(outcome.observations.iter().all(|seen| seen.verdict.is_admitted()), "{:?}", outcome.observations);
}

#[tokio::test]
async fn every_kind_of_protection_is_seen() {
    let locked = |status: u16| move |n: usize| if n < 5 { refused() } else { Reply::text(status, "") };
    nothing(
        &run(&guarded(locked(429)), None).await,
        "hindered after 5 tries: the answer turned from 401 to 429",
    );
    nothing(&run(&guarded(locked(403)), None).await, "from 401 to 403");
    let says = |n: usize| if n < 9 { refused() } else { Reply::text(401, "your address is locked") };
    nothing(&run(&guarded(says), None).await, "began to say \"locked\"");
    let waits = |n: usize| if n < 3 { refused() } else { refused().header("retry-after", "30") };
    nothing(&run(&guarded(waits), REAL).await, "Retry-After: 30");
    let slower = |n: usize| refused().after(Duration::from_millis(14 * n as u64));
    nothing(&run(&guarded(slower), None).await, "the delay grew");
}

#[tokio::test]
async fn a_silent_lock_out_of_the_source_is_seen() {
    let locked = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        let tries = locked.fetch_add(usize::from(is_false(seen)), std::sync::atomic::Ordering::Relaxed);
        if is_false(seen) || tries >= 10 { refused() } else { Reply::json(200, &json!({ "ok": true })) }
    });
    nothing(&run(&server, REAL).await, "your own credential got 401 too");
}

#[tokio::test]
async fn what_checks_no_credential_is_left_alone() {
    let open = Server::start(|_| Reply::json(200, &json!({ "ok": true })));
    nothing(&run(&open, None).await, "");
    assert_eq!(open.seen().len(), 1, "a target that needs no credential gets none");
    nothing(&run(&open, Some(("X-Api-Key", "abcdefgh"))).await, "nothing checks it");
    let firewall = Server::start(|_| Reply::text(403, "<h1>Forbidden</h1>"));
    nothing(&run(&firewall, None).await, "without speaking of a credential");
    assert_eq!(firewall.seen().len(), 1);
}

#[tokio::test]
async fn false_credentials_are_of_the_same_kind() {
    let keyed = Server::start(|seen| match seen.header("x-api-key") {
        Some("abcdefgh") => Reply::json(200, &json!({ "ok": true })),
        _ => Reply::json(401, &json!({ "error": "invalid API key" })),
    });
    only(&run(&keyed, Some(("X-Api-Key", "abcdefgh"))).await, "scan.no-lockout");
    assert!(keyed.seen()[3].header("x-api-key").unwrap().starts_with("ratewarden-false-"));
    only(&run(&keyed, None).await, "scan.no-lockout");
    let cookie = Server::start(|seen| match seen.header("cookie") {
        Some("sid=12345678; theme=dark") => Reply::json(200, &json!({ "ok": true })),
        _ => refused(),
    });
    only(&run(&cookie, Some(("Cookie", "sid=12345678; theme=dark"))).await, "scan.no-lockout");
    assert!(cookie.seen()[2].header("cookie").unwrap().starts_with("sid=ratewarden-false-"));
}
