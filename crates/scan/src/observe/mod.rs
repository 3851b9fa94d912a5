//! From answers to observations: was this call admitted, turned away, or did something else go wrong?
//!
//! A status alone does not tell: nginx rejects with 503, some gateways with 200 and an error body, others only
//! delay or close. So an answer is judged against what the same request gets when it is not limited
//! ([`Normal`]), and every way to be turned away has a name ([`Signal`]).

mod normal;
mod signal;

pub use normal::{Normal, Shape};
pub use signal::Signal;

use std::time::Duration;

use crate::http::Answer;

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Answered as an unlimited call is.
    Admitted,
    /// Turned away by a limiter, in this way.
    Rejected(Signal),
    /// Neither: an error of the server or of the network.
    Failed(String),
}

impl Verdict {
    /// Whether the call was admitted.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted)
    }

    /// Whether the call was turned away.
    #[must_use]
    pub const fn is_rejected(&self) -> bool {
        matches!(self, Self::Rejected(_))
    }
}

/// One call as the inference sees it.
#[derive(Debug, Clone)]
pub struct Observation {
    /// When it was sent, since the endpoint's budget began.
    pub sent_at: Duration,
    /// From sending to the end of the answer's header.
    pub latency: Duration,
    /// What became of it.
    pub verdict: Verdict,
    /// It had another query than the endpoint: it counts for the limiter unless the query is part of the key.
    pub other_query: bool,
}

impl Observation {
    /// Judges an answer.
    #[must_use]
    pub fn new(answer: &Answer, normal: Option<&Normal>) -> Self {
        Self {
            sent_at: answer.sent_at,
            latency: answer.latency,
            verdict: signal::judge(answer, normal),
            other_query: false,
        }
    }
}
