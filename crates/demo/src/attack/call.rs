//! One call, and what counts as its answer.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;

/// A call in the making.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    target: String,
    headers: Vec<(HeaderName, String)>,
    body: Bytes,
    /// Statuses beside 2xx by which the API itself answers such a call.
    also: &'static [u16],
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The API did what it was asked.
    Answered,
    /// It was turned away: over a limit (429), or for what it asks (413, 422).
    Rejected,
    /// An error, or no answer.
    Failed,
}

impl Call {
    pub(super) fn get(target: impl Into<String>) -> Self {
        let target = target.into();
        Self { method: Method::GET, target, headers: Vec::new(), body: Bytes::new(), also: &[] }
    }

    pub(super) fn post(target: impl Into<String>, body: &serde_json::Value) -> Self {
        Self { method: Method::POST, body: body.to_string().into(), ..Self::get(target) }
            .header(CONTENT_TYPE, "application/json")
    }

    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {token}"))
    }

    /// The API answers such a call with these statuses too.
    #[must_use]
    pub(super) const fn also(mut self, statuses: &'static [u16]) -> Self {
        self.also = statuses;
        self
    }

    /// The request. A header or target that is none would be a mistake of ours: it is left out, and shows as a
    /// failed call.
    pub(super) fn request(&self, host: &str, key: Option<&str>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        if let Ok(uri) = self.target.parse() {
            *request.uri_mut() = uri;
        }
        let own = self.headers.iter().map(|(name, value)| (name.clone(), value.as_str()));
        let key = key.map(|key| (HeaderName::from_static("x-api-key"), key));
        for (name, value) in own.chain(key).chain([(HOST, host)]) {
            if let Ok(value) = HeaderValue::from_str(value) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }

    pub(super) fn judge(&self, status: StatusCode) -> Verdict {
        match status.as_u16() {
            200..=299 => Verdict::Answered,
            status if self.also.contains(&status) => Verdict::Answered,
            413 | 422 | 429 => Verdict::Rejected,
            _ => Verdict::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_guess_is_an_answer_and_a_lock_out_is_a_rejection() {
        let guess = Call::get("/private").bearer("guess-1").also(&[401]);
        let judged =
            [200, 401, 429, 422, 404, 502].map(|status| guess.judge(StatusCode::from_u16(status).unwrap()));
        use Verdict::{Answered, Failed, Rejected};
        assert_eq!(judged, [Answered, Answered, Rejected, Rejected, Failed, Failed]);
    }

    #[test]
    fn a_request_carries_the_key_of_its_caller() {
        let call = Call::post("/events", &serde_json::json!({ "user_id": "u" }));
        let request = call.request("127.0.0.1:1", Some("rw_key"));
        assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/events"));
        assert_eq!(
            (&request.headers()["x-api-key"], &request.headers()[HOST]),
            (&HeaderValue::from_static("rw_key"), &HeaderValue::from_static("127.0.0.1:1"))
        );
        assert!(!call.request("h", None).headers().contains_key("x-api-key"));
    }
}
