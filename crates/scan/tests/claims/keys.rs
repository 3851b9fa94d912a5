//! What calls are counted per, and which endpoints share a limiter.

use std::time::Duration;

use crate::judge::Scan;
use crate::limits::{Bucket, Window};
use crate::server::{Reply, Server, serve_for};

const KEY: &str = "valid-key-4711";

#[test]
fn a_limit_for_each_issued_key_is_no_limit_for_everybody() {
    let server = Server::start(Window::new(10, 2), |request, window| match request.header("x-api-key") {
        Some(KEY) => Reply::items_if(window.admits(KEY, request.at)),
        _ => Reply::json(401, r#"{"error":"a valid key is needed"}"#),
    });
    let claims = Scan::of(&server, "/items").header("X-API-Key", KEY).bounds(400, 10).report();
    claims.finished().detected(true).lacks("scan.shared-limit").lacks("scan.bypass.");
    claims.holds(!claims.keyed_by("global"), "it is not keyed by everybody together");
    claims.holds(!claims.notes_say(&["locked out", "lock-out", "lockout"]), "no note speaks of a lock-out");
}

#[test]
fn a_limit_for_each_connection_is_keyed_by_it() {
    let server = Server::parallel(|request| Reply::items_if(request.earlier_on_connection < 10));
    let claims = Scan::of(&server, "/items").bounds(400, 10).report();
    claims.detected(true).lacks("scan.shared-limit");
    claims.holds(claims.keyed_by("connection"), "it is keyed by the connection");
    claims.holds(!claims.keyed_by("address"), "it is not keyed by the address");
}

#[test]
fn two_counters_of_a_minute_are_two_limiters() {
    let server = Server::start(Window::new(10, 60), |request, window| match request.path.as_str() {
        "/a" | "/b" => {
            let key = format!("{} {}", request.address(), request.path);
            Reply::items_if(window.admits(key, request.at))
        }
        _ => Reply::not_found(),
    });
    let claims = Scan::of(&server, "/a").openapi("two-paths.json").bounds(300, 6).report();
    let alone = claims.report.limiters.iter().all(|limiter| limiter.detected && limiter.endpoints.len() == 1);
    claims.finished().holds(claims.report.limiters.len() == 2 && alone, "there are two limiters");
}

#[test]
fn one_counter_of_two_endpoints_is_one_limiter() {
    let server = Server::start(Window::new(20, 2), |request, window| match request.path.as_str() {
        "/a" | "/b" => Reply::items_if(window.admits(request.address(), request.at)),
        _ => Reply::not_found(),
    });
    let claims = Scan::of(&server, "/a").openapi("two-paths.json").bounds(300, 8).report();
    let together = claims.limiter().endpoints.len() == 2;
    claims
        .finished()
        .holds(claims.report.limiters.len() == 1 && together, "there is one limiter of two endpoints");
}

/// Answers that other addresses get late are no rejections: whoever is late, it is not everybody's limit.
#[test]
fn late_answers_to_other_addresses_are_not_a_limit_for_everybody() {
    let buckets = std::sync::Mutex::new(Bucket::new(8.0, 15.0));
    let server = Server::parallel(move |request| {
        let admitted = buckets.lock().unwrap().admits(request.address(), request.at);
        if request.address() != "127.0.0.1" {
            serve_for(Duration::from_millis(60));
        }
        Reply::items_if(admitted)
    });
    let claims = Scan::of(&server, "/items").bounds(400, 12).report();
    claims.finished().detected(true).lacks("scan.shared-limit");
    claims.holds(!claims.keyed_by("global") && claims.keyed_by("address"), "calls are counted per address");
}
