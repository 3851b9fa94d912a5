//! Who calls most and who is rejected most, for the operator.

use ratewarden_callers::Label;
use ratewarden_judge::Refusal;
use serde::Serialize;

use super::penalties::write_id;
use super::query;
use super::respond::{Answer, json, refusal};
use crate::state::Shared;
use crate::top::{Span, Summary};

/// Shown when nobody says how many, and the most that are.
const LISTED: usize = 20;
const MAX_LISTED: usize = 500;

#[derive(Debug, Serialize)]
struct View {
    /// RFC 3339: counted from then on.
    since: String,
    by_calls: List,
    by_rejections: List,
}

#[derive(Debug, Serialize)]
struct List {
    callers: Vec<CallerView>,
    /// The most that anybody has who is not among the callers that are kept.
    others_at_most: u64,
}

#[derive(Debug, Serialize)]
struct CallerView {
    id: String,
    label: String,
    count: u64,
    /// At most so many too many.
    count_error: u64,
}

/// The list; `?limit=` how many, `?since=start` or `recent`.
pub(super) fn list(shared: &Shared, query: Option<&str>) -> Answer {
    let asked = query::read(query, ["limit", "since"]).and_then(|[limit, since]| {
        let limit = query::limit(limit.as_deref(), LISTED, MAX_LISTED)?;
        let span = match since.as_deref() {
            None | Some("start") => Span::Start,
            Some("recent") => Span::Recent,
            Some(other) => {
                let detail = format!("`since` is `start` or `recent`, not `{other}`");
                return Err(Refusal::new(400, "parameter", detail));
            }
        };
        Ok((limit, span))
    });
    let (limit, span) = match asked {
        Ok(asked) => asked,
        Err(wrong) => return refusal(&wrong),
    };
    let now = shared.clock.now();
    let [calls, rejections] = shared.top(span);
    let since = shared.clock.wall().checked_sub(now.since(span.begun(now)));
    let since = since.and_then(|since| since.round(jiff::Unit::Second));
    let since = since.map(|since| since.to_string()).unwrap_or_default();
    json(200, &View { since, by_calls: view(&calls, limit), by_rejections: view(&rejections, limit) })
}

fn view(summary: &Summary<Label>, limit: usize) -> List {
    let shown = summary.ranked.iter().take(limit).map(|one| CallerView {
        id: write_id(one.id),
        label: one.label.to_string(),
        count: one.count,
        count_error: one.error,
    });
    // Those who are kept and not shown have as many as the first of them.
    let next = summary.ranked.get(limit).map_or(0, |one| one.count);
    List { callers: shown.collect(), others_at_most: summary.floor.max(next) }
}
