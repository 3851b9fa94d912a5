//! The demo API over real connections, as its clients see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ratewarden_demo::{
    DemoApi, DemoError, DemoOptions, MAX_BODY_BYTES, PRIVATE_TOKEN, STORE_AT_ONCE, TokenBucket,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// One answer, read to the end of its connection.
struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn exchange(mut stream: TcpStream, request: &str) -> Got {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_ascii_lowercase(), body: bytes[split + 4..].to_vec() }
}

async fn send(api: &DemoApi, method: &str, path: &str, headers: &str, body: &str) -> Got {
    let stream = TcpStream::connect(api.address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    exchange(stream, &request).await
}

async fn get(api: &DemoApi, path: &str) -> Got {
    send(api, "GET", path, "", "").await
}

/// Calls until one is rejected; how many were admitted, and the rejection. A few tokens return meanwhile.
async fn use_up(api: &DemoApi) -> (usize, Got) {
    for admitted in 0..400 {
        let got = get(api, "/api/version").await;
        if got.status == 429 {
            return (admitted, got);
        }
    }
    panic!("400 calls were admitted");
}

fn open() -> DemoApi {
    DemoApi::start(DemoOptions::default()).unwrap()
}

fn limited() -> DemoApi {
    DemoApi::start(DemoOptions { limit: Some(TokenBucket::default()), ..DemoOptions::default() }).unwrap()
}

#[tokio::test]
async fn the_jobs_of_everybody_are_listed_without_pages_or_credentials() {
    let api = open();
    let all = get(&api, "/api/jobs/").await;
    let asked_for_one = get(&api, "/api/jobs/?limit=1").await;
    assert_eq!(all.json().as_array().unwrap().len(), 400);
    assert_eq!(all.body, asked_for_one.body);
    let submitted = send(&api, "POST", "/api/jobs/", "", r#"{"entrypoint":"true"}"#).await;
    let id = submitted.json()["submission_id"].as_str().unwrap().to_owned();
    assert_eq!(get(&api, "/api/jobs/").await.json().as_array().unwrap().len(), 401);
    assert_eq!(get(&api, &format!("/api/jobs/{id}")).await.json()["status"], "PENDING");
    assert_eq!(get(&api, "/api/jobs").await.status, 404);
    assert_eq!(get(&api, "/api/version").await.json()["ray_version"], "2.60.0");
}

#[tokio::test]
async fn pages_of_events_follow_each_other_and_have_no_ceiling() {
    let api = open();
    let first = get(&api, "/events").await.json();
    assert_eq!(first["count"], 5_000);
    let state = first["paging_state"].as_str().unwrap();
    let second = get(&api, &format!("/events?limit=1&paging_state={state}")).await.json();
    assert_eq!(second["events"][0]["user_id"], "user-00050");
    let everything = get(&api, "/events?limit=50000").await;
    assert!(everything.body.len() > 5_000_000);
    assert_eq!(everything.json()["paging_state"], Value::Null);
}

#[tokio::test]
async fn pages_of_metrics_follow_each_other_by_an_offset() {
    let api = open();
    let first = get(&api, "/metrics").await.json();
    assert_eq!(first["metrics"].as_array().unwrap().len(), 100);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(cursor, "b2Zmc2V0OjEwMA==");
    let second = get(&api, &format!("/metrics?page_size=3&cursor={cursor}")).await.json();
    assert_eq!(second["metrics"][0]["id"], 100);
    let escaped = get(&api, "/metrics?page_size=3&cursor=b2Zmc2V0OjEwMA%3D%3D").await.json();
    assert_eq!(escaped, second);
}

#[tokio::test]
async fn a_hot_key_is_slower_than_fresh_ones() {
    let api = open();
    let mut taken = [Duration::ZERO; 2];
    for pair in 0..25 {
        for (which, user) in [(0, "star".to_owned()), (1, format!("fan-{pair}"))] {
            let body = format!(r#"{{"user_id":"{user}","event":"click","value":1}}"#);
            let started = Instant::now();
            assert_eq!(send(&api, "POST", "/events", "", &body).await.status, 201);
            taken[which] += started.elapsed();
        }
    }
    assert!(taken[0] > taken[1] + Duration::from_millis(50), "{taken:?}");
}

#[tokio::test]
async fn the_store_does_only_so_much_at_a_time_whoever_asks() {
    let api = std::sync::Arc::new(open());
    let started = Instant::now();
    // Fifty thousand rows take a tenth of a second.
    let dear: Vec<_> = (0..2 * STORE_AT_ONCE)
        .map(|_| {
            let api = std::sync::Arc::clone(&api);
            tokio::spawn(async move { get(&api, "/events?limit=50000").await.status })
        })
        .collect();
    for call in dear {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_never_locked_out() {
    let api = open();
    for guess in 0..60 {
        let header = format!("authorization: Bearer wrong-{guess}\r\n");
        let refused = send(&api, "GET", "/private", &header, "").await;
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("bearer")));
    }
    let header = format!("authorization: Bearer {PRIVATE_TOKEN}\r\n");
    assert_eq!(send(&api, "GET", "/private", &header, "").await.status, 200);
}

#[tokio::test]
async fn the_limiter_of_the_search_believes_any_address_and_promises_too_much() {
    let api = open();
    let found = get(&api, "/search?q=leaky").await;
    assert_eq!(found.json()["hits"], serde_json::json!(["Leaky queues"]));
    let mut rejected = None;
    for _ in 0..400 {
        let got = get(&api, "/search").await;
        let promise = (got.header("x-ratelimit-limit"), got.header("x-ratelimit-remaining"));
        assert_eq!(promise, (Some("100"), Some("99")));
        if got.status == 429 {
            rejected = Some(got);
            break;
        }
    }
    assert_eq!(rejected.unwrap().header("retry-after"), None);
    let forged = send(&api, "GET", "/search", "x-forwarded-for: 198.18.0.1\r\n", "").await;
    assert_eq!(forged.status, 200);
    assert_eq!(get(&api, "/events?limit=1").await.status, 200, "nothing else is limited");
    assert_eq!(send(&api, "POST", "/search", "", "").await.status, 405);
}

#[tokio::test]
async fn every_operation_of_the_description_exists() {
    let api = open();
    let description = get(&api, "/openapi.json").await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let mut operations = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["example"];
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let path = path.replace("{submission_id}", "raysubmit_0");
            let got = send(&api, &method.to_uppercase(), &path, "", &body).await;
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.contains_key(&got.status.to_string()), "{method} {path}: {}", got.status);
            operations += 1;
        }
    }
    assert_eq!(operations, 10);
    let page = get(&api, "/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn head_answers_as_get_without_a_body_and_other_methods_are_refused() {
    let api = open();
    let head = send(&api, "HEAD", "/events", "", "").await;
    assert!(head.body.is_empty());
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    assert_eq!(length, get(&api, "/events").await.body.len());
    let refused = send(&api, "DELETE", "/events", "", "").await;
    assert_eq!((refused.status, refused.header("allow")), (405, Some("get, head, post")));
}

#[tokio::test]
async fn a_body_beyond_the_cap_is_refused() {
    let api = open();
    let body = format!("\"{}\"", "x".repeat(MAX_BODY_BYTES));
    assert_eq!(send(&api, "POST", "/events", "", &body).await.status, 413);
}

#[tokio::test]
async fn the_bucket_admits_a_burst_says_when_to_come_back_and_keeps_its_word() {
    let api = limited();
    let first = get(&api, "/api/version").await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"api\";q=20;w=2"));
    assert_eq!(first.header("ratelimit"), Some("\"api\";r=19;t=1"));
    let (admitted, rejected) = use_up(&api).await;
    assert!(admitted >= 19, "only {admitted} more");
    assert_eq!(rejected.header("content-type"), Some("application/problem+json"));
    assert_eq!(rejected.header("ratelimit"), Some("\"api\";r=0;t=2"));
    assert_eq!(rejected.json()["violated-policies"][0], "api");
    let wait: u64 = rejected.header("retry-after").unwrap().parse().unwrap();
    // Rejected calls spend nothing, so asking again and again does not put it off.
    let admitted = async { while get(&api, "/api/version").await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(wait), admitted)
        .await
        .expect("admitted when Retry-After says so");
}

#[tokio::test]
async fn another_address_has_an_allowance_of_its_own() {
    let api = limited();
    use_up(&api).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 2], 0))).unwrap();
    let stream = socket.connect(api.address()).await.unwrap();
    let request = "GET /api/version HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(stream, request).await.status, 200);
}

#[tokio::test]
async fn nothing_is_served_after_shutdown_or_drop() {
    let api = open();
    let address = api.address();
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(b"GET /api/version HTTP/1.1\r\nhost: demo\r\n\r\n").await.unwrap();
    assert!(kept.read(&mut [0; 64]).await.unwrap() > 0);
    api.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
    let mut rest = Vec::new();
    let _ = kept.read_to_end(&mut rest).await;

    let again = DemoApi::start(DemoOptions { port: address.port(), ..DemoOptions::default() }).unwrap();
    assert_eq!(get(&again, "/api/version").await.status, 200);
    let taken = DemoApi::start(DemoOptions { port: address.port(), ..DemoOptions::default() });
    assert!(matches!(taken, Err(DemoError::Listen { port, .. }) if port == address.port()));
}

#[test]
fn outside_a_runtime_it_says_so() {
    assert!(matches!(DemoApi::start(DemoOptions::default()), Err(DemoError::NoRuntime)));
}
