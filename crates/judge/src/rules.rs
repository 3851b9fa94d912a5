//! A policy made ready for calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ratewarden_counters::{Hasher, LimitId};
use ratewarden_limiter::{Calendar, Notice, Period, Published, Rule, Time};
use ratewarden_policy::{Bound, Key, Limit, Policy};

use crate::condition::{Condition, ConditionError};

/// All limits and bounds of a policy.
#[derive(Debug)]
pub struct Rules {
    /// In the policy's order.
    pub limits: Vec<LimitRule>,
    /// In the policy's order.
    pub bounds: Vec<Bound>,
    /// Hashes what limits count per.
    pub hasher: Hasher,
}

/// One limit, ready for calls.
#[derive(Debug)]
pub struct LimitRule {
    /// As the policy says it.
    pub limit: Limit,
    /// The limit in the store.
    pub id: LimitId,
    /// What must hold beside `match`.
    pub condition: Option<Condition>,
    /// What it counts per.
    pub counts: Counts,
    /// What answers say about it.
    pub notice: Notice,
    period: PeriodCache,
}

/// What a limit counts per, the common cases told apart so that they cost nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counts {
    /// One total that all share.
    Everybody,
    /// The caller.
    Caller,
    /// Several things, or one other.
    Parts(Vec<Key>),
}

/// The current period of a calendar quota, which changes seldom and costs a calendar to find.
#[derive(Debug, Default)]
struct PeriodCache {
    index: AtomicU64,
    ends: AtomicU64,
    asked: AtomicU64,
}

/// Who knows what the calendar says.
pub trait Wall {
    /// The calendar's period of now, its end on the clock that limits are counted on.
    fn period(&self, calendar: &Calendar) -> Period;
}

/// A wall clock that is set is noticed after this at the latest.
const PERIOD_IS_BELIEVED: Duration = Duration::from_secs(1);

impl Rules {
    /// Makes a policy ready.
    ///
    /// # Errors
    /// When a condition cannot be compiled, naming the limit.
    pub fn build(policy: &Policy, hasher: &Hasher) -> Result<Self, ConditionError> {
        let limits = policy.limits.iter().zip(0..=u16::MAX);
        Ok(Self {
            limits: limits
                .map(|(limit, ordinal)| LimitRule::build(limit, ordinal, hasher))
                .collect::<Result<_, _>>()?,
            bounds: policy.bounds.clone(),
            hasher: hasher.clone(),
        })
    }
}

impl LimitRule {
    fn build(limit: &Limit, ordinal: u16, hasher: &Hasher) -> Result<Self, ConditionError> {
        let condition =
            limit.when.as_deref().map(|text| Condition::compile(&limit.name, text)).transpose()?;
        let counts = match limit.per.as_slice() {
            [] => Counts::Everybody,
            [Key::Caller] => Counts::Caller,
            parts => Counts::Parts(parts.to_vec()),
        };
        Ok(Self {
            id: hasher.limit(&limit.name, &limit.algorithm, ordinal),
            limit: limit.clone(),
            condition,
            counts,
            notice: Notice::new(&limit.name, Published::of(&limit.algorithm, limit.window)),
            period: PeriodCache::default(),
        })
    }

    /// The rule at `now`.
    #[inline]
    pub fn rule(&self, now: Time, wall: &impl Wall) -> Rule {
        self.limit.algorithm.rule(|calendar| {
            let asked = Time::from_nanos(self.period.asked.load(Ordering::Acquire));
            let ends = Time::from_nanos(self.period.ends.load(Ordering::Acquire));
            if asked > Time::START && now < ends && now.since(asked) < PERIOD_IS_BELIEVED {
                let index = u32::try_from(self.period.index.load(Ordering::Acquire)).unwrap_or(u32::MAX);
                return Period { index, ends };
            }
            let period = wall.period(calendar);
            // Readers that see a mixture see a period that has ended, or the one that has just begun with the
            // old end, which has passed: they ask themselves.
            self.period.index.store(u64::from(period.index), Ordering::Release);
            self.period.ends.store(period.ends.nanos(), Ordering::Release);
            self.period.asked.store(now.nanos(), Ordering::Release);
            period
        })
    }
}
