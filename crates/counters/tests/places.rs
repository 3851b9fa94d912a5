//! What happens when the tables fill up: who shares, who is pushed out, and what it costs those who are known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use ratewarden_counters::{
    Capacity, Check, Counters, Decision, Hasher, Key, LimitId, ORDINALS, Scratch, Who,
};
use ratewarden_limiter::{Algorithm, Concurrency, Gcra, Period, SlidingWindow, Time};

const KEYS: usize = 20_000;

fn calls(calls: u64) -> NonZeroU64 {
    NonZeroU64::new(calls).unwrap()
}

/// One call a minute, so a key that was used stays in use for a minute.
fn a_minute() -> Algorithm {
    Algorithm::Rate(Gcra::new(calls(1), Duration::from_secs(60), calls(2)).unwrap())
}

fn a_window() -> Algorithm {
    Algorithm::Window(SlidingWindow::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(60)).unwrap())
}

/// A store and what is needed to call on it.
struct Store {
    counters: Counters,
    hasher: Hasher,
    scratch: Scratch,
}

impl Store {
    fn new() -> Self {
        Self {
            counters: Counters::new(Capacity { keys: KEYS, verified_keys: KEYS }),
            hasher: Hasher::new(&[3; 16]),
            scratch: Scratch::default(),
        }
    }

    fn limit(&self, name: &str, algorithm: &Algorithm, ordinal: u16) -> LimitId {
        self.hasher.limit(name, algorithm, ordinal)
    }

    fn who(&self, number: u64, verified: bool) -> Who {
        Who::new(self.hasher.hash([number.to_le_bytes().as_slice()]), verified)
    }

    /// Whether a call was admitted, and whether any limit counted it in an overflow bucket.
    fn call(&mut self, keys: &[Key], algorithm: &Algorithm, now: Time) -> (bool, bool) {
        let rule = algorithm.rule(|_| Period { index: 1, ends: Time::NEVER });
        let check = |key: &Key| Check { key: *key, rule, cost: 1, shadow: false };
        let checks: Vec<Check> = keys.iter().map(check).collect();
        let admitted = self.counters.decide(&checks, now, &mut self.scratch) == Decision::Admitted;
        (admitted, self.scratch.verdicts().iter().any(|verdict| verdict.overflow))
    }
}

#[test]
fn filled_to_its_capacity_hardly_anybody_shares() {
    for (limits, algorithm) in [(1, a_minute()), (5, a_minute()), (1, a_window()), (5, a_window())] {
        let mut store = Store::new();
        let ids: Vec<LimitId> =
            (0..limits).map(|number| store.limit(&format!("limit {number}"), &algorithm, number)).collect();
        let callers = KEYS as u64 / u64::from(limits);
        let mut shared = 0;
        for number in 0..callers {
            let who = store.who(number, false);
            let keys: Vec<Key> = ids.iter().map(|id| id.key(who)).collect();
            shared += u64::from(store.call(&keys, &algorithm, Time::START).1);
        }
        println!("{limits} limits, {}: {shared} of {callers} callers share", algorithm.name());
        assert!(shared * 1_000 <= callers, "{limits} limits: {shared} of {callers} share");
    }
}

#[test]
fn a_flood_of_new_keys_is_limited_together_and_pushes_nobody_out() {
    for algorithm in [a_minute(), a_window()] {
        let mut store = Store::new();
        let limit = store.limit("calls", &algorithm, 0);
        let known: Vec<Key> = (0..100).map(|number| limit.key(store.who(number, false))).collect();
        let proved: Vec<Key> = (0..100).map(|number| limit.key(store.who(number, true))).collect();
        for key in known.iter().chain(&proved) {
            assert_eq!(store.call(&[*key], &algorithm, Time::START), (true, false));
        }
        let (mut admitted, mut shared) = (0_u64, 0_u64);
        for number in 1_000..1_000 + 10 * KEYS as u64 {
            let key = limit.key(store.who(number, false));
            let (yes, overflow) = store.call(&[key], &algorithm, Time::START);
            admitted += u64::from(yes);
            shared += u64::from(overflow && yes);
        }
        // Each slot admits one, and all others together the two of the overflow bucket.
        let places = store.counters.usage().places / 2;
        assert!(admitted <= places + 2, "{admitted} of {places}");
        assert_eq!(shared, 2);
        for key in known.iter().chain(&proved) {
            let again = [0, 1].map(|_| store.call(&[*key], &algorithm, Time::START));
            assert_eq!(again, [(true, false), (false, false)], "what it had used is still known");
        }
        // New callers with a proved identity do not share with the flood either.
        let newcomer = limit.key(store.who(5_000_000, true));
        assert_eq!(store.call(&[newcomer], &algorithm, Time::START), (true, false));
    }
}

#[test]
fn keys_that_have_become_idle_make_room() {
    for algorithm in [a_minute(), a_window()] {
        let mut store = Store::new();
        let limit = store.limit("calls", &algorithm, 0);
        for round in 0..4_u64 {
            let now = Time::START.after(Duration::from_secs(round * 200));
            let mut shared = 0;
            for number in 0..KEYS as u64 {
                let key = limit.key(store.who(round * 1_000_000 + number, false));
                let (admitted, overflow) = store.call(&[key], &algorithm, now);
                shared += u64::from(overflow);
                assert!(admitted || overflow);
            }
            assert!(shared * 1_000 <= KEYS as u64, "round {round}: {shared} share");
        }
    }
}

#[test]
fn calls_under_way_in_the_overflow_bucket_are_given_back_to_it() {
    let algorithm = Algorithm::Concurrency(Concurrency::new(calls(1)));
    let rule = algorithm.rule(|_| Period { index: 1, ends: Time::NEVER });
    let mut store = Store::new();
    let limit = store.limit("at once", &algorithm, 3);
    let mut number = 0;
    let overflowing = loop {
        let key = limit.key(store.who(number, false));
        if store.call(&[key], &algorithm, Time::START) == (true, true) {
            break key;
        }
        number += 1;
        assert!(number < 10 * KEYS as u64, "the table never fills up");
    };
    let other = loop {
        number += 1;
        let key = limit.key(store.who(number, false));
        let (admitted, overflow) = store.call(&[key], &algorithm, Time::START);
        assert_eq!(admitted, !overflow, "the one place of the bucket is taken");
        if overflow {
            break key;
        }
    };
    store.counters.refund(&overflowing, &rule, 1, true);
    assert_eq!(store.call(&[other], &algorithm, Time::START), (true, true));
}

#[test]
fn an_overflow_bucket_begins_anew_for_another_limit_at_its_place() {
    let algorithm = a_minute();
    let mut store = Store::new();
    let (old, new) = (store.limit("old", &algorithm, 0), store.limit("new", &algorithm, 0));
    let mut number = 0;
    while store.call(&[old.key(store.who(number, false))], &algorithm, Time::START) != (false, true) {
        number += 1;
        assert!(number < 10 * KEYS as u64, "the table never fills up");
    }
    let said: Vec<_> = (number..)
        .map(|number| store.call(&[new.key(store.who(number, false))], &algorithm, Time::START))
        .filter(|(_, overflow)| *overflow)
        .take(3)
        .collect();
    assert_eq!(said, [(true, true), (true, true), (false, true)]);
}

#[test]
fn each_place_has_an_overflow_bucket_of_its_own() {
    let algorithm = a_minute();
    let mut store = Store::new();
    let filler = store.limit("filler", &algorithm, 0);
    let mut number = 0;
    while !store.call(&[filler.key(store.who(number, false))], &algorithm, Time::START).1 {
        number += 1;
        assert!(number < 10 * KEYS as u64, "the table never fills up");
    }
    // Where one limit has no place for a caller, no limit has: their states lie side by side.
    let who = store.who(number, false);
    let ordinals = 1..u16::try_from(ORDINALS).unwrap();
    let keys: Vec<Key> = ordinals
        .map(|ordinal| store.limit(&format!("limit {ordinal}"), &algorithm, ordinal).key(who))
        .collect();
    for expected in [true, true, false] {
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(store.call(&[*key], &algorithm, Time::START), (expected, true), "{index}");
        }
    }
}
