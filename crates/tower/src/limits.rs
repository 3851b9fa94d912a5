//! All limits of a layer, with their state: one call in, its outcome out.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant as Moment;

use http::HeaderValue;
use http::request::Parts;
use jiff::Timestamp;
use ratewarden_counters::{
    Capacity, Check, Counters, Decision, Hasher, Instant, LimitId, Scratch, Usage, Who,
};
use ratewarden_limiter::{Notice, Period, Rule, Time, Told, WordRule};

use crate::answer::Rejected;
use crate::limit::{InvalidLimits, Limit, Per, validate};

pub(crate) type ClockFn = dyn Fn() -> Instant + Send + Sync;

/// What is shared by all clones of a layer.
pub(crate) struct Limits {
    counters: Counters,
    hasher: Hasher,
    limits: Vec<(Limit, LimitId, Notice)>,
    shadow_rejections: AtomicU64,
}

/// What becomes of a call.
pub(crate) enum Outcome<'l> {
    Admitted(Fields, Held),
    Rejected(Rejected<'l>, Fields),
}

/// `RateLimit` and `RateLimit-Policy`.
pub(crate) type Fields = Option<[HeaderValue; 2]>;

/// Places of concurrency limits that a call holds, given back when it is dropped.
#[derive(Default)]
pub(crate) struct Held {
    places: Vec<(Check, bool)>,
    limits: Option<Arc<Limits>>,
}

/// Memory that is used again for every call of a thread.
#[derive(Default)]
struct Work {
    checks: Vec<Check>,
    /// The limit of each check.
    which: Vec<usize>,
    scratch: Scratch,
}

thread_local! {
    // Taken out while in use, so that a function of the user's that calls a limited service itself finds none.
    static WORK: Cell<Option<Box<Work>>> = const { Cell::new(None) };
}

impl Limits {
    pub(crate) fn new(limits: Vec<Limit>, capacity: Capacity) -> Result<Self, InvalidLimits> {
        validate(&limits)?;
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|_| InvalidLimits::NoSecret)?;
        let hasher = Hasher::new(&secret);
        let counters = Counters::new(capacity);
        counters.prepare(limits.iter().map(|limit| &limit.algorithm));
        let limits = limits.into_iter().zip(0..=u16::MAX).map(|(limit, ordinal)| {
            let id = hasher.limit(&limit.name, &limit.algorithm, ordinal);
            let notice = Notice::new(&limit.name, limit.published());
            (limit, id, notice)
        });
        let limits = limits.collect();
        Ok(Self { counters, hasher, limits, shadow_rejections: AtomicU64::new(0) })
    }

    pub(crate) fn usage(&self) -> Usage {
        self.counters.usage()
    }

    pub(crate) fn shadow_rejections(&self) -> u64 {
        self.shadow_rejections.load(Ordering::Relaxed)
    }

    /// Decides one call. `tell` asks for the fields of an admitted call; a rejected one always has them.
    pub(crate) fn decide<'l>(self: &'l Arc<Self>, call: &Parts, at: Instant, tell: bool) -> Outcome<'l> {
        let mut work = WORK.take().unwrap_or_default();
        work.checks.clear();
        work.which.clear();
        for (index, (limit, id, _)) in self.limits.iter().enumerate() {
            let Some(who) = self.who(limit, call) else { continue };
            work.checks.push(Check {
                key: id.key(who),
                rule: limit.algorithm.rule(|calendar| {
                    let (index, ends) = calendar.period(at.wall);
                    Period { index, ends: at.now.after(ends.duration_since(at.wall).unsigned_abs()) }
                }),
                cost: limit.cost.as_ref().map_or(1, |cost| cost(call)),
                shadow: limit.shadow,
            });
            work.which.push(index);
        }
        let decision = self.counters.decide(&work.checks, at.now, &mut work.scratch);
        let shadow = work.checks.iter().zip(work.scratch.verdicts());
        let shadow = shadow.filter(|(check, verdict)| check.shadow && verdict.rejected.is_some()).count();
        if shadow > 0 {
            self.shadow_rejections.fetch_add(shadow.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        let outcome = match decision {
            Decision::Admitted => {
                let fields = if tell { self.fields(&work, at.now) } else { None };
                Outcome::Admitted(fields, self.hold(&work))
            }
            Decision::Rejected(retry) => {
                let violated = self.violated(&work).collect();
                Outcome::Rejected(Rejected { violated, retry }, self.fields(&work, at.now))
            }
        };
        WORK.set(Some(work));
        outcome
    }

    fn who(&self, limit: &Limit, call: &Parts) -> Option<Who> {
        let Some(per) = &limit.per else { return Some(Who::EVERYBODY) };
        match per(call) {
            Per::Exempt => None,
            Per::Everybody => Some(Who::EVERYBODY),
            Per::Claimed(name) => Some(Who::new(self.hasher.hash([&*name]), false)),
            Per::Verified(name) => Some(Who::new(self.hasher.hash([&*name]), true)),
        }
    }

    /// What the limits that are enforced said of the call.
    fn told<'l, 'w>(&'l self, work: &'w Work, now: Time) -> impl Iterator<Item = Told<'l>> + use<'l, 'w> {
        let said = work.checks.iter().zip(&work.which).zip(work.scratch.verdicts());
        said.filter(|((check, _), _)| !check.shadow).filter_map(move |((_, which), verdict)| {
            let (_, _, notice) = self.limits.get(*which)?;
            Some(Told { notice, standing: verdict.standing(now), rejected: verdict.rejected })
        })
    }

    /// The limits that are enforced and rejected the call.
    fn violated<'l, 'w>(
        &'l self,
        work: &'w Work,
    ) -> impl Iterator<Item = (&'l str, &'l Notice)> + use<'l, 'w> {
        let said = work.checks.iter().zip(&work.which).zip(work.scratch.verdicts());
        said.filter(|((check, _), verdict)| !check.shadow && verdict.rejected.is_some()).filter_map(
            move |((_, which), _)| {
                let (limit, _, notice) = self.limits.get(*which)?;
                Some((limit.name.as_str(), notice))
            },
        )
    }

    fn fields(&self, work: &Work, now: Time) -> Fields {
        let mut nearest = String::new();
        Told::nearest(self.told(work, now))?.write_rate_limit(&mut nearest);
        let policies = self.told(work, now).map(|told| told.notice.policy()).collect::<Vec<_>>().join(", ");
        Some([HeaderValue::try_from(nearest).ok()?, HeaderValue::try_from(policies).ok()?])
    }

    /// The places an admitted call took.
    fn hold(self: &Arc<Self>, work: &Work) -> Held {
        let taken = work.checks.iter().zip(work.scratch.verdicts()).filter(|(check, verdict)| {
            let concurrency = matches!(check.rule, Rule::Word(WordRule::Concurrency(_)));
            concurrency && verdict.rejected.is_none()
        });
        let places: Vec<_> = taken.map(|(check, verdict)| (*check, verdict.overflow)).collect();
        let limits = (!places.is_empty()).then(|| Arc::clone(self));
        Held { places, limits }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(limits) = &self.limits else { return };
        for (check, overflow) in &self.places {
            limits.counters.refund(&check.key, &check.rule, check.cost, *overflow);
        }
    }
}

/// The machine's clocks, from now.
pub(crate) fn machine_clock() -> Arc<ClockFn> {
    let start = Moment::now();
    Arc::new(move || Instant { now: Time::START.after(start.elapsed()), wall: Timestamp::now() })
}
