//! The IETF rate-limit fields in their three generations, and the two vendors that took the names of the second
//! draft for their own: GitLab, whose reset is an epoch, and Kong, which adds a field for each period.
//!
//! Drafts -08 to -11 are structured fields (RFC 9651) and are read by a parser of those: a field that does not
//! parse is ignored as a whole, as that RFC demands. The older lists are read leniently, for old servers write
//! them in many ways.

use std::time::Duration;

use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parameters, Parser};

use super::field::{Fields, Quota, name, number, quotas, seconds};
use super::{PublishedLimit, Unit, family};

/// Members of a list beyond these are not read.
const MAX_MEMBERS: usize = 32;

/// Drafts -08 to -11: policies and what is left of them, joined by name.
pub(super) fn current(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    let policies = items(fields, "ratelimit-policy");
    let left = items(fields, "ratelimit");
    let mut limits: Vec<PublishedLimit> = left.iter().filter_map(service_limit).collect();
    for policy in policies.iter().filter_map(quota_policy) {
        let known = limits.iter_mut().find(|limit| limit.name == policy.name && limit.limit.is_none());
        match known {
            Some(limit) => {
                (limit.limit, limit.window, limit.unit) = (policy.limit, policy.window, policy.unit);
            }
            None => limits.push(policy),
        }
    }
    limits
}

fn items(fields: &Fields<'_>, field: &str) -> Vec<Item> {
    let list =
        fields.text(field).and_then(|text| Parser::new(&text).parse::<List>().ok()).unwrap_or_default();
    let items = list.into_iter().filter_map(|entry| match entry {
        ListEntry::Item(item) => Some(item),
        ListEntry::InnerList(_) => None,
    });
    items.take(MAX_MEMBERS).collect()
}

/// `"p";r=50;t=30`; without `r` it is malformed. Draft -08 wrote the name as a token.
fn service_limit(item: &Item) -> Option<PublishedLimit> {
    Some(PublishedLimit {
        name: policy_name(item)?,
        remaining: Some(parameter(&item.params, "r")?),
        reset: parameter(&item.params, "t").map(seconds),
        ..PublishedLimit::of(family::IETF_10)
    })
}

/// `"p";q=100;w=60;qu="requests"`; without `q` it is malformed.
fn quota_policy(item: &Item) -> Option<PublishedLimit> {
    Some(PublishedLimit {
        name: policy_name(item)?,
        limit: Some(parameter(&item.params, "q")?),
        window: parameter(&item.params, "w").map(seconds).filter(|window| !window.is_zero()),
        unit: item.params.get("qu").map_or(Unit::Requests, quota_unit),
        ..PublishedLimit::of(family::IETF_10)
    })
}

fn policy_name(item: &Item) -> Option<Option<String>> {
    match &item.bare_item {
        BareItem::String(text) => Some(name(text.as_str())),
        BareItem::Token(text) => Some(name(text.as_str())),
        _ => None,
    }
}

fn parameter(params: &Parameters, key: &str) -> Option<u64> {
    u64::try_from(i64::from(params.get(key)?.as_integer()?)).ok()
}

fn quota_unit(unit: &BareItem) -> Unit {
    let text =
        unit.as_string().map(sfv::StringRef::as_str).or_else(|| unit.as_token().map(sfv::TokenRef::as_str));
    match text {
        Some("requests") => Unit::Requests,
        Some("content-bytes") => Unit::ContentBytes,
        Some("concurrent-requests") => Unit::ConcurrentRequests,
        _ => Unit::Other,
    }
}

/// Draft -07: one dictionary, and the policies beside it.
pub(super) fn dictionary(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    let text = fields.text("ratelimit");
    if text.is_none() && fields.has("ratelimit-limit") {
        return Vec::new(); // the policies belong to draft -06
    }
    let members = text.and_then(|text| Parser::new(&text).parse::<Dictionary>().ok()).unwrap_or_default();
    let member = |key: &str| match members.get(key)? {
        ListEntry::Item(item) => u64::try_from(i64::from(item.bare_item.as_integer()?)).ok(),
        ListEntry::InnerList(_) => None,
    };
    let first = PublishedLimit {
        limit: member("limit"),
        remaining: member("remaining"),
        reset: member("reset").map(seconds),
        ..PublishedLimit::of(family::IETF_07)
    };
    merge(first, &policies(fields))
}

/// `100;w=60, 1000;w=3600`: quota and window in front, which the current draft has in parameters.
fn policies(fields: &Fields<'_>) -> Vec<Quota> {
    fields.text("ratelimit-policy").map(|text| quotas(&text)).unwrap_or_default()
}

/// Drafts up to -06: three fields; the limit may bring its policies along.
pub(super) fn three_fields(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    if ["ratelimit-observed", "ratelimit-resettime"].iter().any(|field| fields.has(field)) {
        return gitlab(fields);
    }
    let mut known = fields.text("ratelimit-limit").map(|text| quotas(&text)).unwrap_or_default();
    let limit = known.first().map(|quota| quota.limit);
    known.extend(policies(fields));
    let first = PublishedLimit {
        limit,
        remaining: fields.number("ratelimit-remaining"),
        reset: fields.wait("ratelimit-reset"),
        ..PublishedLimit::of(family::IETF_06)
    };
    if first.says_nothing() { Vec::new() } else { merge(first, &known) }
}

/// GitLab: `RateLimit-Limit` is scaled to a minute by its documentation, but only approximately, so the window
/// stays unknown.
fn gitlab(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    let limit = PublishedLimit {
        name: fields.text("ratelimit-name").as_deref().and_then(name),
        limit: fields.number("ratelimit-limit"),
        remaining: fields.number("ratelimit-remaining"),
        reset: fields.wait("ratelimit-reset").or_else(|| fields.wait("ratelimit-resettime")),
        ..PublishedLimit::of(family::GITLAB)
    };
    if limit.says_nothing() { Vec::new() } else { vec![limit] }
}

/// Gives the limit that was published with its state the window of the policy of the same size, and lists the
/// other policies after it.
pub(super) fn merge(mut first: PublishedLimit, known: &[Quota]) -> Vec<PublishedLimit> {
    let only = known.len() == 1;
    let same = known.iter().filter(|quota| first.limit.map_or(only, |limit| limit == quota.limit));
    // A policy with a window tells more than the bare number that stands for the closest limit.
    let best = same.clone().find(|quota| quota.window.is_some()).or_else(|| same.clone().next());
    if let Some(quota) = best {
        first.limit = Some(quota.limit);
        first.window = quota.window;
        first.name.clone_from(&quota.name);
    }
    let published = first.family;
    let mut limits: Vec<PublishedLimit> = (!first.says_nothing()).then_some(first).into_iter().collect();
    for quota in known {
        let listed = limits.iter().any(|limit| {
            limit.limit == Some(quota.limit) && (quota.window.is_none() || limit.window == quota.window)
        });
        if !listed && limits.len() < MAX_MEMBERS {
            limits.push(PublishedLimit {
                name: quota.name.clone(),
                limit: Some(quota.limit),
                window: quota.window,
                ..PublishedLimit::of(published)
            });
        }
    }
    limits
}

/// Kong's periods and how many seconds it counts for each.
const PERIODS: [(&str, u64); 6] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 3_600),
    ("day", 86_400),
    ("month", 2_592_000),
    ("year", 31_536_000),
];

/// Kong: a limit for each period; the unnumbered fields repeat the closest, and only they have the reset.
pub(super) fn kong(fields: &Fields<'_>) -> Vec<PublishedLimit> {
    const PREFIX: &str = "x-ratelimit-limit-";
    let mut limits: Vec<(u64, PublishedLimit)> = Vec::new();
    for field in fields.names(PREFIX).take(MAX_MEMBERS) {
        let label = &field[PREFIX.len()..];
        let last = label.rsplit('-').next().unwrap_or(label);
        let Some((period, secs)) = PERIODS.iter().find(|(period, _)| *period == last) else { continue };
        let Some(limit) = fields.number(field) else { continue };
        let published = PublishedLimit {
            name: name(label),
            // The response-ratelimiting plugin counts whatever the upstream says, under a name of its own.
            unit: if label == *period { Unit::Requests } else { Unit::Other },
            limit: Some(limit),
            remaining: fields.number(&format!("x-ratelimit-remaining-{label}")),
            window: Some(Duration::from_secs(*secs)),
            ..PublishedLimit::of(family::KONG)
        };
        limits.push((*secs, published));
    }
    limits.sort_by(|(a, first), (b, second)| a.cmp(b).then_with(|| first.name.cmp(&second.name)));
    let mut limits: Vec<PublishedLimit> = limits.into_iter().map(|(_, limit)| limit).collect();
    let closest = fields.text("ratelimit-limit").and_then(|text| number(&text));
    let left = fields.number("ratelimit-remaining");
    if let Some(position) =
        limits.iter().position(|limit| limit.limit == closest && (left.is_none() || limit.remaining == left))
    {
        limits[position].reset = fields.wait("ratelimit-reset");
        limits[..=position].rotate_right(1);
    }
    limits
}
