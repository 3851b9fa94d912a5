//! The families of vendors, by table: which fields a limit's three numbers stand in.
//!
//! Names are the only evidence, for HTTP/2 lower-cases them. Several vendors share `x-ratelimit-*`, so exactly
//! one of them is chosen there, by the extra field or the form of the value that only it has.

use std::time::Duration;

use super::field::{Fields, MAX_WAIT, duration, name, number, quotas};
use super::ietf::merge;
use super::{PublishedLimit, Unit, family};

/// At most so many limits of one family with names of the server's choice.
const MAX_NAMED: usize = 32;

/// One limit of a vendor.
struct Row {
    family: &'static str,
    name: Option<&'static str>,
    unit: Unit,
    window_secs: Option<u64>,
    limit: &'static str,
    remaining: &'static str,
    reset: &'static str,
}

/// OpenAI's order: the kind of number, then what is counted.
macro_rules! openai {
    ($name:literal, $unit:expr) => {
        Row {
            family: family::OPENAI,
            name: Some($name),
            unit: $unit,
            window_secs: None,
            limit: concat!("x-ratelimit-limit-", $name),
            remaining: concat!("x-ratelimit-remaining-", $name),
            reset: concat!("x-ratelimit-reset-", $name),
        }
    };
}

/// Everybody else's order: what is counted, then the kind of number.
macro_rules! suffixed {
    ($family:expr, $prefix:literal, $name:expr, $unit:expr, $window:expr) => {
        Row {
            family: $family,
            name: $name,
            unit: $unit,
            window_secs: $window,
            limit: concat!($prefix, "-limit"),
            remaining: concat!($prefix, "-remaining"),
            reset: concat!($prefix, "-reset"),
        }
    };
}

const ROWS: &[Row] = &[
    openai!("requests", Unit::Requests),
    openai!("tokens", Unit::Other),
    openai!("input-tokens", Unit::Other),
    openai!("output-tokens", Unit::Other),
    suffixed!(family::ANTHROPIC, "anthropic-ratelimit-requests", Some("requests"), Unit::Requests, None),
    suffixed!(family::ANTHROPIC, "anthropic-ratelimit-tokens", Some("tokens"), Unit::Other, None),
    suffixed!(family::ANTHROPIC, "anthropic-ratelimit-input-tokens", Some("input-tokens"), Unit::Other, None),
    suffixed!(
        family::ANTHROPIC,
        "anthropic-ratelimit-output-tokens",
        Some("output-tokens"),
        Unit::Other,
        None
    ),
    suffixed!(family::TWITTER, "x-rate-limit", None, Unit::Requests, None),
    suffixed!(family::TWITTER, "x-app-limit-24hour", Some("app-24hour"), Unit::Requests, Some(86_400)),
    suffixed!(family::TWITTER, "x-user-limit-24hour", Some("user-24hour"), Unit::Requests, Some(86_400)),
];

/// The families that can be recognised by a field of their own.
pub(super) fn by_name(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    let mut limits: Vec<PublishedLimit> = ROWS.iter().filter_map(|row| row.read(fields)).collect();
    limits.extend(shopify(fields));
    limits.extend(azure(fields));
    limits
}

impl Row {
    fn read(&self, fields: &Fields<'_>) -> Option<PublishedLimit> {
        let limit = PublishedLimit {
            name: self.name.map(str::to_owned),
            unit: self.unit,
            limit: fields.number(self.limit),
            remaining: fields.number(self.remaining),
            reset: fields.wait(self.reset),
            window: self.window_secs.map(Duration::from_secs),
            ..PublishedLimit::of(self.family)
        };
        // A reset alone says nothing about a limit.
        (limit.limit.is_some() || limit.remaining.is_some()).then_some(limit)
    }
}

/// `x-ratelimit-limit`, `-remaining`, `-reset`, under the name of whoever writes them in that way.
pub(super) fn x_ratelimit(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    let limit_text = fields.text("x-ratelimit-limit").unwrap_or_default();
    let reset_text = fields.text("x-ratelimit-reset").unwrap_or_default();
    let used = fields.number("x-ratelimit-used");
    let known = quotas(&limit_text);
    let mut first = PublishedLimit {
        limit: known.first().map(|quota| quota.limit),
        remaining: fields.number("x-ratelimit-remaining"),
        reset: ["x-ratelimit-reset-after", "x-ratelimit-reset", "x-ratelimit-next"]
            .iter()
            .find_map(|field| fields.wait(field)),
        ..PublishedLimit::of(family::X_RATELIMIT)
    };
    if first.limit.is_none() && first.remaining.is_none() {
        return Vec::new();
    }
    let is_date = |text: &str| number(text).is_none() && duration(text).is_none() && !text.is_empty();
    first.family = if used.is_some() && fields.has("x-ratelimit-resource") {
        first.name = fields.text("x-ratelimit-resource").as_deref().and_then(name);
        family::GITHUB
    } else if let (Some(used), None) = (used, first.limit) {
        first.limit = first.remaining.and_then(|left| left.checked_add(used));
        family::REDDIT
    } else if fields.has("x-ratelimit-next") {
        family::AKAMAI
    } else if first.reset.is_some() && is_date(&reset_text) {
        family::VIMEO
    } else if speaks_envoy(fields) || known.iter().any(|quota| quota.window.is_some()) {
        return merge(PublishedLimit { family: family::ENVOY, ..first }, &known);
    } else {
        family::X_RATELIMIT
    };
    vec![first]
}

fn speaks_envoy(fields: &Fields<'_>) -> bool {
    fields.names("x-envoy-").next().is_some() || fields.text("server").is_some_and(|server| server == "envoy")
}

/// `32/40`: what is in the bucket, and its size.
fn shopify(fields: &Fields<'_>) -> Option<PublishedLimit> {
    let text = fields.text("x-shopify-shop-api-call-limit")?;
    let (used, size) = text.split_once('/')?;
    let (used, size) = (number(used)?, number(size)?);
    Some(PublishedLimit {
        limit: Some(size),
        remaining: Some(size.saturating_sub(used)),
        ..PublishedLimit::of(family::SHOPIFY)
    })
}

/// `x-ms-ratelimit-remaining-subscription-reads: 11999`; for `…-resource` a list of `name;number`.
fn azure(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    const PREFIX: &str = "x-ms-ratelimit-remaining-";
    let left = |label: &str, text: &str| {
        Some(PublishedLimit {
            name: name(label),
            remaining: Some(number(text)?),
            ..PublishedLimit::of(family::AZURE)
        })
    };
    let mut limits = Vec::new();
    for field in fields.names(PREFIX).take(MAX_NAMED) {
        let Some(text) = fields.text(field) else { continue };
        if text.contains(';') {
            let members = text.split(',').filter_map(|member| member.split_once(';'));
            limits.extend(members.filter_map(|(label, text)| left(label, text)));
        } else {
            limits.extend(left(&field[PREFIX.len()..], &text));
        }
    }
    limits.sort_by(|a, b| a.name.cmp(&b.name));
    limits.truncate(MAX_NAMED);
    limits
}

/// The fields that come only with a rejection and have no numbers beside, at most, a wait.
pub(super) fn reasons(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    let mut limits = Vec::new();
    if let Some(wait) = fields.text("x-retry-in").as_deref().and_then(duration) {
        limits
            .push(PublishedLimit { reset: Some(wait.min(MAX_WAIT)), ..PublishedLimit::of(family::TRAEFIK) });
    }
    if let Some(reason) = fields.text("stripe-rate-limited-reason") {
        let unit = if reason.contains("concurrency") { Unit::ConcurrentRequests } else { Unit::Requests };
        limits.push(PublishedLimit { name: name(&reason), unit, ..PublishedLimit::of(family::STRIPE) });
    }
    // `ThrottlingException:http://internal.amazon.com/…`: what follows the colon is no part of the name.
    let kind = fields.text("x-amzn-errortype");
    let kind = kind.as_deref().and_then(|text| text.split(':').next()).unwrap_or_default();
    if ["Throttl", "TooManyRequests", "LimitExceeded", "ThroughputExceeded", "SlowDown"]
        .iter()
        .any(|word| kind.contains(word))
    {
        limits.push(PublishedLimit { name: name(kind), ..PublishedLimit::of(family::AWS) });
    }
    limits
}
