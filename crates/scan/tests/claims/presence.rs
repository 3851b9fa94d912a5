//! Whether there is a limiter at all, however it rejects.

use ratewarden_model::scan_report::Algorithm;

use crate::judge::Scan;
use crate::limits::{Bucket, Window};
use crate::server::{Reply, Server, work};

/// A limiter of 10 calls in 2 s that rejects with this.
fn rejecting_with(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(Window::new(10, 2), move |request, window| {
        if request.path != "/items" {
            return Reply::not_found();
        }
        let admitted = window.admits(request.address(), request.at);
        if admitted { Reply::json(200, r#"{"code":0,"message":"ok","data":[1]}"#) } else { reply() }
    })
}

#[test]
fn an_envelope_that_says_too_many_requests_is_a_rejection() {
    let server =
        rejecting_with(|| Reply::json(200, r#"{"code":42901,"message":"too many requests","data":null}"#));
    let claims = Scan::of(&server, "/items").report();
    claims.finished().detected(true).lacks("scan.no-limit");
    claims.holds(claims.limiter().rejects_with.as_deref() == Some("200-error-body"), "the body rejects");
}

#[test]
fn a_bare_404_in_place_of_the_data_is_a_rejection() {
    let server = rejecting_with(|| Reply::new(404, "text/plain", ""));
    Scan::of(&server, "/items").report().finished().detected(true).lacks("scan.no-limit");
}

#[test]
fn a_redirect_elsewhere_in_place_of_the_data_is_a_rejection() {
    let server = rejecting_with(|| {
        Reply::new(302, "text/plain", "").header("location", "https://status.example.com/slow-down")
    });
    Scan::of(&server, "/items").report().finished().detected(true).lacks("scan.no-limit");
}

#[test]
fn one_stray_rejection_is_no_limiter() {
    let server = Server::parallel(|request| match request.earlier {
        99 => Reply::json(503, r#"{"error":"unavailable"}"#),
        _ => Reply::items(),
    });
    let claims = Scan::of(&server, "/items").bounds(300, 8).report();
    claims.finished().detected(false).has("scan.no-limit").lacks("scan.shared-limit").lacks("scan.bypass.");
    let described =
        claims.report.findings.iter().any(|finding| finding.description.contains("one rejection"));
    let told = described || claims.notes_say(&["stray", "503", "reject"]);
    claims.holds(told, "the reader is told of the rejection");
}

/// One worker that takes 5 ms for each call: whoever asks it for more has to wait, but nobody limits.
#[test]
fn a_single_busy_worker_is_no_queue_of_a_limiter() {
    let server = Server::start((), |_, ()| {
        work();
        Reply::items()
    });
    let claims = Scan::of(&server, "/items").report();
    let queue = claims.limiter().algorithm == Some(Algorithm::LeakyQueue);
    claims.lacks("scan.shared-limit").lacks("scan.bypass.").holds(!queue, "it is no leaky queue");
    if claims.report.aborted.is_none() {
        claims.has("scan.no-limit");
    }
}

#[test]
fn an_honest_api_is_praised() {
    let server = Server::start(Bucket::new(10.0, 20.0), |request, bucket| {
        let count = bucket.count(request.address(), request.at);
        let reply = match (count.admitted, request.path.as_str()) {
            (false, _) => Reply::limited().header("retry-after", count.reset_secs.max(1)),
            (true, "/items") => Reply::items(),
            (true, _) => Reply::not_found(),
        };
        let left = if count.admitted { count.left } else { 0 };
        reply
            .header("ratelimit-policy", "\"api\";q=20;w=2")
            .header("ratelimit", format!("\"api\";r={left};t={}", count.reset_secs.max(1)))
    });
    let claims = Scan::of(&server, "/items").bounds(400, 10).report();
    claims
        .finished()
        .detected(true)
        .lacks("scan.bypass.")
        .lacks("scan.shared-limit")
        .lacks("scan.headers-lie");
    claims.holds(claims.limiter().keyed_by == ["address"], "it is keyed by the address");
    claims.holds(claims.report.score >= 90, "its score is 90 or more");
}
