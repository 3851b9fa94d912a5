//! The configurations of real servers that the scanner must recognise, and what is true of each.

use std::time::Duration;

use ratewarden_model::scan_report::Algorithm;
use ratewarden_testkit::{Server, Services, StartError, envoy, express, flask, haproxy, nginx, plain};

/// How a case's server is started.
type Start = Box<dyn Fn(&Services) -> Result<Server, StartError>>;

/// One configuration and the truth about it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
    /// A header that the scan sends.
    pub(crate) header: Option<(&'static str, &'static str)>,
    pub(crate) truth: Truth,
}

/// What is true. None where there is nothing to compare.
#[derive(Default, Clone)]
pub(crate) struct Truth {
    pub(crate) algorithm: Option<Algorithm>,
    /// The limit of a window, the burst of a bucket or queue, or the calls in flight.
    pub(crate) limit: Option<u64>,
    pub(crate) rate: Option<f64>,
    /// The window in seconds, where the standard budget lets its end be seen.
    pub(crate) window: Option<f64>,
    pub(crate) key: &'static [&'static str],
    /// Bypasses that really exist.
    pub(crate) bypasses: &'static [&'static str],
}

fn case(
    name: &'static str,
    truth: Truth,
    start: impl Fn(&Services) -> Result<Server, StartError> + 'static,
) -> Case {
    Case { name, start: Box::new(start), header: None, truth }
}

pub(super) fn bucket(rate: f64, burst: u64, key: &'static [&'static str]) -> Truth {
    Truth {
        algorithm: Some(Algorithm::TokenBucket),
        limit: Some(burst),
        rate: Some(rate),
        key,
        ..Truth::default()
    }
}

pub(super) fn windowed(
    algorithm: Algorithm,
    limit: u64,
    window: Option<f64>,
    key: &'static [&'static str],
) -> Truth {
    Truth { algorithm: Some(algorithm), limit: Some(limit), window, key, ..Truth::default() }
}

pub(super) const ADDRESS: &[&str] = &["address"];
const API_KEY: &[&str] = &["header:x-api-key"];
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = nginx_cases();
    cases.extend(window_cases());
    cases.extend(other_cases());
    cases
}

fn nginx_cases() -> Vec<Case> {
    let queue = Truth {
        algorithm: Some(Algorithm::LeakyQueue),
        limit: Some(16),
        rate: Some(10.0),
        key: ADDRESS,
        ..Truth::default()
    };
    let by_key = Truth { bypasses: &["scan.bypass.credential"], ..bucket(10.0, 21, API_KEY) };
    let weak = Truth {
        bypasses: &["scan.bypass.address-header"],
        ..bucket(5.0, 11, &["address", "header:x-forwarded-for"])
    };
    let concurrency =
        Truth { algorithm: Some(Algorithm::Concurrency), limit: Some(5), key: ADDRESS, ..Truth::default() };
    let mut keyed = case("nginx 10r/s burst=20 nodelay, per X-API-Key", by_key, |services| {
        nginx::LimitReq::new("10r/s")
            .burst(20)
            .nodelay()
            .status(429)
            .key(nginx::Key::Header("x-api-key"))
            .start(services)
    });
    keyed.header = Some(("X-API-Key", "alpha-1234"));
    vec![
        case("nginx 10r/s burst=20 nodelay, 503", bucket(10.0, 21, ADDRESS), |services| {
            nginx::LimitReq::new("10r/s").burst(20).nodelay().start(services)
        }),
        case("nginx 3r/s, 429", bucket(3.0, 1, ADDRESS), |services| {
            nginx::LimitReq::new("3r/s").status(429).start(services)
        }),
        case("nginx 300r/m burst=50 nodelay, 429", bucket(5.0, 51, ADDRESS), |services| {
            nginx::LimitReq::new("300r/m").burst(50).nodelay().status(429).start(services)
        }),
        case("nginx 10r/s burst=15, queued", queue, |services| {
            nginx::LimitReq::new("10r/s").burst(15).start(services)
        }),
        keyed,
        case("nginx 5r/s burst=10 nodelay, trusts X-Forwarded-For", weak, |services| {
            let limiter = nginx::LimitReq::new("5r/s").burst(10).nodelay().status(429);
            limiter.key(nginx::Key::HeaderOrAddress("x-forwarded-for")).start(services)
        }),
        case("nginx limit_conn 5, 250 ms", concurrency, |services| nginx::LimitConn::new(5).start(services)),
    ]
}

fn window_cases() -> Vec<Case> {
    let fixed = |limit, window, key| windowed(Algorithm::FixedWindow, limit, window, key);
    let mut keyed = case(
        "Express 30/3s, per X-API-Key, no headers",
        Truth { bypasses: &["scan.bypass.credential"], ..fixed(30, Some(3.0), API_KEY) },
        |services| {
            express::RateLimit::new(30, SECOND * 3).key(express::Key::Header("x-api-key")).start(services)
        },
    );
    keyed.header = Some(("X-API-Key", "alpha-1234"));
    vec![
        case("Express 3/1s, draft-8", fixed(3, Some(1.0), ADDRESS), |services| {
            express::RateLimit::new(3, SECOND).standard(express::Standard::Draft8).start(services)
        }),
        case("Express 100/5s, draft-7", fixed(100, Some(5.0), ADDRESS), |services| {
            express::RateLimit::new(100, SECOND * 5).standard(express::Standard::Draft7).start(services)
        }),
        case("Express 300/1m, draft-6", fixed(300, None, ADDRESS), |services| {
            express::RateLimit::new(300, MINUTE).standard(express::Standard::Draft6).start(services)
        }),
        case("Express 20/1h, no headers", fixed(20, None, ADDRESS), |services| {
            express::RateLimit::new(20, MINUTE * 60).start(services)
        }),
        keyed,
        case("Flask fixed-window 10/2s", fixed(10, Some(2.0), ADDRESS), |services| {
            flask::Limiter::new(flask::Strategy::FixedWindow, "10 per 2 seconds")
                .headers(true)
                .start(services)
        }),
        case(
            "Flask moving-window 20/3s",
            windowed(Algorithm::SlidingLog, 20, Some(3.0), ADDRESS),
            |services| flask::Limiter::new(flask::Strategy::MovingWindow, "20 per 3 seconds").start(services),
        ),
        case(
            "Flask sliding-window-counter 20/2s",
            windowed(Algorithm::SlidingCounter, 20, Some(2.0), ADDRESS),
            |services| {
                flask::Limiter::new(flask::Strategy::SlidingWindowCounter, "20 per 2 seconds").start(services)
            },
        ),
        case("HAProxy 20/10s", windowed(Algorithm::SlidingCounter, 20, Some(10.0), ADDRESS), |services| {
            haproxy::StickTable::new(20, SECOND * 10).start(services)
        }),
        case("HAProxy 50/5s", windowed(Algorithm::SlidingCounter, 50, Some(5.0), ADDRESS), |services| {
            haproxy::StickTable::new(50, SECOND * 5).start(services)
        }),
    ]
}

fn other_cases() -> Vec<Case> {
    vec![
        case("Envoy 20 tokens, 10/1s, for everybody", bucket(10.0, 20, &["global"]), |services| {
            envoy::LocalRateLimit::new(20, 10, SECOND).headers(true).start(services)
        }),
        case("Envoy 40 tokens, 40/10s, for everybody", bucket(4.0, 40, &["global"]), |services| {
            envoy::LocalRateLimit::new(40, 40, SECOND * 10).start(services)
        }),
        case("unlimited", Truth::default(), |_| plain::Unlimited::new().start()),
        case("unlimited, 50 ms ± 20 ms", Truth::default(), |_| {
            plain::Unlimited::slow(Duration::from_millis(50), Duration::from_millis(20)).start()
        }),
        case("unlimited nginx", Truth::default(), nginx::unlimited),
    ]
}
