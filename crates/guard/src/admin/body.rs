//! JSON that is sent to the admin listener: small, whole, and with known keys only.

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::Request;
use hyper::body::Incoming;
use ratewarden_judge::Refusal;
use serde::de::DeserializeOwned;

/// The most bytes.
const MOST: usize = 64 * 1024;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a body as JSON.
///
/// # Errors
/// 415 where the media type is another, 413 where it is too large, 408 where it is too slow, 400 where it is no JSON
/// of this form, each with what was expected.
pub(super) async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, Refusal> {
    // A page in an operator's browser can send a form to a loopback address, but not this media type without asking.
    let media_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = "the body is JSON, with `Content-Type: application/json`";
        return Err(Refusal::new(415, "media_type", detail));
    }
    let body = Limited::new(request.into_body(), MOST).collect();
    let body = match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err(Refusal::new(
                413,
                "body_too_large",
                format!("the body may have at most {MOST} bytes"),
            ));
        }
        Ok(Err(error)) => return Err(Refusal::new(400, "body", error.to_string())),
        Err(_) => {
            let detail = format!("the body was not there after {} seconds", PATIENCE.as_secs());
            return Err(Refusal::new(408, "body_slow", detail));
        }
    };
    serde_json::from_slice(&body).map_err(|error| Refusal::new(400, "json", format!("the body: {error}")))
}
