//! The API's own description: given by the user, or found where such documents usually are.

use std::sync::Arc;

use ratewarden_model::Redactor;

use crate::budget::Budget;
use crate::config::Config;
use crate::context::Context;
use crate::error::ScanError;
use crate::http::{Client, Failure, Request, Response};
use crate::openapi::{self, ApiDescription, MAX_DOCUMENT_BYTES};
use crate::target::Target;

/// Reads the document the user named: a file or a URL.
///
/// # Errors
/// Usage for a document that cannot be used, unreachable for a URL that does not answer.
pub(super) async fn given(
    source: &str,
    target: &Target,
    config: &Config,
) -> Result<ApiDescription, ScanError> {
    let (shown, bytes) = if is_url(source) {
        let from = Target::parse(source, &mut Redactor::default())?;
        (from.shown(), fetch(from, target, config).await?)
    } else {
        (source.to_owned(), read(source)?)
    };
    openapi::parse(&bytes).map_err(|error| ScanError::usage(format!("{shown}: {error}"), error.hint()))
}

/// Whether the source of a document is a URL rather than a file.
pub(super) fn is_url(source: &str) -> bool {
    let scheme = source.trim().split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn read(path: &str) -> Result<Vec<u8>, ScanError> {
    let unreadable = |error: std::io::Error| {
        ScanError::usage(
            format!("cannot read the OpenAPI document {path}: {error}"),
            "check the path given with --openapi",
        )
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_DOCUMENT_BYTES as u64 {
        let message = format!(
            "{path} has {} MiB; OpenAPI documents are read up to {} MiB",
            size >> 20,
            MAX_DOCUMENT_BYTES >> 20
        );
        return Err(ScanError::usage(
            message,
            "give the part of the document that describes the operations to scan",
        ));
    }
    std::fs::read(path).map_err(unreadable)
}

async fn fetch(mut from: Target, target: &Target, config: &Config) -> Result<Vec<u8>, ScanError> {
    let hint = "check the URL given with --openapi, or give a file";
    let shown = from.shown();
    let unreachable = |why: &dyn std::fmt::Display| ScanError::unreachable(format!("{shown}: {why}"), hint);
    let mut address = from.resolve().await?;
    let mut own = config.clone();
    if (from.tls, &from.host, from.port) != (target.tls, &target.host, target.port) {
        // Credentials are for the target, not for whoever hosts its description.
        own.headers.clear();
    }
    let budget = Arc::new(Budget::new(3, config.request_timeout, 1));
    let response = loop {
        let client = Client::new(&from, address, &own, Arc::clone(&budget))
            .map_err(|error| ScanError::usage(error.to_string(), hint))?;
        let answer = client.send(&document(&from.path_and_query)).await;
        match answer.map(|answer| answer.result) {
            Ok(Ok(response)) => break response,
            Ok(Err(failure)) => {
                match from.next_address().filter(|_| matches!(failure, Failure::Connect(_))) {
                    Some(next) => address = next,
                    None => return Err(unreachable(&failure)),
                }
            }
            Err(exhausted) => return Err(unreachable(&exhausted)),
        }
    };
    if !response.status.is_success() {
        return Err(ScanError::unreachable(format!("{shown} answers {}", response.status), hint));
    }
    if response.body_bytes > MAX_DOCUMENT_BYTES as u64 {
        let message = format!(
            "{shown} is larger than the {} MiB up to which OpenAPI documents are read",
            MAX_DOCUMENT_BYTES >> 20
        );
        let hint = "give the part of the document that describes the operations to scan";
        return Err(ScanError::usage(message, hint));
    }
    if response.truncated {
        let message = format!("{shown} broke off after {} bytes", response.body_bytes);
        return Err(ScanError::unreachable(message, "try again with a longer --timeout, or give a file"));
    }
    Ok(response.body.to_vec())
}

/// The request for a document: kept whole up to the bound, and read so far beyond it that a larger one is known.
fn document(path_and_query: &str) -> Request {
    Request {
        keep_at_least: Some(MAX_DOCUMENT_BYTES),
        read_at_most: Some(MAX_DOCUMENT_BYTES as u64 + 1),
        ..Request::get(path_and_query)
    }
}

/// Looks at the usual places. Costs at most as many requests as there are places, and stops at the first rejection.
pub(super) async fn discover(ctx: &Context) -> (Option<ApiDescription>, Option<String>) {
    let mut unread = None;
    for path in openapi::USUAL_PATHS {
        let Ok(answer) = ctx.client.send(&document(path)).await else {
            return (None, Some("No OpenAPI document was looked for: the budget was used up.".to_owned()));
        };
        let observation = crate::observe::Observation::new(&answer, None);
        if observation.verdict.is_rejected() {
            return (
                None,
                Some("OpenAPI documents could not be looked for: the limiter was rejecting.".to_owned()),
            );
        }
        let Some(response) = answer.response().filter(|response| response.status.is_success()) else {
            continue;
        };
        if response.truncated && is_structured(response) {
            unread = Some(format!(
                "{path} was not read as an OpenAPI document: it has over {} MiB, or broke off.",
                MAX_DOCUMENT_BYTES >> 20
            ));
            continue;
        }
        if let Ok(api) = openapi::parse(&response.body) {
            let note = format!(
                "An OpenAPI document is at {path} ({} operations): scan them all with --openapi {}{path}.",
                api.operations.len(),
                ctx.client.target().origin()
            );
            return (Some(api), Some(note));
        }
    }
    (None, unread)
}

/// Whether an answer may be such a document: a page for people is none.
fn is_structured(response: &Response) -> bool {
    let media_type = response.media_type();
    ["json", "yaml"].iter().any(|format| media_type.contains(format))
}

/// The paths to scan: the target's own, then the readable operations of a given document.
pub(super) fn endpoints(target: &Target, api: Option<&ApiDescription>) -> (Vec<String>, Vec<String>) {
    let mut paths = vec![target.path_and_query.clone()];
    let mut notes = Vec::new();
    let Some(api) = api else { return (paths, notes) };
    let mut unfilled = 0;
    for operation in api.operations.iter().filter(|operation| operation.method == "GET") {
        match &operation.concrete {
            Some(path) if !paths.contains(path) => paths.push(path.clone()),
            Some(_) => {}
            None => unfilled += 1,
        }
    }
    if unfilled > 0 {
        notes.push(format!("{unfilled} operations were not scanned: a required parameter has no example."));
    }
    if paths.len() > super::MAX_ENDPOINTS {
        notes.push(format!(
            "{} operations were left out: a scan takes {} endpoints.",
            paths.len() - super::MAX_ENDPOINTS,
            super::MAX_ENDPOINTS
        ));
        paths.truncate(super::MAX_ENDPOINTS);
    }
    if api.truncated {
        notes.push(format!("The OpenAPI document was read up to {} operations.", openapi::MAX_OPERATIONS));
    }
    (paths, notes)
}
