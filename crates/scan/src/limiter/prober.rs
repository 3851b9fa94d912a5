//! Sends the requests of one endpoint at given instants and keeps what became of each.
//!
//! The pace is open-loop: a request goes out when its time has come, not when the last answer has. A closed loop
//! would let the limiter set the pace and hide what it does.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::budget::Exhausted;
use crate::context::Context;
use crate::http::{Answer, Request, Response};
use crate::observe::{Observation, Verdict};
use crate::published::{self, PublishedLimit};

/// One request and its answer, as far as the limiter is concerned.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What became of it.
    pub observation: Observation,
    /// From sending to the last byte.
    pub total: Duration,
    /// What the answer says of its limit, the most specific family first.
    pub published: Option<PublishedLimit>,
    /// When the answer says to come back.
    pub retry_after: Option<Duration>,
    /// Whether the answer is the normal resource.
    pub same_resource: bool,
    /// A rejection itself with the first of its body, to recognise who rejects.
    pub rejection: Option<Response>,
}

/// So much of the body of a rejection is kept.
const KEPT_OF_REJECTION: usize = 512;

impl Seen {
    /// Judges an answer.
    #[must_use]
    pub fn new(answer: &Answer, ctx: &Context) -> Self {
        let observation = Observation::new(answer, Some(&ctx.normal));
        let now = Timestamp::now();
        let response = answer.response();
        let rejected = observation.verdict.is_rejected();
        let from_body =
            || response.filter(|_| rejected).and_then(|response| published::read_body(&response.text()));
        Self {
            published: response
                .and_then(|response| published::read(&response.headers, now).into_iter().next())
                .or_else(from_body),
            retry_after: response.and_then(|response| published::retry_after(&response.headers, now)),
            same_resource: response.is_some_and(|response| ctx.normal.is_same_resource(response)),
            rejection: response.filter(|_| rejected).map(|response| Response {
                // A copy, so that the rest of a large body is not kept alive by it.
                body: Bytes::copy_from_slice(&response.body[..response.body.len().min(KEPT_OF_REJECTION)]),
                ..response.clone()
            }),
            total: answer.total,
            observation,
        }
    }

    /// A request of another probe, of which only the outcome is known.
    #[must_use]
    pub fn from_observation(observation: Observation) -> Self {
        let same_resource = observation.verdict.is_admitted();
        let total = observation.latency;
        Self { observation, total, published: None, retry_after: None, same_resource, rejection: None }
    }

    /// Whether it was admitted.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        self.observation.verdict.is_admitted()
    }

    /// Whether it was rejected.
    #[must_use]
    pub const fn is_rejected(&self) -> bool {
        self.observation.verdict.is_rejected()
    }

    /// Whether it failed otherwise.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        matches!(self.observation.verdict, Verdict::Failed(_))
    }
}

/// Sends requests and remembers.
pub struct Prober<'a> {
    /// The endpoint.
    pub ctx: &'a Context,
    /// Everything that counts for the limiter of the plain request, in order of sending.
    pub seen: Vec<Seen>,
}

impl<'a> Prober<'a> {
    /// A prober that has sent nothing.
    #[must_use]
    pub const fn new(ctx: &'a Context) -> Self {
        Self { ctx, seen: Vec::new() }
    }

    /// Sends one plain request and waits for its answer.
    ///
    /// # Errors
    /// When the budget is used up.
    pub async fn knock(&mut self) -> Result<Seen, Exhausted> {
        let answer = self.ctx.client.send(&self.ctx.plain()).await?;
        let seen = Seen::new(&answer, self.ctx);
        self.seen.push(seen.clone());
        Ok(seen)
    }

    /// Sends plain requests, each `gap` after the one before, and stops sending when `enough` says so.
    ///
    /// # Errors
    /// When the budget is used up; what was answered until then is kept.
    pub async fn volley(
        &mut self,
        gaps: impl Iterator<Item = Duration>,
        mut enough: impl FnMut(&[Seen]) -> bool,
    ) -> Result<Vec<Seen>, Exhausted> {
        let plain = self.ctx.plain();
        let shots = gaps.map(|gap| (gap, plain.clone()));
        let (volley, ended) = fire(self.ctx, shots, &mut enough).await;
        let volley: Vec<Seen> = volley.into_iter().map(|(_, seen)| seen).collect();
        self.seen.extend(volley.iter().cloned());
        self.seen.sort_by_key(|seen| seen.observation.sent_at);
        ended.map(|()| volley)
    }

    /// Sleeps, but not past the budget.
    pub async fn rest(&self, pause: Duration) {
        tokio::time::sleep(pause.min(self.ctx.client.budget().time_left())).await;
    }

    /// Time since the endpoint's budget began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.ctx.client.budget().elapsed()
    }
}

/// Sends each request after its gap, whatever has come back by then; `enough` is asked after each answer and ends
/// the sending. All that was sent is waited for. The results are in order of sending, each with its index.
pub async fn fire(
    ctx: &Context,
    shots: impl Iterator<Item = (Duration, Request)>,
    enough: &mut impl FnMut(&[Seen]) -> bool,
) -> (Vec<(usize, Seen)>, Result<(), Exhausted>) {
    let mut under_way: JoinSet<(usize, Result<Answer, Exhausted>)> = JoinSet::new();
    let mut volley: Vec<(usize, Seen)> = Vec::new();
    let mut answered: Vec<Seen> = Vec::new();
    let mut ended = Ok(());
    let mut due = Instant::now();
    let mut shots = shots.enumerate();
    let mut next = shots.next();
    loop {
        let Some((index, (gap, request))) = next.take() else {
            let Some(done) = under_way.join_next().await else { break };
            keep(ctx, done, &mut volley, &mut answered, &mut ended);
            continue;
        };
        // A machine that was busy does not send what it missed all at once: that would be another experiment.
        due = (due + gap).max(Instant::now() - Duration::from_millis(2));
        let mut go_on = true;
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => break,
                Some(done) = under_way.join_next() => {
                    keep(ctx, done, &mut volley, &mut answered, &mut ended);
                    if ended.is_err() || enough(&answered) {
                        go_on = false;
                        break;
                    }
                }
            }
        }
        if go_on {
            let client = Arc::clone(&ctx.client);
            under_way.spawn(async move { (index, client.send(&request).await) });
            next = shots.next();
        }
    }
    volley.sort_by_key(|(_, seen)| seen.observation.sent_at);
    (volley, ended)
}

fn keep(
    ctx: &Context,
    done: Result<(usize, Result<Answer, Exhausted>), tokio::task::JoinError>,
    volley: &mut Vec<(usize, Seen)>,
    answered: &mut Vec<Seen>,
    ended: &mut Result<(), Exhausted>,
) {
    match done {
        Ok((index, Ok(answer))) => {
            let seen = Seen::new(&answer, ctx);
            answered.push(seen.clone());
            volley.push((index, seen));
        }
        Ok((_, Err(exhausted))) => *ended = Err(exhausted),
        // A task that panicked is a bug of ours, not an answer; it is not counted as one.
        Err(_) => {}
    }
}
