//! Can credentials be guessed without hindrance? At most 15 obviously false ones are sent: 12 here, and up to 3 by the
//! search for ways round the limiter.
//!
//! The tokens say what they are (`ratewarden-false-…`) and belong to nobody, so no account can be locked by them; what
//! may be locked for a while is this machine's address, which is the protection we hope to see. Where the user sent a
//! credential, the plain request is sent once more at the end: it shows whether the refusals were about the credential,
//! and whether a lock-out hit the honest caller.

mod scheme;

use std::time::Duration;

use ratewarden_model::{Confidence, Finding, rules};

use crate::context::Context;
use crate::curl;
use crate::http::{Answer, Failure, Response};
use crate::observe::Normal;
use crate::probes::{Courier, Outcome, Stop};
use crate::statistics::median;
use scheme::Scheme;
pub use scheme::carries_credentials;

/// False credentials sent, the first that is only a check included. With the up to 3 that the search for ways round the
/// limiter sends, an endpoint gets at most the 15 that the rule promises.
pub const TRIES: u32 = 12;
/// A delay grows where the last answers take this many times as long as the first…
const GROWTH: f64 = 2.0;
/// …and this much longer.
const LEAST_GROWTH_MS: f64 = 100.0;
/// A target that takes longer than this for one refusal is left alone.
const TOO_SLOW: Duration = Duration::from_secs(3);
/// Words by which a refusal says that guessing was noticed.
const LOCKED: [&str; 6] = ["locked", "lockout", "too many", "captcha", "blocked", "rate limit"];

/// Whether the endpoint asks for credentials in a way that [`probe`] can answer falsely.
#[must_use]
pub fn may_be_tried(ctx: &Context) -> bool {
    Scheme::of(ctx).is_ok()
}

/// Sends false credentials where the endpoint asks for any: 0 to 13 requests.
pub async fn probe(ctx: &Context) -> Outcome {
    let scheme = match Scheme::of(ctx) {
        Ok(scheme) => scheme,
        Err(note) => return note.map(Outcome::nothing).unwrap_or_default(),
    };
    let mut courier = Courier::new(ctx, TRIES + 1);
    let mut outcome = Outcome::default();
    match guess(&mut courier, &scheme).await {
        Ok(Guesses { end: End::NoCheck(status), .. }) => outcome.notes.push(format!(
            "credential guessing was not tried: a false credential was answered {status}, so nothing checks it here"
        )),
        Ok(Guesses { end: End::Protected(how), tries, .. }) => {
            outcome.notes.push(format!("guessing credentials was hindered after {}: {how}", count(tries.len())));
            outcome.tested.push(rules::NO_LOCKOUT.id);
        }
        Ok(Guesses { end: End::Unjudged, .. }) => outcome.notes.push(
            "whether guessing credentials is hindered cannot be judged: the limiter was rejecting".to_owned(),
        ),
        Ok(Guesses { end: End::Unhindered, tries, status, seconds }) => {
            outcome.findings.push(finding(ctx, &scheme, &tries, status, seconds));
        }
        Err(stop) => outcome.notes.push(format!("credential guessing was not tried any further: {stop}")),
    }
    outcome.observations = courier.into_observations();
    outcome
}

/// What became of the guesses.
struct Guesses {
    end: End,
    /// The latencies of the refused tries, in milliseconds.
    tries: Vec<f64>,
    /// How they were refused.
    status: u16,
    seconds: f64,
}

enum End {
    /// The first false credential was not refused.
    NoCheck(u16),
    /// Something stood in the way.
    Protected(String),
    /// The limiter that our own requests had used up rejected the honest caller.
    Unjudged,
    /// Nothing did.
    Unhindered,
}

async fn guess(courier: &mut Courier<'_>, scheme: &Scheme) -> Result<Guesses, Stop> {
    let (first, refusal) = courier.ask_as(&scheme.false_request(courier.ctx), None).await?;
    let status = refusal.status.as_u16();
    let mut guesses = Guesses { end: End::Unhindered, tries: vec![millis(&first)], status, seconds: 0.0 };
    if !matches!(status, 401 | 403) {
        guesses.end = End::NoCheck(status);
        return Ok(guesses);
    }
    let normal = Normal::of(&refusal);
    let mut last_sent = first.sent_at;
    for _ in 1..TRIES {
        let (answer, _) = courier.send(&scheme.false_request(courier.ctx), Some(&normal)).await?;
        last_sent = answer.sent_at;
        if let Some(how) = hindrance(courier.ctx, &answer, &refusal) {
            guesses.end = End::Protected(how);
            return Ok(guesses);
        }
        guesses.tries.push(millis(&answer));
        if answer.total > TOO_SLOW {
            break;
        }
    }
    guesses.seconds = last_sent.saturating_sub(first.sent_at).as_secs_f64();
    if let Some(how) = growing_delay(&guesses.tries) {
        guesses.end = End::Protected(how);
    } else if let Some(end) = honest_caller(courier, scheme).await? {
        guesses.end = end;
    } else if guesses.tries.len() < TRIES as usize {
        return Err(Stop::Failed(format!("a refusal took over {} s", TOO_SLOW.as_secs())));
    }
    Ok(guesses)
}

/// Whether the user's own credential still works; None where there is nothing to say.
async fn honest_caller(courier: &mut Courier<'_>, scheme: &Scheme) -> Result<Option<End>, Stop> {
    if !scheme.is_users {
        return Ok(None);
    }
    let ctx = courier.ctx;
    let (answer, verdict) = courier.send(&ctx.plain(), Some(&ctx.normal)).await?;
    if ctx.limiter_rejects && verdict.is_rejected() {
        return Ok(Some(End::Unjudged));
    }
    let admitted = answer.response().is_some_and(|response| response.status == ctx.normal.status);
    Ok((!admitted).then(|| {
        let what =
            answer.response().map_or("no answer".to_owned(), |response| response.status.as_u16().to_string());
        End::Protected(format!("afterwards your own credential got {what} too, so the source was locked out"))
    }))
}

/// What stood in the way of one try, if anything did; `refusal` is how the first was refused.
fn hindrance(ctx: &Context, answer: &Answer, refusal: &Response) -> Option<String> {
    match &answer.result {
        Ok(response) => hindering_response(ctx, response, refusal),
        Err(Failure::Closed) => Some("the connection was closed without an answer".to_owned()),
        Err(failure) => Some(failure.to_string()),
    }
}

fn hindering_response(ctx: &Context, response: &Response, refusal: &Response) -> Option<String> {
    let (status, usual) = (response.status.as_u16(), refusal.status.as_u16());
    if let Some(after) = response.header("retry-after") {
        let after = ctx.excerpt(after, 40);
        return Some(format!("the answer was {status} with Retry-After: {after}"));
    }
    if status != usual {
        return Some(format!("the answer turned from {usual} to {status}"));
    }
    let words = |response: &Response| {
        let text =
            if response.body_bytes < 4_096 { response.text().to_ascii_lowercase() } else { String::new() };
        LOCKED.into_iter().filter(move |word| text.contains(word))
    };
    let before: Vec<&str> = words(refusal).collect();
    words(response)
        .find(|word| !before.contains(word))
        .map(|word| format!("the refusal began to say \"{word}\""))
}

/// Whether the last refusals took longer than the first ones.
fn growing_delay(tries: &[f64]) -> Option<String> {
    let third = tries.len() / 3;
    let first = median(tries.get(..third)?)?;
    let last = median(tries.get(tries.len() - third..)?)?;
    (last >= GROWTH * first && last - first >= LEAST_GROWTH_MS)
        .then(|| format!("the delay grew from {first:.0} ms to {last:.0} ms"))
}

fn finding(ctx: &Context, scheme: &Scheme, tries: &[f64], status: u16, seconds: f64) -> Finding {
    let sent = tries.len();
    let (first, last) = (tries.first().copied().unwrap_or(0.0), tries.last().copied().unwrap_or(0.0));
    let description = format!(
        "{sent} false credentials ({}) were sent in {seconds:.1} s. Each was refused with {status}; none was locked out, \
         rejected or answered more slowly (first {first:.0} ms, last {last:.0} ms). A lock-out that begins after more tries \
         than that was not looked for.",
        scheme.label()
    );
    let mut finding = ctx
        .finding(&rules::NO_LOCKOUT, description)
        .confidence(Confidence::Firm)
        .evidence("tries", sent)
        .evidence("seconds", round(seconds))
        .evidence("status", status)
        .evidence("first_latency_ms", round(first))
        .evidence("last_latency_ms", round(last))
        .reproduce(curl::repeated(&ctx.client, &scheme.false_request(ctx), u64::from(TRIES)));
    finding.remediation.snippets = crate::remedy::guessing_snippets(ctx.client.target().path());
    finding
}

fn millis(answer: &Answer) -> f64 {
    answer.latency.as_secs_f64() * 1e3
}

fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn count(tries: usize) -> String {
    if tries == 1 { "1 try".to_owned() } else { format!("{tries} tries") }
}
