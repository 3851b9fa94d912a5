//! The store beside a map from limit and caller to state, under random calls with many limits.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use proptest::prelude::*;
use ratewarden_counters::{Capacity, Check, Counters, Decision, Hasher, Key, LimitId, Scratch, Who};
use ratewarden_limiter::{
    Algorithm, Calendar, Concurrency, Each, Gcra, Period, Quota, Retry, Rule, SlidingWindow, Standing, Time,
    WindowState,
};

/// Callers; every second one is verified.
const CALLERS: u8 = 6;

/// What may happen between two looks at the clock.
#[derive(Debug, Clone)]
enum Command {
    /// A call of a caller, against these limits at these costs; `true` for shadow.
    Decide { caller: u8, limits: Vec<(usize, u64, bool)> },
    /// A charge after the fact.
    Settle { caller: u8, limit: usize, cost: u64 },
    /// Something given back.
    Refund { caller: u8, limit: usize, cost: u64 },
    /// Time passes.
    Wait(u64),
}

/// One state, of whichever algorithm.
#[derive(Debug, Clone, Default)]
struct State {
    word: u64,
    window: WindowState,
}

/// Obvious and slow.
#[derive(Default)]
struct Model(HashMap<(usize, u8), State>);

fn limits() -> Vec<Algorithm> {
    let calls = |calls| NonZeroU64::new(calls).unwrap();
    let second = Duration::from_secs(1);
    vec![
        Algorithm::Rate(Gcra::new(calls(5), second, calls(3)).unwrap()),
        Algorithm::Rate(Gcra::new(calls(2), Duration::from_secs(60), calls(9)).unwrap()),
        Algorithm::Window(SlidingWindow::new(NonZeroU32::new(7).unwrap(), second).unwrap()),
        Algorithm::Window(SlidingWindow::new(NonZeroU32::new(4).unwrap(), 60 * second).unwrap()),
        Algorithm::Quota(
            Quota::new(calls(12), Calendar::new(Each::Minute, jiff::tz::TimeZone::UTC)).unwrap(),
        ),
        Algorithm::Concurrency(Concurrency::new(calls(3))),
    ]
}

/// Minutes of the clock on which limits are counted.
fn minute(now: Time) -> Period {
    let minute = now.nanos() / 60_000_000_000;
    Period {
        index: u32::try_from(minute).unwrap() + 1,
        ends: Time::from_nanos((minute + 1) * 60_000_000_000),
    }
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let check = (0..6_usize, prop_oneof![4 => Just(1_u64), 1 => 0..15_u64], prop::bool::weighted(0.2));
    let decide = (0..CALLERS, prop::collection::vec(check, 1..6)).prop_map(|(caller, mut limits)| {
        limits.sort_unstable_by_key(|(limit, ..)| *limit);
        limits.dedup_by_key(|(limit, ..)| *limit);
        Command::Decide { caller, limits }
    });
    let after = (0..CALLERS, 0..6_usize, 0..5_u64);
    let waits = prop_oneof![
        Just(0),
        1..1_000_000_000_u64,
        Just(60_000_000_000),
        1..100_000_000_000_u64,
        Just(1_000_000_000_000_000)
    ];
    prop::collection::vec(
        prop_oneof![
            6 => decide.boxed(),
            1 => after.clone().prop_map(|(caller, limit, cost)| Command::Settle { caller, limit, cost }).boxed(),
            1 => after.prop_map(|(caller, limit, cost)| Command::Refund { caller, limit, cost }).boxed(),
            2 => waits.prop_map(Command::Wait).boxed(),
        ],
        1..120,
    )
}

impl State {
    fn step(&self, rule: &Rule, cost: u64, now: Time) -> Result<Self, Retry> {
        match rule {
            Rule::Word(rule) => rule.step(self.word, cost, now).map(|word| Self { word, ..self.clone() }),
            Rule::Window(rule) => {
                rule.step(&self.window, cost, now).map(|window| Self { window, ..self.clone() })
            }
        }
        .map_err(|rejection| rejection.retry)
    }

    fn settle(&mut self, rule: &Rule, cost: u64, now: Time) {
        match rule {
            Rule::Word(rule) => self.word = rule.settle(self.word, cost, now),
            Rule::Window(rule) => self.window = rule.settle(&self.window, cost, now),
        }
    }

    fn refund(&mut self, rule: &Rule, cost: u64) {
        match rule {
            Rule::Word(rule) => self.word = rule.refund(self.word, cost),
            Rule::Window(rule) => self.window = rule.refund(&self.window, cost),
        }
    }

    fn standing(&self, rule: &Rule, now: Time) -> Standing {
        match rule {
            Rule::Word(rule) => rule.standing(self.word, now),
            Rule::Window(rule) => rule.standing(&self.window, now),
        }
    }
}

impl Model {
    /// What each limit says, and what all say together.
    fn decide(
        &mut self,
        caller: u8,
        rules: &[Rule],
        limits: &[(usize, u64, bool)],
        now: Time,
    ) -> (Vec<Option<Retry>>, Decision) {
        let mut after = Vec::new();
        let mut said = Vec::new();
        let mut decision = Decision::Admitted;
        for (limit, cost, shadow) in limits {
            let stepped = self.state(*limit, caller).step(&rules[*limit], *cost, now);
            said.push(stepped.as_ref().err().copied());
            match stepped {
                Ok(state) => after.push((*limit, state)),
                Err(_) if *shadow => {}
                Err(retry) => {
                    decision = Decision::Rejected(match decision {
                        Decision::Admitted => retry,
                        Decision::Rejected(other) => other.later(retry),
                    });
                }
            }
        }
        if decision == Decision::Admitted {
            self.0.extend(after.into_iter().map(|(limit, state)| ((limit, caller), state)));
        }
        (said, decision)
    }

    fn state(&self, limit: usize, caller: u8) -> State {
        self.0.get(&(limit, caller)).cloned().unwrap_or_default()
    }
}

/// The store under test and the names of its keys.
struct Store {
    counters: Counters,
    ids: Vec<LimitId>,
    scratch: Scratch,
}

impl Store {
    fn new(algorithms: &[Algorithm]) -> Self {
        let hasher = Hasher::new(&[7; 16]);
        let id = |(ordinal, algorithm)| hasher.limit(&format!("limit {ordinal}"), algorithm, ordinal);
        Self {
            counters: Counters::new(Capacity { keys: 256, verified_keys: 256 }),
            ids: (0..).zip(algorithms).map(id).collect(),
            scratch: Scratch::default(),
        }
    }

    fn key(&self, limit: usize, caller: u8) -> Key {
        let id = Hasher::new(&[9; 16]).hash([[caller].as_slice()]);
        self.ids[limit].key(Who::new(id, caller.is_multiple_of(2)))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// All or nothing, a rejected call spends nothing, and idle keys that were replaced had nothing to lose.
    #[test]
    fn every_decision_is_the_models(commands in commands(), start in 0..10_000_000_000_000_u64) {
        let algorithms = limits();
        let (mut store, mut model) = (Store::new(&algorithms), Model::default());
        let mut now = Time::from_nanos(start);
        for command in commands {
            let rules: Vec<Rule> = algorithms.iter().map(|limit| limit.rule(|_| minute(now))).collect();
            match command {
                Command::Wait(nanos) => now = now.after(Duration::from_nanos(nanos)),
                Command::Decide { caller, limits } => {
                    let checks: Vec<Check> = limits
                        .iter()
                        .map(|(limit, cost, shadow)| Check {
                            key: store.key(*limit, caller),
                            rule: rules[*limit],
                            cost: *cost,
                            shadow: *shadow,
                        })
                        .collect();
                    let decision = store.counters.decide(&checks, now, &mut store.scratch);
                    let (said, expected) = model.decide(caller, &rules, &limits, now);
                    prop_assert_eq!(decision, expected);
                    let verdicts = store.scratch.verdicts();
                    prop_assert_eq!(verdicts.iter().map(|verdict| verdict.rejected).collect::<Vec<_>>(), said);
                    for ((limit, ..), verdict) in limits.iter().zip(verdicts) {
                        let expected = model.state(*limit, caller).standing(&rules[*limit], now);
                        prop_assert_eq!(verdict.standing(now), expected);
                        prop_assert!(!verdict.overflow);
                    }
                }
                Command::Settle { caller, limit, cost } => {
                    store.counters.settle(&store.key(limit, caller), &rules[limit], cost, false, now);
                    let mut state = model.state(limit, caller);
                    state.settle(&rules[limit], cost, now);
                    model.0.insert((limit, caller), state);
                }
                Command::Refund { caller, limit, cost } => {
                    store.counters.refund(&store.key(limit, caller), &rules[limit], cost, false);
                    let mut state = model.state(limit, caller);
                    state.refund(&rules[limit], cost);
                    model.0.insert((limit, caller), state);
                }
            }
            for caller in 0..CALLERS {
                for (limit, rule) in rules.iter().enumerate() {
                    let standing = store.counters.standing(&store.key(limit, caller), rule, now);
                    let expected = model.state(limit, caller).standing(rule, now);
                    // Right after time has passed the rule is the old period's.
                    if limit != 4 || rules[4] == algorithms[4].rule(|_| minute(now)) {
                        prop_assert_eq!(standing, expected, "limit {} of caller {}", limit, caller);
                    }
                }
            }
        }
    }

    /// What a caller is admitted does not depend on what others do.
    #[test]
    fn an_attacker_changes_nothing_for_another_caller(
        commands in commands(),
        attack in prop::collection::vec((0..6_usize, 1..20_u64), 1..40),
    ) {
        let algorithms = limits();
        let (mut alone, mut attacked) = (Store::new(&algorithms), Store::new(&algorithms));
        let mut now = Time::START;
        let attacker = CALLERS;
        for command in commands {
            let rules: Vec<Rule> = algorithms.iter().map(|limit| limit.rule(|_| minute(now))).collect();
            let check = |store: &Store, caller, limit: usize, cost, shadow| {
                Check { key: store.key(limit, caller), rule: rules[limit], cost, shadow }
            };
            for (limit, cost) in &attack {
                let checks = [check(&attacked, attacker, *limit, *cost, false)];
                attacked.counters.decide(&checks, now, &mut attacked.scratch);
            }
            match command {
                Command::Wait(nanos) => now = now.after(Duration::from_nanos(nanos)),
                Command::Decide { caller, limits } => {
                    let decide = |store: &mut Store| {
                        let checks: Vec<Check> = limits
                            .iter()
                            .map(|(limit, cost, shadow)| check(store, caller, *limit, *cost, *shadow))
                            .collect();
                        store.counters.decide(&checks, now, &mut store.scratch)
                    };
                    prop_assert_eq!(decide(&mut alone), decide(&mut attacked));
                }
                Command::Settle { .. } | Command::Refund { .. } => {}
            }
        }
    }
}

#[test]
fn two_checks_of_one_key_in_one_call_are_charged_one_after_the_other() {
    let algorithms = limits();
    let mut store = Store::new(&algorithms);
    for limit in [0, 2, 5] {
        let rule = algorithms[limit].rule(|_| minute(Time::START));
        let check = Check { key: store.key(limit, 1), rule, cost: 2, shadow: false };
        let capacity = algorithms[limit].capacity();
        let decision = store.counters.decide(&[check, check], Time::START, &mut store.scratch);
        let fits = capacity >= 4;
        assert_eq!(decision == Decision::Admitted, fits, "{}", algorithms[limit].name());
        let left = store.counters.standing(&check.key, &rule, Time::START).remaining;
        assert_eq!(left, if fits { capacity - 4 } else { capacity }, "{}", algorithms[limit].name());
    }
}
