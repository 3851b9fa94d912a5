//! One scan from beginning to end.

mod preflight;

use std::sync::Arc;

use ratewarden_model::{Limiter, Redactor};

use crate::bypass;
use crate::config::Config;
use crate::error::ScanError;
use crate::limiter;
use crate::target::Target;

/// Spike: the limiter alone.
pub async fn limiter_only(
    config: Config,
) -> Result<(Limiter, Vec<String>, u32, std::time::Duration), ScanError> {
    let mut redactor = Redactor::default();
    let target = Target::parse(&config.url, &mut redactor)?;
    let config = Arc::new(config);
    let reached = preflight::reach(&target, &config).await?;
    let ctx = reached.ctx;
    let found = limiter::investigate(&ctx, reached.seen).await;
    let bypasses = bypass::probe(&ctx, &found).await;
    let mut limiter = limiter::describe(&found, "GET");
    limiter.keyed_by = bypasses.keyed_by();
    let mut notes = bypasses.notes.clone();
    if let Some(r) = found.inference.as_ref().and_then(|i| i.runner_up.as_ref()) {
        notes.push(format!(
            "runner-up {:?} misfits {} limit {:?} window {:?} rate {:?}; best misfits {}",
            r.algorithm,
            r.misfits,
            r.limit,
            r.window,
            r.rate,
            found.inference.as_ref().unwrap().fit.misfits
        ));
    }
    notes.push(format!("jitter {:.4} base {:.4}", found.conditions.jitter, found.conditions.base_latency));
    notes.extend(found.suffering.clone());
    notes.extend(bypasses.passed.iter().map(|p| format!("passed {} x{}", p.variant.label, p.times)));
    Ok((limiter, notes, ctx.client.budget().sent(), ctx.client.budget().elapsed()))
}
