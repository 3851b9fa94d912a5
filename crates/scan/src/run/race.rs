//! Check-then-act: a limiter that reads its counter and writes it later lets too many in at one instant.
//!
//! Only where it can be afforded: a small limit, and a state that is known because the limiter was left alone for as
//! long as it needs to be full again.

use std::time::Duration;

use ratewarden_model::scan_report::Algorithm;
use ratewarden_model::{Confidence, Finding, rules};

use crate::context::Context;
use crate::curl;
use crate::limiter::{Investigation, Seen, fire};

/// Limits above this cannot be exceeded visibly by the calls that may be in flight.
const LARGEST: u64 = 22;
/// So many more than allowed must be admitted, as a share of the limit, in both tries.
const EXCESS: f64 = 0.5;

/// Sends twice the limit at one instant, two times, and compares with what the limiter admits one after another.
pub(super) async fn probe(
    ctx: &Context,
    found: &Investigation,
    tested: &mut Vec<&'static str>,
) -> Option<Finding> {
    let fit = &found.inference.as_ref()?.fit;
    let allowed = fit.limit.or(fit.burst)?;
    let (full_after, per_second) = match fit.algorithm {
        Algorithm::TokenBucket => (seconds_to_fill(allowed, fit.rate?), fit.rate?),
        Algorithm::FixedWindow | Algorithm::SlidingLog => (fit.window? * 1.1, 0.0),
        _ => return None,
    };
    let shots = usize::try_from(allowed * 2 + 4).ok()?.min(ctx.config.max_in_flight);
    let time = Duration::from_secs_f64((full_after + 0.3) * 2.0 + 1.0);
    let affordable = shots * 2 + 40 < usize::try_from(ctx.client.budget().requests_left()).unwrap_or(0);
    if !(2..=LARGEST).contains(&allowed) || !affordable || time * 2 > ctx.client.budget().time_left() {
        return None;
    }
    tested.push(rules::BYPASS_CONCURRENCY.id);
    let mut admitted = Vec::new();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs_f64(full_after + 0.1)).await;
        let at_once = std::iter::repeat_n((Duration::ZERO, ctx.plain()), shots);
        let (volley, ended) = fire(ctx, at_once, &mut |_| false).await;
        ended.ok()?;
        let first = volley.first()?.1.observation.sent_at;
        let last = volley.last()?.1.observation.sent_at;
        let count = volley.iter().filter(|(_, seen): &&(usize, Seen)| seen.is_admitted()).count();
        #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
        let fair = allowed as f64 + per_second * (last - first).as_secs_f64() + 1.0;
        #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
        let exceeded = count as f64 > fair * (1.0 + EXCESS);
        if !exceeded {
            return None;
        }
        admitted.push(count);
    }
    let text = format!(
        "{} and {} calls were admitted when {shots} were sent at one instant; one after another the limiter admits {allowed}.",
        admitted[0], admitted[1]
    );
    Some(
        ctx.finding(&rules::BYPASS_CONCURRENCY, text)
            .confidence(Confidence::Firm)
            .evidence("allowed", allowed)
            .evidence("sent_at_once", shots)
            .evidence("admitted", admitted)
            .reproduce(format!(
                "seq {shots} | xargs -P {shots} -I{{}} {}",
                curl::line(&ctx.client, &ctx.plain())
            )),
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
fn seconds_to_fill(burst: u64, rate: f64) -> f64 {
    burst as f64 / rate
}
