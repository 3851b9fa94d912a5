//! Targets that suffer, or that cannot be measured: the scan says so, and no more.

use ratewarden_model::scan_report::Algorithm;
use ratewarden_scan::ScanError;

use crate::judge::Scan;
use crate::server::{Reply, Server};

/// SplitMix64: even enough, and the same in every run.
fn chance(number: u64) -> f64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    f64::from(u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[test]
fn load_that_is_shed_at_random_is_not_a_limit() {
    let server = Server::parallel(|request| match request.earlier {
        // The first answers are data, so that there is something to measure.
        4.. if chance(request.earlier) < 0.45 => Reply::json(503, r#"{"error":"unavailable"}"#),
        _ => Reply::items(),
    });
    let claims = Scan::of(&server, "/items").report();
    claims.lacks("scan.shared-limit").lacks("scan.bypass.").lacks("scan.no-limit");
    let stopped = claims.report.aborted.is_some();
    let open = matches!(claims.limiter().algorithm, None | Some(Algorithm::Unknown));
    claims.holds(stopped || open, "the algorithm is unknown, or the scan stopped");
    let said = claims.notes_say(&["503", "reject", "random"]);
    claims.holds(stopped || said || claims.report.score < 90, "it is not praised in silence");
}

#[track_caller]
fn is_said_to_be_limited_already(status: u16, body: &'static str) {
    let server = Server::parallel(move |_| Reply::json(status, body));
    match Scan::of(&server, "/items").bounds(60, 3).outcome() {
        Err(ScanError::Unreachable { message, .. }) => assert!(message.contains("already"), "{message}"),
        Err(error) => panic!("{error}"),
        Ok(report) => panic!("{status} gave a report: {:?} {:?}", report.notes, report.limiters),
    }
    assert!(server.served() <= 5, "{} requests to a target that is limited already", server.served());
}

#[test]
fn a_403_that_speaks_of_a_rate_limit_is_one_from_the_first_answer_on() {
    is_said_to_be_limited_already(403, r#"{"message":"API rate limit exceeded"}"#);
}

#[test]
fn a_200_that_speaks_of_a_rate_limit_is_one_from_the_first_answer_on() {
    is_said_to_be_limited_already(200, r#"{"error":"Rate limit exceeded"}"#);
}

/// Our own name has "rate-limit" in it, and a service that shows a request to its sender gives it back.
#[test]
fn an_answer_that_echoes_our_own_name_is_no_rejection() {
    let server = Server::parallel(|request| {
        let name = request.header("user-agent").unwrap_or_default();
        Reply::json(200, &format!("{{\"headers\":{{\"User-Agent\":\"{name}\"}}}}"))
    });
    let claims = Scan::of(&server, "/headers").bounds(60, 3).report();
    claims.finished().detected(false).has("scan.no-limit");
}

#[test]
fn a_403_that_asks_for_credentials_is_scanned() {
    let server = Server::parallel(|_| Reply::json(403, r#"{"message":"forbidden"}"#));
    let claims = Scan::of(&server, "/items").bounds(40, 3).report();
    claims.detected(false).lacks("scan.bypass.");
}

#[test]
fn a_target_that_breaks_is_left_alone() {
    let server = Server::parallel(|request| match request.earlier {
        ..40 => Reply::items(),
        _ => Reply::json(500, r#"{"error":"internal"}"#),
    });
    let claims = Scan::of(&server, "/items").report();
    claims.holds(claims.report.aborted.is_some(), "the scan stopped");
    claims.holds(claims.report.requests_sent < 100, "fewer than 100 requests were sent");
    assert!(server.served() < 100, "{} requests came", server.served());
    claims.lacks("scan.no-limit").lacks("scan.bypass.");
}
