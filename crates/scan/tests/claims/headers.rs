//! Published limits: the truth in several forms, and a lie.

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
