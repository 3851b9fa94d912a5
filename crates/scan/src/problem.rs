//! RFC 9457 problem bodies, and the three problem types that the rate-limit draft registers.
//!
//! Members of the wrong type are ignored one by one, as the RFC asks of whoever reads them.

use serde_json::{Map, Value};

/// A problem body, as far as the scanner needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// The problem type, a URI reference; `about:blank` where it is missing.
    pub r#type: String,
    /// `title`.
    pub title: Option<String>,
    /// `status`.
    pub status: Option<u16>,
    /// `detail`.
    pub detail: Option<String>,
    /// The names of the quota policies that were violated, at most 16.
    pub violated_policies: Vec<String>,
}

/// Longer bodies are no problem details that anybody means seriously.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// Texts are cut to so many characters.
const MAX_TEXT_CHARS: usize = 500;

/// At most so many violated policies are kept.
const MAX_POLICIES: usize = 16;

/// What `draft-ietf-httpapi-ratelimit-headers` registers below `https://iana.org/assignments/http-problem-types#`.
const RATE_TYPES: [&str; 3] = ["quota-exceeded", "temporary-reduced-capacity", "abnormal-usage-detected"];

impl Problem {
    /// Whether it is one of the three types that the rate-limit draft registers.
    #[must_use]
    pub fn is_rate_problem(&self) -> bool {
        let name = self.r#type.rsplit(['#', '/', ':']).next().unwrap_or_default();
        RATE_TYPES.contains(&name.trim())
    }
}

/// Reads a body of type `application/problem+json`. A body of another JSON type counts only where it is a rate
/// problem: frameworks often forget the media type, and any JSON object might be a problem otherwise.
#[must_use]
pub fn parse(media_type: &str, body: &str) -> Option<Problem> {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let declared = essence == "application/problem+json";
    if body.len() > MAX_BODY_BYTES || !(declared || essence.ends_with("json")) {
        return None;
    }
    let json: Value = serde_json::from_str(body.trim_start_matches('\u{feff}')).ok()?;
    if declared { Some(from_members(json.as_object()?)) } else { from_json(&json) }
}

/// A rate problem in a JSON body of any media type.
pub(crate) fn from_json(json: &Value) -> Option<Problem> {
    Some(from_members(json.as_object()?)).filter(Problem::is_rate_problem)
}

fn from_members(members: &Map<String, Value>) -> Problem {
    let text = |key: &str| members.get(key).and_then(Value::as_str).map(cut);
    let policies = members.get("violated-policies").or_else(|| members.get("violated_policies"));
    let policies = policies.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Problem {
        r#type: text("type").unwrap_or_else(|| "about:blank".to_owned()),
        title: text("title"),
        status: members
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (100..600).contains(status)),
        detail: text("detail"),
        violated_policies: policies.iter().filter_map(Value::as_str).take(MAX_POLICIES).map(cut).collect(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUOTA: &str = r#"{
      "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
      "title": "Request cannot be satisfied as assigned quota has been exceeded",
      "violated-policies": ["daily", "bandwidth"]
    }"#;

    #[test]
    fn the_example_of_the_draft_is_a_rate_problem() {
        let problem = parse("application/problem+json; charset=utf-8", QUOTA).unwrap();
        assert!(problem.is_rate_problem());
        assert_eq!(problem.violated_policies, ["daily", "bandwidth"]);
        assert_eq!((problem.status, problem.detail), (None, None));
    }

    #[test]
    fn another_problem_is_read_but_is_no_rate_problem() {
        let body = r#"{"type":"https://example.com/probs/out-of-credit","title":"No credit.","status":403,"detail":"30"}"#;
        let problem = parse("APPLICATION/PROBLEM+JSON", body).unwrap();
        assert!(!problem.is_rate_problem());
        assert_eq!((problem.status, problem.detail.as_deref()), (Some(403), Some("30")));
    }

    #[test]
    fn a_forgotten_media_type_is_forgiven_only_where_the_type_is_certain() {
        assert!(parse("application/json", QUOTA).is_some());
        assert!(parse("application/json", r#"{"title":"x"}"#).is_none());
        assert!(parse("text/html", QUOTA).is_none());
    }

    #[test]
    fn members_of_the_wrong_type_are_ignored_one_by_one() {
        let body = r#"{"type":7,"title":[],"status":"429","violated-policies":[1,"daily",{}]}"#;
        let problem = parse("application/problem+json", body).unwrap();
        assert_eq!(problem.r#type, "about:blank");
        assert_eq!((problem.title, problem.status), (None, None));
        assert_eq!(problem.violated_policies, ["daily"]);
        for body in ["", "[]", "3", "{", "\u{0}"] {
            assert_eq!(parse("application/problem+json", body), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in "\\PC{0,200}", media_type in "\\PC{0,40}") {
            let _ = parse(&media_type, &body);
            let _ = parse("application/problem+json", &body);
        }
    }
}
