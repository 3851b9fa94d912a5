//! Under which keys a call is counted.

use std::borrow::Cow;
use std::net::IpAddr;

use ratewarden_callers::Fields;
use ratewarden_counters::{Check, Who};
use ratewarden_limiter::Time;
use ratewarden_policy::{Key, Limit};

use crate::body::Body;
use crate::rules::{Counts, Wall};
use crate::{Head, Refusal, Rules, Selected, Subject};

/// The reason of a refusal where a limit needs an address that an application has not said.
pub const ADDRESS_MISSING: &str = "address_missing";

impl Rules {
    /// Appends one check for each selected limit, in the policy's order.
    ///
    /// # Errors
    /// When what a limit counts per is there more than once, or a body cannot be read.
    #[expect(clippy::too_many_arguments, reason = "what a decision depends on, each once")]
    pub fn weigh<F: Fields>(
        &self,
        selected: &Selected,
        head: &Head<'_, F>,
        subject: &Subject,
        body: Option<&Body<'_>>,
        wall: &impl Wall,
        now: Time,
        checks: &mut Vec<Check>,
    ) -> Result<(), Refusal> {
        checks.clear();
        for &index in &selected.limits {
            let Some(rule) = self.limits.get(index) else { continue };
            let who = match &rule.counts {
                Counts::Everybody => Who::EVERYBODY,
                Counts::Caller => Who::new(subject.caller.id(), subject.caller.is_verified()),
                Counts::Parts(parts) => self.who(parts, &rule.limit, head, subject, body)?,
            };
            checks.push(Check {
                key: rule.id.key(who),
                rule: rule.rule(now, wall),
                cost: crate::cost::of(&rule.limit, head, body)?,
                shadow: rule.limit.shadow,
            });
        }
        Ok(())
    }

    fn who<F: Fields>(
        &self,
        parts: &[Key],
        limit: &Limit,
        head: &Head<'_, F>,
        subject: &Subject,
        body: Option<&Body<'_>>,
    ) -> Result<Who, Refusal> {
        let mut values: Vec<Cow<'_, [u8]>> = Vec::with_capacity(parts.len() * 2);
        // A value is as good as its weakest part: only what somebody proved is bounded in number.
        let mut verified = true;
        for part in parts {
            // What is not there is not the same as what is there and empty.
            let value = value(part, limit, head, subject, body)?;
            values.push(Cow::Borrowed(if value.is_some() { b"+" } else { b"-" }));
            values.push(value.unwrap_or_default());
            verified &= match part {
                Key::Caller | Key::User => subject.caller.is_verified(),
                Key::Method => is_usual(head.method),
                Key::Route => limit.matches.path.is_some() && is_usual(head.method),
                _ => false,
            };
        }
        Ok(Who::new(self.hasher.hash(values.iter().map(AsRef::as_ref)), verified))
    }
}

/// The methods of RFC 9110 and RFC 5789. Any token is a method, so a client can make up as many as it likes.
fn is_usual(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS")
}

fn value<'c, F: Fields>(
    part: &Key,
    limit: &'c Limit,
    head: &Head<'c, F>,
    subject: &Subject,
    body: Option<&Body<'_>>,
) -> Result<Option<Cow<'c, [u8]>>, Refusal> {
    let text = |text: Option<String>| text.map(|text| Cow::Owned(text.into_bytes()));
    Ok(match part {
        Key::Caller => Some(Cow::Owned(subject.caller.id().to_le_bytes().to_vec())),
        Key::Address => Some(Cow::Owned(match subject.address {
            Some(IpAddr::V4(address)) => address.octets().to_vec(),
            Some(IpAddr::V6(address)) => address.octets().to_vec(),
            // One bucket for all whose address was not said would let them reject one another.
            None => {
                let detail = format!("the limit `{}` counts per address, and none was given", limit.name);
                return Err(Refusal::new(422, ADDRESS_MISSING, detail));
            }
        })),
        Key::User => text(subject.caller.user().map(str::to_owned)),
        Key::Method => Some(Cow::Borrowed(head.method.as_bytes())),
        Key::Route => {
            let path = limit.matches.path.as_ref().map_or(head.path, |template| template.as_str());
            Some(Cow::Owned([head.method.as_bytes(), b" ", path.as_bytes()].concat()))
        }
        Key::Header(name) => head.field(name)?.map(|value| Cow::Owned(value.to_vec())),
        Key::Cookie(name) => ratewarden_callers::cookie(head.fields, name)
            .map_err(|_| {
                let detail = format!("the cookie `{name}` is there more than once");
                Refusal::new(400, "duplicate_cookie", detail)
            })?
            .map(|value| Cow::Owned(value.to_vec())),
        Key::Query(name) => text(head.parameter(name)?),
        Key::Path(name) => {
            let template = limit.matches.path.as_ref();
            template
                .and_then(|template| template.param(head.path, name))
                .map(|value| Cow::Borrowed(value.as_bytes()))
        }
        Key::Body(field) => match body {
            Some(body) => text(body.scalar(field)?),
            None => None,
        },
    })
}
