//! What a policy would have done to traffic that was logged.
//!
//! Each [`Call`] goes the way of a call at the gateway, with the gateway's own parts: `http1` brings its path into the one
//! form, `callers` says whose it is, `judge` selects, weighs and bans, `counters` decides. Only time is another: it is the
//! log's (`clock`). So a replay and the gateway cannot disagree but in what a log does not show, and that is named in
//! the report, limit by limit (`unseen`).
//!
//! A call that was rejected then is an attempt like any other: nobody knows whether it would have come under another
//! policy. Nor does anybody know whether who is told to wait waits, so each rejected call counts once and nothing is added
//! or taken away.
//!
//! Memory is bounded whoever calls: the counters have the room that the policy gives the gateway, and what each caller did
//! is kept for [`ACCOUNTS`] callers of all limits together (about 250 bytes each), with an error that is said.

mod accounts;
mod bans;
mod clock;
mod count;
mod decide;
mod distinct;
mod fields;
mod honest;
mod pending;
mod pretty;
mod readable;
mod report;
mod tally;
mod totals;
mod unseen;

use std::sync::Arc;

use ratewarden_callers::{Caller, CallersError, Identifier, VerifiedTokens};
use ratewarden_counters::{Capacity, Counters, Hasher};
use ratewarden_http1::{check_query, normalise};
use ratewarden_judge::penalties::{Offender, Suspects};
use ratewarden_judge::{ConditionError, Head, Rules, Sheet, Subject};
use ratewarden_limiter::Time;
use ratewarden_model::Call;
use ratewarden_policy::{Offence, Policy};

use bans::Bans;
use clock::EventClock;
use pending::Pending;
use tally::{Log, Tally};
use totals::Totals;
use unseen::Unseen;

pub(crate) use count::{number, percent};
pub(crate) use fields::{Place, Whose, identify, places};
pub use pretty::pretty;
pub(crate) use readable::readable;
pub(crate) use report::rfc3339;

pub use report::{LimitReplay, PenaltyReplay, RejectedCaller, ReplayReport, Source};
pub use tally::LISTED;

/// Callers whose doings are kept, of all limits together.
pub const ACCOUNTS: usize = 65_536;

/// Keys of callers with a proved identity, as the gateway has them at most.
const VERIFIED_KEYS: usize = 65_536;

/// Why a policy cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A condition.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// A file of keys, or a token's key.
    #[error(transparent)]
    Callers(#[from] CallersError),
}

/// A policy beside a log.
#[derive(Debug)]
pub struct Replay {
    /// As it was given, every limit of it.
    policy: Policy,
    /// The limits that are replayed, by their places in the policy.
    replayed: Vec<usize>,
    unseen: Vec<Unseen>,
    judged: Judged,
    places: Arc<[Place]>,
    identifier: Identifier,
    hasher: Hasher,
    tokens: VerifiedTokens,
    sheet: Sheet,
    tallies: Vec<Tally>,
    totals: Totals,
}

/// What decides.
#[derive(Debug)]
struct Judged {
    rules: Rules,
    counters: Counters,
    clock: EventClock,
    bans: Bans,
    pending: Pending,
}

/// What becomes of a call; where one meets several ends, the first of the gateway's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It goes to the server.
    Admitted,
    /// A limit rejects it.
    Rejected,
    /// It is from somebody who is banned.
    Banned,
    /// It is refused for what it is.
    Refused,
    /// Nobody can be counted.
    Unattributed,
}

impl Replay {
    /// A replay of `policy`. Callers are hashed under `secret`, which a gateway with a store keeps there: with the same one
    /// hashes of its own log mean the same callers. The policy's files of keys are read.
    ///
    /// # Errors
    /// When a file that the policy names cannot be read or is wrong, or a condition does not compile.
    pub fn new(policy: &Policy, secret: &[u8; 16]) -> Result<Self, ReplayError> {
        let places: Arc<[Place]> = fields::places(policy).into();
        let unseen: Vec<Unseen> =
            policy.limits.iter().map(|limit| unseen::of_limit(limit, &places)).collect();
        let replayed: Vec<usize> = unseen
            .iter()
            .enumerate()
            .filter(|(_, unseen)| unseen.unsupported.is_empty())
            .map(|(place, _)| place)
            .collect();
        let mut shown = policy.clone();
        shown.limits = replayed.iter().filter_map(|&place| policy.limits.get(place).cloned()).collect();
        unseen::without_bounds_unseen(&mut shown);
        let hasher = Hasher::new(secret);
        let rules = Rules::build(&shown, &hasher)?;
        let room = (ACCOUNTS / rules.limits.len().max(1)).min(ACCOUNTS / 4);
        let keys = policy.caps.keys;
        Ok(Self {
            identifier: Identifier::build(policy, secret, None)?,
            tallies: rules.limits.iter().map(|rule| Tally::new(rule, room)).collect(),
            judged: Judged {
                rules,
                counters: Counters::new(Capacity { keys, verified_keys: keys.min(VERIFIED_KEYS) }),
                clock: EventClock::new(),
                bans: Bans::new(policy, &hasher),
                pending: Pending::default(),
            },
            policy: policy.clone(),
            replayed,
            unseen,
            places,
            hasher,
            tokens: VerifiedTokens::default(),
            sheet: Sheet::default(),
            totals: Totals::default(),
        })
    }

    /// Takes a call in, in the order of the log, and says what the policy does with it. A call that only says what somebody
    /// holds is no request and is left out.
    pub fn see(&mut self, call: &Call<'_>) -> Option<Outcome> {
        if call.held.is_some() {
            return None;
        }
        self.totals.see(call);
        self.judged.clock.set(call.at_ms);
        let now = self.judged.clock.now();
        self.judged.pending.end(now, &self.judged.counters);
        let outcome = self.judge(call, now);
        self.totals.end(outcome);
        Some(outcome)
    }

    /// What came of it.
    #[must_use]
    pub fn finish(self) -> ReplayReport {
        let log = Log { full_seconds: !self.totals.fine_time, queries: self.totals.queries };
        let mut limits = Vec::new();
        for (place, (limit, unseen)) in self.policy.limits.iter().zip(&self.unseen).enumerate() {
            let tally = self.replayed.iter().position(|&at| at == place).and_then(|at| self.tallies.get(at));
            limits.push(
                tally.map_or_else(|| tally::empty(limit, unseen), |tally| tally.report(limit, unseen, log)),
            );
        }
        let mut assumptions = self.totals.assumptions(&self.judged.clock, self.judged.pending.cut);
        assumptions.extend(unseen::of_policy(&self.policy, &self.places));
        let Totals { calls, admitted, rejected, banned, refused, unattributed, rejected_then, .. } =
            self.totals;
        let span = self.judged.clock.span();
        ReplayReport {
            schema: ReplayReport::SCHEMA,
            version: ratewarden_model::VERSION,
            sources: Vec::new(),
            from: span.and_then(|(from, _)| rfc3339(from)),
            to: span.and_then(|(_, to)| rfc3339(to)),
            calls,
            admitted,
            rejected,
            banned,
            refused,
            unattributed,
            rejected_then,
            unreadable: 0,
            limits,
            penalties: self.judged.bans.report(),
            assumptions,
        }
    }

    fn judge(&mut self, call: &Call<'_>, now: Time) -> Outcome {
        let Some((method, path, query)) = readable(call) else {
            return self.totals.refuse("not_http");
        };
        let path = match normalise(path).and_then(|path| query.map_or(Ok(()), check_query).map(|()| path)) {
            Ok(path) => path,
            Err(refused) => return self.totals.refuse(refused.reason.name()),
        };
        let hash = |secret: &[u8]| self.hasher.hash([b"credential".as_slice(), secret]);
        let places = Arc::clone(&self.places);
        let from = fields::identify(&self.identifier, &places, call, &mut self.tokens, hash);
        let (caller, fields) = match from {
            Whose::Nobody => return Outcome::Unattributed,
            Whose::Caller(caller, fields) => (Ok(caller), fields),
            Whose::Failed(failed, fields) => (Err(failed), fields),
        };
        let mut suspects = self.suspects(call);
        let caller = match caller {
            Ok(caller) => caller,
            Err(failed) => {
                suspects.target = failed.target();
                if self.judged.bans.meets(&suspects, false, now) {
                    return Outcome::Banned;
                }
                if failed.status() == 401 {
                    let offender = Offender { suspects: &suspects, caller: None };
                    let Judged { bans, counters, .. } = &mut self.judged;
                    bans.offended(Offence::FailedCredentials, &offender, counters, now);
                }
                return self.totals.refuse(failed.reason());
            }
        };
        let subject = subject(caller, suspects);
        if self.judged.bans.meets(&subject.suspects, true, now) {
            return Outcome::Banned;
        }
        let head = Head { method, path: &path, query, fields: &fields, at: now, changeable: true };
        self.decide(call, &head, &subject)
    }

    fn suspects(&self, call: &Call<'_>) -> Suspects {
        let prefix = self.policy.trust.ipv6_prefix;
        let counted = call.address.map(|address| ratewarden_callers::counted(address, prefix));
        let address = counted.map(|address| self.identifier.address_id(address));
        Suspects { address, counted, ..Suspects::default() }
    }
}

fn subject(caller: Caller, suspects: Suspects) -> Subject {
    let suspects = Suspects { caller: Some(caller.id()), is_proved: caller.is_verified(), ..suspects };
    Subject { caller, address: suspects.counted, suspects }
}
