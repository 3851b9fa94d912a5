//! The search for the first rejection.

use std::time::Duration;

use super::prober::{Prober, Seen};
use super::{Stop, health, pace, rejections};
use crate::probes;

/// A pause after the first requests: a limiter that keeps each call's instant then returns the first ones well
/// before the rest, and shows itself by that.
const FIRST_PAUSE: Duration = Duration::from_millis(650);

/// Sends at a growing pace until something is rejected or the search's share of the budget is used up, then once
/// more at one instant, for a limit on calls in flight.
pub(super) async fn until_rejected(prober: &mut Prober<'_>) -> Result<(), Stop> {
    let before = rejections(&prober.seen);
    // The baseline may have met the limit already; then there is nothing to search for, the first time.
    let met_in_baseline = before > 0 && prober.seen.last().is_some_and(Seen::is_rejected);
    if met_in_baseline {
        return Ok(());
    }
    prober.rest(FIRST_PAUSE).await;
    let max = prober.ctx.client.budget().max_requests();
    let already = u32::try_from(prober.seen.len()).unwrap_or(u32::MAX);
    let kept = if probes::credentials::may_be_tried(prober.ctx) { probes::credentials::TRIES + 4 } else { 0 };
    let left = pace::search_requests(max, kept).saturating_sub(already);
    let gaps: Vec<Duration> = pace::search(prober.ctx.config.depth, left).collect();
    flood(prober, gaps).await?;
    if rejections(&prober.seen) > before {
        return Ok(());
    }
    let at_once = prober.ctx.config.max_in_flight.min(crate::config::MAX_IN_FLIGHT);
    let affordable =
        usize::try_from(prober.ctx.client.budget().requests_left().saturating_sub(kept) / 2).unwrap_or(0);
    flood(prober, vec![Duration::ZERO; at_once.min(affordable)]).await
}

/// Sends with these gaps; stops to look when the target seems to suffer, and goes on where a queue explains it.
async fn flood(prober: &mut Prober<'_>, gaps: Vec<Duration>) -> Result<(), Stop> {
    let baseline = prober.ctx.baseline_latency;
    let deadline = pace::inference_deadline(prober.ctx.client.budget().max_time());
    let budget = std::sync::Arc::clone(prober.ctx.client.budget());
    let mut gaps = gaps.into_iter();
    let mut excused = false;
    loop {
        let mut suspicious = false;
        let sent_before = prober.seen.len();
        let enough = |answered: &[Seen]| {
            suspicious = !excused && health::is_suspicious(answered, baseline);
            suspicious || answered.iter().any(Seen::is_rejected) || budget.elapsed() > deadline
        };
        prober.volley(gaps.by_ref(), enough).await?;
        let rejected = prober.seen.iter().skip(sent_before).any(Seen::is_rejected);
        if !suspicious || rejected {
            return Ok(());
        }
        if let Some(why) = health::diagnose(prober) {
            return Err(Stop::Suffering(why));
        }
        excused = true;
    }
}
