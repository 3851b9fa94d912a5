//! `POST /v1/check`: decisions for applications that ask before they do something.
//!
//! The answer is 200 whatever is decided, since the question was answered; a client library that takes 429 for an
//! error of its own would otherwise retry the question, and be charged for it. 4xx is a question that is none.
//!
//! A caller that is named is believed: who has the token may say who calls. It counts as the owner of a key of that
//! name would, so that an application and the gateway before it share one count.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};
use ratewarden_callers::Caller;
use ratewarden_judge::{ADDRESS_MISSING, Head, Operation, Refusal};
use ratewarden_limiter::Retry;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::call;
use crate::detection::About;
use crate::gate::{Asker, Judged, Opinion, ask};
use crate::state::Loaded;
use crate::worker::Worker;

/// The most characters of a caller's name.
const LONGEST_NAME: usize = 256;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// Who calls; without it the headers say that, or else the address.
    caller: Option<String>,
    address: Option<IpAddr>,
    #[serde(default = "get")]
    method: String,
    /// With the query, if there is one.
    #[serde(default = "root")]
    path: String,
    #[serde(default)]
    headers: Headers,
    /// Instead of what the policy says the call costs.
    cost: Option<NonZeroU64>,
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

/// The fields of the call, each as often as it is there.
#[derive(Debug, Default)]
struct Headers(HeaderMap);

/// What is answered.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    decision: &'static str,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Null where it would never be admitted as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<Option<u64>>,
    limits: Vec<LimitVerdict>,
}

#[derive(Debug, Serialize)]
struct LimitVerdict {
    name: String,
    limit: u64,
    remaining: u64,
    /// Until all of it is there again.
    reset_seconds: u64,
    rejected: bool,
    shadow: bool,
}

/// Decides.
///
/// # Errors
/// When the question is none: nobody is named, or a limit needs an address that is not there.
pub(super) fn decide(worker: &Rc<Worker>, question: &Question) -> Result<Verdict, Refusal> {
    let loaded = worker.loaded();
    let asker = asker(&loaded, question)?;
    let (path, query) = call::split(&question.path);
    let checked = call::one_form(path, query);
    let opinion = match &checked {
        Ok(path) => {
            let (method, fields) = (question.method.as_str(), &question.headers.0);
            let head = Head { method, path, query, fields, at: worker.shared.clock.now(), changeable: false };
            ask(worker, &loaded, &head, asker, question.cost.map(NonZeroU64::get))
        }
        Err(refusal) => Opinion::refused(refusal.clone(), None),
    };
    if let Some(refusal) = opinion.refusal.as_ref().filter(|refusal| refusal.reason == ADDRESS_MISSING) {
        return Err(refusal.clone());
    }
    let status = match (opinion.note.verdict, &opinion.refusal) {
        (Judged::Admitted | Judged::Shadowed, _) => 200,
        (_, Some(refusal)) => refusal.status,
        (_, None) => loaded.policy.answer.status,
    };
    let about = About {
        operation: Operation { method: &question.method, path: checked.as_deref().unwrap_or_default() },
        query,
        fields: Some(&question.headers.0),
        address: question.address,
        subject: opinion.subject.as_ref(),
        tried: opinion.tried,
    };
    worker.asked(&about, &opinion.note, status);
    let limits = opinion.limits.iter().filter_map(|(limit, standing, rejected)| {
        let rule = loaded.rules.limits.get(*limit)?;
        Some(LimitVerdict {
            name: rule.limit.name.clone(),
            limit: rule.notice.published().quota,
            remaining: standing.remaining.min(rule.notice.published().quota),
            reset_seconds: standing.reset.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
            rejected: *rejected,
            shadow: rule.limit.shadow,
        })
    });
    let is_admitted = matches!(opinion.note.verdict, Judged::Admitted | Judged::Shadowed);
    Ok(Verdict {
        decision: if is_admitted { "admit" } else { "reject" },
        limits: limits.collect(),
        reason: (!opinion.note.reason.is_empty()).then_some(Cow::Borrowed(opinion.note.reason)),
        detail: opinion.refusal.map(|refusal| refusal.detail),
        retry_after_seconds: opinion.retry.map(Retry::seconds),
    })
}

fn asker(loaded: &Loaded, question: &Question) -> Result<Asker, Refusal> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if question.method.is_empty() || !question.method.chars().all(is_token) {
        return Err(Refusal::new(422, "method", "`method` is an HTTP method, such as \"POST\""));
    }
    match (&question.caller, question.address) {
        (Some(name), address) => Ok(Asker::Named { caller: named(loaded, name)?, address }),
        (None, Some(address)) => Ok(Asker::Unnamed(address)),
        (None, None) => Err(Refusal::new(422, "nobody", "name the `caller`, or give the client's `address`")),
    }
}

/// The caller of a name.
///
/// # Errors
/// When it cannot be one.
pub(super) fn named(loaded: &Loaded, name: &str) -> Result<Caller, Refusal> {
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let detail = format!("`caller` has 1 to {LONGEST_NAME} characters, none of them a control character");
        return Err(Refusal::new(422, "caller", detail));
    }
    Ok(loaded.identifier.named(name))
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

/// Keeps a name that is there twice, for the judge to refuse where it matters.
struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of header names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = HeaderMap::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            let parsed = HeaderName::try_from(&name).ok().zip(HeaderValue::try_from(value).ok());
            // The value may be a secret, so it is not repeated.
            let Some((name, value)) = parsed else {
                return Err(A::Error::custom(format!("`{name}` is no header, or its value cannot be one")));
            };
            headers.append(name, value);
        }
        Ok(Headers(headers))
    }
}
