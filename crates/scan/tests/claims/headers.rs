//! Published limits: the truth in several forms, and a lie.

use std::time::Duration;

use crate::judge::Scan;
use crate::limits::{Bucket, Window};
use crate::server::{Reply, Server};

#[test]
fn several_policies_of_which_one_bites_are_the_truth() {
    let state = (Window::new(10, 3), Window::new(1_000, 86_400));
    let server = Server::start(state, |request, (short, day)| {
        let short = short.count(request.address(), request.at);
        let day = day.count(request.address(), request.at);
        let left = format!(
            "\"day\";r={};t={}, \"sec\";r={};t={}",
            day.left, day.reset_secs, short.left, short.reset_secs
        );
        let reply = Reply::items_if(short.admitted && day.admitted).header("ratelimit", left);
        let reply = reply.header("ratelimit-policy", "\"day\";q=1000;w=86400, \"sec\";q=10;w=3");
        if short.admitted { reply } else { reply.header("retry-after", short.reset_secs) }
    });
    Scan::of(&server, "/items").bounds(400, 10).report().finished().detected(true).lacks("scan.headers-lie");
}

#[test]
fn a_limit_without_a_window_may_be_the_rate_of_a_bucket() {
    let server = Server::start(Bucket::new(10.0, 20.0), |request, bucket| {
        let admitted = bucket.admits(request.address(), request.at);
        Reply::items_if(admitted).header("x-ratelimit-limit", 10)
    });
    Scan::of(&server, "/items").report().finished().detected(true).lacks("scan.headers-lie");
}

/// A bucket that is full again before each call stays at 99 of 100; one that rejects does not.
#[test]
fn a_rejection_that_promises_99_more_calls_is_a_lie() {
    let server = Server::start(Bucket::new(10.0, 20.0), |request, bucket| {
        let reply = Reply::items_if(bucket.admits(request.address(), request.at));
        reply.header("x-ratelimit-limit", 100).header("x-ratelimit-remaining", 99)
    });
    Scan::of(&server, "/items").report().finished().detected(true).has("scan.headers-lie");
}

#[test]
fn ten_times_the_limit_is_a_lie() {
    let server = Server::start(Window::new(10, 3), |request, window| {
        let count = window.count(request.address(), request.at);
        let left = format!("\"sec\";r={};t={}", count.left + 90, count.reset_secs);
        let reply = Reply::items_if(count.admitted).header("ratelimit", left);
        reply.header("ratelimit-policy", "\"sec\";q=100;w=3")
    });
    Scan::of(&server, "/items").bounds(400, 10).report().finished().detected(true).has("scan.headers-lie");
}

/// The first window of a calendar quota is cut off where the scan begins: what is seen of it is not its length.
#[test]
fn a_calendar_quota_that_began_anew_once_is_the_truth() {
    let calls = Window::beginning(40, 60, Duration::from_millis(4_400));
    let server = Server::start((None, calls), |request, (first, window)| {
        let first = *first.get_or_insert(request.at);
        let count = window.count(request.address(), request.at - first);
        let left = format!("\"calls\";r={};t={}", count.left, count.reset_secs);
        let reply = Reply::items_if(count.admitted).header("ratelimit", left);
        reply.header("ratelimit-policy", "\"calls\";q=40;w=60")
    });
    let claims = Scan::of(&server, "/items").bounds(400, 9).report();
    claims.finished().detected(true).lacks("scan.headers-lie");
    let own = claims.limiter();
    claims
        .holds(own.window_ms.is_none() && own.limit == Some(40), "40 calls in an unknown window are claimed");
    let least = own.window_at_least_ms.unwrap_or_default();
    claims.holds((2_500..=5_000).contains(&least), "the window is at least what was seen of it");
    let agrees = own.published.as_ref().is_some_and(|published| published.agrees.is_none());
    claims.holds(agrees, "the published window is not contradicted, and not verified either");
}
