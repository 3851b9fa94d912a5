//! Heads in the types of `http`, built from any engine's fields.

use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Uri};
use ratewarden_http1::{Extra, Framing, is_hop_by_hop};
use ratewarden_judge::Refusal;

use crate::answer::FieldList;

/// A request as it goes to a server that speaks HTTP/2.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

/// What a request's head is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'p> {
    pub(crate) method: &'p str,
    pub(crate) path: &'p str,
    pub(crate) query: Option<&'p str>,
    pub(crate) host: &'p str,
    pub(crate) https: bool,
    pub(crate) framing: Framing,
    /// The client reads trailers (`te: trailers`).
    pub(crate) trailers: bool,
}

/// Whether a field of a request is for the server as well; host, framing and expectation are told anew.
pub(crate) fn is_for_the_server(name: &str) -> bool {
    !is_hop_by_hop(name) && !matches!(name, "host" | "content-length" | "expect")
}

/// A request's head. `fields` are the client's that are for the server as well.
///
/// # Errors
/// When the client's host or path cannot be told in HTTP/2.
pub(crate) fn request<'f>(
    parts: &Parts<'_>,
    fields: impl Iterator<Item = Extra<'f>>,
    without: &[&str],
    extra: &[Extra<'f>],
) -> Result<Outgoing, Refusal> {
    let refused = |what: &str| Refusal::new(400, "target_form", format!("the {what} cannot be forwarded"));
    let target = match parts.query {
        Some(query) => format!("{}?{query}", parts.path),
        None => parts.path.to_owned(),
    };
    let uri = Uri::builder()
        .scheme(if parts.https { Scheme::HTTPS } else { Scheme::HTTP })
        .authority(Authority::try_from(parts.host).map_err(|_| refused("host"))?)
        .path_and_query(PathAndQuery::try_from(target).map_err(|_| refused("path"))?)
        .build()
        .map_err(|_| refused("target"))?;
    let method = Method::from_bytes(parts.method.as_bytes()).map_err(|_| refused("method"))?;
    let mut headers = HeaderMap::new();
    let kept = fields.filter(|(name, _)| !without.iter().any(|other| name.eq_ignore_ascii_case(other)));
    for (name, value) in kept.chain(extra.iter().copied()) {
        append(&mut headers, name, value).ok_or_else(|| refused("header"))?;
    }
    if let Framing::Length(length) = parts.framing {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if parts.trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    Ok(Outgoing { method, uri, headers })
}

/// A response's fields: the server's without those the gateway has itself, and the gateway's.
pub(crate) fn response<'f>(
    fields: impl Iterator<Item = Extra<'f>>,
    own: &FieldList,
    price: Option<&str>,
    length: Option<u64>,
) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if !own.iter().any(|(other, _)| is(other)) && !price.is_some_and(is) {
            append(&mut headers, name, value)?;
        }
    }
    for (name, value) in own.iter() {
        append(&mut headers, name, value.as_bytes())?;
    }
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    Some(headers)
}

fn append(headers: &mut HeaderMap, name: &str, value: &[u8]) -> Option<()> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    headers.append(name, HeaderValue::from_bytes(value).ok()?);
    Some(())
}
