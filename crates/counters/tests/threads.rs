//! Many threads on the same keys: sums are exact.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ratewarden_counters::{Capacity, Check, Counters, Decision, Hasher, Key, Scratch, Who};
use ratewarden_limiter::{Algorithm, Concurrency, Gcra, Period, Rule, SlidingWindow, Time};

const THREADS: u64 = 4;
const CALLS: u64 = 20_000;

fn rule(algorithm: &Algorithm) -> Rule {
    algorithm.rule(|_| Period { index: 1, ends: Time::NEVER })
}

fn rate(burst: u64) -> Algorithm {
    let burst = NonZeroU64::new(burst).unwrap();
    Algorithm::Rate(Gcra::new(burst, Duration::from_secs(3_600), burst).unwrap())
}

/// Runs the same on all threads, with a number each.
fn together(run: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let run = &run;
            scope.spawn(move || run(thread));
        }
    });
}

fn key(name: &str, algorithm: &Algorithm, ordinal: u16, who: u64) -> Key {
    let hasher = Hasher::new(&[5; 16]);
    let who = Who::new(hasher.hash([who.to_le_bytes().as_slice()]), false);
    hasher.limit(name, algorithm, ordinal).key(who)
}

#[test]
fn exactly_the_burst_is_admitted_at_one_instant() {
    let burst = 10_000;
    let algorithms = [
        rate(burst),
        Algorithm::Window(
            SlidingWindow::new(
                NonZeroU32::new(u32::try_from(burst).unwrap()).unwrap(),
                Duration::from_secs(60),
            )
            .unwrap(),
        ),
        Algorithm::Concurrency(Concurrency::new(NonZeroU64::new(burst).unwrap())),
    ];
    for algorithm in algorithms {
        let counters = Counters::new(Capacity { keys: 64, verified_keys: 64 });
        let check = Check { key: key("l", &algorithm, 0, 1), rule: rule(&algorithm), cost: 1, shadow: false };
        let admitted = AtomicU64::new(0);
        together(|_| {
            let mut scratch = Scratch::default();
            for _ in 0..CALLS {
                if counters.decide(&[check], Time::START, &mut scratch) == Decision::Admitted {
                    admitted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        assert_eq!(admitted.into_inner(), burst, "{}", algorithm.name());
    }
}

/// Every thread calls for its own caller and against a shared total, with the keys in an order of its own.
#[test]
fn what_is_charged_to_one_limit_is_charged_to_the_other() {
    let (own, total) = (rate(2_000), rate(5_000));
    let counters = Counters::new(Capacity { keys: 64, verified_keys: 64 });
    let shared = key("total", &total, 1, 0);
    let admitted = AtomicU64::new(0);
    together(|thread| {
        let mut scratch = Scratch::default();
        let mine = Check { key: key("own", &own, 0, thread + 1), rule: rule(&own), cost: 1, shadow: false };
        let all = Check { key: shared, rule: rule(&total), cost: 1, shadow: false };
        let checks = if thread.is_multiple_of(2) { [mine, all] } else { [all, mine] };
        for _ in 0..CALLS {
            if counters.decide(&checks, Time::START, &mut scratch) == Decision::Admitted {
                admitted.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let left = |key: &Key, algorithm| counters.standing(key, &rule(algorithm), Time::START).remaining;
    let spent: u64 = (1..=THREADS).map(|caller| 2_000 - left(&key("own", &own, 0, caller), &own)).sum();
    assert_eq!((admitted.into_inner(), spent, left(&shared, &total)), (5_000, 5_000, 0));
}

#[test]
fn every_call_that_ends_gives_its_place_back() {
    let algorithm = Algorithm::Concurrency(Concurrency::new(NonZeroU64::new(3).unwrap()));
    let counters = Counters::new(Capacity { keys: 64, verified_keys: 64 });
    let check = Check { key: key("l", &algorithm, 0, 1), rule: rule(&algorithm), cost: 1, shadow: false };
    let under_way = AtomicU64::new(0);
    together(|_| {
        let mut scratch = Scratch::default();
        for _ in 0..CALLS {
            if counters.decide(&[check], Time::START, &mut scratch) == Decision::Admitted {
                assert!(under_way.fetch_add(1, Ordering::SeqCst) < 3);
                under_way.fetch_sub(1, Ordering::SeqCst);
                counters.refund(&check.key, &check.rule, 1, scratch.verdicts()[0].overflow);
            }
        }
    });
    assert_eq!(counters.standing(&check.key, &check.rule, Time::START).remaining, 3);
}

/// Keys come, become idle and are replaced while others use them: nobody is ever admitted more than a burst at an
/// instant, which a slot given to another key in the wrong moment would allow.
#[test]
fn keys_that_take_each_others_places_are_each_limited() {
    let algorithm = Algorithm::Rate(
        Gcra::new(NonZeroU64::new(1).unwrap(), Duration::from_nanos(100_000), NonZeroU64::MIN).unwrap(),
    );
    let counters = Counters::new(Capacity { keys: 32, verified_keys: 32 });
    let rounds = 300_u64;
    let keys = 100_u64;
    // All threads agree on the time, as they do but for microseconds on one clock.
    let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
    let admitted: Vec<AtomicU64> = (0..rounds * keys).map(|_| AtomicU64::new(0)).collect();
    together(|_| {
        let mut scratch = Scratch::default();
        for round in 0..rounds {
            barrier.wait();
            let now = Time::from_nanos(1_000_000 + round * 5_000_000);
            for who in 0..keys {
                let key = key("l", &algorithm, 0, who);
                let check = Check { key, rule: rule(&algorithm), cost: 1, shadow: false };
                let decision = counters.decide(&[check], now, &mut scratch);
                if decision == Decision::Admitted && !scratch.verdicts()[0].overflow {
                    admitted[usize::try_from(round * keys + who).unwrap()].fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    let most = admitted.iter().map(|count| count.load(Ordering::Relaxed)).max().unwrap();
    assert!(most <= 1, "a key was admitted {most} times at one instant");
}
