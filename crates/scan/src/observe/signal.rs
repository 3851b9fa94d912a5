//! The ways limiters turn a call away.

use std::fmt;

use http::StatusCode;
use serde_json::Value;

use super::Verdict;
use super::normal::Normal;
use crate::http::{Answer, Failure, Response};

/// How a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Signal {
    /// With a status that is not the normal one: 429, 503, 403…
    Status(u16),
    /// With the normal status and a body that says so.
    ErrorBody,
    /// By closing or resetting the connection.
    Close,
    /// With a page that asks for proof of being human.
    Challenge,
    /// gRPC status 8.
    GrpcResourceExhausted,
    /// A GraphQL error in a 200.
    GraphqlError,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::ErrorBody => f.write_str("200-error-body"),
            Self::Close => f.write_str("close"),
            Self::Challenge => f.write_str("challenge"),
            Self::GrpcResourceExhausted => f.write_str("grpc-resource-exhausted"),
            Self::GraphqlError => f.write_str("graphql-error"),
        }
    }
}

/// Judges an answer against the normal one; without one, only unmistakable signals count as a rejection.
pub(super) fn judge(answer: &Answer, normal: Option<&Normal>) -> Verdict {
    match &answer.result {
        Ok(response) => judge_response(response, normal),
        Err(Failure::Closed) if normal.is_some() => Verdict::Rejected(Signal::Close),
        Err(failure) => Verdict::Failed(failure.to_string()),
    }
}

fn judge_response(response: &Response, normal: Option<&Normal>) -> Verdict {
    let status = response.status;
    if response.header("grpc-status") == Some("8") {
        return Verdict::Rejected(Signal::GrpcResourceExhausted);
    }
    if is_challenge(response, normal) {
        return Verdict::Rejected(Signal::Challenge);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Verdict::Rejected(Signal::Status(429));
    }
    let Some(normal) = normal else { return judge_unknown(response) };
    if status == normal.status {
        // Data may well speak of throttles; an answer of another shape that does is a rejection.
        let differs = !normal.is_same_resource(response) && !normal.speaks_of_limits;
        return match says_limited(response) {
            Some(signal) if differs => Verdict::Rejected(signal),
            _ => Verdict::Admitted,
        };
    }
    match status.as_u16() {
        503 | 403 | 420 | 509 | 529 => Verdict::Rejected(Signal::Status(status.as_u16())),
        _ if has_retry_after(response) || says_limited(response).is_some() => {
            Verdict::Rejected(Signal::Status(status.as_u16()))
        }
        code @ 500.. => Verdict::Failed(format!("status {code}")),
        _ => Verdict::Admitted,
    }
}

/// The first answer of all: nothing is known of what is normal.
fn judge_unknown(response: &Response) -> Verdict {
    match (response.status.as_u16(), says_limited(response)) {
        (200..=299, Some(signal)) => Verdict::Rejected(signal),
        (code, said) if code >= 400 && (said.is_some() || has_retry_after(response)) => {
            Verdict::Rejected(Signal::Status(code))
        }
        (code @ 500.., _) => Verdict::Failed(format!("status {code}")),
        _ => Verdict::Admitted,
    }
}

fn has_retry_after(response: &Response) -> bool {
    response.headers.contains_key("retry-after")
}

/// Words that stand in bodies of rejections; compared in lower case.
const LIMIT_WORDS: [&str; 10] = [
    "rate limit",
    "ratelimit",
    "rate_limit",
    "rate-limit",
    "too many requests",
    "too_many_requests",
    "throttl",
    "quota exceeded",
    "quota-exceeded",
    "resource_exhausted",
];

/// Whether a small body says that a limit was met. Large bodies are data: a list of products may well contain
/// the word "throttle".
pub(super) fn says_limited(response: &Response) -> Option<Signal> {
    if response.body_bytes > 4_096 {
        return None;
    }
    let is_graphql = matches!(response.json(), Some(Value::Object(fields)) if fields.get("errors").is_some_and(Value::is_array));
    let text = response.text().to_ascii_lowercase();
    let signal = if is_graphql { Signal::GraphqlError } else { Signal::ErrorBody };
    LIMIT_WORDS.iter().any(|word| text.contains(word)).then_some(signal)
}

fn is_challenge(response: &Response, normal: Option<&Normal>) -> bool {
    if response.header("cf-mitigated") == Some("challenge")
        || response.headers.contains_key("x-amzn-waf-action")
    {
        return true;
    }
    let turned_html =
        response.media_type() == "text/html" && normal.is_some_and(|normal| normal.media_type != "text/html");
    let leads_away = response.header("location").is_some_and(|to| {
        let to = to.to_ascii_lowercase();
        normal.is_some_and(|normal| normal.location.is_none())
            && ["captcha", "challenge", "blocked"].iter().any(|word| to.contains(word))
    });
    let asks = || {
        let text = response.text().to_ascii_lowercase();
        ["captcha", "cf-challenge", "challenge-platform", "are you human"]
            .iter()
            .any(|word| text.contains(word))
    };
    leads_away || (turned_html && asks())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn response(status: u16, fields: &[(&str, &str)], body: &str) -> Response {
        let mut headers = http::HeaderMap::new();
        for (name, value) in fields {
            headers.insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            version: http::Version::HTTP_11,
            headers,
            body: Bytes::copy_from_slice(body.as_bytes()),
            body_bytes: body.len() as u64,
            truncated: false,
        }
    }

    fn answer(result: Result<Response, Failure>) -> Answer {
        Answer { sent_at: Duration::ZERO, latency: Duration::ZERO, total: Duration::ZERO, result }
    }

    fn normal() -> Normal {
        Normal::of(&response(200, &[("content-type", "application/json")], r#"{"items":[],"next":null}"#))
    }

    fn verdict(status: u16, fields: &[(&str, &str)], body: &str) -> Verdict {
        judge(&answer(Ok(response(status, fields, body))), Some(&normal()))
    }

    #[test]
    fn every_way_of_rejecting_is_recognised() {
        type Case<'a> = (u16, &'a [(&'a str, &'a str)], &'a str, Signal);
        let cases: [Case<'_>; 8] = [
            (429, &[], "", Signal::Status(429)),
            (503, &[], "<html>503</html>", Signal::Status(503)),
            (403, &[], "", Signal::Status(403)),
            (400, &[("retry-after", "3")], "", Signal::Status(400)),
            (200, &[], r#"{"error":"Rate limit exceeded"}"#, Signal::ErrorBody),
            (200, &[], r#"{"errors":[{"message":"throttled"}]}"#, Signal::GraphqlError),
            (200, &[("grpc-status", "8")], "", Signal::GrpcResourceExhausted),
            (403, &[("cf-mitigated", "challenge")], "", Signal::Challenge),
        ];
        for (status, fields, body, signal) in cases {
            assert_eq!(verdict(status, fields, body), Verdict::Rejected(signal), "{status} {body}");
        }
        assert_eq!(judge(&answer(Err(Failure::Closed)), Some(&normal())), Verdict::Rejected(Signal::Close));
    }

    #[test]
    fn data_that_mentions_a_throttle_is_not_a_rejection() {
        assert_eq!(verdict(200, &[], r#"{"items":["throttle body"],"next":null}"#), Verdict::Admitted);
        assert_eq!(verdict(404, &[], "no such item"), Verdict::Admitted);
    }

    #[test]
    fn an_envelope_that_turns_to_an_error_is_a_rejection() {
        let normal = Normal::of(&response(200, &[], r#"{"code":0,"message":"ok","data":[1]}"#));
        let limited = response(200, &[], r#"{"code":42901,"message":"too many requests","data":null}"#);
        assert_eq!(judge(&answer(Ok(limited)), Some(&normal)), Verdict::Rejected(Signal::ErrorBody));
    }

    #[test]
    fn a_first_answer_that_speaks_of_a_limit_is_a_rejection() {
        for (status, body) in
            [(403, r#"{"message":"API rate limit exceeded"}"#), (200, r#"{"error":"Rate limit exceeded"}"#)]
        {
            let first = answer(Ok(response(status, &[], body)));
            assert!(judge(&first, None).is_rejected(), "{status}");
        }
    }

    #[test]
    fn an_error_of_the_server_is_neither() {
        assert!(matches!(verdict(500, &[], "oops"), Verdict::Failed(_)));
        assert!(matches!(verdict(502, &[], ""), Verdict::Failed(_)));
        assert!(matches!(judge(&answer(Err(Failure::Closed)), None), Verdict::Failed(_)));
    }

    #[test]
    fn an_endpoint_that_always_answers_401_is_normal_at_401() {
        let locked = Normal::of(&response(401, &[], "{}"));
        let again = answer(Ok(response(401, &[], "{}")));
        assert_eq!(judge(&again, Some(&locked)), Verdict::Admitted);
    }
}
