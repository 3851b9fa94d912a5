//! The API's own description: given by the user, or found where such documents usually are.

use std::sync::Arc;

use ratewarden_model::Redactor;

use crate::budget::Budget;
use crate::config::Config;
use crate::context::Context;
use crate::error::ScanError;
use crate::http::{Client, Request};
use crate::openapi::{self, ApiDescription};
use crate::target::Target;

/// The largest document that is read.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Reads the document the user named: a file or a URL.
///
/// # Errors
/// Usage for a document that cannot be used, unreachable for a URL that does not answer.
pub(super) async fn given(
    source: &str,
    target: &Target,
    config: &Config,
) -> Result<ApiDescription, ScanError> {
    let bytes = if source.starts_with("http://") || source.starts_with("https://") {
        fetch(source, target, config).await?
    } else {
        read(source)?
    };
    openapi::parse(&bytes).map_err(|error| ScanError::usage(format!("{source}: {error}"), error.hint()))
}

fn read(path: &str) -> Result<Vec<u8>, ScanError> {
    let unreadable = |error: std::io::Error| {
        ScanError::usage(
            format!("cannot read the OpenAPI document {path}: {error}"),
            "check the path given with --openapi",
        )
    };
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        let message = format!(
            "{path} has {} MiB; OpenAPI documents are read up to {} MiB",
            size >> 20,
            MAX_BYTES >> 20
        );
        return Err(ScanError::usage(
            message,
            "give the part of the document that describes the operations to scan",
        ));
    }
    std::fs::read(path).map_err(unreadable)
}

async fn fetch(source: &str, target: &Target, config: &Config) -> Result<Vec<u8>, ScanError> {
    let mut from = Target::parse(source, &mut Redactor::default())?;
    let address = from.resolve().await?;
    let mut own = config.clone();
    if (from.tls, &from.host, from.port) != (target.tls, &target.host, target.port) {
        // Credentials are for the target, not for whoever hosts its description.
        own.headers.clear();
    }
    let budget = Arc::new(Budget::new(3, config.request_timeout, 1));
    let hint = "check the URL given with --openapi, or give a file";
    let client = Client::new(&from, address, &own, budget)
        .map_err(|error| ScanError::usage(error.to_string(), hint))?;
    let answer = client.send(&Request::get(from.path_and_query.clone())).await;
    let response = match answer.map(|answer| answer.result) {
        Ok(Ok(response)) if response.status.is_success() => response,
        Ok(Ok(response)) => {
            return Err(ScanError::unreachable(
                format!("{} answers {}", from.shown(), response.status),
                hint,
            ));
        }
        Ok(Err(failure)) => return Err(ScanError::unreachable(format!("{}: {failure}", from.shown()), hint)),
        Err(exhausted) => return Err(ScanError::unreachable(format!("{}: {exhausted}", from.shown()), hint)),
    };
    if response.body_bytes > response.body.len() as u64 {
        let message = format!(
            "{} is larger than the {} KiB that are read over HTTP",
            from.shown(),
            response.body.len() >> 10
        );
        return Err(ScanError::usage(message, "download it and give the file with --openapi"));
    }
    Ok(response.body.to_vec())
}

/// Looks at the usual places. Costs at most as many requests as there are places, and stops at the first rejection.
pub(super) async fn discover(ctx: &Context) -> (Option<ApiDescription>, Option<String>) {
    for path in openapi::USUAL_PATHS {
        let Ok(answer) = ctx.client.send(&Request::get(*path)).await else {
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
        if let Ok(api) = openapi::parse(&response.body) {
            let note = format!(
                "An OpenAPI document is at {path} ({} operations): scan them all with --openapi {}{path}.",
                api.operations.len(),
                ctx.client.target().origin()
            );
            return (Some(api), Some(note));
        }
    }
    (None, None)
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
