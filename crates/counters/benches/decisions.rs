//! Decisions a second of the store beside governor's, in turns: one line of JSON for each turn of each case.
//!
//! Run by `cargo xtask bench limiter`, which shows the ratios. Both sides read the same cached clock: the gateway asks
//! the time once for all that happens to a call, so it is no part of a decision. They begin either with a caller's id of 128 bits, as the gateway does, which hashes a caller once
//! for all its limits; or with a key of 32 bytes that both must hash. Seconds for each turn:
//! `RATEWARDEN_BENCH_SECONDS` (default 1); turns: `RATEWARDEN_BENCH_TURNS` (default 5).

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, QuantaInstant, QuantaUpkeepClock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use ratewarden_counters::{Capacity, Check, Counters, Decision, Hasher, LimitId, Scratch, Who};
use ratewarden_limiter::{Algorithm, Gcra, Period, Rule, SlidingWindow, Time};

/// What a caller is known by: a key as it comes in a header.
type Text = [u8; 32];

/// What a caller is known by once it is identified.
type CallerId = u128;

/// Decisions between two looks at whether the turn is over.
const BATCH: usize = 256;

/// The time a token takes to come to a key of many: longer than all turns of a case.
const SLOW: Duration = Duration::from_secs(60);

/// Keys of the hot case and of the many.
const MANY: usize = 1_000_000;

/// One thing that decides about callers of this kind.
trait Decides<C>: Sync {
    /// Memory of one thread.
    type Thread: Default;

    /// Whether a call of the caller is admitted now.
    fn decide(&self, caller: &C, thread: &mut Self::Thread) -> bool;
}

/// A caller of whichever kind.
trait Caller: Copy + Eq + std::hash::Hash + Send + Sync {
    /// How the table names it.
    const NAME: &'static str;

    /// A random one.
    fn of(one: u128, two: u128) -> Self;

    /// Its id in the store.
    fn id(&self, hasher: &Hasher) -> u128;
}

impl Caller for Text {
    const NAME: &'static str = "32 bytes";

    fn of(one: u128, two: u128) -> Self {
        let mut text = Self::default();
        text[..16].copy_from_slice(&one.to_le_bytes());
        text[16..].copy_from_slice(&two.to_le_bytes());
        text
    }

    fn id(&self, hasher: &Hasher) -> u128 {
        hasher.hash([self.as_slice()])
    }
}

impl Caller for CallerId {
    const NAME: &'static str = "id";

    fn of(one: u128, _: u128) -> Self {
        one
    }

    fn id(&self, _: &Hasher) -> u128 {
        *self
    }
}

/// The store with as many limits on each call.
struct Ours {
    counters: Counters,
    hasher: Hasher,
    limits: Vec<(LimitId, Rule)>,
    clock: QuantaUpkeepClock,
    start: QuantaInstant,
}

/// Memory of a thread: the checks of a call and what decisions use again.
#[derive(Default)]
struct OurThread {
    checks: Vec<Check>,
    scratch: Scratch,
}

/// governor's map of keys.
struct Governor<C: Caller>(
    RateLimiter<C, DefaultKeyedStateStore<C>, QuantaUpkeepClock, NoOpMiddleware<QuantaInstant>>,
);

impl Ours {
    fn new(keys: usize, algorithms: &[Algorithm], clock: &QuantaUpkeepClock) -> Self {
        let hasher = Hasher::new(&[1; 16]);
        let counters = Counters::new(Capacity { keys: keys * algorithms.len(), verified_keys: 1_024 });
        counters.prepare(algorithms);
        let limit = |(ordinal, algorithm): (u16, &Algorithm)| {
            let id = hasher.limit(&format!("limit {ordinal}"), algorithm, ordinal);
            (id, algorithm.rule(|_| Period { index: 1, ends: Time::NEVER }))
        };
        let limits = (0..).zip(algorithms).map(limit).collect();
        Self { counters, hasher, limits, clock: clock.clone(), start: clock.now() }
    }
}

impl<C: Caller> Decides<C> for Ours {
    type Thread = OurThread;

    fn decide(&self, caller: &C, thread: &mut OurThread) -> bool {
        let who = Who::new(caller.id(&self.hasher), false);
        let now = Time::from_nanos(self.clock.now().duration_since(self.start).as_u64());
        let check =
            |(id, rule): &(LimitId, Rule)| Check { key: id.key(who), rule: *rule, cost: 1, shadow: false };
        if let [limit] = self.limits.as_slice() {
            return self.counters.decide(&[check(limit)], now, &mut thread.scratch) == Decision::Admitted;
        }
        thread.checks.clear();
        thread.checks.extend(self.limits.iter().map(check));
        self.counters.decide(&thread.checks, now, &mut thread.scratch) == Decision::Admitted
    }
}

impl<C: Caller> Decides<C> for Governor<C> {
    type Thread = ();

    fn decide(&self, caller: &C, (): &mut ()) -> bool {
        self.0.check_key(caller).is_ok()
    }
}

/// Random ones, so that they come in an order that no cache can guess.
fn callers<C: Caller>(count: usize) -> Vec<C> {
    let hasher = Hasher::new(&[2; 16]);
    let random = |number: u64| hasher.hash([number.to_le_bytes().as_slice()]);
    (0..count as u64).map(|number| C::of(random(2 * number), random(2 * number + 1))).collect()
}

/// Decisions a second, and the share that was admitted, of so many threads for so long. A thread's second is one of
/// its CPU time, waiting for the other's cache lines included, so other programs on the machine hardly count.
fn turn<C: Caller, D: Decides<C>>(
    decides: &D,
    callers: &[C],
    threads: usize,
    length: Duration,
) -> (f64, f64) {
    let (over, made, admitted) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let spent = AtomicU64::new(0);
    let barrier = Barrier::new(threads + 1);
    std::thread::scope(|scope| {
        for number in 0..threads {
            let (over, made, admitted, spent, barrier) = (&over, &made, &admitted, &spent, &barrier);
            scope.spawn(move || {
                let mut thread = D::Thread::default();
                let (mut all, mut yes) = (0_u64, 0_u64);
                let mut callers = callers.iter().cycle().skip(number * callers.len() / threads);
                barrier.wait();
                let begin = cpu_time();
                while !over.load(Ordering::Relaxed) {
                    for caller in callers.by_ref().take(BATCH) {
                        yes += u64::from(std::hint::black_box(decides.decide(caller, &mut thread)));
                    }
                    all += BATCH as u64;
                }
                let nanos = u64::try_from((cpu_time() - begin).as_nanos()).unwrap();
                spent.fetch_add(nanos, Ordering::Relaxed);
                made.fetch_add(all, Ordering::Relaxed);
                admitted.fetch_add(yes, Ordering::Relaxed);
            });
        }
        barrier.wait();
        std::thread::sleep(length);
        over.store(true, Ordering::Relaxed);
    });
    let [made, admitted, nanos] = [made, admitted, spent].map(|sum| sum.into_inner() as f64);
    (made / (nanos / 1e9) * threads as f64, admitted / made)
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

/// All callers call once, so that no turn pays for placing them.
fn warm<C: Caller, D: Decides<C>>(decides: &D, callers: &[C]) {
    let mut thread = D::Thread::default();
    for caller in callers {
        decides.decide(caller, &mut thread);
    }
}

/// A limit that admits all that comes, or hardly anything.
#[derive(Clone, Copy, PartialEq)]
enum Demand {
    Passing,
    Rejected,
}

impl Demand {
    const fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Rejected => "rejected",
        }
    }

    /// What one of so many keys is allowed: more than it asks for, or one in an hour. A key of many has a large burst
    /// that comes back slowly, because a key that is idle between its calls would be replaced.
    fn rate(self, keys: usize) -> Algorithm {
        let (calls, per, burst) = match self {
            Self::Passing if keys == 1 => (50_000_000, Duration::from_secs(1), 1_000_000),
            Self::Passing => (1, SLOW, 1_000_000),
            Self::Rejected => (1, Duration::from_secs(3_600), 1),
        };
        let number = |number| NonZeroU64::new(number).unwrap();
        Algorithm::Rate(Gcra::new(number(calls), per, number(burst)).unwrap())
    }

    fn governor<C: Caller>(self, keys: usize, clock: &QuantaUpkeepClock) -> Governor<C> {
        let number = |number| NonZeroU32::new(number).unwrap();
        let quota = match self {
            Self::Passing if keys == 1 => {
                Quota::per_second(number(50_000_000)).allow_burst(number(1_000_000))
            }
            Self::Passing => Quota::with_period(SLOW).unwrap().allow_burst(number(1_000_000)),
            Self::Rejected => Quota::per_hour(number(1)),
        };
        Governor(RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone()))
    }
}

/// Where a figure belongs.
#[derive(Clone, Copy)]
struct Row<'r> {
    case: &'r str,
    caller: &'r str,
    demand: Demand,
    threads: usize,
    limits: usize,
}

impl Row<'_> {
    fn show(&self, who: &str, (rate, admitted): (f64, f64)) {
        let Self { case, caller, threads, limits, .. } = self;
        let demand = self.demand.name();
        println!(
            "{{\"case\":\"{case}\",\"caller\":\"{caller}\",\"demand\":\"{demand}\",\"threads\":{threads},\
             \"limits\":{limits},\"who\":\"{who}\",\"rate\":{rate:.0},\"admitted\":{admitted:.4}}}"
        );
    }
}

fn setting(name: &str, otherwise: f64) -> f64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn main() {
    let length = Duration::from_secs_f64(setting("RATEWARDEN_BENCH_SECONDS", 1.0));
    let turns = setting("RATEWARDEN_BENCH_TURNS", 5.0) as u32;
    // A thread of its own keeps it; its millisecond is finer than any limit here.
    let clock = QuantaUpkeepClock::from_interval(Duration::from_millis(1)).unwrap();
    beside_governor::<CallerId>(&clock, length, turns);
    beside_governor::<Text>(&clock, length, turns);
    five_limits(&clock, length, turns);
}

fn beside_governor<C: Caller>(clock: &QuantaUpkeepClock, length: Duration, turns: u32) {
    for (case, count) in [("one hot key", 1), ("1 M keys", MANY)] {
        let callers = callers::<C>(count);
        for demand in [Demand::Passing, Demand::Rejected] {
            let (ours, governor) =
                (Ours::new(count, &[demand.rate(count)], clock), demand.governor::<C>(count, clock));
            warm(&ours, &callers);
            warm(&governor, &callers);
            for threads in [1, 2] {
                let row = Row { case, caller: C::NAME, demand, threads, limits: 1 };
                for _ in 0..turns {
                    row.show("governor", turn(&governor, &callers, threads, length));
                    row.show("ratewarden", turn(&ours, &callers, threads, length));
                }
            }
            let usage = ours.counters.usage();
            eprintln!("{case}: {} keys, {} places, {} MiB", usage.keys, usage.places, usage.bytes >> 20);
        }
    }
}

/// Five limits on each call: rates alone, and four with a sliding window; 200 000 callers, so a million states.
fn five_limits(clock: &QuantaUpkeepClock, length: Duration, turns: u32) {
    let callers = callers::<CallerId>(MANY / 5);
    for demand in [Demand::Passing, Demand::Rejected] {
        let rates = vec![demand.rate(callers.len()); 5];
        let window = SlidingWindow::new(NonZeroU32::new(u32::MAX / 16).unwrap(), Duration::from_secs(3_600));
        let mixed = [vec![demand.rate(callers.len()); 4], vec![Algorithm::Window(window.unwrap())]].concat();
        for (case, algorithms) in [("five rates", rates), ("four rates and a window", mixed)] {
            let ours = Ours::new(callers.len(), &algorithms, clock);
            warm(&ours, &callers);
            for threads in [1, 2] {
                let row = Row { case, caller: CallerId::NAME, demand, threads, limits: 5 };
                for _ in 0..turns {
                    row.show("ratewarden", turn(&ours, &callers, threads, length));
                }
            }
        }
    }
}
