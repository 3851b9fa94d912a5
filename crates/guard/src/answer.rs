//! What a client is told: rejections, refusals, and the fields that say what is left.
//!
//! What fields and problems of limits say is `limiter`'s ([`Told`], [`quota_exceeded`]); other problems are by RFC 9457.
//! The legacy triple (`X-RateLimit-*`, reset in seconds from now) is what most clients read.

mod fields;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use ratewarden_counters::Verdict;
use ratewarden_judge::{LimitRule, Refusal, Rules, Selected};
use ratewarden_limiter::{Retry, Time, Told, quota_exceeded, whole_seconds, write_number};
use ratewarden_policy::{Answer as Style, AnswerBody, LimitFields};

pub(crate) use fields::FieldList;

/// An answer of the gateway itself, for any engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: FieldList,
    pub(crate) media_type: Cow<'static, str>,
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
    let violated = || {
        let enforced = enforced(rules, selected, verdicts);
        enforced.filter(|(_, verdict)| verdict.rejected.is_some()).map(|(rule, _)| rule)
    };
    let seconds = retry.seconds();
    let mut fields = limit_fields(style, rules, selected, verdicts, now);
    if let Some(seconds) = seconds {
        fields.add("retry-after", |value| write_number(seconds, value));
    }
    let (media_type, body) = match &style.body {
        AnswerBody::None => (Cow::Borrowed(""), String::new()),
        AnswerBody::Text { media_type, text } => {
            let names: Vec<&str> = violated().map(|rule| rule.limit.name.as_str()).collect();
            let seconds = seconds.map_or_else(|| "never".to_owned(), |seconds| seconds.to_string());
            let text = text.replace("{retry-after}", &seconds).replace("{limit}", &names.join(", "));
            (Cow::Owned(media_type.clone()), text)
        }
        AnswerBody::Problem => {
            let violated = violated().map(|rule| &rule.notice);
            (Cow::Borrowed(PROBLEM), quota_exceeded(style.status, violated, retry))
        }
    };
    Answer { status: style.status, fields, media_type, body }
}

/// A call of somebody who is banned.
pub(crate) fn banned(style: &Style, left: Duration, rule: &str) -> Answer {
    let seconds = whole_seconds(left);
    let detail = format!("Banned for {seconds} more seconds: {rule}.");
    let mut answer = refusal(&Refusal::new(style.status, "banned", detail));
    answer.fields.add("retry-after", |value| write_number(seconds, value));
    answer
}

/// A call that is refused for what it is.
pub(crate) fn refusal(refusal: &Refusal) -> Answer {
    let mut body =
        format!(r#"{{"title":{},"status":{},"detail":"#, json(title(refusal.status)), refusal.status);
    body.push_str(&json(&refusal.detail));
    let _ = write!(body, r#","reason":{}}}"#, json(refusal.reason));
    let mut fields = FieldList::default();
    match refusal.status {
        // RFC 6750 section 3.1.
        401 if refusal.reason.starts_with("token_") => {
            fields.push("www-authenticate", r#"Bearer error="invalid_token""#);
        }
        401 => fields.push("www-authenticate", "Bearer"),
        503 => fields.push("retry-after", "1"),
        _ => {}
    }
    Answer { status: refusal.status, fields, media_type: Cow::Borrowed(PROBLEM), body }
}

/// The fields that say what is left of the limits of a call. `RateLimit` is given for the limit that is nearest
/// to its end, `RateLimit-Policy` for each.
pub(crate) fn limit_fields(
    style: &Style,
    rules: &Rules,
    selected: &Selected,
    verdicts: &[Verdict],
    now: Time,
) -> FieldList {
    let (draft, legacy) = match style.fields {
        LimitFields::Draft => (true, false),
        LimitFields::Legacy => (false, true),
        LimitFields::Both => (true, true),
        LimitFields::None => return FieldList::default(),
    };
    let told = || {
        enforced(rules, selected, verdicts).map(|(rule, verdict)| Told {
            notice: &rule.notice,
            standing: verdict.standing(now),
            rejected: verdict.rejected,
        })
    };
    let Some(nearest) = Told::nearest(told()) else { return FieldList::default() };
    let mut fields = FieldList::with_room();
    if draft {
        fields.add("ratelimit", |value| nearest.write_rate_limit(value));
        fields.add("ratelimit-policy", |value| {
            for (index, (rule, _)) in enforced(rules, selected, verdicts).enumerate() {
                value.push_str(if index > 0 { ", " } else { "" });
                value.push_str(rule.notice.policy());
            }
        });
    }
    if legacy {
        fields.add("x-ratelimit-limit", |value| write_number(nearest.notice.published().quota, value));
        fields.add("x-ratelimit-remaining", |value| write_number(nearest.remaining(), value));
        fields.add("x-ratelimit-reset", |value| write_number(nearest.reset(), value));
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
