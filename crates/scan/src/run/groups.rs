//! Endpoints that stand behind one limiter: one entry and one set of findings for all of them.

use std::time::Duration;

use ratewarden_model::{Finding, Limiter, rules};

use super::endpoint::Scanned;
use crate::context::Context;
use crate::http::Request;
use crate::limiter::{Investigation, Seen, fire};

/// The distance between two requests of the test.
const SPACING: Duration = Duration::from_millis(8);

/// The earlier endpoint whose limiter this one shares: while this one is rejected, that one is too, and it was not
/// before this one was asked.
pub(super) async fn shared_with(
    ctx: &Context,
    found: &Investigation,
    own: &Limiter,
    earlier: &[Scanned],
) -> Option<usize> {
    if !found.rejects() {
        return None;
    }
    for (index, other) in earlier.iter().enumerate() {
        let alike = other.shares_with.is_none()
            && other.limiter.detected
            && other.limiter.algorithm == own.algorithm
            && other.limiter.rejects_with == own.rejects_with;
        if alike && rejected_together(ctx, found, &other.path_and_query).await {
            return Some(index);
        }
    }
    None
}

async fn rejected_together(ctx: &Context, found: &Investigation, other: &str) -> bool {
    let fit = found.inference.as_ref().map(|inference| &inference.fit);
    let fill = fit.and_then(|fit| fit.limit.or(fit.burst)).unwrap_or(20) + 5;
    if fill * 2 > u64::from(ctx.client.budget().requests_left()) {
        return false;
    }
    // It must be open before: a limiter of its own may still be shut from its own scan.
    if !is_open(ctx, other).await {
        // Or it is the shared one, which this endpoint's scan has shut.
        super::endpoint::recover(ctx, found).await;
        if !is_open(ctx, other).await {
            return false;
        }
    }

    let shots = std::iter::repeat_n((SPACING, ctx.plain()), usize::try_from(fill).unwrap_or(0));
    let (_, ended) = fire(ctx, shots, &mut |answered: &[Seen]| answered.iter().any(Seen::is_rejected)).await;
    if ended.is_err() {
        return false;
    }
    let round = (0..7).map(|index| (SPACING, if index % 2 == 0 { ctx.plain() } else { Request::get(other) }));
    let (volley, ended) = fire(ctx, round, &mut |_| false).await;
    let rejected =
        |odd: usize| volley.iter().filter(|(index, seen)| index % 2 == odd && seen.is_rejected()).count();
    // One of each may have met a token that just returned.
    ended.is_ok() && rejected(0) >= 3 && rejected(1) == 3
}

async fn is_open(ctx: &Context, path: &str) -> bool {
    let answer = ctx.client.send(&Request::get(path)).await;
    answer.is_ok_and(|answer| answer.response().is_some_and(|response| response.status == ctx.normal.status))
}

/// One limiter for each group, its findings once with all endpoints named, and the endpoints' own findings.
pub(super) fn merge(scanned: Vec<Scanned>) -> (Vec<Limiter>, Vec<Finding>) {
    let mut limiters: Vec<(usize, Limiter, Vec<Finding>)> = Vec::new();
    let mut findings = Vec::new();
    for (index, endpoint) in scanned.into_iter().enumerate() {
        findings.extend(endpoint.findings);
        let unlimited = !endpoint.limiter.detected;
        let home = limiters.iter_mut().find(|(home, limiter, _)| {
            // Endpoints without a limiter are one finding too: none of them has any.
            endpoint.shares_with == Some(*home) || (unlimited && !limiter.detected)
        });
        match home {
            Some((_, limiter, own)) => {
                limiter.endpoints.push(endpoint.label);
                // What the first one has is stated once for all; what only this one has is stated for it.
                let new = |finding: &Finding| own.iter().all(|known| known.rule != finding.rule);
                findings.extend(endpoint.limiter_findings.into_iter().filter(new));
            }
            None => limiters.push((index, endpoint.limiter, endpoint.limiter_findings)),
        }
    }
    let mut kept = Vec::new();
    for (_, limiter, mut own) in limiters {
        if limiter.endpoints.len() > 1 {
            let shared = |finding: &&mut Finding| limiter.detected || finding.rule == rules::NO_LIMIT.id;
            own.iter_mut()
                .filter(shared)
                .for_each(|finding| finding.endpoints.clone_from(&limiter.endpoints));
        }
        findings.extend(own);
        kept.push(limiter);
    }
    (kept, findings)
}
