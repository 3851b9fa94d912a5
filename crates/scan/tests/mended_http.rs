//! What a review found in the client and in what is built on it: one test for each defect that was mended.
#![expect(
    clippy::unwrap_used,
    reason = "test code that clippy does not recognise as such outside test functions"
)]

#[path = "mended_http/server.rs"]
mod server;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ratewarden_model::{Redactor, Secret};
use ratewarden_scan::budget::{Budget, Exhausted};
use ratewarden_scan::context::Context;
use ratewarden_scan::http::{Client, Failure, Request};
use ratewarden_scan::observe::Normal;
use ratewarden_scan::openapi::{ApiDescription, ApiOperation};
use ratewarden_scan::probes::{credentials, writes};
use ratewarden_scan::target::Target;
use ratewarden_scan::{Config, Depth, ScanError};
use server::{client, endless, raw, reply, request, server};

const LONG: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_fresh_connection_is_not_a_kept_one() {
    let connections = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&connections);
    let address = raw(move |_, mut stream| {
        *counted.lock().unwrap() += 1;
        while request(&mut stream).is_some() && stream.write_all(&reply("200 OK", "", "ok")).is_ok() {}
    });
    let client = client(address, 9, LONG);
    let plain = Request::get("/x");
    for _ in 0..3 {
        client.send(&plain).await.unwrap().result.unwrap();
    }
    assert_eq!(*connections.lock().unwrap(), 1);
    let fresh = Request { fresh_connection: true, ..plain };
    client.send(&fresh).await.unwrap().result.unwrap();
    assert_eq!(*connections.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_wait_that_the_scans_own_end_cuts_short_is_no_failure_of_a_server_that_answers() {
    let address = raw(|_, mut stream| {
        request(&mut stream);
        drop(stream.write_all(&reply("200 OK", "", "ok")));
        // The second one is read and not answered; the connection ends when the client gives it up.
        while request(&mut stream).is_some() {}
    });
    let config = Config::new(format!("http://{address}/x"));
    let target = Target::parse(&config.url, &mut Redactor::default()).unwrap();
    let budget = Budget::new(9, Duration::from_secs(1), 1);
    let client = Client::new(&target, address, &config, Arc::new(budget)).unwrap();
    let plain = Request::get("/x");
    client.send(&plain).await.unwrap().result.unwrap();
    assert_eq!(client.send(&plain).await.unwrap_err(), Exhausted::Time);
}

#[tokio::test]
async fn no_more_is_read_than_the_request_asks_for() {
    let client = client(raw(endless), 9, LONG);
    let begun = Instant::now();
    let little = Request { read_at_most: Some(1_000), ..Request::get("/x") };
    let response = client.send(&little).await.unwrap().result.unwrap();
    assert!(response.truncated && (1_000..100_000).contains(&response.body_bytes), "{}", response.body_bytes);
    assert!(begun.elapsed() < Duration::from_secs(2));
    let whole = server::client(server(|_| reply("200 OK", "", "ten bytes.")), 9, LONG);
    let exactly = Request { read_at_most: Some(10), ..Request::get("/x") };
    let response = whole.send(&exactly).await.unwrap().result.unwrap();
    assert_eq!((response.truncated, response.body_bytes), (false, 10));
}

#[tokio::test]
async fn more_is_kept_where_the_request_asks_for_it() {
    let client = client(server(|_| reply("200 OK", "", &"y".repeat(600_000))), 9, LONG);
    let plain = client.send(&Request::get("/x")).await.unwrap().result.unwrap();
    assert_eq!((plain.body.len(), plain.body_bytes), (256 * 1024, 600_000));
    let more = Request { keep_at_least: Some(500_000), ..Request::get("/x") };
    assert_eq!(client.send(&more).await.unwrap().result.unwrap().body.len(), 500_000);
}

#[tokio::test]
async fn a_request_that_is_sent_twice_is_paid_for_twice() {
    // Each connection answers once, and closes when it is used again.
    let closing = || {
        raw(|_, mut stream| {
            let _ = request(&mut stream);
            let _ = stream.write_all(&reply("200 OK", "", "ok"));
            let _ = request(&mut stream);
        })
    };
    let rich = client(closing(), 3, LONG);
    let plain = Request::get("/x");
    for _ in 0..2 {
        rich.send(&plain).await.unwrap().result.unwrap();
    }
    assert_eq!(rich.budget().sent(), 3);
    let poor = client(closing(), 2, LONG);
    poor.send(&plain).await.unwrap().result.unwrap();
    assert_eq!(poor.send(&plain).await.unwrap().result.unwrap_err(), Failure::Closed);
    assert_eq!(poor.budget().sent(), 2);
}

#[tokio::test]
async fn an_endless_body_is_an_answer() {
    let client = client(raw(endless), 9, Duration::from_millis(300));
    let answer = client.send(&Request::get("/x")).await.unwrap();
    assert!(answer.latency < Duration::from_millis(250) && answer.total >= Duration::from_millis(250));
    let response = answer.result.unwrap();
    assert!(response.truncated && response.status == 200 && response.body_bytes > 0);
}

#[tokio::test]
async fn a_connection_that_never_comes_is_told_from_an_answer_that_never_comes() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Once its queue is full, the system drops what else wants to connect, as a packet filter does.
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
    }
    let filtered = client(address, 9, Duration::from_millis(400)).send(&Request::get("/x")).await.unwrap();
    assert_eq!(filtered.result.unwrap_err(), Failure::Connect("timed out after 400 ms".to_owned()));
    let silent = raw(|_, mut stream| while request(&mut stream).is_some() {});
    let answer = client(silent, 9, Duration::from_millis(400)).send(&Request::get("/x")).await.unwrap();
    assert_eq!(answer.result.unwrap_err(), Failure::Timeout(Duration::from_millis(400)));
    let mut config = Config::new(format!("http://{silent}/x"));
    config.request_timeout = Duration::from_millis(400);
    let error = ratewarden_scan::scan(config, &|_| {}).await.unwrap_err();
    assert!(error.to_string().ends_with("did not answer within 400 ms"), "{error}");
    assert!(error.hint().contains("--timeout"), "{}", error.hint());
}

async fn scan(
    address: &str,
    change: impl FnOnce(&mut Config),
) -> Result<ratewarden_model::ScanReport, ScanError> {
    let mut config = Config::new(address);
    config.depth = Depth::Quick;
    config.max_time = Some(Duration::from_secs(2));
    config.max_requests = Some(20);
    change(&mut config);
    ratewarden_scan::scan(config, &|_| {}).await
}

#[tokio::test]
async fn all_hops_of_a_redirect_share_one_budget() {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let address = server(move |text| {
        *counted.lock().unwrap() += 1;
        let hops = text.split(' ').nth(1).unwrap().len();
        reply("302 Found", &format!("location: /{}\r\n", "a".repeat(hops)), "")
    });
    let error =
        scan(&format!("http://{address}/"), |config| config.max_requests = Some(3)).await.unwrap_err();
    assert_eq!(*asked.lock().unwrap(), 3, "{error}");
    assert!(error.hint().contains("--max-requests"), "{error} {}", error.hint());
    let address = server(|text| match text.starts_with("GET /a ") {
        false => reply("302 Found", "location: /a\r\n", ""),
        true => reply("200 OK", "", "ok"),
    });
    let report = scan(&format!("http://{address}/"), |config| config.max_requests = Some(1)).await;
    assert!(report.is_err(), "the redirect was counted");
}

#[tokio::test]
async fn an_upgrade_to_https_is_followed() {
    let plain = raw(|_, mut stream| drop(stream.write_all(b"this is no TLS")));
    let address = server(move |_| reply("301 X", &format!("location: https://{plain}/b\r\n"), ""));
    let error = scan(&format!("http://{address}/a"), |_| {}).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("TLS with {plain} failed")), "{error}");
}

#[tokio::test]
async fn the_credentials_of_the_descriptions_url_are_never_shown() {
    let address = server(|_| reply("200 OK", "", "no description"));
    let url = format!("http://{address}/x");
    let source = format!("HTTP://ann:s3cretpw@{address}/x?token=T0kenValue");
    let error = scan(&url, |config| config.openapi = Some(source.clone())).await.unwrap_err();
    let text = format!("{error} {}", error.hint());
    assert!(text.starts_with(&format!("http://{address}/x: ")), "{text}");
    assert!(!text.contains("s3cretpw") && !text.contains("T0kenValue"), "{text}");
    let mut config = Config::new(url);
    config.openapi = Some(source);
    assert_eq!(ratewarden_scan::redactor(&config).redact("s3cretpw T0kenValue"), "[redacted] [redacted]");
}

#[tokio::test]
async fn a_large_description_is_read_over_http_up_to_its_bound() {
    let described = |filling: usize| {
        serde_json::json!({
            "openapi": "3.0.0", "info": { "title": "x".repeat(filling), "version": "1" },
            "paths": { "/second": { "get": { "responses": {} } } }
        })
        .to_string()
    };
    let (large, too_large) = (described(700_000), described(9 << 20));
    let address = server(move |text| match text.split(' ').nth(1).unwrap() {
        "/large" | "/openapi.json" => reply("200 OK", "content-type: application/json\r\n", &large),
        "/too-large" => reply("200 OK", "content-type: application/json\r\n", &too_large),
        "/x" | "/second" => reply("200 OK", "", "ok"),
        _ => reply("404 Not Found", "", ""),
    });
    let url = format!("http://{address}/x");
    let report = scan(&url, |config| config.openapi = Some(format!("http://{address}/large"))).await.unwrap();
    assert!(
        report.limiters.iter().any(|limiter| limiter.endpoints.iter().any(|own| own.ends_with("/second")))
    );
    let error = scan(&url, |config| config.openapi = Some(format!("http://{address}/too-large"))).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("larger than the 8 MiB"), "{error}");
    let report = scan(&url, |config| config.depth = Depth::Standard).await.unwrap();
    assert!(report.notes.iter().any(|note| note.contains("is at /openapi.json")), "{:?}", report.notes);
}

/// The context of `/x` after the preflight.
async fn context(address: SocketAddr, change: impl FnOnce(&mut Config)) -> Context {
    let mut config = Config::new(format!("http://{address}/x"));
    change(&mut config);
    let target = Target::parse(&config.url, &mut Redactor::default()).unwrap();
    let budget = Budget::new(400, Duration::from_secs(15), 50);
    let client = Client::new(&target, address, &config, Arc::new(budget)).unwrap();
    let answer = client.send(&Request::get("/x")).await.unwrap();
    let baseline = answer.response().unwrap().clone();
    Context {
        client: Arc::new(client),
        config: Arc::new(config),
        normal: Normal::of(&baseline),
        baseline,
        baseline_latency: answer.latency,
        technologies: Vec::new(),
        limiter_rejects: false,
        api: None,
    }
}

#[tokio::test]
async fn what_is_cut_was_redacted_before() {
    let address = server(|text| {
        let status = if text.starts_with("GET") { "200 OK" } else { "400 Bad Request" };
        reply(status, "", &format!("{} tok-abcdefghijkl", "no ".repeat(37)))
    });
    let ctx = context(address, |config| {
        config.headers.push(("X-Key".to_owned(), Secret::new("tok-abcdefghijkl")));
        config.writes = true;
        config.endpoint =
            Some(ratewarden_scan::Operation { method: "POST".to_owned(), path: "/x".to_owned() });
    })
    .await;
    let notes = writes::probe(&ctx).await.notes.join("\n");
    assert!(notes.contains("no no") && !notes.contains("tok-"), "{notes}");
}

#[tokio::test]
async fn a_described_put_is_not_sent_unless_it_is_named() {
    let methods = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&methods);
    let address = server(move |text| {
        log.lock().unwrap().push(text.split(' ').next().unwrap().to_owned());
        reply("200 OK", "", "{}")
    });
    let mut ctx = context(address, |config| config.writes = true).await;
    let put = ApiOperation { method: "PUT".into(), path: "/x".into(), ..ApiOperation::default() };
    ctx.api = Some(Arc::new(ApiDescription { operations: vec![put], ..ApiDescription::default() }));
    let outcome = writes::probe(&ctx).await;
    assert!(outcome.notes[0].contains("name an operation with --endpoint"), "{:?}", outcome.notes);
    assert_eq!(*methods.lock().unwrap(), ["GET"]);
}

#[tokio::test]
async fn a_limiter_that_our_own_requests_used_up_is_no_lock_out() {
    let tries = Mutex::new(0);
    let address = server(move |text| {
        let mut tries = tries.lock().unwrap();
        match (text.contains("ratewarden-false-"), *tries) {
            (true, _) => {
                *tries += 1;
                reply("401 Unauthorized", "", "no")
            }
            (false, 0) => reply("200 OK", "", "welcome"),
            (false, _) => reply("429 Too Many Requests", "", "slow down"),
        }
    });
    let own = || ("X-Api-Key".to_owned(), Secret::new("abcdefgh"));
    let mut ctx = context(address, |config| config.headers.push(own())).await;
    ctx.limiter_rejects = true;
    let outcome = credentials::probe(&ctx).await;
    assert!(outcome.findings.is_empty() && outcome.tested.is_empty(), "{:?}", outcome.tested);
    assert!(outcome.notes[0].ends_with("cannot be judged: the limiter was rejecting"), "{:?}", outcome.notes);
}
