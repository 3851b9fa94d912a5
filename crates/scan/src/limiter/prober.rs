//! Sends the requests of one endpoint at given instants and keeps what became of each.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::volley;
use crate::budget::Exhausted;
use crate::context::Context;
use crate::http::{Answer, Response};
use crate::observe::{Observation, Signal, Verdict};
use crate::published::{self, PublishedLimit};

/// One request and its answer, as far as the limiter is concerned.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What became of it.
    pub observation: Observation,
    /// From sending to the last byte.
    pub total: Duration,
    /// How much later than planned it was sent, where a time was planned: so busy is our own machine.
    pub late: Option<Duration>,
    /// What the answer says of its limits, the most specific family first.
    pub published: Vec<PublishedLimit>,
    /// When the answer says to come back.
    pub retry_after: Option<Duration>,
    /// Whether the answer is the normal resource.
    pub same_resource: bool,
    /// Whether it has at least the normal status.
    pub same_status: bool,
    /// A rejection itself with the first of its body, to recognise who rejects.
    pub rejection: Option<Response>,
}

/// The texts of so many rejections are kept.
const KEPT_REJECTIONS: usize = 20;
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
                .map(|response| published::read(&response.headers, now))
                .filter(|limits| !limits.is_empty())
                .or_else(|| from_body().map(|limit| vec![limit]))
                .unwrap_or_default(),
            retry_after: response.and_then(|response| published::retry_after(&response.headers, now)),
            same_resource: response.is_some_and(|response| ctx.normal.is_same_resource(response)),
            rejection: response.filter(|_| rejected).map(|response| Response {
                // A copy, so that the rest of a large body is not kept alive by it.
                body: Bytes::copy_from_slice(&response.body[..response.body.len().min(KEPT_OF_REJECTION)]),
                ..response.clone()
            }),
            same_status: response.is_some_and(|response| response.status == ctx.normal.status),
            total: answer.total,
            late: None,
            observation,
        }
    }

    /// A request of another probe, of which only the outcome is known.
    #[must_use]
    pub fn from_observation(observation: Observation) -> Self {
        let same_resource = observation.verdict.is_admitted();
        let total = observation.latency;
        Self {
            observation,
            total,
            late: None,
            published: Vec::new(),
            retry_after: None,
            same_resource,
            same_status: same_resource,
            rejection: None,
        }
    }

    /// The time until the published limit is restored, by the first that says so.
    #[must_use]
    pub fn reset(&self) -> Option<Duration> {
        self.published.iter().find_map(|published| published.reset)
    }

    /// The same for a plain request: there another status than the normal one is a rejection, however bare.
    pub(super) fn of_plain(mut self, answer: &Answer, ctx: &Context) -> Self {
        let status = answer.response().map(|response| response.status);
        if let Some(status) = status.filter(|status| self.is_admitted() && *status != ctx.normal.status) {
            self.observation.verdict = Verdict::Rejected(Signal::Status(status.as_u16()));
        }
        self
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
    /// How many of them came with their text.
    rejections: usize,
}

impl<'a> Prober<'a> {
    /// A prober that has sent nothing.
    #[must_use]
    pub const fn new(ctx: &'a Context) -> Self {
        Self { ctx, seen: Vec::new(), rejections: 0 }
    }

    /// Sends one plain request and waits for its answer.
    ///
    /// # Errors
    /// When the budget is used up.
    pub async fn knock(&mut self) -> Result<Seen, Exhausted> {
        let answer = self.ctx.client.send(&self.ctx.plain()).await?;
        let seen = Seen::new(&answer, self.ctx).of_plain(&answer, self.ctx);
        self.remember(seen.clone());
        if volley::fails(&self.seen) { Err(Exhausted::Failing) } else { Ok(seen) }
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
        let (volley, ended) = volley::fire(self.ctx, shots, &mut enough).await;
        let volley: Vec<Seen> = volley.into_iter().map(|(_, seen)| seen).collect();
        volley.iter().cloned().for_each(|seen| self.remember(seen));
        self.seen.sort_by_key(|seen| seen.observation.sent_at);
        ended.map(|()| volley)
    }

    /// A few rejections tell who rejects; the text of thousands would only fill memory.
    fn remember(&mut self, mut seen: Seen) {
        self.rejections += usize::from(seen.rejection.is_some());
        if self.rejections > KEPT_REJECTIONS {
            seen.rejection = None;
        }
        self.seen.push(seen);
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
