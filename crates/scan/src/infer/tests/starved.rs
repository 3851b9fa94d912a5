//! The machine that scans is starved of CPU: calls are sent and answers read late, by chance. Less may be said then, but
//! nothing false.

use super::*;

/// Delays of a busy machine: most calls have none, some have tens of milliseconds. The same in every run of a seed.
struct Delays(u64);

impl Delays {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let part = (self.0 >> 33) as f64 / (1_u64 << 31) as f64;
        if part < 0.8 { part * 0.004 } else { 0.010 + (part - 0.8) * 0.3 }
    }
}

/// What a starved scanner sees of calls that take `work` at the server: each arrives late, and its answer is read late.
fn starved(plan: &[f64], work: f64, seed: u64, mut decide: impl FnMut(f64) -> bool) -> Vec<Sample> {
    let mut delays = Delays(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut calls: Vec<(f64, f64)> = plan.iter().map(|&at| (at, at + 0.0005 + delays.next() / 2.0)).collect();
    calls.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut samples: Vec<Sample> = calls
        .into_iter()
        .map(|(at, arrived)| {
            let admitted = decide(arrived);
            let done = arrived + 0.0005 + if admitted { work } else { 0.0 } + delays.next() / 2.0;
            Sample { at, done, latency: done - at, admitted }
        })
        .collect();
    samples.sort_by(|a, b| a.at.total_cmp(&b.at));
    samples
}

/// Five calls, a pause, and a flood; then knocks, each with some calls after it.
fn listening() -> Vec<f64> {
    let flood =
        (0..60).map(|index| if index < 5 { f64::from(index) * 0.05 } else { 0.9 + f64::from(index) * 0.014 });
    let knocks = (0..50).flat_map(|index| {
        let at = 1.9 + f64::from(index) * 0.22;
        [at, at + 0.02, at + 0.04]
    });
    flood.chain(knocks).collect()
}

/// So much is known of the delays: the scan measures both.
const BUSY: Conditions = Conditions { jitter: 0.010, late: 0.008, ..CONDITIONS };

#[test]
fn delays_of_a_busy_machine_are_no_queue() {
    let mut right = 0;
    for seed in 0..40 {
        let samples = starved(&listening(), 0.0, seed, sliding_log(20, 3.0));
        for conditions in [CONDITIONS, BUSY] {
            let found = infer(&samples, conditions);
            let text = explain(found.as_ref());
            let algorithm = found.unwrap().fit.algorithm;
            assert_ne!(algorithm, Algorithm::LeakyQueue, "{seed}: {text}");
            right += u32::from(algorithm == Algorithm::SlidingLog);
        }
    }
    assert!(right >= 60, "only {right} of 80 are recognised");
}

/// 5 calls in flight at a time, each of which takes 25 ms.
fn in_flight(limit: usize, work: f64) -> impl FnMut(f64) -> bool {
    let mut ends: Vec<f64> = Vec::new();
    move |at| {
        ends.retain(|&end| end > at);
        let admitted = ends.len() < limit;
        if admitted {
            ends.push(at + work);
        }
        admitted
    }
}

/// A search that meets no limit, and volleys at one instant with a few calls after each.
fn volleys(work: f64, limit: u32) -> Vec<f64> {
    let search = (0..300).map(|index| f64::from(index) * 0.012);
    let volleys = (0..4).flat_map(move |volley| {
        let begins = 4.0 + f64::from(volley) * 0.25;
        let after = (1..=4).map(move |call| begins + f64::from(call) * work / 5.0);
        std::iter::repeat_n(begins, limit as usize + 4).chain(after)
    });
    search.chain(volleys).collect()
}

#[test]
fn a_limit_on_short_calls_in_flight_is_no_bucket() {
    let work = 0.025;
    let mut right = 0;
    for seed in 0..40 {
        let samples = starved(&volleys(work, 5), work, seed, in_flight(5, work));
        for conditions in [CONDITIONS, BUSY] {
            let conditions = Conditions { base_latency: work + 0.001, ..conditions };
            let found = infer(&samples, conditions).unwrap();
            let text = explain(Some(&found));
            let is_true = found.fit.algorithm == Algorithm::Concurrency
                && found.fit.limit.is_some_and(|limit| (4..=6).contains(&limit));
            let is_unsure = found.fit.algorithm == Algorithm::Unknown;
            assert!(is_true || is_unsure, "{seed}: {text}");
            right += u32::from(is_true);
        }
    }
    assert!(right >= 40, "only {right} of 80 are recognised");
}

#[test]
fn a_quick_bucket_is_no_limit_on_calls_in_flight() {
    let work = 0.025;
    for seed in 0..40 {
        let mut delays = Delays(seed | 1);
        let mut plan = volleys(work, 5);
        plan.iter_mut().for_each(|at| *at += delays.next() / 100.0);
        let mut samples = starved(&plan, work, seed, |_| true);
        let mut tokens = bucket(200.0, 5.0);
        samples.iter_mut().for_each(|sample| sample.admitted = tokens(sample.at));
        let conditions = Conditions { base_latency: work + 0.001, ..CONDITIONS };
        let found = infer(&samples, conditions).unwrap();
        let firm = found.confidence == ratewarden_model::Confidence::Firm;
        let text = explain(Some(&found));
        assert!(!(firm && found.fit.algorithm == Algorithm::Concurrency), "{seed}: {text}");
    }
}

/// Knocks beside few rejections, and two of five answers late by tens of milliseconds: as a queue of that rate might delay
/// them, but in no order.
#[test]
fn delays_without_the_order_of_a_queue_are_none() {
    for seed in 0..40_u64 {
        let mut delays = Delays(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut decide = sliding_log(20, 3.0);
        let flood = (0..26).map(|index| f64::from(index) * 0.02 + if index < 5 { 0.0 } else { 0.9 });
        let knocks = (0..60).map(|index| 1.5 + f64::from(index) * 0.3);
        let seen = |at: f64| {
            let late = (delays.next() * 1e5).fract() < 0.4;
            let latency = if late { 0.031 + delays.next() } else { 0.003 };
            Sample { at, done: at + latency, latency, admitted: decide(at + 0.0005) }
        };
        let samples: Vec<Sample> = flood.chain(knocks).map(seen).collect();
        let found = infer(&samples, CONDITIONS);
        let text = explain(found.as_ref());
        assert_ne!(found.unwrap().fit.algorithm, Algorithm::LeakyQueue, "{seed}: {text}");
    }
}

/// Volleys of which each call takes up to two milliseconds to arrive, with nothing after them: little tells a limit on calls in
/// flight from a bucket that fills within that time, and such a bucket may not displace it.
#[test]
fn a_bucket_finer_than_the_uncertainty_does_not_displace_what_is_not() {
    let (mut right, mut bucket) = (0, 0);
    for seed in 0..40 {
        let mut delays = Delays(seed * 77 + 1);
        let search = (0..300).map(|index| f64::from(index) * 0.012);
        let volleys = (0..48).map(|call| 4.0 + f64::from(call / 16) * 0.25 + f64::from(call % 16) * 0.0003);
        let mut calls: Vec<(f64, f64)> =
            search.chain(volleys).map(|at| (at, at + 0.0005 + delays.next().min(0.004) / 2.0)).collect();
        calls.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut decide = in_flight(5, 0.025);
        let mut samples: Vec<Sample> = Vec::new();
        for (at, arrived) in calls {
            let admitted = decide(arrived);
            let done = arrived + 0.0005 + if admitted { 0.025 } else { 0.0 };
            samples.push(Sample { at, done, latency: done - at, admitted });
        }
        samples.sort_by(|a, b| a.at.total_cmp(&b.at));
        let conditions = Conditions { jitter: 0.0015, base_latency: 0.026, ..CONDITIONS };
        let found = infer(&samples, conditions).unwrap();
        right += u32::from(found.fit.algorithm == Algorithm::Concurrency);
        bucket += u32::from(found.fit.algorithm == Algorithm::TokenBucket);
        let firm = found.confidence == ratewarden_model::Confidence::Firm;
        assert!(!firm || found.fit.algorithm == Algorithm::Concurrency, "{seed}: {}", explain(Some(&found)));
    }
    assert!(right >= 25 && bucket <= 12, "{right} right, {bucket} a bucket");
}
