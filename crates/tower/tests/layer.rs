//! The layer as a service sees it: real tower services, a clock that the test moves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use proptest::prelude::*;
use ratewarden_tower::{
    Algorithm, Calendar, Capacity, Concurrency, Each, Gcra, Instant, InvalidLimits, Limit, Per, Quota,
    RateLimit, RateLimitLayer, SlidingWindow, Time, by_header,
};
use tower::{Layer, Service, ServiceExt as _};

const CAPACITY: Capacity = Capacity { keys: 1_000, verified_keys: 1_000 };

fn rate(calls: u64, seconds: u64, burst: u64) -> Algorithm {
    let nonzero = |number| NonZeroU64::new(number).unwrap();
    Algorithm::Rate(Gcra::new(nonzero(calls), Duration::from_secs(seconds), nonzero(burst)).unwrap())
}

#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos().try_into().unwrap(), Ordering::Relaxed);
    }

    fn layer(&self, limits: impl IntoIterator<Item = Limit>) -> RateLimitLayer {
        let clock = self.clone();
        RateLimitLayer::new(limits, CAPACITY).unwrap().clock(move || {
            let nanos = clock.0.load(Ordering::Relaxed);
            let wall = Timestamp::from_second(1_700_000_000).unwrap() + Duration::from_nanos(nanos);
            Instant { now: Time::from_nanos(nanos), wall }
        })
    }
}

#[derive(Clone, Default)]
struct Api(Arc<AtomicUsize>);

impl Service<Request<()>> for Api {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        self.0.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new("fine".to_owned())))
    }
}

fn request(key: &str) -> Request<()> {
    Request::builder().header("x-api-key", key).body(()).unwrap()
}

async fn status<S>(service: &RateLimit<S>, key: &str) -> StatusCode
where
    S: Service<Request<()>, Response = Response<String>, Error = Infallible> + Clone,
{
    service.clone().oneshot(request(key)).await.unwrap().status()
}

#[tokio::test]
async fn a_caller_over_its_limit_is_told_when_to_come_back_and_nobody_else_notices() {
    let (clock, api) = (Clock::default(), Api::default());
    let service =
        clock.layer([Limit::new("each key", rate(1, 10, 2)).per(by_header("x-api-key"))]).layer(api.clone());
    assert_eq!(status(&service, "ann").await, 200);
    assert_eq!(status(&service, "ann").await, 200);
    let rejected = service.clone().oneshot(request("ann")).await.unwrap();
    assert_eq!(rejected.status(), 429);
    let field = |name: &str| rejected.headers().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(field("retry-after"), "10");
    assert_eq!(field("ratelimit"), r#""each key";r=0;t=10"#);
    assert_eq!(field("ratelimit-policy"), r#""each key";q=2;w=20"#);
    assert_eq!(field("content-type"), "application/problem+json");
    assert!(rejected.body().contains(r#""violated-policies":["each key"]"#), "{}", rejected.body());
    assert_eq!(status(&service, "bob").await, 200);
    clock.pass(Duration::from_secs(10));
    assert_eq!(status(&service, "ann").await, 200);
    assert_eq!(api.0.load(Ordering::Relaxed), 4, "a rejected call reached the service");
}

#[tokio::test]
async fn a_caller_over_its_own_limit_spends_nothing_of_the_total() {
    let clock = Clock::default();
    let limits = [
        Limit::new("all", rate(1, 3_600, 3)),
        Limit::new("each", rate(1, 3_600, 1)).per(by_header("x-api-key")),
    ];
    let service = clock.layer(limits).layer(Api::default());
    assert_eq!(status(&service, "ann").await, 200);
    for _ in 0..50 {
        assert_eq!(status(&service, "ann").await, 429);
    }
    assert_eq!(status(&service, "bob").await, 200);
    assert_eq!(status(&service, "eve").await, 200);
    assert_eq!(status(&service, "zoe").await, 429);
}

#[tokio::test]
async fn a_place_is_held_until_the_answer_is_there_or_nobody_waits_for_it() {
    let two = Algorithm::Concurrency(Concurrency::new(NonZeroU64::new(2).unwrap()));
    let (end, _) = tokio::sync::broadcast::channel::<()>(1);
    let waiting = end.clone();
    let slow = tower::service_fn(move |_: Request<()>| {
        let mut ended = waiting.subscribe();
        async move {
            let _ = ended.recv().await;
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let service = Clock::default().layer([Limit::new("at once", two)]).layer(slow);
    let first = tokio::spawn(service.clone().oneshot(request("ann")));
    let second = tokio::spawn(service.clone().oneshot(request("ann")));
    while end.receiver_count() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&service, "ann").await, 429);
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    let third = tokio::spawn(service.clone().oneshot(request("ann")));
    while end.receiver_count() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(status(&service, "ann").await, 429);
    end.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert_eq!(third.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn windows_and_quotas_count_by_their_clocks() {
    let clock = Clock::default();
    let window = SlidingWindow::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(10)).unwrap();
    let calendar = Calendar::new(Each::Minute, jiff::tz::TimeZone::UTC);
    let quota = Quota::new(NonZeroU64::new(3).unwrap(), calendar).unwrap();
    let limits = [
        Limit::new("window", Algorithm::Window(window)).window(Duration::from_secs(10)),
        Limit::new("quota", Algorithm::Quota(quota)),
    ];
    // 1 700 000 000 is 20 seconds into a minute.
    let service = clock.layer(limits).layer(Api::default());
    assert_eq!(
        [status(&service, "a").await, status(&service, "a").await, status(&service, "a").await],
        [200, 200, 429]
    );
    clock.pass(Duration::from_secs(12));
    assert_eq!(
        [status(&service, "a").await, status(&service, "a").await],
        [200, 429],
        "the minute's quota is 3"
    );
    clock.pass(Duration::from_secs(28));
    assert_eq!(status(&service, "a").await, 200, "a new minute");
}

#[tokio::test]
async fn a_shadow_limit_rejects_nobody_and_counts_whom_it_would_have() {
    let layer = Clock::default().layer([Limit::new("some day", rate(1, 60, 1)).shadow()]);
    let service = layer.clone().layer(Api::default());
    for _ in 0..3 {
        assert_eq!(status(&service, "ann").await, 200);
    }
    assert_eq!(layer.shadow_rejections(), 2);
}

#[tokio::test]
async fn cost_exemption_and_answer_are_the_services_own() {
    let limit = Limit::new("cost", rate(1, 60, 10))
        .per(|call| if call.uri.path() == "/healthz" { Per::Exempt } else { Per::Everybody })
        .cost(|call| if call.method == http::Method::POST { 6 } else { 1 });
    let answer = |rejected: &ratewarden_tower::Rejected<'_>| {
        Response::builder().status(503).body(rejected.violated().collect::<Vec<_>>().join(" ")).unwrap()
    };
    let service = Clock::default().layer([limit]).tell_admitted().answer(answer).layer(Api::default());
    let call = |method: &str, path: &str| {
        service.clone().oneshot(Request::builder().method(method).uri(path).body(()).unwrap())
    };
    let first = call("POST", "/jobs").await.unwrap();
    assert_eq!(first.headers().get("ratelimit").unwrap(), r#""cost";r=4;t=360"#);
    let second = call("POST", "/jobs").await.unwrap();
    assert_eq!((second.status().as_u16(), second.body().as_str()), (503, "cost"));
    assert_eq!(second.headers().get("retry-after").unwrap(), "120");
    assert_eq!(call("GET", "/jobs").await.unwrap().status(), 200);
    let health = call("GET", "/healthz").await.unwrap();
    assert_eq!((health.status().as_u16(), health.headers().get("ratelimit")), (200, None));
}

#[test]
fn a_limit_that_could_not_be_told_apart_or_named_is_refused() {
    let make = |names: &[&str]| {
        RateLimitLayer::new(names.iter().map(|name| Limit::new(*name, rate(1, 1, 1))), CAPACITY).map(|_| ())
    };
    assert_eq!(make(&["a", "b", "a"]), Err(InvalidLimits::Duplicate { name: "a".to_owned() }));
    assert_eq!(make(&["a\r\nb"]), Err(InvalidLimits::Name { name: "a\r\nb".to_owned() }));
    let many: Vec<String> = (0..256).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(make(&many), Err(InvalidLimits::TooMany { count: 256 }));
}

fn user_or_key(call: &http::request::Parts) -> Per<'_> {
    match call.headers.get("x-user") {
        Some(user) => Per::Verified(user.as_bytes().into()),
        None => by_header("x-api-key")(call),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_flood_of_new_keys_never_resets_a_verified_caller(keys in 2_000_u32..6_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let service = Clock::default().layer([Limit::new("each", rate(1, 3_600, 1)).per(user_or_key)]).layer(Api::default());
        let verified = || Request::builder().header("x-user", "ann").body(()).unwrap();
        runtime.block_on(async {
            assert_eq!(service.clone().oneshot(verified()).await.unwrap().status(), 200);
            for key in 0..keys {
                let _ = status(&service, &key.to_string()).await;
            }
            assert_eq!(service.clone().oneshot(verified()).await.unwrap().status(), 429);
        });
    }

    #[test]
    fn in_no_interval_is_more_admitted_than_the_burst_and_the_rate(waits in prop::collection::vec(0_u64..2_000, 1..200)) {
        let clock = Clock::default();
        let service = clock.layer([Limit::new("each", rate(2, 1, 3)).per(by_header("x-api-key"))]).layer(Api::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut admitted: Vec<u64> = Vec::new();
        for wait in waits {
            clock.pass(Duration::from_millis(wait));
            if runtime.block_on(status(&service, "ann")) == 200 {
                admitted.push(clock.0.load(Ordering::Relaxed));
            }
        }
        for (index, begin) in admitted.iter().enumerate() {
            for (more, end) in admitted.iter().skip(index).enumerate() {
                let most = 3 + (end - begin) / 500_000_000;
                prop_assert!((more as u64) < most, "{} calls in {} ns", more + 1, end - begin);
            }
        }
    }
}
