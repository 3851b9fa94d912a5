//! What the detectors have found, for the operator.

use ratewarden_judge::Refusal;
use ratewarden_model::Finding;
use serde::Serialize;

use super::query;
use super::respond::{Answer, json, refusal};
use crate::detection::Shown;
use crate::state::Shared;

/// Shown when nobody says how many, and the most that are.
const LISTED: usize = 100;
const MAX_LISTED: usize = 10_000;

#[derive(Debug, Serialize)]
struct View {
    /// Whether calls are watched.
    watching: bool,
    findings: Vec<FindingView>,
    /// All there are of that state.
    total: usize,
}

#[derive(Debug, Serialize)]
struct FindingView {
    state: &'static str,
    #[serde(flatten)]
    finding: Finding,
}

/// Those that are open, the worst first, then those that ended; `?limit=` how many, `?state=open` or `ended`.
pub(super) fn list(shared: &Shared, query: Option<&str>) -> Answer {
    let asked = query::read(query, ["limit", "state"]).and_then(|[limit, state]| {
        let limit = query::limit(limit.as_deref(), LISTED, MAX_LISTED)?;
        let is_open = match state.as_deref() {
            None => None,
            Some("open") => Some(true),
            Some("ended") => Some(false),
            Some(other) => {
                let detail = format!("`state` is `open` or `ended`, not `{other}`");
                return Err(Refusal::new(400, "parameter", detail));
            }
        };
        Ok((limit, is_open))
    });
    let (limit, is_open) = match asked {
        Ok(asked) => asked,
        Err(wrong) => return refusal(&wrong),
    };
    let all = shared.detection.board().all();
    let wanted = |shown: &Shown| is_open.is_none_or(|wanted| wanted == shown.is_open);
    let found: Vec<Shown> = all.into_iter().filter(wanted).collect();
    let total = found.len();
    let view =
        |Shown { is_open, finding }| FindingView { state: if is_open { "open" } else { "ended" }, finding };
    let findings = found.into_iter().take(limit).map(view).collect();
    json(200, &View { watching: shared.detection.is_on(), findings, total })
}
