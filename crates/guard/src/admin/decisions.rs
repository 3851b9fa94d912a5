//! `GET /v1/decisions`: calls as they are decided, a JSON object a line, for as long as the reader stays.

use std::sync::Arc;

use ratewarden_judge::Refusal;

use super::query;
use super::respond::{Answer, Payload, problem, refusal, set};
use crate::gate::Judged;
use crate::live::{Filter, Live, READERS};
use crate::state::Shared;

/// Begins to show calls; `?decision=` and `?caller=` say which.
pub(super) fn follow(shared: &Arc<Shared>, query: Option<&str>) -> Answer {
    let filter = match filter(query) {
        Ok(filter) => filter,
        Err(wrong) => return refusal(&wrong),
    };
    let Some(tail) = Live::listen(shared, filter) else {
        return problem(503, "readers", &format!("there are {READERS} readers, and no more are served"));
    };
    let mut response = Answer::new(Payload::Tail(Box::new(tail)));
    set(&mut response, "content-type", "application/x-ndjson");
    set(&mut response, "cache-control", "no-store");
    response
}

fn filter(query: Option<&str>) -> Result<Filter, Refusal> {
    let [decision, caller] = query::read(query, ["decision", "caller"])?;
    let decision = decision.map(|word| {
        Judged::ALL.into_iter().find(|judged| judged.word() == word).ok_or_else(|| {
            let words: Vec<&str> = Judged::ALL.iter().map(|judged| judged.word()).collect();
            let detail = format!("there is no decision `{word}`; known are {}", words.join(", "));
            Refusal::new(400, "parameter", detail)
        })
    });
    Ok(Filter { decision: decision.transpose()?, caller })
}
