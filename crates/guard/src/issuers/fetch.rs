//! One fetch: a connection, a request, and an answer that is bounded in size.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use ratewarden_callers::MAX_KEY_BYTES;
use ratewarden_policy::JwksUrl;

use crate::upstream::Connector;

/// Bytes of an answer's head.
const LONGEST_HEAD: usize = 64 * 1024;

/// Asks for a JWKS. Bounded in time by the caller.
///
/// # Errors
/// When it cannot be asked, or does not answer 200 with at most [`MAX_KEY_BYTES`]; in words.
pub(super) async fn get(at: &JwksUrl, connector: &Connector) -> Result<Bytes, String> {
    let stream = connector.stream(&at.server).await.map_err(|error| chain(&error))?;
    let mut shaking = hyper::client::conn::http1::Builder::new();
    shaking.max_buf_size(LONGEST_HEAD);
    let (mut sender, connection) =
        shaking.handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
    let driver = Driver(tokio::spawn(connection));
    let request = Request::get(&at.target)
        .header("host", authority(&at.url))
        .header("accept", "application/jwk-set+json, application/json")
        .header("user-agent", concat!("ratewarden/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| chain(&error))?;
    let response = sender.send_request(request).await.map_err(|error| chain(&error))?;
    match response.status().as_u16() {
        200 => {}
        status @ 300..400 => return Err(format!("answered {status}; name the URL that this leads to")),
        status => return Err(format!("answered {status}")),
    }
    let body = Limited::new(response.into_body(), MAX_KEY_BYTES).collect().await;
    drop(driver);
    let too_large = || format!("the answer has more than {MAX_KEY_BYTES} bytes");
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|error| if error.is::<LengthLimitError>() { too_large() } else { chain(&*error) })
}

/// Host and port as they stand in a URL; a port that goes without saying is not said.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// A connection's task, which ends with the fetch, however that ends.
struct Driver<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Driver<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_named_as_the_policy_names_it() {
        for (url, name) in [
            ("https://login.test/a/jwks?x=1", "login.test"),
            ("https://login.test:8443?x=/", "login.test:8443"),
            ("http://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(authority(url), name);
        }
    }

    #[test]
    fn what_is_wrong_with_an_issuer_is_said_to_the_last_cause() {
        let source = std::io::Error::other("inner");
        let error = crate::load::LoadError::Read { path: "a".into(), source };
        assert_eq!(chain(&error), "cannot read the policy a: inner");
    }
}
