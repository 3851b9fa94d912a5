//! Backgrounds have the rates and shapes that they promise, and nothing of them is abuse by the plainest measures.
#![expect(clippy::unwrap_used, reason = "a test may stop where its own data is wrong")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ratewarden_model::Resource;
use ratewarden_traffic::background::{self, Background};
use ratewarden_traffic::{MONDAY_MS, OwnedCall, Traffic};

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;

fn day(make: Background) -> Traffic {
    make(4, MONDAY_MS, DAY)
}

/// The most calls that any one has within so many milliseconds, by a sliding window.
fn most_within<K: Ord + Clone>(
    calls: &Traffic,
    window_ms: i64,
    of: impl Fn(&OwnedCall) -> Option<K>,
) -> Option<(K, usize)> {
    let mut times: BTreeMap<K, Vec<i64>> = BTreeMap::new();
    for call in calls {
        if let Some(key) = of(call) {
            times.entry(key).or_default().push(call.at_ms);
        }
    }
    let densest = |times: &[i64]| {
        let mut from = 0;
        (0..times.len())
            .map(|to| {
                while times[to] - times[from] >= window_ms {
                    from += 1;
                }
                to + 1 - from
            })
            .max()
            .unwrap()
    };
    times.into_iter().map(|(key, times)| (key, densest(&times))).max_by_key(|&(_, most)| most)
}

fn is_file(call: &OwnedCall) -> bool {
    let path = call.target.split('?').next().unwrap();
    [".css", ".js", ".png", ".jpg", ".webp", ".svg", ".woff2", ".ico", ".tgz", ".xml"]
        .iter()
        .any(|end| path.ends_with(end))
}

#[test]
fn backgrounds_are_sorted_the_same_for_one_seed_and_within_their_time() {
    let start = MONDAY_MS + 9 * HOUR_MS;
    for (name, make) in background::ALL {
        let calls = make(11, start, HOUR);
        assert_eq!(calls, make(11, start, HOUR), "{name}");
        assert!(calls.is_sorted_by_key(|call| call.at_ms), "{name}");
        assert!(calls.iter().all(|call| (start..start + HOUR_MS).contains(&call.at_ms)), "{name}");
        let different = name == "monitoring-probe" || calls != make(12, start, HOUR);
        assert!(name == "nightly-batch" || different, "{name}: the seed changes nothing");
    }
}

#[test]
fn a_day_has_about_as_many_calls_as_it_should() {
    let bounds: [(&str, std::ops::Range<usize>); 31] = [
        ("website", 40_000..160_000),
        ("marketing-peak", 400_000..1_400_000),
        ("reloading-owner", 31_920..31_921),
        ("slide-deck", 5_232..5_233),
        ("unauthorized-style-sheet", 15_000..25_000),
        ("image-gallery", 90_000..170_000),
        ("feed-readers", 12_000..17_000),
        ("single-page-app", 300_000..1_200_000),
        ("mobile-app", 50_000..130_000),
        ("company-office", 80_000..140_000),
        ("company-vpn", 10_000..40_000),
        ("travellers", 3_000..12_000),
        ("nightly-batch", 144_000..144_001),
        ("ci-runner", 30_000..40_000),
        ("monitoring-probe", 30_240..30_241),
        ("search-crawler", 25_000..35_000),
        ("health-checks", 86_390..86_401),
        ("paginating-client", 768..769),
        ("ray-users", 60_000..140_000),
        ("clusters", 7_000..10_000),
        ("cassandra-clients", 400_000..700_000),
        ("carrier-nat", 60_000..160_000),
        ("cloud-fleet", 80_000..140_000),
        ("behind-balancer", 400_000..1_200_000),
        ("two-regions", 90_000..110_000),
        ("ipv6-visitors", 50_000..300_000),
        ("ci-fleet", 161_280..161_281),
        ("map-viewers", 300_000..900_000),
        ("link-prefetching", 50_000..600_000),
        ("dav-clients", 200_000..600_000),
        ("password-queries", 50_000..200_000),
    ];
    for ((name, make), (expected, range)) in background::ALL.into_iter().zip(bounds) {
        assert_eq!(name, expected);
        let count = day(make).len();
        assert!(range.contains(&count), "{name}: {count} is not in {range:?}");
    }
}

#[test]
fn an_owner_has_133_calls_a_minute_and_a_deck_108_files() {
    let calls = background::reloading_owner(4, MONDAY_MS, Duration::from_secs(60));
    assert!((132..=134).contains(&calls.len()), "{}", calls.len());
    let calls = background::slide_deck(4, MONDAY_MS, Duration::from_secs(60));
    assert_eq!(calls.iter().filter(|call| is_file(call)).count(), 108);
}

#[test]
fn the_office_has_ten_logins_in_its_busiest_minute_and_hundreds_of_people() {
    let calls = day(background::company_office);
    let logins = Traffic::new(
        calls.iter().filter(|call| call.method == "POST" && call.target == "/login").cloned().collect(),
    );
    let minute = MONDAY_MS + 8 * HOUR_MS + 45 * 60_000;
    assert!(logins.clone().between(minute, minute + 60_000).len() >= 10);
    let (_, most) = most_within(&logins, 60_000, |call| call.address).unwrap();
    assert!((10..30).contains(&most), "{most}");
    let failed = logins.iter().filter(|call| call.status == 401).count();
    assert!((5..40).contains(&failed), "{failed}");
    assert_eq!(calls.iter().map(|call| call.address).collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(calls.iter().map(|call| call.user.clone()).collect::<BTreeSet<_>>().len(), 250);
    assert!(calls.iter().map(|call| call.agent.clone()).collect::<BTreeSet<_>>().len() > 20);
}

#[test]
fn an_expired_session_meets_six_401_at_once_and_then_logs_in_once() {
    let calls = day(background::single_page_app);
    let failed = Traffic::new(calls.iter().filter(|call| call.status == 401).cloned().collect());
    let (token, most) = most_within(&failed, 1_000, |call| call.credential.clone()).unwrap();
    assert_eq!(most, 6);
    let of: Vec<_> = failed.iter().filter(|call| call.credential.as_ref() == Some(&token)).collect();
    assert_eq!(of.iter().map(|call| call.target.clone()).collect::<BTreeSet<_>>().len(), 6);
    let login = calls
        .iter()
        .find(|call| {
            call.at_ms > of[0].at_ms && call.target == "/api/v1/login" && call.address == of[0].address
        })
        .unwrap();
    assert!(login.status == 200 && login.at_ms - of[0].at_ms < 100_000);
}

#[test]
fn a_view_is_20_to_60_json_calls_at_once_and_then_a_poll_each_5_seconds() {
    let calls = day(background::single_page_app);
    let api = Traffic::new(calls.iter().filter(|call| call.target.starts_with("/api/")).cloned().collect());
    let (_, most) = most_within(&api, 500, |call| call.credential.clone()).unwrap();
    assert!((40..=60).contains(&most), "{most}");
    let mut polls: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for call in api.iter().filter(|call| call.target.starts_with("/api/v1/notifications?")) {
        polls.entry(call.credential.clone()).or_default().push(call.at_ms);
    }
    assert!(polls.values().all(|times| times.windows(2).all(|pair| pair[1] - pair[0] == 5_000)));
}

#[test]
fn an_app_hides_hundreds_behind_four_addresses_and_moves_within_one_country() {
    let calls = day(background::mobile_app);
    let (mut people, mut places): (BTreeMap<_, BTreeSet<_>>, BTreeMap<_, BTreeSet<_>>) = Default::default();
    for call in calls.iter().filter(|call| call.credential.is_some()) {
        people.entry(call.address).or_default().insert(call.credential.clone());
        places.entry(call.credential.clone()).or_default().insert(call.address);
    }
    let mut counts: Vec<_> = people.values().map(BTreeSet::len).collect();
    counts.sort_unstable_by_key(|&count| std::cmp::Reverse(count));
    assert!(counts[3] > 50 && counts[4] < 20, "{counts:?}");
    assert!(places.values().all(|places| places.len() <= 3));
    assert!(calls.iter().all(|call| call.referer.is_empty() && call.agent.starts_with("ShopApp/")));
}

#[test]
fn ray_users_submit_5_to_20_jobs_a_minute_and_hold_what_they_asked_for() {
    let calls = background::ray_users(4, MONDAY_MS + 9 * HOUR_MS, HOUR);
    let submits = Traffic::new(calls.iter().filter(|call| call.target == "/api/jobs/").cloned().collect());
    assert!((5 * 60..20 * 60).contains(&submits.len()), "{}", submits.len());
    let (_, most) = most_within(&submits, 60_000, |call| call.credential.clone()).unwrap();
    assert!(most <= 20, "{most}");
    let mut last: BTreeMap<_, (f64, i64)> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.held.is_some()) {
        let held = call.held.unwrap();
        assert!(held.amount <= 16.0, "{held:?}");
        let before = last.insert(call.user.clone(), (held.amount, call.at_ms));
        if let Some((amount, at_ms)) = before.filter(|&(amount, _)| amount < held.amount) {
            let submitted = submits.iter().any(|submit| {
                submit.user == call.user && (at_ms - 2_000..call.at_ms).contains(&submit.at_ms)
            });
            assert!(submitted, "{:?} grew from {amount} without a job", call.user);
        }
    }
}

#[test]
fn clusters_are_few_and_all_end_in_the_evening() {
    let calls = day(background::clusters);
    let created =
        Traffic::new(calls.iter().filter(|call| call.target == "/ext/v0/clusters/").cloned().collect());
    let ended = calls.iter().filter(|call| call.target.ends_with("/terminate")).count();
    assert_eq!(created.len(), ended);
    let (_, most) = most_within(&created, 300_000, |call| call.credential.clone()).unwrap();
    assert!(most <= 4, "{most}");
    let alive = calls.iter().filter_map(|call| call.held).filter(|held| held.resource == Resource::Cluster);
    assert!(alive.clone().any(|held| held.amount == 3.0));
    assert!(alive.map(|held| held.amount).fold(0.0, f64::max) <= 3.0);
}

#[test]
fn no_key_of_the_store_has_a_twentieth_of_the_writes() {
    let calls = day(background::cassandra_clients);
    let writes: Vec<_> = calls.iter().filter(|call| call.method == "UPDATE").collect();
    let mut each = BTreeMap::new();
    for call in &writes {
        *each.entry(call.key.clone().unwrap()).or_insert(0usize) += 1;
    }
    let most = *each.values().max().unwrap() as f64 / writes.len() as f64;
    assert!((0.02..0.05).contains(&most), "{most}");
}

#[test]
fn a_peak_is_eight_times_what_was_before() {
    let calls = background::marketing_peak(4, MONDAY_MS, HOUR);
    let minute = |number: i64| {
        let from = MONDAY_MS + number * 60_000;
        calls.iter().filter(|call| (from..from + 600_000).contains(&call.at_ms) && !is_file(call)).count()
    };
    let times = minute(25) as f64 / minute(5) as f64;
    assert!((5.0..12.0).contains(&times), "{times}");
}

#[test]
fn half_of_all_calls_of_people_and_machines_show_no_credential() {
    let public: [Background; 9] = [
        background::website,
        background::slide_deck,
        background::image_gallery,
        background::feed_readers,
        background::search_crawler,
        background::mobile_app,
        background::company_office,
        background::ci_runner,
        background::nightly_batch,
    ];
    let (mut shown, mut all) = (0, 0);
    for make in public {
        let calls = day(make);
        shown += calls.iter().filter(|call| call.credential.is_some()).count();
        all += calls.len();
    }
    let share = f64::from(u32::try_from(shown).unwrap()) / f64::from(u32::try_from(all).unwrap());
    assert!((0.35..0.65).contains(&share), "{share}");
}

#[test]
fn shuffling_moves_order_and_no_time() {
    let calls = background::health_checks(4, MONDAY_MS, HOUR);
    let shuffled = calls.clone().shuffled_within(3, 30);
    assert_ne!(calls, shuffled);
    assert_eq!(shuffled, calls.clone().shuffled_within(3, 30));
    let mut latest = i64::MIN;
    for call in &shuffled {
        latest = latest.max(call.at_ms);
        assert!(latest - call.at_ms <= 30_000);
    }
    // The order of calls of one time may differ, hence the sort by everything.
    let sorted = |calls: Traffic| {
        let mut lines: Vec<_> = calls.iter().map(|call| format!("{call:?}")).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(shuffled), sorted(calls));
}
