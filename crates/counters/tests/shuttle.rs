//! Every interleaving of a few threads, as far as a scheduler finds them: what [`threads`](../threads.rs) tries on
//! the machine's own, here on shuttle's. `cargo test -p ratewarden-counters --features shuttle --test shuttle`

#![cfg(feature = "shuttle")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use ratewarden_counters::{Capacity, Check, Counters, Decision, Hasher, Key, Scratch, Who};
use ratewarden_limiter::{Algorithm, Concurrency, Gcra, Period, Rule, SlidingWindow, Time};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::thread;

const SCHEDULES: usize = 1_000;

fn rule(algorithm: &Algorithm) -> Rule {
    algorithm.rule(|_| Period { index: 1, ends: Time::NEVER })
}

fn rate(burst: u64) -> Algorithm {
    let burst = NonZeroU64::new(burst).unwrap();
    Algorithm::Rate(Gcra::new(burst, Duration::from_secs(3_600), burst).unwrap())
}

fn window(calls: u32) -> Algorithm {
    Algorithm::Window(SlidingWindow::new(NonZeroU32::new(calls).unwrap(), Duration::from_secs(60)).unwrap())
}

fn concurrency(calls: u64) -> Algorithm {
    Algorithm::Concurrency(Concurrency::new(NonZeroU64::new(calls).unwrap()))
}

fn check(name: &str, algorithm: &Algorithm, ordinal: u16, who: u64) -> Check {
    Check { key: key(name, algorithm, ordinal, who), rule: rule(algorithm), cost: 1, shadow: false }
}

fn key(name: &str, algorithm: &Algorithm, ordinal: u16, who: u64) -> Key {
    let hasher = Hasher::new(&[5; 16]);
    let who = Who::new(hasher.hash([who.to_le_bytes().as_slice()]), false);
    hasher.limit(name, algorithm, ordinal).key(who)
}

fn store() -> Arc<Counters> {
    Arc::new(Counters::new(Capacity { keys: 4, verified_keys: 4 }))
}

/// Runs `calls` calls in each of three threads and returns how many were admitted in all.
fn admitted(counters: &Arc<Counters>, calls: u32, checks: impl Fn(u64) -> Vec<Check>) -> u64 {
    let admitted = Arc::new(AtomicU64::new(0));
    let threads = (0..3).map(|number| {
        let (counters, admitted, checks) = (Arc::clone(counters), Arc::clone(&admitted), checks(number));
        thread::spawn(move || {
            let mut scratch = Scratch::default();
            for _ in 0..calls {
                if counters.decide(&checks, Time::START, &mut scratch) == Decision::Admitted {
                    admitted.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    admitted.load(Ordering::SeqCst)
}

#[test]
fn exactly_the_burst_is_admitted_of_a_key_nobody_has_seen_before() {
    for algorithm in [rate(3), window(3), concurrency(3)] {
        let run = move || {
            let counters = store();
            let one = check("l", &algorithm, 0, 1);
            assert_eq!(admitted(&counters, 2, |_| vec![one]), 3);
        };
        shuttle::check_random(run, SCHEDULES);
    }
}

/// The same with schedules that are built to find few, unlikely switches.
#[test]
fn all_or_nothing_whatever_the_order_of_the_limits() {
    let run = || {
        let counters = store();
        let (own, total) = (rate(2), window(4));
        let all = check("total", &total, 1, 0);
        let sum = admitted(&counters, 3, |number| {
            let mine = check("own", &own, 0, number + 1);
            if number == 0 { vec![all, mine] } else { vec![mine, all] }
        });
        let left = |check: &Check| counters.standing(&check.key, &check.rule, Time::START).remaining;
        let spent: u64 = (1..=3).map(|who| 2 - left(&check("own", &own, 0, who))).sum();
        assert_eq!((sum, spent, left(&all)), (4, 4, 0));
    };
    shuttle::check_pct(run, SCHEDULES, 3);
    shuttle::check_random(run, SCHEDULES);
}

#[test]
fn a_place_is_given_back_once_whoever_comes_between() {
    let run = || {
        let counters = store();
        let algorithm = concurrency(1);
        let one = check("l", &algorithm, 0, 1);
        let under_way = Arc::new(AtomicU64::new(0));
        let threads = (0..3).map(|_| {
            let (counters, under_way) = (Arc::clone(&counters), Arc::clone(&under_way));
            thread::spawn(move || {
                let mut scratch = Scratch::default();
                if counters.decide(&[one], Time::START, &mut scratch) == Decision::Admitted {
                    assert_eq!(under_way.fetch_add(1, Ordering::SeqCst), 0);
                    under_way.fetch_sub(1, Ordering::SeqCst);
                    counters.refund(&one.key, &one.rule, 1, scratch.verdicts()[0].overflow);
                }
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
        assert_eq!(counters.standing(&one.key, &one.rule, Time::START).remaining, 1);
    };
    shuttle::check_random(run, SCHEDULES);
    shuttle::check_pct(run, SCHEDULES, 3);
}

/// A slot changes hands while the key that had it is called for: nobody is charged for another.
#[test]
fn a_replaced_key_is_not_mistaken_for_the_new_one() {
    let run = || {
        let counters = store();
        let algorithm = rate(1);
        let later = Time::START.after(std::time::Duration::from_secs(7_200));
        let mut scratch = Scratch::default();
        // Fill every place, and keep all but the first caller's in use.
        for (first, now) in [(0, Time::START), (1, later)] {
            for who in first..8 {
                counters.decide(&[check("l", &algorithm, 0, who)], now, &mut scratch);
            }
        }
        // One calls for the idle key while the other calls for new ones, of which one takes its place.
        let threads = [0..1, 100..104].map(|keys| {
            let counters = Arc::clone(&counters);
            thread::spawn(move || {
                let mut scratch = Scratch::default();
                keys.map(|who| {
                    let check = check("l", &rate(1), 0, who);
                    let admitted = counters.decide(&[check], later, &mut scratch) == Decision::Admitted;
                    (who, admitted, scratch.verdicts().iter().any(|verdict| verdict.overflow))
                })
                .collect::<Vec<_>>()
            })
        });
        for thread in threads {
            for (who, admitted, overflow) in thread.join().unwrap() {
                assert!(admitted || overflow, "caller {who} was charged for another");
            }
        }
    };
    shuttle::check_random(run, SCHEDULES);
    shuttle::check_pct(run, SCHEDULES, 3);
}
