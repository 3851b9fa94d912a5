//! Ways round the limit, each tried alone and each between two plain requests.
//!
//! A variant counts only while the plain request before it and the one after it are still rejected, and only when
//! that has happened so often that a token which happened to return cannot explain it. The same engine finds out
//! what calls are counted per: a second source address, another credential.

mod rounds;
mod spellings;
mod values;
mod variants;

pub use variants::{Kind, Variant};

use std::time::Duration;

use ratewarden_model::scan_report::Algorithm;

use crate::budget::Exhausted;
use crate::context::Context;
use crate::http::Request;
use crate::limiter::{Investigation, fire};
use rounds::Outcome;

/// A variant that was seen to get through.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Which one.
    pub variant: Variant,
    /// How often it was admitted between two rejected plain requests.
    pub times: u32,
    /// The request, as it was sent last.
    pub request: Request,
}

/// What all variants together show.
#[derive(Debug, Clone, Default)]
pub struct Bypasses {
    /// Those that got through.
    pub passed: Vec<Passed>,
    /// How many were tried and rejected.
    pub held: u32,
    /// The labels of those that could not be judged within the budget.
    pub untried: Vec<&'static str>,
    /// Ids of the rules of which a variant was judged.
    pub tested: Vec<&'static str>,
    /// How many other source addresses were tried and rejected.
    pub other_addresses_rejected: u32,
    /// What to tell the reader.
    pub notes: Vec<String>,
}

impl Bypasses {
    /// What calls are counted per, as far as it was shown. Where the user sends a credential it may be that one, so
    /// "everybody" is not said then.
    #[must_use]
    pub fn keyed_by(&self, sends_credential: bool) -> Vec<String> {
        let mut keys: Vec<String> =
            self.passed.iter().filter_map(|passed| passed.variant.key.clone()).collect();
        keys.sort_by_key(|key| (key != "address", key.clone()));
        keys.dedup();
        // A new address always comes on a new connection: only one of the two is what is counted.
        if keys.iter().any(|key| key == "connection") {
            keys.retain(|key| key != "address");
        }
        if keys.is_empty() && self.other_addresses_rejected >= OTHERS_FOR_GLOBAL && !sends_credential {
            keys.push("global".to_owned());
        }
        keys
    }
}

/// So many other addresses must be rejected before everybody is said to be counted together.
const OTHERS_FOR_GLOBAL: u32 = 3;
/// Rounds beyond the first that a variant without a verdict gets.
const RETRIES: u32 = 2;
/// How unlikely a run of admissions must be under chance before it is claimed.
const CHANCE: f64 = 1e-5;

/// Tries every variant that makes sense for this endpoint, within what is left of the budget.
pub async fn probe(ctx: &Context, found: &Investigation) -> Bypasses {
    let mut bypasses = Bypasses::default();
    let Some(inference) = &found.inference else { return bypasses };
    if inference.fit.algorithm == Algorithm::Concurrency {
        rounds::concurrency_key(ctx, found, &mut bypasses).await;
        return bypasses;
    }
    if inference.fit.algorithm == Algorithm::Unknown {
        let note = "Bypasses were not tried: the limiter follows no pattern that was understood.";
        bypasses.notes.push(note.to_owned());
        return bypasses;
    }
    if !found.rejects() {
        bypasses.notes.push(
            "Bypasses were not tried: the limiter delays calls and was not seen to reject any.".to_owned(),
        );
        return bypasses;
    }
    let variants = variants::all(ctx);
    let number = variants.len();
    // What calls are counted per comes first: it is asked of every limiter, and the budget may end.
    let (keys, ways): (Vec<Variant>, Vec<Variant>) = variants.into_iter().partition(|variant| {
        matches!(variant.kind, Kind::SecondAddress | Kind::Connection | Kind::Credential)
    });
    let mut trial = Trial { ctx, found, spacing: spacing(found), prefix: rounds::prefix(found), bypasses };
    trial.try_all(keys).await;
    trial.try_all(ways).await;
    let mut bypasses = trial.bypasses;
    if !bypasses.untried.is_empty() {
        let left = bypasses.untried.len();
        bypasses
            .notes
            .push(format!("{left} of {number} bypass variants could not be judged within the budget."));
    }
    bypasses
}

/// The variants of one endpoint, being tried.
struct Trial<'a> {
    ctx: &'a Context,
    found: &'a Investigation,
    spacing: Duration,
    /// Plain requests that fill a queue before each round.
    prefix: usize,
    bypasses: Bypasses,
}

impl Trial<'_> {
    /// Each variant once, those that a plain request spoilt again, and the suspects often enough to be sure.
    async fn try_all(&mut self, variants: Vec<Variant>) {
        let mut open = variants;
        let mut suspects = Vec::new();
        for _ in 0..=RETRIES {
            if open.is_empty() || !self.shut().await {
                break;
            }
            let (judged, ended) = rounds::round(self.ctx, &open, self.spacing, self.prefix).await;
            open.clear();
            for (variant, outcome) in judged {
                match outcome {
                    Outcome::Held => self.held(&variant),
                    Outcome::Admitted => suspects.push(variant),
                    Outcome::Unclear => open.push(variant),
                }
            }
            if ended.is_err() {
                break;
            }
        }
        open.extend(self.confirm(suspects).await);
        self.bypasses.untried.extend(open.iter().map(|variant| variant.label));
    }

    /// Shuts the limiter; a queue is filled by the round itself.
    async fn shut(&self) -> bool {
        self.prefix > 0 || rounds::block(self.ctx, self.found, self.spacing).await.is_ok()
    }

    fn held(&mut self, variant: &Variant) {
        self.bypasses.held += 1;
        self.bypasses.other_addresses_rejected += u32::from(variant.kind == Kind::SecondAddress);
        self.judged(variant);
    }

    fn judged(&mut self, variant: &Variant) {
        self.bypasses.tested.extend(variant.kind.rule().map(|rule| rule.id));
    }

    /// Repeats each suspect between plain requests until chance cannot explain it; gives back those without a verdict.
    async fn confirm(&mut self, suspects: Vec<Variant>) -> Vec<Variant> {
        let Some(times) = confirmations(self.found, self.spacing) else {
            if !suspects.is_empty() {
                let note =
                    "The limiter lets calls in too quickly to tell a bypass from a token that returned.";
                self.bypasses.notes.push(note.to_owned());
            }
            return suspects;
        };
        let mut open = Vec::new();
        for variant in suspects {
            let known = |passed: &Passed| passed.variant.label == variant.label;
            if self.bypasses.passed.iter().any(known) {
                continue;
            }
            if !self.shut().await {
                open.push(variant);
                continue;
            }
            match rounds::repeat(self.ctx, &variant, times, self.spacing, self.prefix).await {
                (Outcome::Admitted, request) => {
                    if rounds::control_reaches(self.ctx, &variant).await {
                        let note = format!(
                            "{} shows no bypass: what cannot exist is answered alike.",
                            variant.label
                        );
                        self.bypasses.notes.push(note);
                        continue;
                    }
                    self.judged(&variant);
                    self.bypasses.passed.push(Passed { variant, times, request });
                }
                (Outcome::Held, _) => self.held(&variant),
                (Outcome::Unclear, _) => open.push(variant),
            }
        }
        open
    }
}

/// The distance between two requests of a round: as small as keeps their order certain.
fn spacing(found: &Investigation) -> Duration {
    Duration::from_secs_f64((3.0 * found.conditions.jitter).clamp(0.005, 0.04))
}

/// How often a variant must get through; None where calls return so quickly that no number of times would show it.
fn confirmations(found: &Investigation, spacing: Duration) -> Option<u32> {
    let fit = &found.inference.as_ref()?.fit;
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are below 2^52")]
    let per_second = fit.rate.or_else(|| Some(fit.limit? as f64 / fit.window?)).unwrap_or(0.0);
    // The chance that a call returned between the plain request before and this one.
    let chance = (per_second * spacing.as_secs_f64() * 1.5).max(0.01);
    if chance > 0.5 {
        return None;
    }
    let times = (CHANCE.ln() / chance.ln()).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 3 and 17")]
    Some((times as u32).clamp(3, 17))
}

/// Sends the shots and judges none of them: what `rounds` builds on.
async fn send_all(
    ctx: &Context,
    shots: Vec<Request>,
    spacing: Duration,
) -> (Vec<(usize, crate::limiter::Seen)>, Result<(), Exhausted>) {
    fire(ctx, shots.into_iter().map(|request| (spacing, request)), &mut |_| false).await
}
