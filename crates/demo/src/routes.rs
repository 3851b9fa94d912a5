//! Which path does what, and the limiter before all of them.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{ALLOW, AUTHORIZATION, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, Method, StatusCode};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::answer::{self, Answer};
use crate::bucket::{Buckets, Decision, MAX_ADDRESSES, TokenBucket};
use crate::counts::Counters;
use crate::events::Events;
use crate::jobs::{self, Jobs};
use crate::metrics::Metrics;
use crate::search::Search;

/// The token that opens `/private`. It protects nothing; it is there to be told from wrong ones.
pub const PRIVATE_TOKEN: &str = "demo-open-sesame";

/// Reads and writes that the store behind does at a time, as a node has so many threads for them (`concurrent_reads` and
/// `concurrent_writes` of Cassandra). Without such an end one client's dear calls would cost nobody else anything.
pub const STORE_AT_ONCE: usize = 8;

/// What the API says of itself. The list of operations is also the list of weaknesses.
const OPENAPI: &str = include_str!("assets/openapi.json");
const PAGE: &str = include_str!("assets/index.html");

/// One request, as far as a route needs it.
pub(crate) struct Call<'a> {
    /// The address of the connection.
    pub(crate) peer: IpAddr,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Call<'_> {
    /// The value of a query parameter, the first of its name. Values here are digits, hex and base64, so only the
    /// escapes of base64 need be undone.
    fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(own, _)| *own == name)?.1;
        Some(value.replace("%3D", "=").replace("%3d", "=").replace("%2B", "+").replace("%2F", "/"))
    }
}

/// The whole API. Locks are held only while an answer is made, never while one waits.
#[derive(Debug)]
pub(crate) struct Api {
    started: Instant,
    limit: Option<(TokenBucket, Mutex<Buckets>)>,
    jobs: Mutex<Jobs>,
    events: Mutex<Events>,
    metrics: Metrics,
    search: Mutex<Search>,
    pub(crate) counters: Counters,
    /// Places in the store: who waits for one waits behind everybody.
    pub(crate) store: Semaphore,
}

impl Api {
    pub(crate) fn new(limit: Option<TokenBucket>, jobs: usize) -> Self {
        Self {
            started: Instant::now(),
            limit: limit.map(|limit| (limit, Mutex::new(Buckets::new(limit, MAX_ADDRESSES)))),
            jobs: Mutex::new(Jobs::seeded(jobs)),
            events: Mutex::new(Events::new()),
            metrics: Metrics::new(),
            search: Mutex::new(Search::new()),
            counters: Counters::default(),
            store: Semaphore::new(STORE_AT_ONCE),
        }
    }

    /// Asks the limiter about one call of this address. Without a limit there is no decision.
    pub(crate) fn decide(&self, address: IpAddr) -> Option<(TokenBucket, Decision)> {
        let (limit, buckets) = self.limit.as_ref()?;
        Some((*limit, lock(buckets).decide(address, self.started.elapsed())))
    }

    /// The answer to one call that was let in, and how long it is to take.
    pub(crate) fn answer(&self, call: &Call<'_>) -> (Answer, Duration) {
        let (answer, takes) = self.route(call);
        self.counters.count(call, answer.status());
        (answer, takes)
    }

    fn route(&self, call: &Call<'_>) -> (Answer, Duration) {
        let read = matches!(*call.method, Method::GET | Method::HEAD);
        let write = call.method == Method::POST;
        let at_once = |answer| (answer, Duration::ZERO);
        match call.path {
            "/" if read => at_once(answer::whole(StatusCode::OK, "text/html; charset=utf-8", PAGE)),
            "/openapi.json" if read => at_once(answer::json(OPENAPI)),
            "/api/version" if read => at_once(jobs::version()),
            "/api/cluster_status" if read => at_once(jobs::cluster_status()),
            "/api/jobs/" if read => at_once(lock(&self.jobs).list()),
            "/api/jobs/" if write => at_once(lock(&self.jobs).submit(call.body)),
            "/events" if read => {
                let (limit, state) = (call.parameter("limit"), call.parameter("paging_state"));
                lock(&self.events).read(limit.as_deref(), state.as_deref())
            }
            "/events" if write => lock(&self.events).write(call.body, self.started.elapsed()),
            "/metrics" if read => {
                let (size, cursor) = (call.parameter("page_size"), call.parameter("cursor"));
                self.metrics.read(size.as_deref(), cursor.as_deref())
            }
            "/search" if read => {
                let words = call.parameter("q");
                let now = self.started.elapsed();
                at_once(lock(&self.search).answer(call.peer, call.headers, words.as_deref(), now))
            }
            "/private" if read => at_once(private(call.headers)),
            "/api/jobs/" | "/events" => at_once(wrong_method("GET, HEAD, POST")),
            "/"
            | "/openapi.json"
            | "/api/version"
            | "/api/cluster_status"
            | "/metrics"
            | "/search"
            | "/private" => at_once(wrong_method("GET, HEAD")),
            path => at_once(match path.strip_prefix("/api/jobs/") {
                Some(id) if read && !id.contains('/') => lock(&self.jobs).get(id),
                _ => answer::text(StatusCode::NOT_FOUND, "404: Not Found"),
            }),
        }
    }
}

/// Adds what the limiter publishes to an answer (draft-ietf-httpapi-ratelimit-headers-10): `q` calls come back in `w`
/// seconds, `r` are left, and in `t` seconds all are back.
pub(crate) fn publish(answer: Answer, limit: TokenBucket, decision: Decision) -> Answer {
    let (left, full_in) = match decision {
        Decision::Admitted { remaining, full_in } => (remaining, full_in),
        Decision::Rejected { full_in, .. } => (0, full_in),
    };
    let policy = format!("\"api\";q={};w={}", limit.burst, limit.fill_secs());
    let answer = answer::with_header(answer, HeaderName::from_static("ratelimit-policy"), &policy);
    let state = format!("\"api\";r={left};t={}", whole_secs(full_in));
    answer::with_header(answer, HeaderName::from_static("ratelimit"), &state)
}

/// The answer to a call that was not let in (RFC 9457, problem type `quota-exceeded`).
pub(crate) fn rejected(retry_in: Duration, limit: TokenBucket) -> Answer {
    let wait = whole_secs(retry_in).max(1);
    let problem = json!({
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
        "title": "Request cannot be satisfied as assigned quota has been exceeded",
        "status": 429,
        "detail": format!(
            "{} calls a second from one address, {} at once. The next one is admitted in {} ms; this one was not counted.",
            limit.rate_per_s, limit.burst, retry_in.as_micros().div_ceil(1_000),
        ),
        "violated-policies": ["api"],
    });
    let body = problem.to_string();
    let answer = answer::whole(StatusCode::TOO_MANY_REQUESTS, "application/problem+json", body);
    answer::with_header(answer, RETRY_AFTER, &wait.to_string())
}

/// Wrong tokens are all the same to it: no lock-out, no delay, no count.
fn private(headers: &HeaderMap) -> Answer {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(PRIVATE_TOKEN) {
        return answer::json(r#"{"secret":"there is none"}"#);
    }
    let body = r#"{"error":"a valid bearer token is needed"}"#;
    let answer = answer::whole(StatusCode::UNAUTHORIZED, "application/json", body);
    answer::with_header(answer, WWW_AUTHENTICATE, "Bearer")
}

fn wrong_method(allowed: &str) -> Answer {
    let answer = answer::text(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed");
    answer::with_header(answer, ALLOW, allowed)
}

fn whole_secs(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// A lock whose holder panicked still guards whole data here: every change is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
