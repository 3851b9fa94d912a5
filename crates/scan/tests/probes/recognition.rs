//! Ray heads and GraphQL endpoints.

use ratewarden_model::{Confidence, Secret};
use ratewarden_scan::probes::{Outcome, fingerprint, graphql};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, nothing, only, rows};

fn ray(jobs: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/api/version") => Reply::json(
            200,
            &json!({ "version": "4", "ray_version": "2.60.0", "ray_commit": "c", "session_name": "s" }),
        ),
        ("GET", "/api/jobs/") => jobs(seen),
        _ => Reply::text(404, "404: Not Found"),
    })
}

fn jobs() -> Reply {
    let job = |n: u64| json!({ "type": "SUBMISSION", "submission_id": format!("raysubmit_{n}"), "entrypoint": "true" });
    Reply::json(200, &(0..3).map(job).collect::<Value>())
}

#[tokio::test]
async fn a_ray_head_that_lists_jobs_to_anybody_is_found() {
    let server = ray(|_| jobs());
    let ctx = server.context("/api/cluster_status", |_| {}).await;
    let outcome = fingerprint::ray(&ctx).await;
    let finding = only(&outcome, "scan.open-control-plane");
    assert_eq!((&finding.evidence["jobs_listed"], finding.confidence), (&json!(3), Confidence::Certain));
    assert_eq!(finding.subject.label().rsplit('/').nth(1), Some("jobs"));
    assert_eq!(outcome.technologies[0].version.as_deref(), Some("2.60.0"));
    assert_eq!(server.seen().len(), 3);
    assert!(server.seen().iter().all(|seen| seen.method == "GET"), "nothing is submitted");
    // The list itself as the target: it is known already.
    let ctx = server.context("/api/jobs/", |_| {}).await;
    only(&fingerprint::ray(&ctx).await, "scan.open-control-plane");
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn a_ray_head_with_tokens_or_with_the_users_own_is_no_finding() {
    let server = ray(|_| Reply::text(401, "Unauthorized"));
    let ctx = server.context("/", |_| {}).await;
    nothing(&fingerprint::ray(&ctx).await, "answered 401 without credentials");
    let open = ray(|_| jobs());
    let own = ("Authorization".to_owned(), Secret::new("Bearer abcdefgh"));
    let ctx = open.context("/", |config| config.headers.push(own)).await;
    nothing(&fingerprint::ray(&ctx).await, "was not tried, for yours were sent");
}

#[tokio::test]
async fn what_is_not_ray_gets_one_request() {
    let server = Server::start(|_| Reply::json(200, &json!({ "version": "1.2.3" })));
    let ctx = server.context("/v1/items", |_| {}).await;
    let outcome = fingerprint::ray(&ctx).await;
    nothing(&outcome, "");
    assert_eq!((server.seen().len(), outcome.technologies.len(), outcome.observations.len()), (2, 0, 0));
}

/// A GraphQL server of so many aliases at most, with arrays or without, over POST or over GET only.
fn graphql_server(most: usize, arrays: bool, post: bool) -> Server {
    fn answer(query: &str, most: usize) -> Value {
        let names: Vec<&str> = query
            .trim_matches(['{', '}'])
            .split_ascii_whitespace()
            .map(|field| field.split(':').next().unwrap_or_default())
            .collect();
        if names.len() > most {
            return json!({ "errors": [{ "message": "too many aliases" }] });
        }
        json!({ "data": names.into_iter().map(|name| (name.to_owned(), json!("Query"))).collect::<serde_json::Map<_, _>>() })
    }
    Server::start(move |seen| {
        let get = seen.query.iter().find(|(name, _)| name == "query").map(|(_, query)| query.clone());
        match (seen.method.as_str(), seen.json(), get) {
            ("POST", Value::Array(list), _) if post && arrays => {
                let all: Value =
                    list.iter().map(|one| answer(one["query"].as_str().unwrap_or(""), most)).collect();
                Reply::json(200, &all)
            }
            ("POST", Value::Object(one), _) if post => {
                Reply::json(200, &answer(one["query"].as_str().unwrap_or(""), most))
            }
            ("GET", _, Some(query)) => Reply::json(200, &answer(&query, most)),
            _ => Reply::json(400, &json!({ "errors": [{ "message": "no query" }] })),
        }
    })
}

async fn batching(server: &Server, path: &str) -> Outcome {
    let ctx = server.context(path, |_| {}).await;
    let outcome = graphql::probe(&ctx).await;
    assert!(server.seen().len() <= 5);
    assert_eq!(outcome.observations.len(), server.seen().len() - 1);
    outcome
}

#[tokio::test]
async fn batches_that_are_answered_whole_are_found() {
    let outcome = batching(&graphql_server(1_000, true, true), "/graphql").await;
    let finding = only(&outcome, "scan.bypass.batching");
    assert_eq!((&finding.evidence["array_answered"], finding.confidence), (&json!(true), Confidence::Firm));
    let outcome = batching(&graphql_server(1_000, false, true), "/api/graphql").await;
    assert_eq!(only(&outcome, "scan.bypass.batching").confidence, Confidence::Tentative);
    let outcome = batching(&graphql_server(5, true, true), "/graphql").await;
    assert_eq!(only(&outcome, "scan.bypass.batching").evidence["aliases_answered"], false);
    only(&batching(&graphql_server(1_000, false, false), "/graphql").await, "scan.bypass.batching");
}

#[tokio::test]
async fn a_bounded_graphql_server_and_what_is_none_are_no_finding() {
    nothing(&batching(&graphql_server(5, false, true), "/graphql").await, "refused 20 aliases");
    let server = Server::start(|_| Reply::json(200, &Value::from(rows(0, 5))));
    nothing(&batching(&server, "/graphql").await, "did not answer");
    let server = Server::start(|_| Reply::json(200, &Value::from(rows(0, 5))));
    nothing(&batching(&server, "/items").await, "");
    assert_eq!(server.seen().len(), 1);
}
