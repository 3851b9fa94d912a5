//! Requests at given instants, whatever has come back by then.
//!
//! The pace is open-loop: a request goes out when its time has come, not when the last answer has. A closed loop
//! would let the limiter set the pace and hide what it does. Nothing more goes out once the target answers with errors
//! that are no rejections.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::Seen;
use crate::budget::Exhausted;
use crate::config::MAX_IN_FLIGHT;
use crate::context::Context;
use crate::http::{Answer, KEPT_BODY_BYTES, Request};

/// Calls that are looked at together, and how many of them may fail before nothing more is sent.
const LAST: usize = 10;
const FAILURES: usize = 5;

/// Whether the target answers with errors that are no rejections.
pub(super) fn fails(seen: &[Seen]) -> bool {
    let last = &seen[seen.len().saturating_sub(LAST)..];
    last.iter().filter(|seen| seen.has_failed()).count() > FAILURES
}

/// A request that was sent: its index, whether it was the plain one, how much later than planned it was sent, and its answer.
type Sent = (usize, bool, Duration, Result<Answer, Exhausted>);

/// Sends each request after its gap; `enough` is asked after each answer and ends the sending. All that was sent is
/// waited for. The results are in order of sending, each with its index.
pub async fn fire(
    ctx: &Context,
    shots: impl Iterator<Item = (Duration, Request)>,
    enough: &mut impl FnMut(&[Seen]) -> bool,
) -> (Vec<(usize, Seen)>, Result<(), Exhausted>) {
    let in_flight = ctx.config.max_in_flight.clamp(1, MAX_IN_FLIGHT);
    let mut volley = Volley { ctx, seen: Vec::new(), indices: Vec::new(), ended: Ok(()) };
    let mut under_way: JoinSet<Sent> = JoinSet::new();
    let mut shots = shots.enumerate().peekable();
    let mut due: Option<Instant> = None;
    let mut sending = true;
    while let Some(&(_, (gap, _))) = shots.peek().filter(|_| sending) {
        // A machine that was busy does not send what it missed all at once: that would be another experiment.
        let floor = Instant::now() - Duration::from_millis(2);
        let at = *due.get_or_insert_with(|| Instant::now() + gap);
        // Waiting for a place is the target's doing; only what comes after both is our machine's.
        let ready = at.max(Instant::now());
        // As many as may be in flight, so that a request that was spawned is a request that goes out now.
        let may_send = under_way.len() < in_flight;
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(at), if may_send => {
                let Some((index, (_, request))) = shots.next() else { break };
                let client = Arc::clone(&ctx.client);
                let plain = is_plain(&request, ctx);
                let request = bounded(request, ctx);
                let late = ready.elapsed();
                under_way.spawn(async move { (index, plain, late, client.send(&request).await) });
                due = shots.peek().map(|(_, (gap, _))| at.max(floor) + *gap);
            }
            Some(done) = under_way.join_next() => {
                volley.take(done);
                sending = volley.ended.is_ok() && !enough(&volley.seen);
            }
        }
    }
    while let Some(done) = under_way.join_next().await {
        volley.take(done);
    }
    volley.finish()
}

/// What has come back so far.
struct Volley<'a> {
    ctx: &'a Context,
    /// In the order the answers came.
    seen: Vec<Seen>,
    /// The index of each in the order of sending.
    indices: Vec<usize>,
    ended: Result<(), Exhausted>,
}

impl Volley<'_> {
    fn take(&mut self, done: Result<Sent, JoinError>) {
        match done {
            Ok((index, plain, late, Ok(answer))) => {
                let seen = Seen { late: Some(late), ..Seen::new(&answer, self.ctx) };
                self.seen.push(if plain { seen.of_plain(&answer, self.ctx) } else { seen });
                self.indices.push(index);
                if fails(&self.seen) {
                    self.ended = Err(Exhausted::Failing);
                }
            }
            Ok((_, _, _, Err(exhausted))) => self.ended = Err(exhausted),
            // A task that panicked is a bug of ours, not an answer; it is not counted as one.
            Err(_) => {}
        }
    }

    fn finish(self) -> (Vec<(usize, Seen)>, Result<(), Exhausted>) {
        let mut volley: Vec<(usize, Seen)> = self.indices.into_iter().zip(self.seen).collect();
        volley.sort_by_key(|(_, seen)| seen.observation.sent_at);
        (volley, self.ended)
    }
}

fn is_plain(request: &Request, ctx: &Context) -> bool {
    request.method == http::Method::GET
        && request.path_and_query == ctx.client.target().path_and_query
        && request.headers.is_empty()
        && request.without.is_empty()
        && request.source.is_none()
        && !request.fresh_connection
}

/// A large answer is not read to its end some hundred times: the outline is in what is kept.
fn bounded(mut request: Request, ctx: &Context) -> Request {
    if ctx.baseline.body_bytes > KEPT_BODY_BYTES as u64 {
        request.read_at_most = Some(KEPT_BODY_BYTES as u64);
    }
    request
}
