//! One endpoint: baseline, page sizes, limiter, bypasses, then everything that needs an answer.

use std::sync::Arc;
use std::time::Duration;

use ratewarden_model::scan_report::{Algorithm, Technology};
use ratewarden_model::{Finding, Limiter};

use super::preflight::{self, Reached};
use super::{Progress, api, findings, groups, race};
use crate::bypass::{self, Bypasses};
use crate::config::{Config, Depth};
use crate::context::Context;
use crate::error::ScanError;
use crate::limiter::{self, Investigation, Seen};
use crate::openapi::ApiDescription;
use crate::probes::{self, Outcome};
use crate::target::Target;

/// What was found out about one endpoint.
pub(super) struct Scanned {
    /// `GET https://…`.
    pub(super) label: String,
    /// Path and query, to ask it again.
    pub(super) path_and_query: String,
    pub(super) limiter: Limiter,
    /// The index of an earlier endpoint that this one shares its limiter with.
    pub(super) shares_with: Option<usize>,
    /// Findings about the limiter: stated once for all that share it.
    pub(super) limiter_findings: Vec<Finding>,
    /// Findings about the endpoint itself.
    pub(super) findings: Vec<Finding>,
    pub(super) technologies: Vec<Technology>,
    pub(super) notes: Vec<String>,
    /// Ids of the rules that were tested.
    pub(super) tested: Vec<&'static str>,
    pub(super) requests: u32,
    pub(super) aborted: Option<String>,
}

/// Scans one endpoint.
///
/// # Errors
/// When it cannot be reached at all.
pub(super) async fn scan(
    target: &Target,
    config: &Arc<Config>,
    api: Option<Arc<ApiDescription>>,
    earlier: &[Scanned],
    progress: &Progress,
) -> Result<Scanned, ScanError> {
    progress(&format!("reaching {}", target.shown()));
    let Reached { mut ctx, seen, notes } = preflight::reach(target, config).await?;
    ctx.api = api;
    ctx.technologies = probes::fingerprint::recognise(&[&ctx.baseline], ctx.client.target().path());
    let mut work = Work { notes, ..Work::default() };
    progress("asking for pages of growing size");
    let mut seen = seen;
    let reads = work.take(&mut ctx, probes::reads::probe).await;
    seen.extend(reads);
    progress("searching for the limit");
    let mut found = limiter::investigate(&ctx, seen).await;
    ctx.limiter_rejects = found.rejects();
    let rejections: Vec<_> = found.seen.iter().filter_map(|seen| seen.rejection.as_ref()).take(3).collect();
    let recognised = probes::fingerprint::recognise(&rejections, ctx.client.target().path());
    probes::fingerprint::merge(&mut ctx.technologies, recognised);
    let mut limiter = limiter::describe(&found, &label(&ctx));
    let mut bypasses = Bypasses::default();
    let mut shares_with = None;
    if found.suffering.is_none() {
        shares_with = groups::shared_with(&ctx, &found, &limiter, earlier).await;
        if found.inference.is_some() && shares_with.is_none() {
            progress("trying ways round the limit");
            bypasses = bypass::probe(&ctx, &found).await;
            limiter.keyed_by = bypasses.keyed_by(probes::credentials::carries_credentials(&ctx));
            work.tested.extend(bypasses.tested.iter().copied());
            if limiter.keyed_by.iter().any(|key| key == "query") {
                let keyed_by = std::mem::take(&mut limiter.keyed_by);
                found = limiter::without_other_queries(&ctx, found);
                limiter = Limiter { keyed_by, ..limiter::describe(&found, &label(&ctx)) };
            }
        }
    }
    let mut limiter_findings = findings::of_limiter(&ctx, &found, &limiter, &bypasses, &mut work.tested);
    work.notes.append(&mut bypasses.notes);
    if found.suffering.is_none() {
        limiter_findings.extend(race::probe(&ctx, &found, &mut work.tested).await);
        recover(&ctx, &found).await;
        progress("looking at credentials, paging and what else answers");
        others(&mut ctx, &mut work, earlier.is_empty()).await;
    }
    Ok(work.finish(&ctx, limiter, limiter_findings, shares_with, found.suffering))
}

fn label(ctx: &Context) -> String {
    format!("GET {}", ctx.client.target().shown())
}

/// What comes together on the way.
#[derive(Default)]
struct Work {
    findings: Vec<Finding>,
    notes: Vec<String>,
    tested: Vec<&'static str>,
    /// Requests beyond the endpoint's own budget.
    requests: u32,
}

impl Work {
    /// Runs a probe and takes what it found; gives back its requests to the endpoint itself.
    async fn take(&mut self, ctx: &mut Context, probe: impl AsyncFn(&Context) -> Outcome) -> Vec<Seen> {
        let outcome = probe(ctx).await;
        self.tested.extend(outcome.tested);
        self.findings.extend(outcome.findings);
        self.notes.extend(outcome.notes);
        probes::fingerprint::merge(&mut ctx.technologies, outcome.technologies);
        outcome.observations.into_iter().map(Seen::from_observation).collect()
    }

    fn finish(
        self,
        ctx: &Context,
        limiter: Limiter,
        limiter_findings: Vec<Finding>,
        shares_with: Option<usize>,
        aborted: Option<String>,
    ) -> Scanned {
        Scanned {
            label: label(ctx),
            path_and_query: ctx.client.target().path_and_query.clone(),
            limiter,
            shares_with,
            limiter_findings,
            findings: self.findings,
            technologies: ctx.technologies.clone(),
            notes: self.notes,
            tested: self.tested,
            requests: ctx.client.budget().sent() + self.requests,
            aborted,
        }
    }
}

/// Writes go to an operation of its own, so they have a budget of its own.
async fn write(ctx: &mut Context, work: &mut Work) {
    let Ok(client) = preflight::new_client_for(ctx) else { return };
    let reading = std::mem::replace(&mut ctx.client, Arc::new(client));
    work.take(ctx, probes::writes::probe).await;
    let writing = std::mem::replace(&mut ctx.client, reading);
    work.requests += writing.budget().sent();
}

/// Waits until a short limiter lets calls in again, so that the other probes get answers.
pub(super) async fn recover(ctx: &Context, found: &Investigation) {
    let Some(inference) = &found.inference else { return };
    let fit = &inference.fit;
    let wait = match fit.algorithm {
        Algorithm::TokenBucket | Algorithm::LeakyQueue => fit.rate.map_or(0.0, |rate| 16.0 / rate),
        Algorithm::Concurrency => 0.3,
        _ => fit.window.unwrap_or(0.0),
    };
    let wait = Duration::from_secs_f64(wait.clamp(0.0, 6.0));
    if wait + Duration::from_secs(1) < ctx.client.budget().time_left() {
        tokio::time::sleep(wait).await;
    }
}

/// Everything that is asked once the limiter is known. Discovery belongs to the first endpoint alone.
async fn others(ctx: &mut Context, work: &mut Work, is_first: bool) {
    if is_first {
        work.take(ctx, probes::fingerprint::ray).await;
        if ctx.api.is_none() && ctx.config.depth != Depth::Quick {
            let (found, note) = api::discover(ctx).await;
            ctx.api = found.map(Arc::new);
            work.notes.extend(note);
        }
    }
    work.take(ctx, probes::graphql::probe).await;
    if is_first && ctx.config.writes {
        write(ctx, work).await;
    }
    // Last, for a lock-out would shut out whatever came after it.
    work.take(ctx, probes::credentials::probe).await;
}
