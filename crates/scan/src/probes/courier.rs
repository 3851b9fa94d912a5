//! Sends for a probe: bounded, remembered, and no further than the first rejection.

use std::fmt;

use crate::budget::Exhausted;
use crate::context::Context;
use crate::http::{Answer, Request, Response};
use crate::observe::{Normal, Observation, Verdict};

/// Why a probe stops before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A limiter turned a request away.
    Rejected(String),
    /// The target or the network failed.
    Failed(String),
    /// The endpoint's budget is used up.
    Budget(Exhausted),
    /// The probe's own bound is reached.
    Bound(u32),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(signal) => write!(f, "the limiter was rejecting ({signal})"),
            Self::Failed(reason) => write!(f, "the target failed ({reason})"),
            Self::Budget(exhausted) => exhausted.fmt(f),
            Self::Bound(requests) => write!(f, "this probe sends no more than {requests} requests"),
        }
    }
}

/// The sender of one probe.
pub(crate) struct Courier<'a> {
    pub(crate) ctx: &'a Context,
    observations: Vec<Observation>,
    sent: u32,
    at_most: u32,
}

impl<'a> Courier<'a> {
    /// A sender of at most so many requests.
    pub(crate) const fn new(ctx: &'a Context, at_most: u32) -> Self {
        Self { ctx, observations: Vec::new(), sent: 0, at_most }
    }

    /// Sends one request and hands out its response; anything but a response that was admitted is a reason to stop.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<(Answer, Response), Stop> {
        let is_plain = self.is_own_path(request) && request.method == http::Method::GET;
        // What another path or method answers normally is not known, so only unmistakable signals count there.
        let normal = is_plain.then(|| self.ctx.normal.clone());
        self.ask_as(request, normal.as_ref()).await
    }

    /// The same, with what is normal given; without it only unmistakable signals count as a rejection.
    pub(crate) async fn ask_as(
        &mut self,
        request: &Request,
        normal: Option<&Normal>,
    ) -> Result<(Answer, Response), Stop> {
        let (answer, verdict) = self.send(request, normal).await?;
        match (verdict, answer.response().cloned()) {
            (Verdict::Admitted, Some(response)) => Ok((answer, response)),
            (Verdict::Admitted, None) => Err(Stop::Failed("no answer".to_owned())),
            (Verdict::Rejected(signal), _) => Err(Stop::Rejected(signal.to_string())),
            (Verdict::Failed(reason), _) => Err(Stop::Failed(reason)),
        }
    }

    /// Sends one request and judges its answer against what is normal for it.
    pub(crate) async fn send(
        &mut self,
        request: &Request,
        normal: Option<&Normal>,
    ) -> Result<(Answer, Verdict), Stop> {
        if self.sent >= self.at_most {
            return Err(Stop::Bound(self.at_most));
        }
        let answer = self.ctx.client.send(request).await.map_err(Stop::Budget)?;
        self.sent += 1;
        let mut observation = Observation::new(&answer, normal);
        observation.other_query = request.path_and_query != self.ctx.client.target().path_and_query;
        let verdict = observation.verdict.clone();
        if self.is_own_path(request) {
            self.observations.push(observation);
        }
        Ok((answer, verdict))
    }

    /// The requests that count against the endpoint's limiter.
    pub(crate) fn into_observations(self) -> Vec<Observation> {
        self.observations
    }

    fn is_own_path(&self, request: &Request) -> bool {
        let path = request.path_and_query.split('?').next().unwrap_or_default();
        path == self.ctx.client.target().path()
    }
}
