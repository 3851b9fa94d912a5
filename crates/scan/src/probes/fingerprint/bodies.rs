//! Marks in bodies (stock pages, documents of a known form) and in the path itself.

use serde_json::Value;

use super::{Found, version_at};
use crate::http::Response;

/// Stock pages are small; data that quotes one is usually not.
const LARGEST_PAGE: u64 = 16 * 1024;

/// Texts of stock pages: where the body begins, what it must hold, and whose it is.
const PAGES: [(&str, &str, &str); 9] = [
    (
        "<html><body><h1>429 Too Many Requests</h1>",
        "You have sent too many requests in a given amount of time.",
        "HAProxy",
    ),
    (
        "<html><body><h1>503 Service Unavailable</h1>",
        "No server is available to handle this request.",
        "HAProxy",
    ),
    ("<html><body><h1>403 Forbidden</h1>", "Request forbidden by administrative rules.", "HAProxy"),
    ("local_rate_limited", "", "Envoy"),
    ("upstream connect error or disconnect/reset before headers", "", "Envoy"),
    ("Too many requests, please try again later.", "", "express-rate-limit"),
    ("<!doctype html>\n<html lang=en>\n<title>", "", "Werkzeug (Flask)"),
    ("{\"message\":\"Missing Authentication Token\"", "", "AWS API Gateway"),
    (
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>",
        "<pre>",
        "Express",
    ),
];

/// Reads the body of one response.
pub(super) fn read(response: &Response, found: &mut Found) {
    if let Some(document) = response.json() {
        read_json(&document, found);
    }
    if response.body_bytes > LARGEST_PAGE {
        return;
    }
    let text = response.text();
    let trimmed = text.trim_start();
    for (start, inside, name) in PAGES {
        if trimmed.starts_with(start) && trimmed.contains(inside) {
            found.add(name, None, "its stock page");
        }
    }
    if trimmed.starts_with('<') {
        read_html(trimmed, found);
    }
}

fn read_html(page: &str, found: &mut Found) {
    for (mark, name) in [
        ("<hr><center>nginx", "nginx"),
        ("<hr><center>openresty", "OpenResty"),
        ("<address>Apache", "Apache httpd"),
    ] {
        if let Some(at) = page.find(mark) {
            let rest = page[at + mark.len()..].trim_start_matches('/');
            found.add(name, version_at(rest), "its stock page");
        }
    }
    if page.contains("<title>Ray Dashboard</title>") {
        found.add("Ray dashboard", None, "title of the page");
    }
    if page.contains("<title>Anyscale") {
        found.add("Anyscale", None, "title of the page");
    }
}

fn read_json(document: &Value, found: &mut Found) {
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if let (Some(version), Some(_)) = (text("ray_version"), text("ray_commit")) {
        found.add("Ray dashboard", version_at(version), "ray_version in the answer");
    }
    if is_ray_job_list(document) {
        found.add("Ray dashboard", None, "a list of Ray jobs");
    }
    match text("message") {
        Some("API rate limit exceeded") => found.add("Kong", None, "its stock message"),
        Some("no Route matched with those values") => found.add("Kong", None, "its stock message"),
        _ => {}
    }
    if text("error_msg") == Some("404 Route Not Found") {
        found.add("APISIX", None, "its stock message");
    }
    for name in ["paging_state", "pagingState", "pageState", "page_state"] {
        if document.get(name).is_some() {
            found.add("Cassandra", None, &format!("field {name} in the answer"));
        }
    }
}

/// Whether a document is a Ray job list: objects that all carry the two fields every job has.
pub(super) fn is_ray_job_list(document: &Value) -> bool {
    let is_job = |job: &Value| job.get("submission_id").is_some() && job.get("entrypoint").is_some();
    document.as_array().is_some_and(|jobs| !jobs.is_empty() && jobs.iter().all(is_job))
}

/// Reads the path that was asked for: some programs have paths of their own.
pub(super) fn read_path(path: &str, found: &mut Found) {
    let anyscale = [
        "/api/v2/decorated_ha_jobs",
        "/api/v2/decorated_sessions",
        "/ext/v0/production_jobs",
        "/ext/v0/clusters",
    ];
    if anyscale.iter().any(|start| path.starts_with(start)) {
        found.add("Anyscale", None, "a path that only Anyscale has");
    }
    let stargate = ["/v2/keyspaces/", "/v1/keyspaces/", "/v2/schemas/keyspaces", "/v2/namespaces/"];
    if stargate.iter().any(|start| path.starts_with(start)) {
        found.add("Stargate", None, "a path of Stargate's REST API before Cassandra");
    }
}
