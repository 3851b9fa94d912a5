//! The token bucket beside an exact one, and beside a limiter that others wrote.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use governor::clock::{Clock, FakeRelativeClock};
use governor::{Quota as GovernorQuota, RateLimiter};
use proptest::prelude::*;
use ratewarden_limiter::{Gcra, Rejection, Retry, Time};

/// A bucket in exact numbers: tokens are counted in `1/per` parts, of which `calls` come each nanosecond.
struct Bucket {
    calls: u128,
    per: u128,
    burst: u128,
    parts: u128,
    at: u64,
}

impl Bucket {
    fn new(calls: u64, per: Duration, burst: u64) -> Self {
        let (calls, per, burst) = (u128::from(calls), per.as_nanos(), u128::from(burst));
        Self { calls, per, burst, parts: burst * per, at: 0 }
    }

    fn at(&mut self, now: u64) -> u128 {
        let come = u128::from(now - self.at) * self.calls;
        self.parts = (self.parts + come).min(self.burst * self.per);
        self.at = now;
        self.parts
    }

    fn admits(&mut self, cost: u64, now: u64) -> bool {
        self.at(now) >= u128::from(cost) * self.per
    }

    fn charge(&mut self, cost: u64) {
        self.parts -= u128::from(cost) * self.per;
    }
}

#[derive(Debug, Clone)]
struct Limit {
    calls: u64,
    per: Duration,
    burst: u64,
}

impl Limit {
    fn gcra(&self) -> Gcra {
        gcra(self.calls, self.per, self.burst)
    }
}

fn gcra(calls: u64, per: Duration, burst: u64) -> Gcra {
    Gcra::new(NonZeroU64::new(calls).unwrap(), per, NonZeroU64::new(burst).unwrap()).unwrap()
}

fn limits() -> impl Strategy<Value = Limit> {
    let per = prop_oneof![
        Just(Duration::from_millis(1)),
        Just(Duration::from_secs(1)),
        Just(Duration::from_secs(60)),
        Just(Duration::from_secs(3_600)),
        (1_000_u64..10_000_000_000).prop_map(Duration::from_nanos),
    ];
    (1_u64..2_000, per, 1_u64..50).prop_filter_map("too fast", |(calls, per, burst)| {
        let limit = Limit { calls, per, burst };
        Gcra::new(NonZeroU64::new(calls)?, per, NonZeroU64::new(burst)?).ok().map(|_| limit)
    })
}

/// Gaps in tenths of what one token takes, long idleness among them, and costs.
fn calls() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let gap = prop_oneof![
        4 => Just(0_u64),
        4 => 0_u64..25,
        1 => 100_u64..2_000,
        1 => 100_000_u64..1_000_000,
    ];
    prop::collection::vec((gap, prop_oneof![6 => Just(1_u64), 2 => 0_u64..6, 1 => 1_u64..60]), 1..150)
}

/// The instants of calls, each at least a nanosecond of the limit's own scale apart or at once.
fn instants(limit: &Limit, calls: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let token = (limit.per.as_nanos() as u64 / limit.calls).max(10);
    let mut now = 0;
    let mut instants = Vec::new();
    for &(gap, cost) in calls {
        now += gap * (token / 10) + gap % 7;
        // The state's clock stands still after 9 years, as its documentation says.
        if now > 8 * 365 * 86_400_000_000_000 {
            break;
        }
        instants.push((now, cost));
    }
    instants
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn in_any_interval_at_most_the_burst_and_what_has_come(limit in limits(), calls in calls()) {
        let gcra = limit.gcra();
        let mut word = 0;
        let mut admitted = Vec::new();
        for (now, cost) in instants(&limit, &calls) {
            if let Ok(next) = gcra.step(word, cost, Time::from_nanos(now)) {
                word = next;
                admitted.push((now, cost));
            }
        }
        for (index, &(from, _)) in admitted.iter().enumerate() {
            let mut total = 0_u128;
            for &(to, cost) in &admitted[index..] {
                total += u128::from(cost);
                let come = u128::from(to - from) * u128::from(limit.calls);
                // total ≤ burst + rate·T, in parts of a call
                prop_assert!(
                    total * limit.per.as_nanos() <= u128::from(limit.burst) * limit.per.as_nanos() + come,
                    "{total} in {} ns", to - from
                );
            }
        }
    }

    #[test]
    fn an_exact_bucket_admits_whatever_is_admitted_here_and_never_much_more(limit in limits(), calls in calls()) {
        let gcra = limit.gcra();
        let mut bucket = Bucket::new(limit.calls, limit.per, limit.burst);
        let mut word = 0;
        for (now, cost) in instants(&limit, &calls) {
            let ours = gcra.step(word, cost, Time::from_nanos(now));
            let exact = bucket.admits(cost, now);
            match ours {
                Ok(next) => {
                    prop_assert!(exact);
                    bucket.charge(cost);
                    word = next;
                }
                Err(Rejection { retry: Retry::Never }) => prop_assert!(cost > limit.burst && !exact),
                Err(_) if exact => {
                    // Rounded up by less than a sixteenth of a nanosecond a token; and a retry within a
                    // nanosecond of each token owed.
                    let Err(Rejection { retry: Retry::After(wait) }) = ours else { unreachable!() };
                    prop_assert!(wait.as_nanos() <= 1 + u128::from(limit.burst) * 10);
                    bucket.parts = bucket.parts.min(u128::from(cost) * bucket.per);
                }
                Err(_) => {}
            }
        }
    }

    #[test]
    fn a_retry_admits_at_its_time_and_not_a_nanosecond_before(limit in limits(), calls in calls()) {
        let gcra = limit.gcra();
        let mut word = 0;
        for (now, cost) in instants(&limit, &calls) {
            match gcra.step(word, cost, Time::from_nanos(now)) {
                Ok(next) => word = next,
                Err(Rejection { retry: Retry::Never }) => prop_assert!(cost > limit.burst),
                Err(Rejection { retry: Retry::After(wait) }) => {
                    prop_assert!(wait > Duration::ZERO);
                    let at = Time::from_nanos(now).after(wait);
                    prop_assert!(gcra.step(word, cost, at).is_ok());
                    prop_assert!(gcra.step(word, cost, Time::from_nanos(at.nanos() - 1)).is_err());
                }
            }
        }
    }

    #[test]
    fn constant_demand_gets_what_is_promised_but_for_one_call(limit in limits(), idle in 0_u64..1_000_000_000) {
        let gcra = limit.gcra();
        // Demand that is always there: after an admission the next call comes at once, after a rejection when it may.
        let (mut word, mut admitted, mut now) = (0, 0_u128, idle);
        for _ in 0..600 {
            match gcra.step(word, 1, Time::from_nanos(now)) {
                Ok(next) => (word, admitted) = (next, admitted + 1),
                Err(Rejection { retry: Retry::After(wait) }) => now += wait.as_nanos() as u64,
                Err(Rejection { retry: Retry::Never }) => prop_assert!(false, "a call of cost 1 is never too large"),
            }
        }
        let come = u128::from(now - idle) * u128::from(limit.calls) / limit.per.as_nanos();
        // 600 asks may end before the burst is used up.
        let promised = (u128::from(limit.burst) + come).min(600);
        prop_assert!(admitted + 1 >= promised, "{admitted} of {promised}");
        prop_assert!(admitted <= promised + 1);
    }

    #[test]
    fn what_is_said_to_remain_can_be_had_at_once_and_no_more(limit in limits(), calls in calls()) {
        let gcra = limit.gcra();
        let mut word = 0;
        for (now, cost) in instants(&limit, &calls) {
            let now = Time::from_nanos(now);
            word = gcra.step(word, cost, now).unwrap_or(word);
            let standing = gcra.standing(word, now);
            prop_assert!(standing.remaining <= limit.burst);
            let spent = gcra.step(word, standing.remaining, now);
            prop_assert!(spent.is_ok());
            prop_assert!(gcra.step(spent.unwrap(), 1, now).is_err());
            prop_assert_eq!(gcra.standing(word, now.after(standing.reset)).remaining, limit.burst);
            prop_assert!(gcra.step(word, limit.burst, now.after(standing.reset)).is_ok());
            prop_assert_eq!(Gcra::idle_at(word).since(now), standing.reset);
        }
    }

    #[test]
    fn refunds_give_back_what_was_charged_and_settling_takes_it(limit in limits(), calls in calls()) {
        // Charged beforehand and given back: as if it had not been; charged after: as if it had been.
        let gcra = limit.gcra();
        let mut word = 0;
        for (now, cost) in instants(&limit, &calls) {
            let now = Time::from_nanos(now);
            if let Ok(next) = gcra.step(word, cost, now) {
                let back = gcra.refund(next, cost);
                prop_assert_eq!(gcra.standing(back, now), gcra.standing(word, now));
                prop_assert_eq!(gcra.settle(word, cost, now), next);
                word = next;
            }
            let debt = gcra.settle(word, cost * 10, now);
            prop_assert!(debt >= word);
            prop_assert!(Gcra::idle_at(debt).since(now) <= 2 * gcra.refill() + Duration::from_nanos(2));
        }
    }

    #[test]
    fn governor_decides_the_same(
        per_second in prop::sample::select(vec![1_u32, 2, 4, 5, 8, 10, 16, 20, 25, 40, 50, 64, 100, 125, 200, 250, 320, 500]),
        burst in 1_u32..40,
        gaps in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..3_000_000, 0_u64..5_000_000_000], 1..200),
    ) {
        // Governor keeps whole nanoseconds a token, rounded down, so only rates that divide a second are the same.
        let clock = FakeRelativeClock::default();
        let quota = GovernorQuota::per_second(NonZeroU32::new(per_second).unwrap())
            .allow_burst(NonZeroU32::new(burst).unwrap());
        let theirs = RateLimiter::direct_with_clock(quota, clock.clone());
        let ours = gcra(u64::from(per_second), Duration::from_secs(1), u64::from(burst));
        let (mut word, mut now) = (0, 0);
        for gap in gaps {
            now += gap;
            clock.advance(Duration::from_nanos(gap));
            let step = ours.step(word, 1, Time::from_nanos(now));
            match theirs.check() {
                Ok(()) => word = step.unwrap(),
                Err(not_until) => {
                    let Err(Rejection { retry: Retry::After(wait) }) = step else { panic!("admitted") };
                    prop_assert_eq!(wait, not_until.wait_time_from(clock.now()));
                }
            }
        }
    }
}

#[test]
fn idleness_saves_up_one_burst_and_not_two() {
    let gcra = gcra(1, Duration::from_secs(1), 10);
    for idle in [0, 1, 8, 10, 11, 3_600, 365 * 86_400] {
        let now = Time::from_nanos(idle * 1_000_000_000);
        let mut word = 0;
        for _ in 0..10 {
            word = gcra.step(word, 1, now).unwrap();
        }
        // Again after idleness from a state that was emptied.
        let later = now.after(Duration::from_secs(8));
        let admitted = (0..20).filter(|_| gcra.step(word, 1, later).map(|next| word = next).is_ok()).count();
        assert_eq!(admitted, 8);
    }
}

#[test]
fn the_longest_and_the_shortest_limits_stay_within_a_word() {
    let slowest = gcra(1, Duration::from_secs(86_400), 800);
    let end = Time::NEVER;
    let word = slowest.settle(slowest.step(0, 800, end).unwrap(), u64::MAX, end);
    assert!(word < 1 << 63);
    assert!(slowest.step((1 << 63) - 1, 800, end).is_err());
    assert_eq!(slowest.step(0, 801, Time::START), Err(Rejection { retry: Retry::Never }));
    let one = NonZeroU64::MIN;
    assert!(Gcra::new(one, Duration::from_secs(3 * 366 * 86_400), one).is_err());
    assert!(Gcra::new(one, Duration::ZERO, one).is_err());
    assert!(Gcra::new(NonZeroU64::MAX, Duration::from_secs(1), one).is_err());
    assert!(Gcra::new(one, Duration::MAX, NonZeroU64::MAX).is_err());
}
