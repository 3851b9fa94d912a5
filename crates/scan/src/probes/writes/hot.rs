//! Hot key: writes with one fixed key and with fresh keys, in turn.
//!
//! A B A B, so that drift of the target or the network falls on both alike. The latencies are compared by rank and by effect
//! size, never by their means, and a difference that is certain but tiny is not a finding: the fixed key's row is in every
//! cache, so some difference is always there.

use std::time::Duration;

use ratewarden_model::{Confidence, Finding, rules};

use super::Writing;
use super::draft::Draft;
use crate::config::Depth;
use crate::context::Context;
use crate::curl;
use crate::probes::Stop;
use crate::remedy;
use crate::statistics::{RankTest, mann_whitney, median};

/// The rank test must be this sure.
const LARGEST_P: f64 = 0.001;
/// The fixed key must be slower in this much more of all pairs than it is faster.
const LEAST_DELTA: f64 = 0.5;
/// The fixed key's median must be this many times the fresh keys'…
const LEAST_RATIO: f64 = 1.3;
/// …and this much longer, in milliseconds: below it caches and locks of a quiet machine differ as much.
const LEAST_DIFFERENCE_MS: f64 = 1.0;
/// Fewer pairs cannot be judged: ten against ten, wholly apart, are p = 0.0002.
const FEWEST_PAIRS: usize = 10;

/// Pairs of writes for the depth, and what the budget still allows: half of what is left.
pub(super) fn pairs(ctx: &Context) -> u32 {
    let wanted = match ctx.config.depth {
        Depth::Quick => 12,
        Depth::Standard => 30,
        Depth::Deep => 60,
    };
    wanted.min(ctx.client.budget().requests_left() / 4)
}

/// The latencies so far, in milliseconds.
#[derive(Default)]
pub(super) struct Hot {
    fixed: Vec<f64>,
    fresh: Vec<f64>,
    /// The status that refused a write which differs only in its key from one that was accepted.
    refused: Option<u16>,
    /// The fixed key was limited while a fresh one was not: what the rule asks for.
    pub(super) limited_per_key: bool,
}

impl Hot {
    /// Writes pairs until they are all written, something refuses, or a quarter of the endpoint's time has gone.
    pub(super) async fn measure(
        &mut self,
        writing: &mut Writing<'_>,
        draft: &Draft,
        pairs: u32,
    ) -> Result<(), Stop> {
        if !draft.has_key() {
            return Ok(());
        }
        let budget = std::sync::Arc::clone(writing.courier.ctx.client.budget());
        let until = budget.elapsed() + budget.max_time() / 4;
        for _ in 0..pairs {
            if budget.elapsed() >= until || !self.write(writing, draft, true).await? {
                break;
            }
            if !self.write(writing, draft, false).await? {
                break;
            }
        }
        Ok(())
    }

    /// One write; false where it was refused.
    async fn write(&mut self, writing: &mut Writing<'_>, draft: &Draft, fixed: bool) -> Result<bool, Stop> {
        let key = if fixed { draft.fixed_key() } else { draft.fresh_key() };
        let (answer, response) = match writing.courier.ask(&draft.request(&key)).await {
            Err(Stop::Rejected(signal)) if fixed => {
                // Is it this key that is limited, or every write?
                let other = writing.courier.ask(&draft.request(&draft.fresh_key())).await;
                self.limited_per_key = other.is_ok_and(|(_, response)| response.status.is_success());
                writing.written += u32::from(self.limited_per_key);
                return Err(Stop::Rejected(signal));
            }
            other => other?,
        };
        if !response.status.is_success() {
            self.refused = Some(response.status.as_u16());
            return Ok(false);
        }
        writing.written += 1;
        let latency = millis(answer.latency);
        if fixed {
            self.fixed.push(latency);
        } else {
            self.fresh.push(latency);
        }
        Ok(true)
    }

    /// The finding, or what to say instead.
    pub(super) fn verdict(&self, writing: &Writing<'_>, draft: &Draft) -> Result<Finding, String> {
        let place = &writing.place;
        if !draft.has_key() {
            return Err(format!("hot keys were not tried: nothing in the body of {place} looks like a key"));
        }
        let key = draft.key_name();
        if self.limited_per_key {
            return Err(format!(
                "writes to one {key} were limited after {} while other keys were not",
                self.fixed.len()
            ));
        }
        let pairs = self.fixed.len().min(self.fresh.len());
        if pairs < FEWEST_PAIRS {
            let why = self.refused.map_or("not enough writes were made".to_owned(), |status| {
                format!("a write was answered {status}")
            });
            return Err(format!(
                "whether one {key} gets hot could not be judged after {pairs} pairs of writes: {why}"
            ));
        }
        let (fixed, fresh) = (&self.fixed[..pairs], &self.fresh[..pairs]);
        let figures = mann_whitney(fixed, fresh).zip(median(fixed).zip(median(fresh)));
        let Some((test, (slow, usual))) = figures else {
            return Err("no latencies were measured".to_owned());
        };
        let ratio = slow / usual.max(1e-6);
        let is_hot = test.p < LARGEST_P
            && test.delta >= LEAST_DELTA
            && ratio >= LEAST_RATIO
            && slow - usual >= LEAST_DIFFERENCE_MS;
        if !is_hot {
            return Err(format!(
                "writes to one {key} were not clearly slower than to fresh ones: medians {slow:.1} and {usual:.1} ms over {pairs} \
                 pairs, p = {:.2}",
                test.p
            ));
        }
        Ok(Self::finding(writing, draft, pairs, &test, slow, usual))
    }

    fn finding(
        writing: &Writing<'_>,
        draft: &Draft,
        pairs: usize,
        test: &RankTest,
        slow: f64,
        usual: f64,
    ) -> Finding {
        let ctx = writing.courier.ctx;
        let description = format!(
            "{pairs} writes with one `{}` took {slow:.1} ms in the median, {pairs} writes with a fresh one each, sent in turn with \
             them, {usual:.1} ms (rank test p = {:.1e}, Cliff's delta {:.2}). Whoever writes to one key slows down everybody \
             whose rows are stored beside it.",
            draft.key_name(),
            test.p,
            test.delta
        );
        let backend = remedy::backend(ctx.config.backend, &ctx.technologies);
        let path = writing.place.split_once(' ').map_or("/", |(_, path)| path);
        let mut finding = writing
            .finding(&rules::HOT_KEY, description)
            .confidence(Confidence::Firm)
            .evidence("key", draft.key_name())
            .evidence("limit_per", draft.counted_per())
            .evidence("pairs", pairs)
            .evidence("fixed_median_ms", round(slow))
            .evidence("fresh_median_ms", round(usual))
            .evidence("median_ratio", round(slow / usual.max(1e-6)))
            .evidence("p", test.p)
            .evidence("cliffs_delta", round(test.delta))
            .reproduce(curl::repeated(&ctx.client, &draft.request(&draft.fixed_key()), pairs as u64));
        finding.remediation.snippets = remedy::hot_key_snippets(backend, path);
        finding
    }
}

fn millis(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1e3
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
