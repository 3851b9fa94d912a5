//! Does one hot key slow writes down, and is what is written checked?
//!
//! Only with `--writes` and an operation that the user names, or a POST that the API's description has on the target's
//! path: a PUT or PATCH changes what is there already. Everything written says that it is test data
//! (`ratewarden-probe-…`) and is listed in a note, for a scanner that never deletes must say what it leaves behind.

mod careless;
mod draft;
mod hints;
mod hot;
mod key;

use http::Method;
use ratewarden_model::{Finding, Rule, Subject, rules};

use crate::context::Context;
use crate::probes::{Courier, Outcome, Stop};
use careless::Careless;
use draft::Draft;
use hot::Hot;

/// Bodies tried until one is accepted.
pub const BODIES: u32 = 8;

/// Parts of paths where a write starts a job or a machine (Ray, Anyscale): a test write there is not a test.
const STARTS_WORK: [&str; 7] = [
    "/api/jobs",
    "/decorated_ha_jobs",
    "/production_jobs",
    "/ext/v0/clusters",
    "/api/v2/sessions",
    "/services-v2/",
    "/api/serve/",
];

/// Writes to the named operation: nothing without `--writes`, else at most 8 bodies, 2 × 12, 30 or 60 writes (by depth), and
/// 4 more.
pub async fn probe(ctx: &Context) -> Outcome {
    let (method, path) = match operation(ctx) {
        Ok(operation) => operation,
        Err(note) => return note.map(Outcome::nothing).unwrap_or_default(),
    };
    let pairs = hot::pairs(ctx);
    let mut writing = Writing {
        courier: Courier::new(ctx, BODIES + 2 * pairs + 4),
        place: format!("{method} {path}"),
        written: 0,
    };
    let mut outcome = Outcome::default();
    let mut draft = Draft::new(ctx, method, &path);
    if let Err(stop) = writing.run(&mut draft, pairs, &mut outcome).await {
        outcome.notes.push(format!("writes to {} were not tried any further: {stop}", writing.place));
    }
    if writing.written > 0 {
        outcome.notes.push(format!(
            "{} test records were written to {}: {}. Ratewarden never deletes; please remove them",
            writing.written,
            writing.place,
            draft.marks()
        ));
    }
    outcome.observations = writing.courier.into_observations();
    outcome
}

/// The operation that may be written to; else why there is none (nothing to say without `--writes`).
fn operation(ctx: &Context) -> Result<(Method, String), Option<String>> {
    if !ctx.config.writes {
        return Err(None);
    }
    if let Some(operation) = &ctx.config.endpoint {
        if STARTS_WORK.iter().any(|start| operation.path.contains(start)) {
            let note =
                format!("writes were not tried: a write to {} would start jobs or machines", operation.path);
            return Err(Some(note));
        }
        let refused =
            || format!("writes were not tried: only POST, PUT and PATCH are sent, not {}", operation.method);
        return match operation.method.to_ascii_uppercase().as_str() {
            "POST" => Ok((Method::POST, operation.path.clone())),
            "PUT" => Ok((Method::PUT, operation.path.clone())),
            "PATCH" => Ok((Method::PATCH, operation.path.clone())),
            _ => Err(Some(refused())),
        };
    }
    let target = ctx.client.target().path();
    if STARTS_WORK.iter().any(|start| target.contains(start)) {
        return Err(None);
    }
    // A PUT or PATCH changes what is there: only where the user names it.
    let described = ctx.api.as_ref().and_then(|api| api.operation_for("POST", target)).is_some();
    if described {
        Ok((Method::POST, target.to_owned()))
    } else {
        Err(Some("writes were not tried: name an operation with --endpoint 'POST /path'".to_owned()))
    }
}

/// The probe under way.
struct Writing<'a> {
    courier: Courier<'a>,
    /// `POST /events`.
    place: String,
    /// Records that the target accepted.
    written: u32,
}

impl Writing<'_> {
    async fn run(&mut self, draft: &mut Draft, pairs: u32, outcome: &mut Outcome) -> Result<(), Stop> {
        if let Err(why) = self.settle(draft).await? {
            outcome.notes.push(format!("writes to {} were not tried: {why}", self.place));
            return Ok(());
        }
        let mut hot = Hot::default();
        let ended = hot.measure(self, draft, pairs).await;
        match hot.verdict(self, draft) {
            Ok(finding) => outcome.findings.push(finding),
            Err(note) => outcome.notes.push(note),
        }
        // A limit for each key is in nobody else's way, so the rule was tried and what follows can be.
        if !hot.limited_per_key {
            ended?;
        }
        outcome.tested.push(rules::HOT_KEY.id);
        let mut careless = Careless::default();
        let ended = careless.try_all(self, draft).await;
        outcome.findings.extend(careless.finding(self));
        outcome.notes.extend(careless.note(self));
        if ended.is_ok() {
            outcome.tested.push(rules::CARELESS_WRITE.id);
        }
        ended
    }

    /// Finds a body that is accepted; the inner error says why none was.
    async fn settle(&mut self, draft: &mut Draft) -> Result<Result<(), String>, Stop> {
        let mut last = String::new();
        for _ in 0..BODIES {
            let (_, response) = self.courier.ask(&draft.request(&draft.fresh_key())).await?;
            let status = response.status.as_u16();
            match status {
                200..=299 => {
                    self.written += 1;
                    return Ok(Ok(()));
                }
                401 | 403 | 404 | 405 | 501 => return Ok(Err(format!("it answered {status}"))),
                _ => {}
            }
            let said = self.courier.ctx.excerpt(&response.text(), 120);
            last = format!("{status} {said}").trim_end().to_owned();
            if !draft.improve(&response) {
                break;
            }
        }
        Ok(Err(format!("no body that could be thought of was accepted (last answer: {last})")))
    }

    fn finding(&self, rule: &Rule, description: String) -> Finding {
        let (method, path) = self.place.split_once(' ').unwrap_or(("POST", "/"));
        let path = path.split('?').next().unwrap_or("/");
        let url = format!("{}{path}", self.courier.ctx.client.target().origin());
        let subject = Subject::Endpoint { method: method.to_owned(), url };
        Finding::new(rule, subject, &format!("{method} {path}"), description)
    }
}
