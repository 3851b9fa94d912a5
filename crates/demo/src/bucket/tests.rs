//! The bucket against the definition of what it promises.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// The promise itself, slow and obvious: in every interval that begins with an admitted call, at most
/// `burst + rate · length` calls are admitted. A call is admitted exactly when that stays true.
#[derive(Default)]
struct Model(Vec<u128>);

impl Model {
    fn admits(&mut self, limit: TokenBucket, now: Duration) -> bool {
        let now = now.as_nanos();
        let allowed = |since: u128| {
            u128::from(limit.burst.get()) * TOKEN + u128::from(limit.rate_per_s.get()) * (now - since)
        };
        let fits = self
            .0
            .iter()
            .enumerate()
            .all(|(index, &since)| ((self.0.len() - index + 1) as u128) * TOKEN <= allowed(since));
        if fits {
            self.0.push(now);
        }
        fits
    }
}

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

fn is_admitted(decision: Decision) -> bool {
    matches!(decision, Decision::Admitted { .. })
}

proptest! {
    #[test]
    fn it_admits_exactly_what_the_promise_allows(
        rate in 1_u32..2_000,
        burst in 1_u32..30,
        idle in prop_oneof![Just(0_u64), 0_u64..10_000_000_000_000],
        pauses in prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..3_000_000, 0_u64..4_000_000_000], 1..150),
    ) {
        let limit = TokenBucket::new(rate, burst).unwrap();
        let mut now = Duration::from_nanos(idle);
        let mut bucket = Bucket::full(limit, Duration::ZERO);
        let mut model = Model::default();
        for pause in pauses {
            now += Duration::from_nanos(pause);
            prop_assert_eq!(is_admitted(bucket.decide(limit, now)), model.admits(limit, now));
        }
    }

    #[test]
    fn retry_in_x_admits_at_x_and_not_a_nanosecond_earlier(
        rate in 1_u32..2_000,
        burst in 1_u32..30,
        calls in 1_usize..60,
        pause in 0_u64..100_000_000,
    ) {
        let limit = TokenBucket::new(rate, burst).unwrap();
        let mut bucket = Bucket::full(limit, Duration::ZERO);
        let mut now = Duration::ZERO;
        for _ in 0..calls {
            if let Decision::Rejected { retry_in, .. } = bucket.decide(limit, now) {
                let mut early = bucket;
                prop_assert!(!is_admitted(early.decide(limit, now + retry_in - Duration::from_nanos(1))));
                prop_assert!(is_admitted(bucket.clone().decide(limit, now + retry_in)));
            }
            now += Duration::from_nanos(pause);
        }
    }

    #[test]
    fn a_rejected_call_spends_nothing(knocks in 0_usize..500) {
        let limit = TokenBucket::default();
        let mut knocking = Bucket::full(limit, Duration::ZERO);
        let mut quiet = knocking;
        for _ in 0..20 {
            knocking.decide(limit, Duration::ZERO);
            quiet.decide(limit, Duration::ZERO);
        }
        for _ in 0..knocks {
            prop_assert!(!is_admitted(knocking.decide(limit, Duration::ZERO)));
        }
        prop_assert_eq!(knocking, quiet);
    }

    #[test]
    fn the_map_never_outgrows_its_cap(
        cap in 0_usize..5,
        calls in prop::collection::vec((0_u8..20, 0_u64..1_500), 1..200),
    ) {
        let mut buckets = Buckets::new(TokenBucket::default(), cap);
        let mut now = Duration::ZERO;
        for (last, pause) in calls {
            now += Duration::from_millis(pause);
            buckets.decide(address(last), now);
            prop_assert!(buckets.known() <= cap);
        }
    }
}

#[test]
fn twenty_at_once_then_ten_a_second() {
    let limit = TokenBucket::default();
    let mut bucket = Bucket::full(limit, Duration::ZERO);
    let admitted = (0..50).filter(|_| is_admitted(bucket.decide(limit, Duration::ZERO))).count();
    assert_eq!(admitted, 20);
    let rejected = bucket.decide(limit, Duration::ZERO);
    let (retry_in, full_in) = (Duration::from_millis(100), Duration::from_secs(2));
    assert_eq!(rejected, Decision::Rejected { retry_in, full_in });
    assert_eq!(limit.fill_secs(), 2);
}

#[test]
fn one_address_never_spends_what_another_has() {
    let mut buckets = Buckets::new(TokenBucket::default(), 10);
    for _ in 0..100 {
        buckets.decide(address(1), Duration::ZERO);
    }
    assert!(is_admitted(buckets.decide(address(2), Duration::ZERO)));
}

#[test]
fn strangers_share_one_bucket_while_known_callers_keep_theirs() {
    let mut buckets = Buckets::new(TokenBucket::default(), 1);
    assert!(is_admitted(buckets.decide(address(1), Duration::ZERO)));
    let strangers =
        (2..60).filter(|&last| is_admitted(buckets.decide(address(last), Duration::ZERO))).count();
    assert_eq!(strangers, 20, "all strangers together get one burst");
    assert!(is_admitted(buckets.decide(address(1), Duration::ZERO)));
    // Once the known caller has long been idle its place is free, and nobody notices.
    assert!(is_admitted(buckets.decide(address(61), Duration::from_secs(10))));
    assert_eq!(buckets.known(), 1);
}

#[test]
fn a_zero_is_refused_rather_than_read_as_unlimited() {
    assert_eq!(TokenBucket::new(0, 1), None);
    assert_eq!(TokenBucket::new(1, 0), None);
}

#[test]
fn a_clock_that_steps_back_gives_no_tokens() {
    let limit = TokenBucket::new(1, 1).unwrap();
    let mut bucket = Bucket::full(limit, Duration::from_secs(100));
    assert!(is_admitted(bucket.decide(limit, Duration::from_secs(50))));
    assert!(!is_admitted(bucket.decide(limit, Duration::from_secs(60))));
}
