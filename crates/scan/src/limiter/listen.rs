//! After the first rejection: few requests, at the instants that tell the algorithms apart.
//!
//! A bucket lets one call through at each beat. A fixed window lets all of them through at its edge. A sliding log
//! lets them through as they once came, a sliding counter a growing part. So the listener knocks at growing gaps
//! and just after the windows people configure; when it is let in, it sends at once until it is rejected again,
//! and counts.

use std::time::Duration;

use ratewarden_model::Confidence;
use ratewarden_model::scan_report::Algorithm;

use super::prober::{Prober, Seen};
use super::{FEWEST_REJECTIONS, Stop, known, pace, publish, rejections, samples};
use crate::infer;

/// Windows after whose end a knock is worth it, in seconds.
const ROUND: [f64; 14] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 30.0, 60.0];
/// The same for a limiter that is known to count rejected calls: every knock costs, so there are fewer, and later.
const SPARSE: [f64; 14] = [0.6, 1.2, 2.4, 3.6, 6.6, 12.8, 13.4, 19.0, 20.0, 38.0, 40.0, 75.0, 78.0, 80.0];
/// So many returns of single calls are enough to know the beat.
const ENOUGH_BEATS: usize = 14;
/// So many returns of all calls at once are enough to know the window.
const ENOUGH_WINDOWS: usize = 2;

/// What the listener has learnt so far.
struct Progress {
    /// When the first call of all was sent, in seconds.
    begun: f64,
    /// Calls admitted before the first rejection.
    first_run: usize,
    /// When the last admitted call was sent.
    last_admitted: f64,
    /// The gap to the next knock.
    gap: f64,
    /// Returns of one or few calls.
    beats: usize,
    /// Returns of (nearly) all calls.
    windows: usize,
    /// The number of returns at which a fit was last made.
    settled_at: usize,
}

impl Progress {
    const fn returns(&self) -> usize {
        self.beats + self.windows
    }
}

pub(super) async fn listen(prober: &mut Prober<'_>) -> Result<(), Stop> {
    let budget = std::sync::Arc::clone(prober.ctx.client.budget());
    let deadline = pace::inference_deadline(budget.max_time()).as_secs_f64();
    let reserve = pace::reserve(budget.max_requests());
    let sparse = prober.seen.iter().any(known::counts_rejected);
    if !sparse && is_stray(prober).await? {
        return Ok(());
    }
    let mut progress = begin(prober);
    while budget.requests_left() > reserve
        && progress.beats < ENOUGH_BEATS
        && progress.windows < ENOUGH_WINDOWS
    {
        if is_settled(prober, &mut progress) {
            break;
        }
        let now = prober.now().as_secs_f64();
        let next = next_knock(prober, &progress, now, sparse);
        if next > deadline || is_hopeless(prober, now, deadline) {
            break;
        }
        prober.rest(Duration::from_secs_f64((next - now).max(0.0))).await;
        let knock = prober.knock().await?;
        if knock.is_admitted() {
            admitted(prober, &mut progress, sparse).await?;
        } else {
            let since = prober.now().as_secs_f64() - progress.begun;
            progress.gap = (progress.gap * 1.4).min(0.12 * since.max(0.25));
        }
    }
    Ok(())
}

/// Whether calls are admitted right after the rejection as if nothing had been: then it was an accident, or a limit on
/// calls in flight, and the search goes on.
async fn is_stray(prober: &mut Prober<'_>) -> Result<bool, Stop> {
    const CALLS: usize = 6;
    if rejections(&prober.seen) >= FEWEST_REJECTIONS {
        return Ok(false);
    }
    let gaps = std::iter::repeat_n(Duration::from_millis(8), CALLS);
    let volley = prober.volley(gaps, |answered| answered.iter().any(Seen::is_rejected)).await?;
    Ok(volley.len() == CALLS && volley.iter().all(Seen::is_admitted))
}

fn begin(prober: &Prober<'_>) -> Progress {
    let at = |seen: &Seen| seen.observation.sent_at.as_secs_f64();
    let first_run = prober.seen.iter().take_while(|seen| !seen.is_rejected()).count();
    Progress {
        begun: prober.seen.first().map_or(0.0, at),
        first_run,
        last_admitted: prober.seen.iter().rev().find(|seen| seen.is_admitted()).map_or(0.0, at),
        gap: 0.02,
        beats: 0,
        windows: 0,
        settled_at: usize::MAX,
    }
}

/// Whether knocking on would add nothing: calls wait in a queue, or those in flight are what is limited.
fn is_settled(prober: &Prober<'_>, progress: &mut Progress) -> bool {
    // A fit takes a while, so it is made where it can change something: at first, and at some returns.
    if !matches!((progress.beats, progress.windows), (0, 0 | 1) | (2 | 5 | 9, _))
        || progress.settled_at == progress.returns()
    {
        return false;
    }
    progress.settled_at = progress.returns();
    let (samples, conditions) = samples::of(prober);
    let best = infer::infer(&samples, conditions);
    best.is_some_and(|found| match found.fit.algorithm {
        Algorithm::LeakyQueue => true,
        Algorithm::Concurrency => progress.beats > 0 && found.fit.misfits <= 1,
        Algorithm::FixedWindow => {
            progress.windows > 0
                && found.confidence == Confidence::Firm
                && found.fit.window.is_some_and(infer::is_round)
                // One end shows no whole window, so where another is published the next end decides.
                && (found.fit.whole || !publish::says_another_window(&prober.seen, &found.fit))
        }
        Algorithm::TokenBucket => progress.beats >= 9 && found.confidence == Confidence::Firm,
        _ => false,
    })
}

/// When to knock next: after the gap, or just after a round window's end or the announced time, if that is sooner.
fn next_knock(prober: &Prober<'_>, progress: &Progress, now: f64, sparse: bool) -> f64 {
    let (_, conditions) = samples::of(prober);
    let margin = 0.02 + 2.0 * conditions.jitter;
    let after = |windows: &[f64], margin: f64| {
        windows.iter().map(|window| progress.begun + window + margin).find(|&at| at > now + 0.01)
    };
    if sparse && progress.beats == 0 {
        return after(&SPARSE, 0.0).unwrap_or(f64::INFINITY);
    }
    let announced = prober.seen.iter().rev().find(|seen| seen.is_rejected()).and_then(|seen| {
        let wait = seen.retry_after.or_else(|| seen.reset())?;
        Some((seen.observation.sent_at + wait).as_secs_f64() + margin)
    });
    let announced = announced.filter(|&at| at > now + 0.01).unwrap_or(f64::INFINITY);
    (now + progress.gap).min(after(&ROUND, margin).unwrap_or(f64::INFINITY)).min(announced)
}

/// Nothing will be let in before the deadline, if the announcement is true; knocking on would only disturb.
fn is_hopeless(prober: &Prober<'_>, now: f64, deadline: f64) -> bool {
    let Some(rejected) = prober.seen.iter().find(|seen| seen.is_rejected()) else { return false };
    let since = now - rejected.observation.sent_at.as_secs_f64();
    let wait = rejected.retry_after.or_else(|| rejected.reset());
    let announced = wait.map(|wait| (rejected.observation.sent_at + wait).as_secs_f64());
    since > 2.5 && announced.is_some_and(|at| at > deadline + 2.0)
}

/// Let in: send at once until rejected again, and count what has returned.
async fn admitted(prober: &mut Prober<'_>, progress: &mut Progress, sparse: bool) -> Result<(), Stop> {
    let (_, conditions) = samples::of(prober);
    let spacing = Duration::from_secs_f64((4.0 * conditions.jitter).clamp(0.007, 0.05));
    let reserve = pace::reserve(prober.ctx.client.budget().max_requests());
    let affordable =
        usize::try_from(prober.ctx.client.budget().requests_left().saturating_sub(reserve)).unwrap_or(0);
    let burst = (progress.first_run + 2).min(affordable).min(120);
    let volley = prober
        .volley(std::iter::repeat_n(spacing, burst), |answered| {
            answered.iter().any(|seen| !seen.is_admitted())
        })
        .await?;
    let returned = 1 + volley.iter().take_while(|seen| seen.is_admitted()).count();
    let now = prober.now().as_secs_f64();
    let beat = (now - progress.last_admitted).max(0.01);
    progress.last_admitted = now;
    if progress.first_run > 1 && returned * 10 >= progress.first_run * 9 {
        progress.windows += 1;
        progress.begun = now;
        progress.gap = 0.03;
    } else {
        progress.beats += 1;
        // A third of the beat places each return well; at a limiter that counts rejections knocks stay rare.
        progress.gap = if sparse { 0.35 } else { (beat / 3.0).clamp(0.008, 0.6) };
    }
    Ok(())
}
