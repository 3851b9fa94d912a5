//! What a client is told: rejections, refusals, and the fields that say what is left.
//!
//! What fields and problems of limits say is `limiter`'s ([`Told`], [`quota_exceeded`]); other problems are by RFC 9457. The legacy triple (`X-RateLimit-*`, reset in seconds from now) is what most clients read.

use std::fmt::Write as _;
use std::time::Duration;

use ratewarden_counters::Verdict;
use ratewarden_limiter::{Retry, Time, Told, quota_exceeded, whole_seconds};
use ratewarden_policy::{Answer as Style, AnswerBody, LimitFields};

use crate::judge::{LimitRule, Refusal, Rules, Selected};

/// A field of an answer.
pub(crate) type Field = (&'static str, String);

/// An answer of the gateway itself, for any engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<Field>,
    pub(crate) media_type: String,
    pub(crate) body: String,
}

const PROBLEM: &str = "application/problem+json";

/// A rejected call: which limits rejected it, and when it may come again.
pub(crate) fn rejection(
    style: &Style,
    rules: &Rules,
    selected: &Selected,
    verdicts: &[Verdict],
    retry: Retry,
    now: Time,
) -> Answer {
    let violated: Vec<&LimitRule> = enforced(rules, selected, verdicts)
        .filter(|(_, verdict)| verdict.rejected.is_some())
        .map(|(rule, _)| rule)
        .collect();
    let seconds = retry.seconds();
    let mut fields = limit_fields(style, rules, selected, verdicts, now);
    if let Some(seconds) = seconds {
        fields.push(("retry-after", seconds.to_string()));
    }
    let names: Vec<&str> = violated.iter().map(|rule| rule.limit.name.as_str()).collect();
    let (media_type, body) = match &style.body {
        AnswerBody::None => (String::new(), String::new()),
        AnswerBody::Text { media_type, text } => {
            let seconds = seconds.map_or_else(|| "never".to_owned(), |seconds| seconds.to_string());
            let text = text.replace("{retry-after}", &seconds).replace("{limit}", &names.join(", "));
            (media_type.clone(), text)
        }
        AnswerBody::Problem => (PROBLEM.to_owned(), quota_exceeded(style.status, &names, retry)),
    };
    Answer { status: style.status, fields, media_type, body }
}

/// A call of somebody who is banned.
pub(crate) fn banned(style: &Style, left: Duration, rule: &str) -> Answer {
    let seconds = whole_seconds(left);
    let detail = format!("Banned for {seconds} more seconds: {rule}.");
    let mut answer = refusal(&Refusal::new(style.status, "banned", detail));
    answer.fields.push(("retry-after", seconds.to_string()));
    answer
}

/// A call that is refused for what it is.
pub(crate) fn refusal(refusal: &Refusal) -> Answer {
    let mut body =
        format!(r#"{{"title":{},"status":{},"detail":"#, json(title(refusal.status)), refusal.status);
    body.push_str(&json(&refusal.detail));
    let _ = write!(body, r#","reason":{}}}"#, json(refusal.reason));
    let mut fields = Vec::new();
    match refusal.status {
        // RFC 6750 section 3.1.
        401 if refusal.reason.starts_with("token_") => {
            fields.push(("www-authenticate", r#"Bearer error="invalid_token""#.to_owned()));
        }
        401 => fields.push(("www-authenticate", "Bearer".to_owned())),
        503 => fields.push(("retry-after", "1".to_owned())),
        _ => {}
    }
    Answer { status: refusal.status, fields, media_type: PROBLEM.to_owned(), body }
}

/// The fields that say what is left of the limits of a call. `RateLimit` is given for the limit that is nearest
/// to its end, `RateLimit-Policy` for each.
pub(crate) fn limit_fields(
    style: &Style,
    rules: &Rules,
    selected: &Selected,
    verdicts: &[Verdict],
    now: Time,
) -> Vec<Field> {
    let (draft, legacy) = match style.fields {
        LimitFields::Draft => (true, false),
        LimitFields::Legacy => (false, true),
        LimitFields::Both => (true, true),
        LimitFields::None => return Vec::new(),
    };
    let told = || {
        enforced(rules, selected, verdicts).map(|(rule, verdict)| Told {
            name: &rule.limit.name,
            published: rule.published,
            standing: verdict.standing(now),
            rejected: verdict.rejected,
        })
    };
    let Some(nearest) = Told::nearest(told()) else { return Vec::new() };
    let mut fields = Vec::with_capacity(5);
    if draft {
        fields.push(("ratelimit", nearest.rate_limit()));
        fields.push(("ratelimit-policy", told().map(|told| told.policy()).collect::<Vec<_>>().join(", ")));
    }
    if legacy {
        fields.push(("x-ratelimit-limit", nearest.published.quota.to_string()));
        fields.push(("x-ratelimit-remaining", nearest.remaining().to_string()));
        fields.push(("x-ratelimit-reset", nearest.reset().to_string()));
    }
    fields
}

fn enforced<'r>(
    rules: &'r Rules,
    selected: &'r Selected,
    verdicts: &'r [Verdict],
) -> impl Iterator<Item = (&'r LimitRule, &'r Verdict)> {
    let limits = selected.limits.iter().filter_map(|&index| rules.limits.get(index));
    limits.zip(verdicts).filter(|(rule, _)| !rule.limit.shadow)
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The standard phrase of a status that the gateway answers.
pub(crate) const fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad request",
        401 => "Unauthorized",
        403 => "Forbidden",
        405 => "Method not allowed",
        408 => "Request timeout",
        411 => "Length required",
        413 => "Content too large",
        414 => "URI too long",
        415 => "Unsupported media type",
        422 => "Unprocessable content",
        429 => "Too many requests",
        431 => "Request header fields too large",
        501 => "Not implemented",
        502 => "Bad gateway",
        503 => "Service unavailable",
        504 => "Gateway timeout",
        505 => "HTTP version not supported",
        _ => "Error",
    }
}
