//! Unbounded reads and weak cursors.

use std::sync::Arc;

use ratewarden_model::Confidence;
use ratewarden_scan::openapi::{ApiDescription, ApiOperation};
use ratewarden_scan::probes::{Outcome, reads};
use serde_json::{Value, json};

use crate::server::{Reply, Seen, Server, nothing, only, rows};

/// A list of so many rows with a page size of this name, at most `cap`.
fn paged(name: &'static str, all: u64, default: u64, cap: u64) -> Server {
    Server::start(move |seen| {
        let size = seen.query(name).unwrap_or(default).min(cap).min(all);
        Reply::json(200, &json!({ "items": rows(0, size), "kind": "list" }))
    })
}

async fn run(server: &Server, path: &str) -> Outcome {
    let ctx = server.context(path, |_| {}).await;
    let outcome = reads::probe(&ctx).await;
    let sent = server.seen().len() - 1;
    assert!(sent <= reads::AT_MOST as usize, "{sent} requests");
    assert_eq!(outcome.observations.len(), sent, "every request counts against the limiter");
    assert!(server.seen().iter().all(|seen| seen.method == "GET"));
    outcome
}

#[tokio::test]
async fn growth_without_a_plateau_is_found_with_its_trend() {
    for name in ["limit", "take", "$top", "perPage"] {
        let outcome = run(&paged(name, 60_000, 20, u64::MAX), "/items").await;
        let finding = only(&outcome, "scan.unbounded-read");
        assert_eq!(finding.evidence["parameter"], name);
        assert_eq!(finding.evidence["plateau"], false);
        let exponent = finding.evidence["bytes_exponent"].as_f64().unwrap();
        assert!((0.8..1.1).contains(&exponent), "{exponent}");
        let pages = finding.evidence["pages"].as_array().unwrap();
        let sizes: Vec<&Value> = pages.iter().map(|page| &page["size"]).collect();
        assert_eq!(sizes, [&json!(1), &json!(10), &json!(100), &json!(1_000), &json!(10_000), &Value::Null]);
        assert_eq!((&pages[1]["items"], &pages[5]["items"]), (&json!(10), &json!(20)));
        assert!(finding.reproduce.as_ref().unwrap().contains("=10000"), "{:?}", finding.reproduce);
        assert_eq!(finding.confidence, Confidence::Firm);
    }
}

#[tokio::test]
async fn a_ceiling_is_no_finding() {
    for cap in [20, 100, 500, 1_000] {
        nothing(&run(&paged("per_page", 60_000, 20, cap), "/items").await, &format!("more than {cap} items"));
    }
}

#[tokio::test]
async fn a_parameter_in_the_url_is_the_one_that_grows() {
    let outcome = run(&paged("page[size]", 60_000, 20, u64::MAX), "/items?q=a&page%5Bsize%5D=5").await;
    assert_eq!(only(&outcome, "scan.unbounded-read").evidence["parameter"], "page[size]");
    let server = paged("limit", 60_000, 20, 100);
    nothing(&run(&server, "/items?q=a&limit=5").await, "more than 100 items");
    assert!(server.seen().iter().all(|seen| seen.query.contains(&("q".into(), "a".into()))));
}

#[tokio::test]
async fn a_parameter_of_the_description_is_tried_first() {
    let server = paged("items_per_page", 60_000, 20, u64::MAX);
    let mut ctx = server.context("/items", |_| {}).await;
    let operation = ApiOperation {
        method: "GET".into(),
        path: "/items".into(),
        query: vec!["q".into(), "items_per_page".into()],
        ..ApiOperation::default()
    };
    ctx.api = Some(Arc::new(ApiDescription { operations: vec![operation], ..ApiDescription::default() }));
    let outcome = reads::probe(&ctx).await;
    assert_eq!(only(&outcome, "scan.unbounded-read").evidence["parameter"], "items_per_page");
    assert_eq!(server.seen().len(), 1 + 6, "no name is guessed");
}

#[tokio::test]
async fn a_ceiling_that_falls_when_the_parameter_is_left_out_is_found() {
    let server = Server::start(|seen| {
        let size = seen.query("limit").map_or(2_500, |size| size.min(100));
        Reply::json(200, &Value::from(rows(0, size)))
    });
    let outcome = run(&server, "/items?limit=50").await;
    let finding = only(&outcome, "scan.unbounded-read");
    assert!(finding.description.contains("No page had more than 100 items"), "{}", finding.description);
    assert_eq!(finding.evidence["plateau"], true);
}

#[tokio::test]
async fn a_list_that_cannot_be_paged_is_found() {
    let server = Server::start(|_| Reply::json(200, &Value::from(rows(0, 700))));
    let outcome = run(&server, "/api/jobs/").await;
    let finding = only(&outcome, "scan.unbounded-read");
    assert_eq!(finding.evidence["parameter"], Value::Null);
    assert_eq!((finding.confidence, server.seen().len()), (Confidence::Tentative, 4));
    let large = Server::start(|_| Reply::json(200, &Value::from(rows(0, 4_000))));
    let outcome = run(&large, "/items").await;
    let finding = only(&outcome, "scan.unbounded-read");
    assert_eq!(finding.confidence, Confidence::Firm);
    assert!(finding.description.contains("Without any page parameter"), "{}", finding.description);
}

#[tokio::test]
async fn pages_of_a_fixed_size_are_no_finding() {
    let server = Server::start(|seen| {
        let page = seen.query("page").unwrap_or(1);
        Reply::json(200, &Value::from(rows(page * 100, page * 100 + 100)))
    });
    nothing(&run(&server, "/items").await, "");
    let linked = Server::start(|_| {
        Reply::json(200, &Value::from(rows(0, 100))).header("link", "</items?page=2>; rel=\"next\"")
    });
    nothing(&run(&linked, "/items").await, "");
}

#[tokio::test]
async fn short_lists_and_single_things_are_no_finding() {
    nothing(&run(&paged("limit", 7, 7, u64::MAX), "/items").await, "more than 7 items");
    nothing(&run(&paged("none", 37, 37, u64::MAX), "/items").await, "");
    let thing = Server::start(|_| Reply::json(200, &json!({ "id": 1, "tags": ["a", "b", "c"] })));
    nothing(&run(&thing, "/items/1").await, "");
    let page = Server::start(|_| Reply::text(200, "<html>hello</html>"));
    nothing(&run(&page, "/").await, "not a JSON list");
    assert_eq!(page.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_unknown_parameters_is_asked_one_by_one() {
    let strict = |cap: u64| {
        Server::start(move |seen: &Seen| {
            if seen.query.iter().any(|(name, _)| name != "page_size") {
                return Reply::json(400, &json!({ "error": "unknown parameter" }));
            }
            Reply::json(200, &Value::from(rows(0, seen.query("page_size").unwrap_or(20).min(cap))))
        })
    };
    let outcome = run(&strict(u64::MAX), "/items").await;
    assert_eq!(only(&outcome, "scan.unbounded-read").evidence["parameter"], "page_size");
    nothing(&run(&strict(200), "/items").await, "more than 200 items");
}

#[tokio::test]
async fn a_refused_size_is_a_ceiling() {
    let server = Server::start(|seen| match seen.query("limit").unwrap_or(20) {
        size @ ..=100 => Reply::json(200, &Value::from(rows(0, size))),
        _ => Reply::json(422, &json!({ "detail": "limit must be at most 100" })),
    });
    nothing(&run(&server, "/items").await, "limit=1000 was refused");
}

#[tokio::test]
async fn the_probe_stops_at_the_first_rejection() {
    let server = Server::start(|seen| {
        if seen.number >= 4 {
            return Reply::text(429, "slow down").header("retry-after", "9");
        }
        Reply::json(200, &Value::from(rows(0, seen.query("limit").unwrap_or(20))))
    });
    nothing(&run(&server, "/items").await, "the limiter was rejecting (429)");
    assert_eq!(server.seen().len(), 5, "nothing is sent after a rejection");
}

#[tokio::test]
async fn a_thousand_is_no_proof_where_the_next_step_failed() {
    for status in [429, 500, 503] {
        let server = Server::start(move |seen| match seen.query("limit").unwrap_or(20) {
            size @ ..=1_000 => Reply::json(200, &Value::from(rows(0, size))),
            _ => Reply::text(status, "no"),
        });
        nothing(&run(&server, "/items").await, "were not tried any further");
    }
}

#[tokio::test]
async fn pages_grow_no_further_than_they_hurt() {
    let wide = "x".repeat(10_000);
    let server = Server::start(move |seen| {
        let size = seen.query("limit").unwrap_or(3);
        let rows: Vec<Value> = (0..size).map(|id| json!({ "id": id, "text": wide })).collect();
        Reply::json(200, &Value::from(rows))
    });
    let outcome = run(&server, "/items").await;
    let finding = only(&outcome, "scan.unbounded-read");
    assert_eq!(finding.confidence, Confidence::Tentative, "a ceiling above a thousand was not looked for");
    assert!(outcome.notes.iter().any(|note| note.contains("over 8 MiB")), "{:?}", outcome.notes);
    assert!(server.seen().iter().all(|seen| seen.query("limit") != Some(10_000)));
}

#[tokio::test]
async fn a_cursor_that_is_an_offset_is_found_and_a_sealed_one_is_not() {
    let with_cursor = |cursor: &'static str| {
        Server::start(move |seen| {
            let size = seen.query("limit").unwrap_or(20).min(100);
            Reply::json(200, &json!({ "items": rows(0, size), "next_cursor": cursor }))
        })
    };
    // {"offset":20}
    let outcome = run(&with_cursor("eyJvZmZzZXQiOjIwfQ=="), "/items").await;
    let finding = only(&outcome, "scan.weak-cursor");
    assert!(
        finding.evidence["cursors"][0]["decoded"].to_string().contains("offset"),
        "{:?}",
        finding.evidence
    );
    only(&run(&with_cursor("120"), "/items").await, "scan.weak-cursor");
    nothing(
        &run(&with_cursor("q8Zr0o6cXfB3pYw1mZ7uJk2yN5vT9sLhD4eGaRiCxWg"), "/items").await,
        "more than 100",
    );
}
