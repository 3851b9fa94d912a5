//! Finds the limiter behind an endpoint: search, listen, tell apart, fit.
//!
//! 1. `search` sends at a growing pace until the first rejection.
//! 2. `listen` sends few requests at instants that tell the algorithms apart: what returns, when, and how much.
//! 3. Where two explanations are left, `decide` makes the experiment that only one of them survives.
//! 4. The best explanation is verified against what the answers publish, and named where a known program
//!    behaves and answers like it.

mod decide;
mod health;
mod known;
mod listen;
mod pace;
mod prober;
mod publish;
mod report;
mod samples;
mod search;
mod volley;

pub use prober::{Prober, Seen};
pub use publish::{Disagreement, Verified};
pub use report::describe;
pub use volley::fire;

use ratewarden_model::scan_report::Algorithm;

use crate::budget::Exhausted;
use crate::context::Context;
use crate::infer::{self, Conditions, Inference, Sample};
use crate::observe::{Observation, Signal, Verdict};

/// What was found out about the limiter of one endpoint.
pub struct Investigation {
    /// Everything seen that counts for it.
    pub seen: Vec<Seen>,
    /// The samples the inference rests on.
    pub samples: Vec<Sample>,
    /// Under which conditions they were taken.
    pub conditions: Conditions,
    /// The explanation, or None when nothing was rejected or delayed.
    pub inference: Option<Inference>,
    /// How it rejects; None when it only delays, or not at all.
    pub signal: Option<Signal>,
    /// What the answers publish, and whether that is true.
    pub verified: Option<Verified>,
    /// Why the scan had to stop, for the target's sake.
    pub suffering: Option<String>,
    /// The part of the budget that ended the inference before it was done.
    pub exhausted: Option<Exhausted>,
}

impl Investigation {
    /// Whether calls are rejected (not only delayed) at the moment of the last observation.
    #[must_use]
    pub fn rejects(&self) -> bool {
        self.signal.is_some()
    }

    /// The algorithm, where there is an explanation.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.inference.as_ref().map(|inference| inference.fit.algorithm)
    }
}

/// Investigates the limiter of an endpoint. `prior` are requests that other probes already sent to it.
pub async fn investigate(ctx: &Context, prior: Vec<Seen>) -> Investigation {
    let mut prober = Prober::new(ctx);
    prober.seen = prior;
    let (suffering, exhausted) = match run(&mut prober).await {
        Ok(()) => (None, None),
        Err(Stop::Suffering(why)) => (Some(why), None),
        Err(Stop::Exhausted(what)) => (None, Some(what)),
    };
    conclude(&prober, suffering, exhausted)
}

/// The same, now that the query is known to be part of the key: requests with another one are left out.
#[must_use]
pub fn without_other_queries(ctx: &Context, found: Investigation) -> Investigation {
    if !found.seen.iter().any(|seen| seen.observation.other_query) {
        return found;
    }
    let mut prober = Prober::new(ctx);
    prober.seen = found.seen.into_iter().filter(|seen| !seen.observation.other_query).collect();
    conclude(&prober, found.suffering, found.exhausted)
}

/// Why an investigation ends early.
enum Stop {
    /// The target suffers.
    Suffering(String),
    /// The budget is used up.
    Exhausted(Exhausted),
}

impl From<Exhausted> for Stop {
    fn from(what: Exhausted) -> Self {
        Self::Exhausted(what)
    }
}

/// Fewer rejections than this are accidents of the server, not a limiter.
const FEWEST_REJECTIONS: usize = 3;
/// How often the search goes on after an accident.
const SEARCHES: usize = 3;

async fn run(prober: &mut Prober<'_>) -> Result<(), Stop> {
    for search in 0..SEARCHES {
        // What the baseline met is news to the first search.
        let before = if search == 0 { 0 } else { rejections(&prober.seen) };
        search::until_rejected(prober).await?;
        if rejections(&prober.seen) == before {
            return Ok(());
        }
        listen::listen(prober).await?;
        if rejections(&prober.seen) >= FEWEST_REJECTIONS {
            return decide::decide(prober).await;
        }
    }
    Ok(())
}

fn rejections(seen: &[Seen]) -> usize {
    seen.iter().filter(|seen| seen.is_rejected()).count()
}

fn conclude(prober: &Prober<'_>, suffering: Option<String>, exhausted: Option<Exhausted>) -> Investigation {
    let (samples, conditions) = samples::of(prober);
    let enough = rejections(&prober.seen) >= FEWEST_REJECTIONS;
    let inference = infer::infer(&samples, conditions)
        .filter(|found| enough || found.fit.algorithm == Algorithm::LeakyQueue)
        .filter(|found| {
            found.fit.algorithm != Algorithm::LeakyQueue || enough || health::waits(prober, found)
        });
    let signal = commonest_signal(&prober.seen).filter(|_| enough);
    // Connections that break and errors of a server in trouble are no limiter where nothing explains them.
    let unexplained = inference.as_ref().is_some_and(|found| found.fit.algorithm == Algorithm::Unknown);
    let broken = unexplained && matches!(signal, Some(Signal::Close | Signal::Status(500..)));
    let trouble = signal.as_ref().filter(|_| broken).map(|signal| match signal {
        Signal::Close => "the target closes connections without a limiter's pattern".to_owned(),
        other => format!("the target answers {other} without a limiter's pattern"),
    });
    let failing = (exhausted == Some(Exhausted::Failing)).then(|| health::failing(prober));
    let suffering = suffering.or(failing).or(trouble);
    let verified = publish::verify(&prober.seen, inference.as_ref());
    Investigation {
        seen: prober.seen.clone(),
        samples,
        conditions,
        inference: inference.filter(|_| !broken),
        signal: signal.filter(|_| !broken),
        verified,
        suffering,
        exhausted,
    }
}

fn commonest_signal(seen: &[Seen]) -> Option<Signal> {
    let mut counts: Vec<(Signal, usize)> = Vec::new();
    for seen in seen {
        let Observation { verdict: Verdict::Rejected(signal), .. } = &seen.observation else { continue };
        match counts.iter_mut().find(|(known, _)| known == signal) {
            Some((_, count)) => *count += 1,
            None => counts.push((signal.clone(), 1)),
        }
    }
    counts.into_iter().max_by_key(|&(_, count)| count).map(|(signal, _)| signal)
}
