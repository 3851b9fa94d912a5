//! The first answers: is there anything, what is normal, where does it redirect to?

mod redirect;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::budget::Budget;
use crate::config::Config;
use crate::context::Context;
use crate::error::ScanError;
use crate::http::{Answer, Client, Failure, Request, Response, seconds};
use crate::limiter::Seen;
use crate::observe::{Normal, Observation, Verdict};
use crate::target::Target;
use redirect::Redirect;

/// Redirects that are followed before the scan begins.
const MAX_REDIRECTS: usize = 5;
/// Plain requests that settle what is normal.
const BASELINE: usize = 4;

/// An endpoint that answers.
pub(super) struct Reached {
    pub(super) ctx: Context,
    /// The baseline requests, which count for the limiter like any other.
    pub(super) seen: Vec<Seen>,
    /// What to tell the reader.
    pub(super) notes: Vec<String>,
}

/// Resolves, connects and takes the baseline. However many addresses and redirects there are, it is all within the
/// one budget of the endpoint.
///
/// # Errors
/// [`ScanError::Unreachable`] when nothing usable answers, or a limiter already rejects the first request.
pub(super) async fn reach(target: &Target, config: &Arc<Config>) -> Result<Reached, ScanError> {
    let mut target = target.clone();
    target.resolve().await?;
    let budget = Arc::new(new_budget(config));
    let mut notes = Vec::new();
    let mut visited = vec![(target.tls, target.path_and_query.clone())];
    loop {
        let (client, first) = connected(&mut target, config, &budget).await?;
        match redirect::of(&target, &first) {
            Redirect::None => return baseline(client, config, first, notes).await,
            Redirect::Elsewhere(note) => {
                notes.push(note);
                return baseline(client, config, first, notes).await;
            }
            Redirect::Here(next) => target = *next,
        }
        let place = (target.tls, target.path_and_query.clone());
        if visited.contains(&place) || visited.len() > MAX_REDIRECTS {
            let message =
                format!("{} redirects in a circle (or more than {MAX_REDIRECTS} times)", target.shown());
            return Err(ScanError::unreachable(message, "name the URL that the redirects should lead to"));
        }
        visited.push(place);
        notes.push(format!("Redirects lead to {}, which was scanned.", target.shown()));
    }
}

/// Another client of the same target with a budget that begins now.
pub(super) fn new_client_for(ctx: &Context) -> Result<Client, ScanError> {
    new_client(ctx.client.target(), &ctx.config, &Arc::new(new_budget(&ctx.config)))
}

fn new_budget(config: &Config) -> Budget {
    Budget::new(config.requests_per_endpoint(), config.time_per_endpoint(), config.max_in_flight)
}

fn new_client(target: &Target, config: &Config, budget: &Arc<Budget>) -> Result<Client, ScanError> {
    let unresolved = || ScanError::unreachable("the target's address is not known", "try again");
    Client::new(target, target.address.ok_or_else(unresolved)?, config, Arc::clone(budget))
        .map_err(|failure| ScanError::usage(failure.to_string(), "write headers as -H 'Name: value'"))
}

/// The first answer, from the first of the name's addresses that takes connections.
async fn connected(
    target: &mut Target,
    config: &Config,
    budget: &Arc<Budget>,
) -> Result<(Arc<Client>, Answer), ScanError> {
    loop {
        let client = Arc::new(new_client(target, config, budget)?);
        let last = match first_answer(&client, target).await? {
            First::Usable(answer) => {
                return unending(target, config, &answer).map_or(Ok((client, answer)), Err);
            }
            First::Unusable(last) => last,
        };
        let refused = matches!(last.as_ref().map(|answer| &answer.result), Some(Err(Failure::Connect(_))));
        if !refused || target.next_address().is_none() {
            return Err(explain(target, config, last.as_ref()));
        }
    }
}

/// The error for an answer that began and did not end in time: a hanging server, or a stream without end. Each call of a
/// scan would take as long.
fn unending(target: &Target, config: &Config, answer: &Answer) -> Option<ScanError> {
    let response = answer.response().filter(|response| response.truncated)?;
    let patience = config.request_timeout.min(config.time_per_endpoint());
    (answer.total >= patience.mul_f64(0.9)).then(|| {
        let message = format!(
            "{} began its answer ({}) but did not end it within {}; {} bytes came",
            target.shown(),
            response.status,
            seconds(answer.total),
            response.body_bytes
        );
        ScanError::unreachable(
            message,
            "scan an endpoint whose answers end, or wait longer with --timeout and --max-time",
        )
    })
}

/// What the first requests to one address came to.
enum First {
    Usable(Answer),
    /// The last answer, if there was any.
    Unusable(Option<Answer>),
}

async fn first_answer(client: &Client, target: &Target) -> Result<First, ScanError> {
    let plain = Request::get(target.path_and_query.clone());
    let mut last = None;
    // One error of a server may be an accident; three in a row are its state.
    for attempt in 0..3 {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        let Ok(answer) = client.send(&plain).await else { break };
        match Observation::new(&answer, None).verdict {
            Verdict::Admitted => return Ok(First::Usable(answer)),
            Verdict::Rejected(signal) => return Err(already_limited(target, &answer, &signal.to_string())),
            Verdict::Failed(_) => {}
        }
        let final_failure =
            matches!(answer.result, Err(Failure::Connect(_) | Failure::Tls(_) | Failure::Timeout(_)));
        last = Some(answer);
        if final_failure {
            break;
        }
    }
    Ok(First::Unusable(last))
}

fn already_limited(target: &Target, answer: &Answer, signal: &str) -> ScanError {
    let wait = answer
        .response()
        .and_then(|response| crate::published::retry_after(&response.headers, jiff::Timestamp::now()))
        .map_or_else(
            || "wait until its window has passed".to_owned(),
            |wait| format!("try again in {} s", wait.as_secs().max(1)),
        );
    let message = format!(
        "{} already rejects the first request ({signal}): a limiter has counted calls from here before",
        target.shown()
    );
    ScanError::unreachable(message, format!("{wait}, or scan from another address"))
}

fn explain(target: &Target, config: &Config, answer: Option<&Answer>) -> ScanError {
    let at = format!("{}:{}", target.host, target.port);
    let Some(answer) = answer else {
        return ScanError::unreachable(
            format!("no answer from {at} within the budget"),
            "raise --max-requests or --max-time",
        );
    };
    let unreachable = ScanError::unreachable;
    match &answer.result {
        Err(Failure::Connect(why)) => unreachable(
            format!("cannot connect to {at}: {why}"),
            "check that the service is running and the port is right",
        ),
        Err(Failure::Tls(why)) => unreachable(
            format!("TLS with {at} failed: {why}"),
            "mend the certificate, trust its issuer (SSL_CERT_FILE), or scan with --insecure",
        ),
        Err(Failure::Timeout(after)) => unreachable(
            format!("{at} accepts connections but did not answer within {}", seconds(*after)),
            // The wait ends with the budget where that is the shorter of the two.
            if *after >= config.request_timeout {
                "check that the service is healthy, or wait longer with --timeout"
            } else {
                "check that the service is healthy, or raise --max-time (and --timeout)"
            },
        ),
        Err(Failure::Closed) => unreachable(
            format!("{at} closes the connection without an answer"),
            "check that it speaks plain HTTP on this port",
        ),
        Err(failure @ (Failure::Garbage(_) | Failure::Unsendable(_))) => {
            unreachable(format!("{at}: {failure}"), "check that it speaks HTTP on this port")
        }
        Ok(response) => unreachable(
            format!(
                "{} answers {} to every request, so nothing can be measured",
                target.shown(),
                response.status
            ),
            "mend the error first, or scan another endpoint",
        ),
    }
}

async fn baseline(
    client: Arc<Client>,
    config: &Arc<Config>,
    first: Answer,
    mut notes: Vec<String>,
) -> Result<Reached, ScanError> {
    let Some(response) = first.response().cloned() else {
        return Err(explain(client.target(), config, Some(&first)));
    };
    let mut ctx = Context {
        normal: Normal::of(&response),
        baseline: response,
        baseline_latency: first.latency,
        technologies: Vec::new(),
        limiter_rejects: false,
        api: None,
        config: Arc::clone(config),
        client,
    };
    notes.extend(first_note(&ctx.baseline));
    let family = |address: std::net::IpAddr| address.is_ipv4();
    let target_address = ctx.client.target().address.map(|address| address.ip());
    if let (Some(own), Some(target)) = (ctx.config.second_address, target_address)
        && family(own) != family(target)
    {
        notes.push(format!(
            "{own} was not used as a second source address: the target is reached at {target}."
        ));
    }
    let mut seen = vec![Seen::new(&first, &ctx)];
    let plain = ctx.plain();
    for _ in 1..BASELINE {
        tokio::time::sleep(Duration::from_millis(8)).await;
        let Ok(answer) = ctx.client.send(&plain).await else { break };
        let next = Seen::new(&answer, &ctx);
        let admitted = next.is_admitted();
        seen.push(next);
        if !admitted {
            break;
        }
    }
    let admitted = seen.iter().filter(|seen| seen.is_admitted()).map(|seen| seen.observation.latency);
    ctx.baseline_latency = admitted.min().unwrap_or(first.latency);
    Ok(Reached { ctx, seen, notes })
}

fn first_note(response: &Response) -> Option<String> {
    let text = match response.status.as_u16() {
        404 => {
            "The endpoint answers 404: is the path right? What was measured is the limit before a missing page."
        }
        401 | 403 => {
            "The endpoint asks for credentials; it was scanned without valid ones. Give them with -H to look behind the door."
        }
        405 => "The endpoint does not answer GET; what was measured is the limit before that refusal.",
        _ => return None,
    };
    Some(text.to_owned())
}
