//! Rounds of requests: plain, variant, plain, variant, …, plain.

use std::time::Duration;

use ratewarden_model::scan_report::Algorithm;

use super::variants::{Kind, Variant};
use super::{Bypasses, Passed, send_all};
use crate::budget::Exhausted;
use crate::context::Context;
use crate::http::Request;
use crate::limiter::{Investigation, Seen};

/// What one try of a variant shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Rejected like the plain request.
    Held,
    /// Admitted between two rejected plain requests.
    Admitted,
    /// A plain request beside it was admitted, so nothing can be said.
    Unclear,
}

/// Sends plain requests until one is rejected, so that the limiter is shut.
pub(super) async fn block(ctx: &Context, found: &Investigation, spacing: Duration) -> Result<(), Exhausted> {
    let fit = found.inference.as_ref().map(|inference| &inference.fit);
    let most = fit.and_then(|fit| fit.limit.or(fit.burst)).unwrap_or(20) + 5;
    let affordable = u64::from(ctx.client.budget().requests_left()) / 2;
    let number = usize::try_from(most.min(affordable)).unwrap_or(0);
    let shots = std::iter::repeat_n((spacing, ctx.plain()), number);
    let (volley, ended) =
        crate::limiter::fire(ctx, shots, &mut |answered: &[Seen]| answered.iter().any(Seen::is_rejected))
            .await;
    ended?;
    if volley.iter().any(|(_, seen)| seen.is_rejected()) { Ok(()) } else { Err(Exhausted::Requests) }
}

/// How many plain requests must go out right before a round. A queue is shut only while it is full, and it empties
/// while one waits for answers, so it is filled in the same volley; anything else was shut by [`block`].
pub(super) fn prefix(found: &Investigation) -> usize {
    let fit = found.inference.as_ref().map(|inference| &inference.fit);
    let queue = fit.filter(|fit| fit.algorithm == Algorithm::LeakyQueue);
    queue
        .and_then(|fit| fit.burst)
        .map_or(0, |burst| usize::try_from(burst + 3).unwrap_or(usize::MAX).min(45))
}

/// Each variant once, between two plain requests. Where the budget is short the plain request after a variant is
/// sent only when the variant was admitted, for a rejected one proves by itself that the limiter is shut.
pub(super) async fn round(
    ctx: &Context,
    variants: &[Variant],
    spacing: Duration,
    prefix: usize,
) -> (Vec<(Variant, Outcome)>, Result<(), Exhausted>) {
    let left =
        usize::try_from(ctx.client.budget().requests_left()).unwrap_or(usize::MAX).saturating_sub(prefix);
    let time = ctx.client.budget().time_left().as_secs_f64() / spacing.as_secs_f64();
    let roomy = left > 2 * variants.len() + 24 && time > 2.0 * variants.len() as f64 + 40.0;
    let mut shots = vec![ctx.plain(); prefix + 1];
    for variant in variants {
        shots.push(variant.request(ctx));
        if roomy {
            shots.push(ctx.plain());
        }
    }
    if !roomy {
        shots.push(ctx.plain());
    }
    let (volley, ended) = send_all(ctx, shots, spacing).await;
    let seen_at = |index: usize| volley.iter().find(|(shot, _)| *shot == index).map(|(_, seen)| seen);
    let judged = variants.iter().enumerate().map(|(index, variant)| {
        let shot = prefix + if roomy { 2 * index + 1 } else { index + 1 };
        let outcome = match (seen_at(shot - 1), seen_at(shot), seen_at(shot + 1)) {
            (Some(before), Some(own), Some(after)) => {
                judge([before, own, after], variant, roomy, |seen| is_shut(ctx, seen, prefix > 0))
            }
            _ => Outcome::Unclear,
        };
        (variant.clone(), outcome)
    });
    (judged.collect(), ended)
}

fn judge(
    [before, own, after]: [&Seen; 3],
    variant: &Variant,
    roomy: bool,
    is_shut: impl Fn(&Seen) -> bool,
) -> Outcome {
    if is_shut(own) {
        return Outcome::Held;
    }
    if own.has_failed() {
        return Outcome::Unclear;
    }
    if !reaches(own, variant) {
        // Another page, or an error: it does not reach the resource, so it gets round nothing.
        return Outcome::Held;
    }
    // Without a plain request on both sides it is only a suspicion, which the repetition settles.
    if (is_shut(before) && is_shut(after)) || !roomy { Outcome::Admitted } else { Outcome::Unclear }
}

/// Whether the limiter held the call back: rejected it, or let it wait, if it is a queue. Elsewhere an answer is late because
/// some machine is busy, which says nothing of the limiter.
fn is_shut(ctx: &Context, seen: &Seen, is_queue: bool) -> bool {
    let base = ctx.baseline_latency;
    let waited = seen.observation.latency > (base * 4).max(base + Duration::from_millis(25));
    seen.is_rejected() || (is_queue && waited)
}

fn reaches(seen: &Seen, variant: &Variant) -> bool {
    // HEAD has no body to compare, only a status (so has a GET that is taken for one); everything else must be the same
    // resource.
    let bodiless = matches!(variant.kind, Kind::Head | Kind::MethodOverride);
    seen.is_admitted() && if bodiless { seen.same_status } else { seen.same_resource }
}

/// One variant several times, with fresh values, each between two plain requests: all of them must be admitted and
/// every plain request rejected. A plain request that got in makes it unclear, then it is tried once more.
pub(super) async fn repeat(
    ctx: &Context,
    variant: &Variant,
    times: u32,
    spacing: Duration,
    prefix: usize,
) -> (Outcome, Request) {
    let mut last = variant.request(ctx);
    for _ in 0..4 {
        let mut shots = vec![ctx.plain(); prefix + 1];
        for _ in 0..times {
            last = variant.request(ctx);
            shots.push(last.clone());
            shots.push(ctx.plain());
        }
        let wanted = shots.len();
        let (volley, ended) = send_all(ctx, shots, spacing).await;
        if ended.is_err() || volley.len() < wanted {
            return (Outcome::Unclear, last);
        }
        let round = || {
            volley.iter().filter(|(index, _)| *index >= prefix).map(|(index, seen)| (index - prefix, seen))
        };
        let mut own = round().filter(|(index, _)| index % 2 == 1);
        if own.any(|(_, seen)| !reaches(seen, variant) || is_shut(ctx, seen, prefix > 0)) {
            return (Outcome::Held, last);
        }
        if round().filter(|(index, _)| index % 2 == 0).all(|(_, seen)| is_shut(ctx, seen, prefix > 0)) {
            return (Outcome::Admitted, last);
        }
    }
    (Outcome::Unclear, last)
}

/// Whether what the variant reaches is reached anyway: a path that cannot exist, or the root without the header that
/// rewrites it, gets the same answer. Then "the same resource" means nothing.
pub(super) async fn control_reaches(ctx: &Context, variant: &Variant) -> bool {
    let Some(control) = variant.control(ctx) else { return false };
    let answer = ctx.client.send(&control).await;
    answer
        .ok()
        .and_then(|answer| answer.result.ok())
        .is_none_or(|response| ctx.normal.is_same_resource(&response))
}

/// For a limit on calls in flight: fills it from here and asks from the second address.
pub(super) async fn concurrency_key(ctx: &Context, found: &Investigation, bypasses: &mut Bypasses) {
    bypasses.notes.push("Bypasses were not tried: the limiter counts calls in flight.".to_owned());
    let Some(variant) = super::variants::second_address(ctx) else { return };
    let limit = found.inference.as_ref().and_then(|inference| inference.fit.limit).unwrap_or(0);
    let fill = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(2);
    if fill > 45 {
        return;
    }
    let mut admitted = 0;
    for _ in 0..3 {
        let mut shots: Vec<(Duration, Request)> = vec![(Duration::ZERO, ctx.plain()); fill];
        let gap = Duration::from_millis(12);
        shots.push((gap, ctx.plain()));
        shots.push((gap, variant.request(ctx)));
        shots.push((gap, ctx.plain()));
        let (volley, ended) = crate::limiter::fire(ctx, shots.into_iter(), &mut |_| false).await;
        let at = |index: usize| volley.iter().find(|(shot, _)| *shot == index).map(|(_, seen)| seen);
        let (Some(before), Some(own), Some(after)) = (at(fill), at(fill + 1), at(fill + 2)) else { return };
        if ended.is_err() || !before.is_rejected() || !after.is_rejected() {
            continue;
        }
        bypasses.other_addresses_rejected += u32::from(own.is_rejected());
        admitted += u32::from(own.is_admitted());
    }
    if admitted >= 2 {
        let request = variant.request(ctx);
        bypasses.passed.push(Passed { variant, times: admitted, request });
    }
}
