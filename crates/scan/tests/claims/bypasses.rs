//! Ways round a limit: those that are none, and those that are.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::judge::Scan;
use crate::limits::{Bucket, Window};
use crate::server::{Reply, Server, work};

#[test]
fn a_method_that_is_refused_gets_round_nothing() {
    let server = Server::start(Window::new(10, 2), |request, window| match request.method.as_str() {
        "GET" => Reply::items_if(window.admits(request.address(), request.at)),
        _ => Reply::json(405, r#"{"error":"method not allowed"}"#).header("allow", "GET"),
    });
    Scan::of(&server, "/items").report().finished().detected(true).lacks("scan.bypass.");
}

#[test]
fn another_page_of_the_same_size_is_not_the_same_resource() {
    let server = Server::start(Window::new(10, 2), |request, window| match request.path.as_str() {
        "/" => Reply::html(200, "Welcome", "Here is the front page of the shop, with the news of the day."),
        "/items" if window.admits(request.address(), request.at) => {
            Reply::html(200, "Items", "Here is the list of all items of the shop, one to a line, priced.")
        }
        "/items" => Reply::html(429, "Slow down", "Too many requests."),
        _ => Reply::html(404, "Not found", "There is no such page."),
    });
    Scan::of(&server, "/items").report().finished().detected(true).lacks("scan.bypass.");
}

#[test]
fn an_error_in_the_envelope_of_the_data_is_not_the_data() {
    let server = Server::start(Window::new(10, 2), |request, window| match request.path.as_str() {
        "/items" if window.admits(request.address(), request.at) => {
            Reply::json(200, r#"{"code":0,"message":"ok","data":[{"id":1},{"id":2}]}"#)
        }
        "/items" => Reply::limited(),
        _ => Reply::json(200, r#"{"code":404,"message":"not found","data":null}"#),
    });
    Scan::of(&server, "/items").report().finished().detected(true).lacks("scan.bypass.");
}

#[test]
fn a_forwarded_address_that_is_trusted_is_found() {
    let server = Server::start(Bucket::new(5.0, 10.0), |request, bucket| {
        let key = request.header("x-forwarded-for").map_or_else(|| request.address(), str::to_owned);
        Reply::items_if(bucket.admits(key, request.at))
    });
    let claims = Scan::of(&server, "/items").bounds(400, 10).report();
    claims
        .finished()
        .has("scan.bypass.address-header")
        .lacks("scan.bypass.method")
        .lacks("scan.shared-limit");
    claims.lacks("scan.bypass.path").lacks("scan.bypass.query").lacks("scan.bypass.rewrite");
}

#[test]
fn a_spelling_that_the_limiter_does_not_count_is_found() {
    let server = Server::start(Window::new(10, 2), |request, window| match request.path.as_str() {
        "/items" => Reply::items_if(window.admits(request.address(), request.at)),
        "/items/" => Reply::items(),
        _ => Reply::not_found(),
    });
    let claims = Scan::of(&server, "/items").bounds(400, 10).report();
    claims.finished().has("scan.bypass.path").lacks("scan.bypass.query").lacks("scan.bypass.address-header");
}

#[test]
fn a_query_that_is_part_of_the_key_is_found() {
    let server = Server::start(Window::new(10, 2), |request, window| {
        let key = format!("{} {}?{}", request.address(), request.path, request.query);
        match request.path.as_str() {
            "/items" => Reply::items_if(window.admits(key, request.at)),
            _ => Reply::not_found(),
        }
    });
    let claims = Scan::of(&server, "/items").bounds(400, 10).report();
    claims.finished().has("scan.bypass.query").lacks("scan.bypass.path").lacks("scan.bypass.method");
    let limit = claims.limiter().limit;
    claims.holds(limit == Some(10), "requests for pages, which have counters of their own, are not counted");
}

/// Reads the counter, does something else for 5 ms, and writes it.
#[test]
fn a_counter_that_is_read_before_it_is_written_is_found() {
    let counters = Mutex::new(HashMap::<String, (Duration, u64)>::new());
    let server = Server::parallel(move |request| {
        let read = counters.lock().unwrap().get(&request.address()).copied();
        let running = read.filter(|(began, _)| request.at < *began + Duration::from_secs(1));
        let (began, used) = running.unwrap_or((request.at, 0));
        work();
        if used < 10 {
            counters.lock().unwrap().insert(request.address(), (began, used + 1));
        }
        Reply::items_if(used < 10)
    });
    let claims = Scan::of(&server, "/items").bounds(1_000, 20).report();
    claims.detected(true).has("scan.bypass.concurrency").lacks("scan.bypass.path").lacks("scan.bypass.query");
}
