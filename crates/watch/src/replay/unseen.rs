//! What a log cannot show of a policy.
//!
//! A limit whose keys or conditions stand in what a log does not have is not replayed: counting all calls under one missing
//! value would be a figure about nothing. Where only a cost is unseen, the limit is replayed and the report says in which
//! direction its figures are off.

use ratewarden_limiter::Algorithm;
use ratewarden_policy::{Bounded, Cost, CostSource, Key, Limit, Matches, Policy, Settle};

use super::fields::Place;

/// Fields that logs show of every call.
const SHOWN: [&str; 2] = ["user-agent", "referer"];

/// What must be said of one limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unseen {
    /// Why it is not replayed; empty where it is.
    pub(crate) unsupported: Vec<String>,
    /// What its figures rest on.
    pub(crate) assumptions: Vec<String>,
    /// Whether it looks at the query.
    pub(crate) query: bool,
}

/// What a log does not show of a limit.
pub(crate) fn of_limit(limit: &Limit, places: &[Place]) -> Unseen {
    let mut unseen = Unseen::default();
    let shows = |name: &str| {
        SHOWN.contains(&name) || places.iter().any(|place| matches!(place, Place::Header(own) if own == name))
    };
    let mut not = |what: String| unseen.unsupported.push(format!("{what} is not in a log"));
    for name in limit.matches.headers.keys().filter(|name| !shows(name)) {
        not(format!("it matches the header `{name}`, which"));
    }
    for key in &limit.per {
        match key {
            Key::Header(name) if !shows(name) => not(format!("it counts per header `{name}`, which")),
            Key::Cookie(name) if !places.contains(&Place::Cookie(name.clone())) => {
                not(format!("it counts per cookie `{name}`, which"));
            }
            Key::Body(names) => not(format!("it counts per field `{}` of the body, which", names.join("."))),
            _ => {}
        }
    }
    if let Some(name) = limit.when.as_deref().and_then(|when| unseen_header(when, shows)) {
        not(format!("its condition asks for {name}, which"));
    }
    unseen.assumptions = assumptions(limit);
    unseen.query = sees_query(limit);
    unseen
}

/// What a log does not show of a policy beside its limits.
pub(crate) fn of_policy(policy: &Policy, places: &[Place]) -> Vec<String> {
    let mut all = Vec::new();
    if policy.callers.iter().any(|source| matches!(source.from, ratewarden_policy::CallerFrom::Mtls)) {
        all.push(
            "Subjects of client certificates are not in a log; such callers are counted by what comes next."
                .into(),
        );
    }
    if places.len() > 1 {
        let text = "A log does not say in which field a credential stood: it is taken for the first of the policy's \
                    callers that accepts it.";
        all.push(text.to_owned());
    }
    if places.contains(&Place::Jwt) {
        let text = "Where a log has the user and not the token, the user is taken for the token's subject; tokens whose \
                    keys an issuer publishes are taken for what they say they are and told apart by their hash.";
        all.push(text.to_owned());
    }
    for bound in &policy.bounds {
        if let Bounded::Body { .. } | Bounded::Response { .. } = bound.what {
            all.push(format!(
                "The bound `{}` is not replayed: it looks into bodies, which are not in a log.",
                bound.name
            ));
        } else if bound.matches.headers.keys().any(|name| !SHOWN.contains(&name.as_str())) {
            all.push(format!(
                "The bound `{}` is not replayed: it matches a header that is not in a log.",
                bound.name
            ));
        }
    }
    all
}

/// The policy with what can be replayed of it; limits stay where they are and match nothing, so places keep their meaning.
pub(crate) fn without_bounds_unseen(policy: &mut Policy) {
    policy.bounds.retain(|bound| {
        matches!(bound.what, Bounded::Query { .. })
            && bound.matches.headers.keys().all(|name| SHOWN.contains(&name.as_str()))
    });
}

fn assumptions(limit: &Limit) -> Vec<String> {
    let mut all = Vec::new();
    if let Cost::From { source, most } = &limit.cost {
        let what = match source {
            CostSource::Query(_) => None,
            CostSource::Header(name) if SHOWN.contains(&name.as_str()) => None,
            CostSource::Header(name) => Some(format!("in the header `{name}`")),
            CostSource::Body(names) => Some(format!("in the field `{}` of the body", names.join("."))),
            CostSource::BodyBytes { .. } => Some("in the bytes of the body".to_owned()),
        };
        if let Some(what) = what {
            all.push(format!(
                "The cost stands {what}, which is not in a log: every call counts 1 (at the gateway up to {most}), so it \
                 would have rejected more than is said here."
            ));
        }
    }
    match &limit.settle {
        Some(Settle::ResponseHeader(name)) => all.push(format!(
            "The price that a response names in `{name}` is not in a log: the cost at the door stands."
        )),
        Some(Settle::ResponseBytes { .. } | Settle::Status { .. }) => {
            all.push("Costs are settled with the status and bytes that were answered then.".to_owned());
        }
        None => {}
    }
    if limit.matches.plan.is_some() {
        all.push("A caller whose plan no file of keys says has the default plan.".to_owned());
    }
    if matches!(limit.algorithm, Algorithm::Concurrency(_)) {
        let text = "A call is taken to be under way from its logged time for as long as it took; where a log writes the \
                    time of the end, calls of unlike length meet a little differently.";
        all.push(text.to_owned());
    }
    if matches!(limit.algorithm, Algorithm::Window(_)) {
        let text = "Slices of a window begin with the gateway, here with the first call: a call may be admitted up to a \
                    fifteenth of the window earlier or later.";
        all.push(text.to_owned());
    }
    all
}

fn sees_query(limit: &Limit) -> bool {
    let Limit { matches: Matches { query, .. }, when, per, cost, .. } = limit;
    !query.is_empty()
        || when.as_deref().is_some_and(|when| when.contains("request.query"))
        || per.iter().any(|key| matches!(key, Key::Query(_)))
        || matches!(cost, Cost::From { source: CostSource::Query(_), .. })
}

/// What a condition asks of headers that logs do not show. Conditions are text here: what cannot be followed counts as
/// unseen, so a limit may be left out without need but is never replayed wrongly.
fn unseen_header(when: &str, shows: impl Fn(&str) -> bool) -> Option<String> {
    for (at, found) in when.match_indices("request.headers") {
        let rest = when.get(at + found.len()..).unwrap_or_default().trim_start();
        let quoted = |text: &str| {
            let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            text.get(1..)?.split_once(quote).map(|(name, _)| name.to_owned())
        };
        let name = match (rest.strip_prefix('['), rest.strip_prefix('.')) {
            (Some(inside), _) => quoted(inside.trim_start()),
            (_, Some(field)) => {
                let end = field.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(field.len());
                field.get(..end).map(str::to_owned)
            }
            // `"x-tier" in request.headers`
            _ => when.get(..at).and_then(|before| {
                let before = before.trim_end().strip_suffix("in")?.trim_end();
                let quote = before.chars().last().filter(|quote| matches!(quote, '"' | '\''))?;
                before.strip_suffix(quote)?.rsplit_once(quote).map(|(_, name)| name.to_owned())
            }),
        };
        match name {
            Some(name) if shows(&name) => {}
            Some(name) => return Some(format!("the header `{name}`")),
            None => return Some("headers".to_owned()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_replayed_only_where_a_log_shows_all_of_its_headers() {
        let unseen = |when| unseen_header(when, |name| SHOWN.contains(&name));
        for seen in [
            "request.method == 'GET'",
            "request.headers[\"user-agent\"].contains('curl')",
            "request.headers['referer'] == '' || request.headers.referer == 'x'",
            "\"user-agent\" in request.headers",
        ] {
            assert_eq!(unseen(seen), None, "{seen}");
        }
        for (when, name) in [
            ("request.headers[\"x-tier\"] == 'a'", "the header `x-tier`"),
            ("request.headers.host == 'a'", "the header `host`"),
            ("'x-tier' in request.headers", "the header `x-tier`"),
            ("request.headers.exists(h, h == 'a')", "the header `exists`"),
            ("size(request.headers) > 3", "headers"),
            ("request.headers[\"referer\"] == '' && 'x-b' in request.headers", "the header `x-b`"),
        ] {
            assert_eq!(unseen(when).as_deref(), Some(name), "{when}");
        }
    }
}
