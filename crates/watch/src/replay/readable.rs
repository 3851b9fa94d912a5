//! A call as HTTP has it.

use ratewarden_model::Call;

/// Method, path as it came, and query, where the call is one of HTTP.
pub(crate) fn readable<'c>(call: &Call<'c>) -> Option<(&'c str, &'c str, Option<&'c str>)> {
    let method = std::str::from_utf8(call.method).ok().filter(|method| !method.is_empty())?;
    let target = std::str::from_utf8(call.target).ok()?;
    // The absolute form, which proxies are sent (RFC 9112 section 3.2.2).
    let target = match target.split_once("://") {
        Some(("http" | "https", rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        _ => target,
    };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    (path.starts_with('/') || path == "*").then_some((method, path, query))
}
