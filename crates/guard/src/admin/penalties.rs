//! Bans as an operator sees them, imposes them and lifts them.

use std::time::Duration;

use jiff::Unit;
use ratewarden_judge::Refusal;
use ratewarden_judge::penalties::{Ban, Cause, Whom};
use ratewarden_limiter::Time;

use super::query;
use super::respond::{Answer, json, problem, refusal, set, text};
use crate::operator::{MAX_LISTED, NewPenalty, Penalties, Penalty};
use crate::state::{Loaded, Shared};

/// Shown when nobody says how many.
const LISTED: usize = 100;

/// The longest ban an operator can impose; longer ones are a policy's or a firewall's.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// The most characters of a reason, and of a finding's rule.
const LONGEST_REASON: usize = 200;

/// Those in force that last longest.
pub(super) fn list(shared: &Shared, query: Option<&str>) -> Answer {
    let limit =
        query::read(query, ["limit"]).and_then(|[limit]| query::limit(limit.as_deref(), LISTED, MAX_LISTED));
    let limit = match limit {
        Ok(limit) => limit,
        Err(wrong) => return refusal(&wrong),
    };
    let now = shared.clock.now();
    let mut bans = shared.penalties.in_force(now);
    bans.sort_unstable_by_key(|(id, ban)| (std::cmp::Reverse(ban.until), *id));
    let shown = bans.iter().take(limit).map(|(id, ban)| view(shared, *id, ban, now));
    json(200, &Penalties { penalties: shown.collect(), total: bans.len() })
}

/// One of them.
pub(super) fn show(shared: &Shared, id: &str) -> Answer {
    let now = shared.clock.now();
    match read_id(id).and_then(|id| Some((id, shared.penalties.find(id, now)?))) {
        Some((id, ban)) => json(200, &view(shared, id, &ban, now)),
        None => none(id),
    }
}

/// Bans somebody.
pub(super) fn add(shared: &Shared, wanted: &NewPenalty) -> Answer {
    let now = shared.clock.now();
    let (id, ban) = match ban(&shared.loaded(), wanted, now) {
        Ok(found) => found,
        Err(wrong) => return refusal(&wrong),
    };
    let until = ban.until;
    let only_longer = wanted.extend_only || wanted.finding.is_some();
    let imposed = if only_longer {
        shared.penalties.extend(id, ban, now)
    } else {
        shared.penalties.impose(id, ban, now)
    };
    match imposed {
        // One that lasts longer is in force.
        Ok((id, ban)) if only_longer && ban.until > until => json(200, &view(shared, id, &ban, now)),
        Ok((id, ban)) => {
            let view = view(shared, id, &ban, now);
            tracing::info!(
                id = view.id,
                label = view.label,
                finding = wanted.finding.as_deref(),
                until = view.until,
                "A ban was imposed at the admin listener."
            );
            let mut response = json(201, &view);
            set(&mut response, "location", &format!("/v1/penalties/{}", view.id));
            response
        }
        Err(_) => problem(503, "penalties_full", "all places are taken by bans in force; lift one first"),
    }
}

/// Ends one.
pub(super) fn lift(shared: &Shared, id: &str) -> Answer {
    let lifted = read_id(id).and_then(|found| shared.penalties.lift(found, shared.clock.now()));
    match lifted {
        Some(ban) => {
            tracing::info!(id, label = ban.label.as_deref(), "An operator has lifted a ban.");
            let mut response = text(204, "text/plain", "");
            response.headers_mut().remove("content-type");
            response
        }
        None => none(id),
    }
}

fn none(id: &str) -> Answer {
    let shown: String = id.chars().take(64).collect();
    problem(404, "penalty", &format!("there is no ban in force with the id `{shown}`"))
}

fn ban(loaded: &Loaded, wanted: &NewPenalty, now: Time) -> Result<(u128, Ban), Refusal> {
    let wrong = |reason, detail: String| Refusal::new(422, reason, detail);
    let lasts = ratewarden_model::parse_duration(&wanted.lasts);
    let lasts = lasts.map_err(|error| wrong("for", format!("`for`: {error}")))?;
    if lasts > LONGEST {
        let longest = ratewarden_model::format_duration(LONGEST);
        return Err(wrong("for", format!("`for` is at most {longest}, not `{}`", wanted.lasts)));
    }
    let is_plain = |text: &str| text.chars().count() <= LONGEST_REASON && !text.chars().any(char::is_control);
    if wanted.finding.as_deref().is_some_and(|rule| rule.is_empty() || !is_plain(rule)) {
        let detail = format!(
            "`finding` is the rule of a finding, such as `watch.flood`: 1 to {LONGEST_REASON} characters, none of them a control character"
        );
        return Err(wrong("finding", detail));
    }
    let reason = wanted.reason.as_deref().unwrap_or_default();
    if !is_plain(reason) {
        let detail =
            format!("`reason` has at most {LONGEST_REASON} characters, none of them a control character");
        return Err(wrong("reason", detail));
    }
    let (id, whom, label) = match (&wanted.caller, wanted.address, &wanted.id) {
        (Some(name), None, None) => {
            let caller = super::decide::named(loaded, name)?;
            (caller.id(), Whom::Caller, Some(caller.label().to_string().into()))
        }
        (None, Some(address), None) => {
            let address = ratewarden_callers::counted(address, loaded.policy.trust.ipv6_prefix);
            (loaded.identifier.address_id(address), Whom::Address, Some(address.to_string().into()))
        }
        (None, None, Some(text)) => {
            let id = read_id(text).ok_or_else(|| wrong("id", "`id` is 32 hexadecimal digits".to_owned()))?;
            (id, Whom::Caller, None)
        }
        _ => return Err(wrong("whom", "say one of `caller`, `address` and `id`".to_owned())),
    };
    // As in the gateway itself: many may be behind an address, and a finding about it is about none of those who are known.
    let spares = wanted.finding.is_some() && whom == Whom::Address;
    let cause = wanted.finding.as_deref().map_or_else(
        || Cause::Operator(reason.into()),
        |rule| Cause::Finding { rule: rule.into(), reason: reason.into() },
    );
    Ok((id, Ban { whom, label, cause, spares, until: now.after(lasts), times: 0 }))
}

fn view(shared: &Shared, id: u128, ban: &Ban, now: Time) -> Penalty {
    let left = ban.until.since(now);
    let until = shared.clock.wall().checked_add(left).and_then(|until| until.round(Unit::Second));
    let (rule, reason) = match &ban.cause {
        Cause::Rule(name) => (Some(name.to_string()), None),
        Cause::Operator(reason) => (None, Some(reason.to_string())),
        Cause::Finding { rule, reason } => (Some(rule.to_string()), Some(reason.to_string())),
    };
    Penalty {
        id: write_id(id),
        kind: ban.whom.word().to_owned(),
        label: ban.label.as_deref().map(str::to_owned),
        rule,
        reason,
        until: until.map(|until| until.to_string()).unwrap_or_default(),
        seconds_left: left.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX),
        times: u64::from(ban.times) + 1,
    }
}

/// A keyed hash as an operator sees it.
pub(super) fn write_id(id: u128) -> String {
    format!("{id:032x}")
}

fn read_id(text: &str) -> Option<u128> {
    let is_one = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}
