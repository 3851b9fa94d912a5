//! How a call fails on its way, and what its client is told then.

use std::io;

use ratewarden_http1::{BadChunk, Refused};
use ratewarden_judge::Refusal;

use crate::descriptors::{self, Missing};
use crate::worker::Worker;

/// The reason where a connection to a server cannot be opened for want of a descriptor.
const NO_DESCRIPTOR: &str = "descriptors_used_up";

/// Why a server gave no answer that can be passed on.
#[derive(Debug)]
pub(crate) enum Failed {
    Connect(io::Error),
    /// It closed the connection before the first byte of an answer.
    Closed,
    Late(&'static str),
    Malformed(Refused),
    TooLarge(u64),
    /// It failed after the client had seen the beginning of the answer.
    Midway,
    /// The client's body, or the client itself, failed.
    Client(Broken),
}

/// A body that cannot be read to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    Chunk(BadChunk),
    TooLarge(u64),
    Late,
    /// The connection has ended in the midst of it, or failed.
    Closed,
    /// The side that it was written to.
    Write,
}

impl Failed {
    /// The word for metrics, and what the client is told where it has seen nothing yet.
    pub(crate) fn answer(&self) -> Option<Refusal> {
        let bad = |reason, detail: &str| Some(Refusal::new(502, reason, detail));
        match self {
            Self::Connect(error) if descriptors::are_used_up(error) => Some(Refusal::new(
                503,
                NO_DESCRIPTOR,
                "the gateway has no file descriptor left for a connection to the server behind it; try again in a moment",
            )),
            Self::Connect(_) => bad("upstream_connect", "the server behind the gateway cannot be reached"),
            Self::Closed => bad("upstream_closed", "the server behind the gateway closed the connection"),
            Self::Malformed(_) => {
                bad("upstream_malformed", "the server behind the gateway gave no valid answer")
            }
            Self::TooLarge(most) => Some(Refusal::new(
                502,
                "response_too_large",
                format!("the answer is larger than the {most} bytes that are allowed; ask for less"),
            )),
            Self::Late(_) => {
                Some(Refusal::new(504, "upstream_timeout", "the server behind the gateway took too long"))
            }
            Self::Client(broken) => broken.refusal(),
            Self::Midway => None,
        }
    }

    /// Counts and logs what is the upstream's fault; returns what the client is told.
    pub(crate) fn record(&self, worker: &Worker) -> Option<Refusal> {
        let answer = self.answer();
        if let Self::Connect(error) = self
            && descriptors::are_used_up(error)
        {
            // It is the gateway's own fault, and was said and counted where it was found.
            worker.metrics.refused(NO_DESCRIPTOR);
        } else if !matches!(self, Self::Client(_)) {
            let reason = answer.as_ref().map_or("upstream_midway", |refusal| refusal.reason);
            worker.metrics.upstream_failed(reason);
            tracing::warn!(reason, detail = self.detail(), "The upstream failed a call.");
        }
        answer
    }

    /// Counts an attempt to connect that failed: as the server's fault, or the gateway's.
    pub(crate) fn record_attempt(&self, worker: &Worker) {
        let is_ours =
            matches!(self, Self::Connect(error) if worker.lacks_descriptors(Missing::Upstream, error));
        if !is_ours {
            worker.metrics.upstream_failed("connect_attempt");
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Connect(error) => error.to_string(),
            Self::Malformed(refused) => refused.to_string(),
            Self::Late(what) => (*what).to_owned(),
            Self::TooLarge(_) | Self::Closed | Self::Midway | Self::Client(_) => String::new(),
        }
    }
}

impl Broken {
    /// What the client is told; nothing when nobody is there.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Chunk(bad) => Some(Refusal::new(400, "bad_chunk", bad.to_string())),
            Self::TooLarge(most) => {
                Some(Refusal::new(413, "body_too_large", format!("the body may have at most {most} bytes")))
            }
            Self::Late => Some(Refusal::new(408, "body_timeout", "the body took too long")),
            Self::Closed | Self::Write => None,
        }
    }
}

/// Whether a call may be sent again when a connection that was used before turns out to be dead.
pub(crate) fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}
