//! From a request of ours to one of hyper's: the user's headers, our own, and the form each HTTP version wants.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http_body_util::Full;
use ratewarden_model::Secret;

use super::message::{Failure, Request};
use crate::config::{Config, user_agent};
use crate::target::Target;

/// A request as hyper sends it.
pub(super) type Wire = http::Request<Full<Bytes>>;

/// The user's headers, and the URL's credentials where no header has any.
///
/// # Errors
/// When one of them is not a header.
pub(super) fn user_headers(target: &Target, config: &Config) -> Result<Vec<(HeaderName, Secret)>, Failure> {
    let mut headers = Vec::new();
    for (name, value) in &config.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| Failure::Unsendable(format!("`{name}` is not a header name")))?;
        HeaderValue::from_str(value.expose()).map_err(|_| {
            Failure::Unsendable(format!("the value of header `{name}` has control characters"))
        })?;
        headers.push((parsed, value.clone()));
    }
    if let Some(basic) = &target.basic
        && !headers.iter().any(|(name, _)| name == http::header::AUTHORIZATION)
    {
        headers.push((http::header::AUTHORIZATION, basic.clone()));
    }
    Ok(headers)
}

/// The request with its path as it stands, for HTTP/1.1.
///
/// # Errors
/// When path or headers cannot be put on the wire.
pub(super) fn request(
    request: &Request,
    target: &Target,
    headers: &[(HeaderName, Secret)],
) -> Result<Wire, Failure> {
    let unsendable = |error: http::Error| Failure::Unsendable(error.to_string());
    let uri =
        http::Uri::builder().path_and_query(request.path_and_query.as_str()).build().map_err(unsendable)?;
    let mut wire = http::Request::builder().method(request.method.clone()).uri(uri);
    let replaced = |name: &str| {
        let same = |other: &String| other.eq_ignore_ascii_case(name);
        request.headers.iter().any(|(other, _)| same(other)) || request.without.iter().any(same)
    };
    let has = |name: &str| replaced(name) || headers.iter().any(|(own, _)| own == name);
    if !has("host") {
        wire = wire.header("host", target.authority());
    }
    if !has("user-agent") {
        wire = wire.header("user-agent", user_agent());
    }
    if !has("accept") {
        wire = wire.header("accept", "application/json, */*;q=0.5");
    }
    for (name, value) in headers.iter().filter(|(name, _)| !replaced(name.as_str())) {
        wire = wire.header(name, value.expose());
    }
    for (name, value) in &request.headers {
        wire = wire.header(name, value);
    }
    wire.body(Full::new(request.body.clone())).map_err(unsendable)
}

/// The same for HTTP/2, which has no `Host`.
///
/// # Errors
/// When the `Host` is no authority.
pub(super) fn for_http2(mut wire: Wire, target: &Target) -> Result<Wire, Failure> {
    let authority = wire.headers_mut().remove("host");
    let authority = authority.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(&target.host);
    let path = wire.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    *wire.uri_mut() = http::Uri::builder()
        .scheme("https")
        .authority(authority)
        .path_and_query(path)
        .build()
        .map_err(|error| Failure::Unsendable(error.to_string()))?;
    *wire.version_mut() = http::Version::HTTP_2;
    Ok(wire)
}
