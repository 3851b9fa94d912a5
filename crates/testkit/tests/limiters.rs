//! Each real limiter admits and rejects as it was configured to. These are also the facts that the scanner's
//! inference rests on: when a new version of one behaves otherwise, it shows here first.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ratewarden_testkit::express::{self, Standard};
use ratewarden_testkit::flask::{self, Strategy};
use ratewarden_testkit::http::{Answer, get, request, statuses};
use ratewarden_testkit::{BODY, READY_PATH, envoy, haproxy, nginx, require};

/// How many of these many requests, one after another, are admitted.
fn admitted(address: SocketAddr, count: usize) -> usize {
    statuses(address, "/items", count).unwrap().into_iter().filter(|&status| status == 200).count()
}

/// Asks until a request is admitted, and says how long that took.
fn wait_for_admission(address: SocketAddr, at_most: Duration) -> Duration {
    let begin = Instant::now();
    while begin.elapsed() < at_most {
        if get(address, "/items").unwrap().status == 200 {
            return begin.elapsed();
        }
    }
    panic!("nothing admitted within {at_most:?}")
}

fn first_rejection(address: SocketAddr) -> Answer {
    (0..1_000)
        .map(|_| get(address, "/items").unwrap())
        .find(|answer| answer.status != 200)
        .expect("a rejection within 1000 requests")
}

#[test]
fn nginx_with_nodelay_admits_the_burst_and_one() {
    let Some(services) = require() else { return };
    let server = nginx::LimitReq::new("60r/m").burst(20).nodelay().status(429).start(services).unwrap();
    assert_eq!(get(server.address(), READY_PATH).unwrap().status, 204);
    assert_eq!(admitted(server.address(), 40), 21);
    assert_eq!(first_rejection(server.address()).status, 429);
    wait_for_admission(server.address(), Duration::from_secs(3));
}

#[test]
fn nginx_rejects_with_503_unless_told_otherwise() {
    let Some(services) = require() else { return };
    let server = nginx::LimitReq::new("30r/m").start(services).unwrap();
    assert_eq!(get(server.address(), "/items").unwrap().text(), BODY);
    let rejection = get(server.address(), "/items").unwrap();
    assert_eq!((rejection.status, rejection.header("retry-after")), (503, None));
}

#[test]
fn nginx_queues_what_exceeds_the_rate() {
    let Some(services) = require() else { return };
    let server = nginx::LimitReq::new("10r/s").burst(10).start(services).unwrap();
    let begin = Instant::now();
    // One client after another never fills the queue: it is only slowed to the rate.
    assert_eq!(admitted(server.address(), 6), 6);
    assert!(begin.elapsed() >= Duration::from_millis(480), "{:?}", begin.elapsed());
}

#[test]
fn nginx_delays_only_what_exceeds_the_delay() {
    let Some(services) = require() else { return };
    let server = nginx::LimitReq::new("5r/s").burst(10).delay(5).start(services).unwrap();
    let begin = Instant::now();
    assert_eq!(admitted(server.address(), 6), 6);
    // Five of them would take a second if they were queued.
    assert!(begin.elapsed() < Duration::from_millis(700), "{:?}", begin.elapsed());
    assert_eq!(admitted(server.address(), 3), 3);
    assert!(begin.elapsed() >= Duration::from_millis(380), "{:?}", begin.elapsed());
}

#[test]
fn nginx_counts_per_key() {
    let Some(services) = require() else { return };
    let limit = nginx::LimitReq::new("1r/m").status(429);
    let ask = |address, path, header: Option<(&str, &str)>| {
        request(address, "GET", path, header.as_slice()).unwrap().status
    };

    let strict = limit.clone().start(services).unwrap();
    assert_eq!(ask(strict.address(), "/a", None), 200);
    assert_eq!(ask(strict.address(), "/b", Some(("X-Forwarded-For", "192.0.2.1"))), 429);

    let forwarded = nginx::Key::HeaderOrAddress("x-forwarded-for");
    let weak = limit.clone().key(forwarded).start(services).unwrap();
    assert_eq!(ask(weak.address(), "/a", None), 200);
    assert_eq!(ask(weak.address(), "/a", None), 429);
    assert_eq!(ask(weak.address(), "/a", Some(("X-Forwarded-For", "192.0.2.1"))), 200);

    let keyed = limit.clone().key(nginx::Key::Header("x-api-key")).start(services).unwrap();
    assert_eq!((ask(keyed.address(), "/a", None), ask(keyed.address(), "/a", None)), (200, 200));
    assert_eq!(ask(keyed.address(), "/a", Some(("X-API-Key", "k1"))), 200);
    assert_eq!(ask(keyed.address(), "/a", Some(("X-API-Key", "k1"))), 429);
    assert_eq!(ask(keyed.address(), "/a", Some(("X-API-Key", "k2"))), 200);

    let by_path = limit.key(nginx::Key::UriAndAddress).start(services).unwrap();
    assert_eq!((ask(by_path.address(), "/a", None), ask(by_path.address(), "/a", None)), (200, 429));
    assert_eq!(ask(by_path.address(), "/a?x=1", None), 200);
}

#[test]
fn nginx_limits_requests_in_flight() {
    let Some(services) = require() else { return };
    let server =
        nginx::LimitConn::new(5).status(429).latency(Duration::from_millis(500)).start(services).unwrap();
    let address = server.address();
    assert_eq!(admitted(address, 3), 3);
    let clients: Vec<_> =
        (0..12).map(|_| std::thread::spawn(move || get(address, "/items").unwrap().status)).collect();
    let mut answers: Vec<u16> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [[200; 5].as_slice(), &[429; 7]].concat());
}

#[test]
fn haproxy_admits_the_limit_and_counts_what_it_rejects() {
    let Some(services) = require() else { return };
    let server = haproxy::StickTable::new(10, Duration::from_millis(700)).start(services).unwrap();
    let address = server.address();
    assert_eq!(admitted(address, 20), 10);
    // Whoever keeps knocking stays out, however long: seen for three periods.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(2_100) {
        assert_eq!(get(address, "/items").unwrap().status, 429);
    }
    // Silence is what lets a client in again: only what is not counted may be asked.
    let begin = Instant::now();
    while get(address, haproxy::FORGOTTEN_PATH).unwrap().status != 204 {
        assert!(begin.elapsed() < Duration::from_secs(20), "HAProxy never forgets");
    }
    assert_eq!(get(address, "/items").unwrap().status, 200);
}

#[test]
fn envoy_admits_its_tokens_and_refills() {
    let Some(services) = require() else { return };
    let limit = envoy::LocalRateLimit::new(10, 1, Duration::from_secs(1)).headers(true);
    let server = limit.start(services).unwrap();
    let first = get(server.address(), "/items").unwrap();
    assert_eq!((first.text().as_str(), first.header("x-ratelimit-limit")), (BODY, Some("10")));
    assert_eq!(admitted(server.address(), 20), 9);
    let rejection = first_rejection(server.address());
    assert_eq!((rejection.status, rejection.text().as_str()), (429, "local_rate_limited"));
    let waited = wait_for_admission(server.address(), Duration::from_secs(3));
    assert!(waited < Duration::from_millis(2_000), "{waited:?}");
}

#[test]
fn express_windows_start_with_the_first_request() {
    let Some(services) = require() else { return };
    let server = express::RateLimit::new(5, Duration::from_millis(1_500)).legacy().start(services).unwrap();
    let begin = Instant::now();
    assert_eq!(admitted(server.address(), 8), 5);
    assert_eq!(first_rejection(server.address()).header("retry-after"), Some("2"));
    wait_for_admission(server.address(), Duration::from_secs(3));
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(1_400) && took < Duration::from_millis(2_500), "{took:?}");
    assert_eq!(admitted(server.address(), 8), 4);
}

#[test]
fn express_publishes_each_draft() {
    let Some(services) = require() else { return };
    let limit = express::RateLimit::new(5, Duration::from_secs(60));
    let first = |limit: express::RateLimit| get(limit.start(services).unwrap().address(), "/items").unwrap();

    let six = first(limit.clone().standard(Standard::Draft6));
    assert_eq!((six.header("ratelimit-limit"), six.header("ratelimit-remaining")), (Some("5"), Some("4")));
    let seven = first(limit.clone().standard(Standard::Draft7));
    assert_eq!(seven.header("ratelimit"), Some("limit=5, remaining=4, reset=60"));
    let eight = first(limit.clone().standard(Standard::Draft8));
    assert_eq!(eight.header("ratelimit"), Some("\"5-in-1min\"; r=4; t=60"));
    let legacy = first(limit.clone().legacy());
    assert_eq!(legacy.header("x-ratelimit-limit"), Some("5"));
    let silent = first(limit);
    assert!(!silent.headers.iter().any(|(name, _)| name.contains("ratelimit")), "{silent:?}");
}

#[test]
fn express_can_believe_a_forged_address_and_publish_a_lie() {
    let Some(services) = require() else { return };
    let limit = express::RateLimit::new(2, Duration::from_secs(60));
    let weak = limit.clone().key(express::Key::ForwardedFor).start(services).unwrap();
    assert_eq!(admitted(weak.address(), 4), 2);
    let forged = request(weak.address(), "GET", "/items", &[("X-Forwarded-For", "192.0.2.7")]).unwrap();
    assert_eq!(forged.status, 200);

    let keyed = limit.clone().key(express::Key::Header("x-api-key")).start(services).unwrap();
    assert_eq!(admitted(keyed.address(), 4), 2);
    assert_eq!(request(keyed.address(), "GET", "/items", &[("X-API-Key", "k")]).unwrap().status, 200);

    let liar = limit.standard(Standard::Draft6).publishing(100).start(services).unwrap();
    assert_eq!(admitted(liar.address(), 4), 2);
    assert_eq!(first_rejection(liar.address()).header("ratelimit-limit"), Some("100"));
}

#[test]
fn flask_admits_the_limit_with_each_strategy() {
    let Some(services) = require() else { return };
    for strategy in [Strategy::FixedWindow, Strategy::MovingWindow, Strategy::SlidingWindowCounter] {
        let server = flask::Limiter::new(strategy, "6 per 2 seconds").headers(true).start(services).unwrap();
        assert_eq!(get(server.address(), READY_PATH).unwrap().status, 204);
        let first = get(server.address(), "/items").unwrap();
        assert_eq!((first.status, first.header("x-ratelimit-limit")), (200, Some("6")), "{strategy:?}");
        // The sliding counter's windows have edges of their own, where a request or two may come back early.
        let more = admitted(server.address(), 10);
        let most = if strategy == Strategy::SlidingWindowCounter { 7 } else { 5 };
        assert!((5..=most).contains(&more), "{strategy:?} admitted {more} more");
        wait_for_admission(server.address(), Duration::from_secs(5));
    }
}

#[test]
fn flask_counts_per_header() {
    let Some(services) = require() else { return };
    let limit = flask::Limiter::new(Strategy::FixedWindow, "2 per minute").key_header("x-api-key");
    let server = limit.start(services).unwrap();
    assert_eq!(admitted(server.address(), 4), 2);
    let other = request(server.address(), "GET", "/items", &[("X-API-Key", "k")]).unwrap();
    assert_eq!(other.status, 200);
    assert!(!other.headers.iter().any(|(name, _)| name.contains("ratelimit")), "{other:?}");
}
