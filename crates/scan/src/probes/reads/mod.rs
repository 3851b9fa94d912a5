//! Can one call read without bound, and can its cursors be forged?
//!
//! The probe asks for a list in growing pages and stops as soon as a page takes over 2 s or 8 MiB: the point is to see
//! that nothing holds the size, not to make the target serve ten million rows. What it finds becomes one finding with the
//! strongest reason, because several symptoms of one missing ceiling are one weakness.

mod cursors;
mod growth;
mod listing;
mod parameter;
mod query;
mod verdict;

use std::time::Duration;

use ratewarden_model::rules;

use crate::context::Context;
use crate::http::{Answer, Request, Response};
use crate::probes::{Courier, Outcome, Stop};
use growth::Page;
use listing::Listing;
pub(super) use listing::plain_name;
use parameter::Parameter;
use verdict::Seen;

/// The most requests of this probe.
pub const AT_MOST: u32 = 16;
/// Values of the page size, growing.
const VALUES: [u64; 5] = [1, 10, 100, 1_000, 10_000];
/// A page that takes longer is the last one.
const TOO_SLOW: Duration = Duration::from_secs(2);
/// A page with more bytes is the last one.
const TOO_LARGE: u64 = 8 * 1024 * 1024;

/// Reads the endpoint in pages: 0 requests where the answer is no list, else 2 to 16.
pub async fn probe(ctx: &Context) -> Outcome {
    let Some(baseline) = Listing::of(&ctx.baseline) else {
        let mut outcome = Outcome::nothing("page sizes were not tried: the answer is not a JSON list");
        outcome.findings.extend(cursors::finding(ctx, &[&ctx.baseline]));
        outcome.tested.push(rules::WEAK_CURSOR.id);
        return outcome;
    };
    let mut reading =
        Reading { courier: Courier::new(ctx, AT_MOST), answers: vec![ctx.baseline.clone()], stopped: None };
    let mut seen = Seen::new(baseline);
    let mut outcome = Outcome::default();
    if let Err(stop) = reading.look(&mut seen).await {
        let far = if seen.pages.is_empty() { "were not tried" } else { "were not tried any further" };
        outcome.notes.push(format!("page sizes {far}: {stop}"));
        seen.cut_short = true;
    } else {
        outcome.tested.push(rules::UNBOUNDED_READ.id);
    }
    outcome.tested.push(rules::WEAK_CURSOR.id);
    outcome.notes.extend(reading.stopped.take());
    outcome.findings.extend(verdict::finding(ctx, &seen));
    outcome.notes.extend(verdict::note(&seen));
    outcome.findings.extend(cursors::finding(ctx, &reading.answers.iter().collect::<Vec<_>>()));
    outcome.observations = reading.courier.into_observations();
    outcome
}

/// The probe under way.
struct Reading<'a> {
    courier: Courier<'a>,
    /// Small answers, in which cursors are looked for.
    answers: Vec<Response>,
    /// Why the pages were not made larger.
    stopped: Option<String>,
}

impl Reading<'_> {
    async fn look(&mut self, seen: &mut Seen) -> Result<(), Stop> {
        match parameter::find(&mut self.courier, &seen.baseline).await? {
            Parameter::Found { name, first } => {
                seen.parameter = Some(name.clone());
                seen.pages.extend(first);
                self.grow(&name, seen).await?;
                seen.ceiling = growth::ceiling(&seen.pages);
                if self.stopped.is_none() {
                    self.leave_out(seen).await?;
                }
            }
            Parameter::NoEffect(control) => {
                self.leave_out(seen).await?;
                let mentioned = seen.baseline.paging.mentioned || seen.baseline.paging.unread;
                if !mentioned && control.items() >= verdict::FEW_ROWS {
                    seen.unpaged = !parameter::has_positions(&mut self.courier, &control).await?;
                }
                // All the names at once, without effect: the control.
                seen.ignored = Some(control);
            }
            Parameter::Unknown(why) => {
                seen.unknown = Some(why);
                self.leave_out(seen).await?;
            }
        }
        Ok(())
    }

    async fn grow(&mut self, name: &str, seen: &mut Seen) -> Result<(), Stop> {
        let target = self.courier.ctx.client.target().path_and_query.clone();
        for value in VALUES {
            // The page of size 1 may have been asked for already.
            if seen.pages.iter().any(|page| page.size == Some(value)) {
                continue;
            }
            let (answer, response) =
                self.courier.ask(&Request::get(query::with(&target, &[(name, value)]))).await?;
            let page = self.keep(Some(value), &answer, response);
            let refused = page.list.is_none();
            seen.pages.push(page);
            seen.too_much = self.is_too_much(&answer, seen);
            if refused || seen.too_much {
                break;
            }
        }
        Ok(())
    }

    /// The page without any page parameter.
    async fn leave_out(&mut self, seen: &mut Seen) -> Result<(), Stop> {
        let target = &self.courier.ctx.client.target().path_and_query;
        seen.had_paging = query::has_paging(target);
        let request = Request::get(query::without_paging(target));
        let (answer, response) = self.courier.ask(&request).await?;
        let page = self.keep(None, &answer, response);
        seen.pages.push(page);
        Ok(())
    }

    fn keep(&mut self, size: Option<u64>, answer: &Answer, response: Response) -> Page {
        let page = Page::new(size, answer, &response);
        if response.body_bytes <= crate::http::KEPT_BODY_BYTES as u64 {
            self.answers.push(response);
        }
        page
    }

    fn is_too_much(&mut self, answer: &Answer, seen: &Seen) -> bool {
        let bytes = seen.pages.last().map_or(0, |page| page.bytes);
        let (slow, large) = (answer.total > TOO_SLOW, bytes > TOO_LARGE);
        if slow || large {
            let why = if large { "8 MiB" } else { "2 s" };
            self.stopped = Some(format!("larger pages were not asked for: the last one took over {why}"));
        }
        slow || large
    }
}
