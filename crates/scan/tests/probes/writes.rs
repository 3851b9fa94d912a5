//! Hot keys and careless writes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratewarden_model::Confidence;
use ratewarden_scan::openapi::{ApiDescription, ApiOperation};
use ratewarden_scan::probes::{Outcome, writes};
use ratewarden_scan::{Backend, Config, Operation};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, nothing, only};

fn to(method: &str, path: &str) -> impl FnOnce(&mut Config) {
    let operation = Operation { method: method.to_owned(), path: path.to_owned() };
    |config: &mut Config| {
        config.writes = true;
        config.endpoint = Some(operation);
    }
}

async fn run(server: &Server, change: impl FnOnce(&mut Config)) -> Outcome {
    let ctx = server.context("/events", change).await;
    writes::probe(&ctx).await
}

/// A store with this behaviour for writes; reads answer an empty list.
fn store(write: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |seen| if seen.method == "GET" { Reply::json(200, &json!([])) } else { write(seen) })
}

/// Whether every field is as a strict server wants it.
fn is_strict(body: &Value) -> bool {
    let fields = body.as_object().unwrap();
    let known = ["user_id", "key", "id", "event", "value", "timestamp"];
    fields.keys().all(|name| known.contains(&name.as_str()))
        && fields["user_id"].as_str().is_some_and(|key| key.len() <= 64)
}

fn strictly(seen: &Seen, delay: Duration) -> Reply {
    let status = if is_strict(&seen.json()) { 201 } else { 422 };
    Reply::json(status, &json!({ "ok": status == 201 })).after(delay)
}

/// Keys that were written before wait longer.
fn hot(longer: Duration) -> Server {
    let known = Mutex::new(HashSet::new());
    store(move |seen| {
        let is_new = known.lock().unwrap().insert(seen.json()["user_id"].to_string());
        strictly(seen, if is_new { Duration::from_millis(2) } else { longer })
    })
}

#[tokio::test]
async fn a_key_that_slows_down_is_found() {
    let server = hot(Duration::from_millis(9));
    let outcome = run(&server, |config| {
        to("POST", "/events")(config);
        config.backend = Some(Backend::Cassandra);
    })
    .await;
    let finding = only(&outcome, "scan.hot-key");
    assert!(finding.evidence["p"].as_f64().unwrap() < 0.001, "{:?}", finding.evidence);
    assert!(finding.evidence["cliffs_delta"].as_f64().unwrap() >= 0.5);
    assert!(finding.remediation.snippets[0].text.contains("PRIMARY KEY ((user_id, day, shard), event_time)"));
    assert!(finding.subject.label().starts_with("POST http://"));
    // What was written is marked, and the user is told.
    assert!(server.seen().iter().skip(1).all(|seen| seen.body.contains("ratewarden-probe-")));
    let note = outcome.notes.iter().find(|note| note.contains("test records were written")).unwrap();
    assert!(note.contains("user_id") && note.contains("`ratewarden-probe-"), "{note}");
}

#[tokio::test]
async fn a_store_without_hot_keys_is_no_finding() {
    let outcome = run(&hot(Duration::from_millis(2)), to("POST", "/events")).await;
    nothing(&outcome, "not clearly slower");
    nothing(&outcome, "refused 3 careless writes of 3");
}

#[tokio::test]
async fn a_limit_per_key_is_no_hot_key() {
    let written = Mutex::new(std::collections::HashMap::<String, u32>::new());
    let server = store(move |seen| {
        let key = seen.json()["user_id"].to_string();
        let count = { *written.lock().unwrap().entry(key).and_modify(|count| *count += 1).or_insert(1) };
        if count > 5 { Reply::text(429, "") } else { strictly(seen, Duration::ZERO) }
    });
    let outcome = run(&server, to("POST", "/events")).await;
    nothing(&outcome, "were limited after 5 while other keys were not");
    // It was tried, and what else there is to try can go on with other keys.
    assert!(outcome.tested.contains(&"scan.hot-key"), "{:?}", outcome.tested);
    nothing(&outcome, "refused 3 careless writes of 3");
}

#[tokio::test]
async fn careless_writes_are_listed() {
    let outcome = run(&store(|_| Reply::text(204, "")), to("POST", "/events")).await;
    let finding = only(&outcome, "scan.careless-write");
    assert_eq!(finding.evidence["accepted"].as_array().unwrap().len(), 3);
    assert_eq!(finding.confidence, Confidence::Firm);
    let lenient = store(|seen| {
        let key = seen.json()["user_id"].clone();
        Reply::text(if key.as_str().is_some_and(|key| key.len() < 65) { 200 } else { 400 }, "")
    });
    let outcome = run(&lenient, to("PUT", "/events")).await;
    let finding = only(&outcome, "scan.careless-write");
    assert_eq!((finding.confidence, &finding.evidence["tried"]), (Confidence::Tentative, &json!(3)));
}

#[tokio::test]
async fn the_body_is_learnt_from_refusals() {
    let server = store(|seen| {
        let body = seen.json();
        let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        if let Some(extra) = fields.iter().find(|name| !["device_id", "reading"].contains(name)) {
            return Reply::json(400, &json!({ "error": format!("unknown field `{extra}`") }));
        }
        for name in ["device_id", "reading"] {
            if !fields.contains(&name) {
                return Reply::json(400, &json!({ "error": format!("{name} is required") }));
            }
        }
        if !body["reading"].is_number() {
            return Reply::json(400, &json!({ "error": "reading must be a number" }));
        }
        let ok = body["device_id"].as_str().is_some_and(|id| id.len() < 100);
        Reply::text(if ok { 201 } else { 400 }, "")
    });
    let outcome = run(&server, to("POST", "/events")).await;
    let last = server.seen().last().unwrap().json();
    assert!(last.get("device_id").is_some(), "{last} {:?}", outcome.notes);
    nothing(&outcome, "device_id");
}

#[tokio::test]
async fn the_description_of_the_api_names_the_body_and_the_operation() {
    let server = store(|seen| {
        let body = seen.json();
        let ok =
            body["tenant_id"].is_u64() && body["note"] == "hello" && body.as_object().unwrap().len() == 3;
        Reply::text(if ok { 200 } else { 400 }, "")
    });
    let mut ctx = server.context("/events", |config| config.writes = true).await;
    let operation = ApiOperation {
        method: "POST".into(),
        path: "/events".into(),
        body_example: Some(json!({ "note": "hello", "id": 5, "tenant_id": 7 })),
        ..ApiOperation::default()
    };
    ctx.api = Some(Arc::new(ApiDescription { operations: vec![operation], ..ApiDescription::default() }));
    let outcome = writes::probe(&ctx).await;
    nothing(&outcome, "medians");
    nothing(&outcome, "refused 2 careless writes of 2");
    nothing(&outcome, "tenant_id from ");
    assert_eq!(outcome.observations.len(), server.seen().len() - 1, "the endpoint's own path");
}

#[tokio::test]
async fn what_accepts_nothing_is_said() {
    let server = store(|_| Reply::json(400, &json!({ "error": "bad request" })));
    nothing(&run(&server, to("POST", "/events")).await, "no body that could be thought of was accepted");
    assert!(server.seen().len() <= 1 + writes::BODIES as usize);
    let locked = store(|_| Reply::text(401, ""));
    nothing(&run(&locked, to("POST", "/events")).await, "it answered 401");
    assert_eq!(locked.seen().len(), 2);
}

#[tokio::test]
async fn a_key_in_the_path_is_filled_in() {
    let server = store(|seen| Reply::text(if is_strict(&seen.json()) { 200 } else { 400 }, ""));
    let outcome = run(&server, to("PUT", "/users/{id}/state")).await;
    nothing(&outcome, "id in the path");
    let paths: HashSet<String> = server.seen().iter().skip(1).map(|seen| seen.path.clone()).collect();
    assert!(paths.iter().all(|path| path.starts_with("/users/ratewarden-probe-")), "{paths:?}");
    assert!(paths.len() > 20);
}

#[tokio::test]
async fn a_hot_key_says_what_a_limit_has_to_count_per() {
    let known = Mutex::new(HashSet::new());
    let server = store(move |seen| {
        let key = format!("{} {:?} {}", seen.path, seen.query, seen.json()["user_id"]);
        let is_new = known.lock().unwrap().insert(key);
        Reply::text(200, "").after(Duration::from_millis(if is_new { 1 } else { 9 }))
    });
    let cases =
        [("/events", "body:user_id"), ("/users/{id}/state", "path:id"), ("/state?user={id}", "query:user")];
    for (path, counted) in cases {
        let outcome = run(&server, to("PUT", path)).await;
        let finding = outcome.findings.iter().find(|finding| finding.rule == "scan.hot-key").unwrap();
        let per: Vec<_> = finding.evidence["limit_per"].as_array().unwrap().iter().collect();
        assert!(per.contains(&&json!(counted)), "{path}: {per:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_unless_it_was_allowed_and_named() {
    let server = store(|_| Reply::text(200, ""));
    nothing(&run(&server, |_| {}).await, "");
    nothing(&run(&server, |config| config.writes = true).await, "name an operation");
    nothing(&run(&server, to("DELETE", "/events")).await, "not DELETE");
    nothing(&run(&server, to("POST", "/api/jobs/")).await, "would start jobs");
    assert!(server.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn the_quick_depth_writes_less_and_stays_in_its_budget() {
    let server = hot(Duration::from_millis(9));
    let outcome = run(&server, |config| {
        to("POST", "/events")(config);
        config.depth = ratewarden_scan::Depth::Quick;
    })
    .await;
    only(&outcome, "scan.hot-key");
    assert!(server.seen().len() <= 1 + 2 * 12 + 4, "{}", server.seen().len());
}
