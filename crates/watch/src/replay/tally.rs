//! What one limit did to whom.

use std::time::Duration;

use ratewarden_judge::{LimitRule, Subject};
use ratewarden_limiter::{Algorithm, Each};
use ratewarden_model::{Call, format_duration};
use ratewarden_policy::{Key, Limit};

use super::accounts::Accounts;
use super::count::plural;
use super::distinct::{Distinct, ERROR};
use super::honest::{Account, Stretch};
use super::report::{LimitReplay, RejectedCaller, rfc3339};
use super::unseen::Unseen;

/// Rejected callers that are listed for each limit; `callers_rejected` counts all.
pub const LISTED: usize = 1_000;

/// The counts of one limit.
#[derive(Debug)]
pub(crate) struct Tally {
    matched: u64,
    rejected: u64,
    callers: Distinct,
    callers_rejected: Distinct,
    accounts: Accounts<Account>,
    stretch: Option<Stretch>,
    /// Calls that do not say how long they took.
    without_duration: u64,
    /// It cannot be said where the log's times are too coarse.
    needs_fine_time: bool,
    is_concurrency: bool,
}

/// What was seen of the log as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Log {
    /// Every call was on a full second.
    pub(crate) full_seconds: bool,
    /// Some call had a query.
    pub(crate) queries: bool,
}

impl Tally {
    /// A tally with room for so many callers.
    pub(crate) fn new(rule: &LimitRule, places: usize) -> Self {
        Self {
            matched: 0,
            rejected: 0,
            callers: Distinct::default(),
            callers_rejected: Distinct::default(),
            accounts: Accounts::new(places),
            stretch: stretch(&rule.limit),
            without_duration: 0,
            needs_fine_time: needs_fine_time(&rule.limit),
            is_concurrency: matches!(rule.limit.algorithm, Algorithm::Concurrency(_)),
        }
    }

    /// Counts a call that the limit is about.
    pub(crate) fn see(&mut self, call: &Call<'_>, subject: &Subject, cost: u64, rejected: bool) {
        let id = subject.caller.id();
        self.matched += 1;
        self.without_duration += u64::from(call.micros.is_none());
        self.callers.add(id);
        if rejected {
            self.rejected += 1;
            self.callers_rejected.add(id);
        }
        let open = || Account::new(subject.caller.label(), subject.caller.is_verified());
        if let Some(account) = self.accounts.count(id, open) {
            account.see(call, cost, rejected, self.stretch);
        }
    }

    /// What is said of it.
    pub(crate) fn report(&self, limit: &Limit, unseen: &Unseen, log: Log) -> LimitReplay {
        let mut report = empty(limit, unseen);
        if self.is_concurrency && self.matched > 0 && self.without_duration == self.matched {
            report
                .unsupported
                .push("no call says how long it took, so nobody knows which were under way at once".into());
            return report;
        }
        let (callers, exact) = self.callers.count();
        let (callers_rejected, exact_rejected) = self.callers_rejected.count();
        let rejected_callers = self.rejected_callers();
        report.matched = Some(self.matched);
        report.rejected = Some(self.rejected);
        report.callers = Some(callers);
        report.callers_rejected = Some(callers_rejected);
        report.callers_error = if exact && exact_rejected { 0.0 } else { ERROR };
        report.looks_honest =
            Some(rejected_callers.iter().filter(|caller| caller.looks_honest).count() as u64);
        report.rejected_callers = rejected_callers;
        self.say_assumptions(&mut report, unseen, log, callers_rejected);
        report
    }

    fn rejected_callers(&self) -> Vec<RejectedCaller> {
        let mut rejected: Vec<_> =
            self.accounts.held().iter().filter(|held| held.account.rejected > 0).collect();
        rejected.sort_by_cached_key(|held| {
            (std::cmp::Reverse(held.account.rejected), held.account.label.to_string())
        });
        let shown = rejected.into_iter().take(LISTED).map(|held| {
            let account = &held.account;
            let looks = account.looks(self.stretch);
            RejectedCaller {
                caller: account.label.to_string(),
                calls: held.calls,
                calls_error: held.error,
                rejected: account.rejected,
                first_rejected: account.times.and_then(|(first, _)| rfc3339(first)),
                last_rejected: account.times.and_then(|(_, last)| rfc3339(last)),
                looks_honest: looks.honest,
                reasons: looks.reasons,
            }
        });
        shown.collect()
    }

    fn say_assumptions(&self, report: &mut LimitReplay, unseen: &Unseen, log: Log, rejected: u64) {
        let mut say = |text: String| report.assumptions.push(text);
        if log.full_seconds && self.needs_fine_time && self.matched > 1 {
            say("The log has full seconds: calls of one second count as one instant, so more were rejected here than \
                 would have been."
                .to_owned());
        }
        if unseen.query && !log.queries && self.matched > 0 {
            say("It looks at the query, and no call of the log shows one.".to_owned());
        }
        if self.is_concurrency && self.without_duration > 0 {
            let calls = plural(self.without_duration, "call does", "calls do");
            say(format!(
                "{calls} not say how long they took and held no place: fewer were rejected here than would have been."
            ));
        }
        let floor = self.accounts.floor();
        if floor > 0 {
            say(format!(
                "There were more callers than are kept apart: who is not listed has at most {} under this limit.",
                plural(floor, "call", "calls")
            ));
        }
        let listed = report.rejected_callers.len() as u64;
        if rejected > listed {
            report.assumptions.push(format!(
                "Of {}, {listed} are listed.",
                plural(rejected, "rejected caller", "rejected callers")
            ));
        }
    }
}

/// What is said of a limit that was not replayed, and the frame of the others.
pub(crate) fn empty(limit: &Limit, unseen: &Unseen) -> LimitReplay {
    LimitReplay {
        name: limit.name.clone(),
        admits: admits(limit),
        shadow: limit.shadow,
        matched: None,
        rejected: None,
        callers: None,
        callers_rejected: None,
        looks_honest: None,
        callers_error: 0.0,
        rejected_callers: Vec::new(),
        assumptions: unseen.assumptions.clone(),
        unsupported: unseen.unsupported.clone(),
    }
}

/// `100 in 1m for each caller, 20 at once`.
fn admits(limit: &Limit) -> String {
    let per: Vec<String> = limit.per.iter().map(Key::to_string).collect();
    let whom = if per.is_empty() {
        "for all together".to_owned()
    } else {
        format!("for each {}", per.join(" and "))
    };
    let window = limit.window.map(format_duration).unwrap_or_default();
    match &limit.algorithm {
        Algorithm::Rate(gcra) => {
            let calls = tokens_in(gcra.burst(), gcra.refill(), limit.window.unwrap_or_else(|| gcra.refill()));
            format!("{calls} in {window} {whom}, {} at once", gcra.burst())
        }
        Algorithm::Window(sliding) => format!("{} in any {window} {whom}", sliding.calls()),
        Algorithm::Quota(quota) => {
            let each = match quota.calendar().each() {
                Each::Minute => "minute",
                Each::Hour => "hour",
                Each::Day => "day",
                Each::Week => "week",
                Each::Month => "month",
                Each::Year => "year",
            };
            format!("{} each {each} {whom}", quota.calls())
        }
        Algorithm::Concurrency(concurrency) => format!("{} under way at once {whom}", concurrency.limit()),
    }
}

/// The tokens that come in `window` to a bucket of `burst` that takes `refill` to be full; rounded, as the bucket's own
/// interval is.
fn tokens_in(burst: u64, refill: Duration, window: Duration) -> u64 {
    let refill = refill.as_nanos().max(1);
    u64::try_from((u128::from(burst) * window.as_nanos() + refill / 2) / refill).unwrap_or(u64::MAX)
}

/// The stretch of time that a caller's peak is measured in, and the most that the limit admits in it.
fn stretch(limit: &Limit) -> Option<Stretch> {
    let millis = |millis: u128| i64::try_from(millis).unwrap_or(i64::MAX).max(1);
    Some(match &limit.algorithm {
        Algorithm::Rate(gcra) => {
            let window = limit.window?;
            let come = tokens_in(gcra.burst(), gcra.refill(), window);
            Stretch { millis: millis(window.as_millis()), admits: gcra.burst().saturating_add(come) }
        }
        Algorithm::Window(sliding) => {
            Stretch { millis: millis(limit.window?.as_millis()), admits: sliding.calls() }
        }
        Algorithm::Quota(quota) => {
            let seconds = u128::from(quota.calendar().nominal_seconds());
            Stretch { millis: millis(seconds * 1_000), admits: quota.calls() }
        }
        Algorithm::Concurrency(_) => return None,
    })
}

/// Whether a second makes a difference: a tenth of the burst or more comes back in one.
fn needs_fine_time(limit: &Limit) -> bool {
    match &limit.algorithm {
        Algorithm::Rate(gcra) => gcra.refill().as_secs() < 10,
        Algorithm::Window(_) => limit.window.is_some_and(|window| window.as_secs() < 15),
        Algorithm::Concurrency(_) => true,
        Algorithm::Quota(_) => false,
    }
}
