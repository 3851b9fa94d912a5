//! What a rejected caller gets.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use ratewarden_limiter::{Notice, Retry, quota_exceeded};

/// A call that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected<'l> {
    pub(crate) violated: Vec<(&'l str, &'l Notice)>,
    pub(crate) retry: Retry,
}

/// Makes the answer to a rejected call; any function of [`Rejected`] does. The layer adds `Retry-After` and the
/// `RateLimit` fields to whatever it returns.
pub trait Answer<B> {
    /// The answer.
    fn rejected(&self, rejected: &Rejected<'_>) -> Response<B>;
}

/// 429 with a problem body (RFC 9457) that names the limits, as the gateway answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Problem;

impl Rejected<'_> {
    /// Names of the limits that rejected the call.
    #[must_use]
    pub fn violated(&self) -> impl ExactSizeIterator<Item = &str> {
        self.violated.iter().map(|(name, _)| *name)
    }

    /// When it would be admitted, if nobody else came.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// The problem as JSON, of draft-ietf-httpapi-ratelimit-headers' type *quota-exceeded*.
    #[must_use]
    pub fn problem(&self) -> String {
        quota_exceeded(429, self.violated.iter().map(|(_, notice)| *notice), self.retry)
    }
}

impl<B: From<String>> Answer<B> for Problem {
    fn rejected(&self, rejected: &Rejected<'_>) -> Response<B> {
        let mut response = Response::new(B::from(rejected.problem()));
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

impl<B, F: Fn(&Rejected<'_>) -> Response<B>> Answer<B> for F {
    fn rejected(&self, rejected: &Rejected<'_>) -> Response<B> {
        self(rejected)
    }
}
