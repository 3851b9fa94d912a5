//! Limits from what callers really do.
//!
//! Two passes over the same calls: [`Suggest`] measures how fast callers call, and the [`Suggestion`] it ends with is
//! replayed like any other policy ([`Suggestion::replay`]). So the share of callers that a limit would touch is measured and not
//! modelled. Where there is no second pass (a pipe), the policy says that it was not measured.

mod histogram;
mod policy;
mod propose;
mod rates;
mod report;
mod route;

use std::collections::HashMap;
use std::sync::Arc;

use ratewarden_callers::{Identifier, VerifiedTokens};
use ratewarden_counters::Hasher;
use ratewarden_http1::normalise;
use ratewarden_model::Call;
use ratewarden_policy::{Mistakes, Policy};

use crate::replay::{Place, Replay, ReplayError, ReplayReport, Whose, identify, places, readable, rfc3339};
use policy::{about, write};
use propose::Proposal;
use rates::Rates;

pub use report::{GroupRates, Quantiles, SuggestReport, SuggestedLimit, Windows};
pub use route::{RouteOf, route_of};

/// Routes that are told apart, those that were seen first; calls of others count among all calls alone. A route is made by a
/// call that was answered well, so nobody can fill these places by asking for what is not there.
const ROUTES: usize = 512;

/// Callers of all routes together that are kept apart at one time.
const CALLERS_OF_ROUTES: usize = 262_144;

/// How limits are suggested.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server behind the gateway, as the policy names it.
    pub upstream: String,
    /// How callers are known before their address, as `from` of `[[caller]]` says it (`header:x-api-key`, `bearer`).
    pub callers: Vec<String>,
    /// What a percentile is multiplied with; from 1. From 2 on nobody who stays under it can be rejected.
    pub headroom: f64,
    /// Limits for single routes at most.
    pub routes: usize,
    /// The route of a call.
    pub route_of: RouteOf,
}

/// Why nothing can be suggested.
#[derive(Debug, thiserror::Error)]
pub enum SuggestError {
    /// No policy can be made of the options.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// What was made cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// No call was of anybody.
    #[error("no call says whose it is, so there is nothing to make a limit of")]
    Nobody,
}

/// Calls that share a limit.
#[derive(Debug)]
pub(crate) struct Group {
    /// Method and path template; `None` is every call.
    route: Option<(String, String)>,
    rates: Rates,
}

/// The first pass.
#[derive(Debug)]
pub struct Suggest {
    options: Options,
    identifier: Identifier,
    places: Arc<[Place]>,
    hasher: Hasher,
    tokens: VerifiedTokens,
    /// The first is that of all calls.
    groups: Vec<Group>,
    by_route: HashMap<(String, String), usize>,
    left_out: u64,
    span: Option<(i64, i64)>,
}

/// What the first pass found: a policy that can be replayed.
#[derive(Debug)]
pub struct Suggestion {
    options: Options,
    limits: Vec<Proposal>,
    policy: Policy,
    report: SuggestReport,
}

impl Default for Options {
    /// Callers by their address, a head-room of 2, sixteen routes.
    fn default() -> Self {
        Self {
            upstream: "http://127.0.0.1:8000".to_owned(),
            callers: Vec::new(),
            headroom: 2.0,
            routes: 16,
            route_of,
        }
    }
}

impl Suggest {
    /// A first pass. Callers are hashed under `secret`.
    ///
    /// # Errors
    /// When no policy can be made of the options.
    pub fn new(options: Options, secret: &[u8; 16]) -> Result<Self, SuggestError> {
        let options = Options { headroom: options.headroom.clamp(1.0, 100.0), ..options };
        let (_, policy) = write(&options, "", &[])?;
        let all = Group { route: None, rates: Rates::default() };
        Ok(Self {
            identifier: Identifier::build(&policy, secret, None).map_err(ReplayError::from)?,
            places: places(&policy).into(),
            hasher: Hasher::new(secret),
            tokens: VerifiedTokens::default(),
            groups: vec![all],
            by_route: HashMap::new(),
            left_out: 0,
            span: None,
            options,
        })
    }

    /// Takes a call in.
    pub fn see(&mut self, call: &Call<'_>) {
        if call.held.is_some() {
            return;
        }
        let Some(id) = self.caller(call) else {
            self.left_out += 1;
            return;
        };
        let (from, to) = self.span.unwrap_or((call.at_ms, call.at_ms));
        self.span = Some((from.min(call.at_ms), to.max(call.at_ms)));
        if let Some(all) = self.groups.first_mut() {
            all.rates.see(id, call, rates::CALLERS);
        }
        let room = CALLERS_OF_ROUTES / self.groups.len().max(8);
        if let Some(group) = self.group(call).and_then(|place| self.groups.get_mut(place)) {
            group.rates.see(id, call, room);
        }
    }

    /// What is suggested.
    ///
    /// # Errors
    /// When there was no call of anybody, and when no policy can be made of it.
    pub fn finish(mut self) -> Result<Suggestion, SuggestError> {
        self.groups.iter_mut().for_each(|group| group.rates.finish());
        let (from, to) = self.span.ok_or(SuggestError::Nobody)?;
        let limits = propose::limits(&self.groups, &self.options, to.saturating_sub(from));
        let mut report = SuggestReport {
            schema: SuggestReport::SCHEMA,
            version: ratewarden_model::VERSION,
            from: rfc3339(from),
            to: rfc3339(to),
            calls: self.groups.first().map_or(0, |group| group.rates.calls),
            calls_left_out: self.left_out,
            headroom: self.options.headroom,
            groups: self.groups.iter().map(propose::said).collect(),
            limits: limits.iter().map(Proposal::said).collect(),
            assumptions: vec![
                "What callers did in this time is taken for what they do; a busier season is not in it."
                    .to_owned(),
                "Calls that were rejected then are counted like all others: they are what callers want."
                    .to_owned(),
            ],
            policy: String::new(),
        };
        let (text, policy) = write(&self.options, &about(&report, "They were not measured."), &limits)?;
        report.policy = text;
        Ok(Suggestion { options: self.options, limits, policy, report })
    }

    fn caller(&mut self, call: &Call<'_>) -> Option<u128> {
        let (_, path, _) = readable(call)?;
        normalise(path).ok()?;
        let places = Arc::clone(&self.places);
        let hash = |secret: &[u8]| self.hasher.hash([b"credential".as_slice(), secret]);
        match identify(&self.identifier, &places, call, &mut self.tokens, hash) {
            Whose::Caller(caller, _) => Some(caller.id()),
            Whose::Failed(..) | Whose::Nobody => None,
        }
    }

    fn group(&mut self, call: &Call<'_>) -> Option<usize> {
        let template = (self.options.route_of)(call)?;
        let method = std::str::from_utf8(call.method).ok()?;
        let route = (method.to_owned(), template);
        if let Some(&place) = self.by_route.get(&route) {
            return Some(place);
        }
        let is_usual = matches!(method, "GET" | "POST" | "PUT" | "PATCH" | "DELETE");
        if !is_usual || !(200..400).contains(&call.status) || self.groups.len() > ROUTES {
            return None;
        }
        let place = self.groups.len();
        self.groups.push(Group { route: Some(route.clone()), rates: Rates::default() });
        self.by_route.insert(route, place);
        Some(place)
    }
}

impl Suggestion {
    /// The policy as it would be read.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What came of the first pass alone.
    #[must_use]
    pub const fn report(&self) -> &SuggestReport {
        &self.report
    }

    /// The second pass: it wants to see the same calls.
    ///
    /// # Errors
    /// None that a policy of our own making brings about.
    pub fn replay(&self, secret: &[u8; 16]) -> Result<Replay, SuggestError> {
        Ok(Replay::new(&self.policy, secret)?)
    }

    /// The same with what the second pass has measured.
    ///
    /// # Errors
    /// None that a policy of our own making brings about.
    pub fn measured(self, replay: &ReplayReport) -> Result<SuggestReport, SuggestError> {
        let mut report = self.report;
        let mut limits = self.limits;
        for ((said, limit), replayed) in report.limits.iter_mut().zip(&mut limits).zip(&replay.limits) {
            said.calls = replayed.matched;
            said.calls_touched = replayed.rejected;
            said.callers = replayed.callers;
            said.callers_touched = replayed.callers_rejected;
            said.looks_honest = replayed.looks_honest;
            limit.evidence.push('\n');
            limit.evidence.push_str(&said.measured());
        }
        let shares = "Each was replayed on the same calls: what it would have rejected stands above it.";
        report.policy = write(&self.options, &about(&report, shares), &limits)?.0;
        Ok(report)
    }
}

impl Group {
    /// `all calls`, or method and path template.
    pub(crate) fn name(&self) -> String {
        self.route
            .as_ref()
            .map_or_else(|| "all calls".to_owned(), |(method, path)| format!("{method} {path}"))
    }
}

impl Proposal {
    fn said(&self) -> SuggestedLimit {
        SuggestedLimit {
            name: self.name.clone(),
            rate: self.rate.to_string(),
            burst: self.burst,
            evidence: self.evidence.clone(),
            calls: None,
            calls_touched: None,
            callers: None,
            callers_touched: None,
            looks_honest: None,
        }
    }
}
