//! Where the first answer sends us on: a scan stays on the host it was pointed at.
//!
//! Followed are other paths of the same origin, and the upgrade from `http` to `https` of the same name, on whatever
//! port. Another host is another owner perhaps, and a step down to `http` would send credentials in the clear.

use crate::http::Answer;
use crate::target::Target;

/// What the first answer says of another place.
#[derive(Debug)]
pub(super) enum Redirect {
    /// Nothing: it is the endpoint's own answer.
    None,
    /// A place on the same host.
    Here(Box<Target>),
    /// A place that is not followed, and what to tell the reader.
    Elsewhere(String),
}

/// Reads the redirect in an answer.
pub(super) fn of(target: &Target, answer: &Answer) -> Redirect {
    let response = answer.response().filter(|response| response.status.is_redirection());
    let Some(location) = response.and_then(|response| response.header("location")) else {
        return Redirect::None;
    };
    let base = url::Url::parse(&format!("{}{}", target.origin(), target.path_and_query)).ok();
    let Some((base, next)) = base.and_then(|base| base.join(location).ok().map(|next| (base, next))) else {
        return Redirect::None;
    };
    let path_and_query = &next[url::Position::BeforePath..url::Position::AfterQuery];
    if base.origin() == next.origin() {
        return Redirect::Here(Box::new(target.with_path(path_and_query)));
    }
    let is_upgrade = base.scheme() == "http" && next.scheme() == "https" && base.host() == next.host();
    if let (true, Some(port)) = (is_upgrade, next.port_or_known_default()) {
        return Redirect::Here(Box::new(target.upgraded(port).with_path(path_and_query)));
    }
    let mut elsewhere = format!("{}://{}", next.scheme(), next.host_str().unwrap_or("?"));
    elsewhere.extend(next.port().map(|port| format!(":{port}")));
    Redirect::Elsewhere(format!(
        "The endpoint redirects to {elsewhere}, which was not followed: scans stay on their host."
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use ratewarden_model::Redactor;

    use super::*;
    use crate::http::Response;

    fn followed(from: &str, location: &str) -> Option<String> {
        let target = Target::parse(from, &mut Redactor::default()).unwrap();
        let mut headers = http::HeaderMap::new();
        headers.insert("location", location.parse().unwrap());
        let response = Response {
            status: http::StatusCode::FOUND,
            version: http::Version::HTTP_11,
            headers,
            body: Bytes::new(),
            body_bytes: 0,
            truncated: false,
        };
        let (sent_at, latency, total) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        match of(&target, &Answer { sent_at, latency, total, result: Ok(response) }) {
            Redirect::Here(next) => Some(format!("{}{}", next.origin(), next.path_and_query)),
            _ => None,
        }
    }

    #[test]
    fn only_the_same_host_is_followed_and_never_down() {
        assert_eq!(followed("http://h/a/b", "c?d=1").as_deref(), Some("http://h/a/c?d=1"));
        assert_eq!(followed("http://h/a", "https://h/b").as_deref(), Some("https://h/b"));
        assert_eq!(followed("http://h:8080/a", "https://H:8443/a").as_deref(), Some("https://h:8443/a"));
        for (from, location) in [
            ("https://h/a", "http://h/a"),
            ("http://h/a", "https://other.h/a"),
            ("http://h/a", "http://h:8080/a"),
            ("https://h/a", "https://h:8443/a"),
            ("http://h/a", "ftp://h/a"),
        ] {
            assert_eq!(followed(from, location), None, "{from} {location}");
        }
    }
}
