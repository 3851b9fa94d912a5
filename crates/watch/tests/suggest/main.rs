//! Suggested limits, measured on the calls they were made of.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use ratewarden_model::{Call, CallCaller};
use ratewarden_testkit::schema::closed;
use ratewarden_watch::suggest::{Options, Suggest, SuggestError, SuggestReport};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../../docs/schema/suggest-1.schema.json");
const SECRET: [u8; 16] = [9; 16];

/// 2026-11-27T00:00:00Z.
const MIDNIGHT: i64 = 1_795_737_600_000;

fn call(at_ms: i64, caller: u32, method: &'static str, target: &'static str) -> Call<'static> {
    Call {
        address: Some(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | caller))),
        method: method.as_bytes(),
        target: target.as_bytes(),
        status: 200,
        ..Call::at(at_ms)
    }
}

/// Both passes over the same calls.
fn suggested(calls: &[Call<'_>], options: Options) -> SuggestReport {
    let mut suggest = Suggest::new(options, &SECRET).unwrap();
    calls.iter().for_each(|call| suggest.see(call));
    let suggestion = suggest.finish().unwrap();
    let mut replay = suggestion.replay(&SECRET).unwrap();
    calls.iter().for_each(|call| {
        replay.see(call);
    });
    suggestion.measured(&replay.finish()).unwrap()
}

fn sorted(mut calls: Vec<Call<'static>>) -> Vec<Call<'static>> {
    calls.sort_by_key(|call| call.at_ms);
    calls
}

/// Thirty callers that look at a page now and then and submit a job every minute.
fn background() -> Vec<Call<'static>> {
    let mut calls = Vec::new();
    for caller in 0..30_u32 {
        for minute in 0..180_i64 {
            let at = MIDNIGHT + minute * 60_000 + i64::from(caller) * 731;
            for step in 0..(12 + i64::from(caller % 5)) {
                calls.push(call(at + step * 900, caller, "GET", "/api/jobs/7/logs"));
            }
            if minute % 2 == 0 {
                calls.push(call(at + 10_000, caller, "POST", "/api/jobs/"));
            }
        }
    }
    calls
}

/// A burst at a time: when, how many, how far apart in milliseconds.
type Bursts = Vec<(i64, i64, i64)>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn with_a_head_room_of_two_nobody_under_the_percentile_is_rejected(
        callers in prop::collection::vec(
            prop::collection::vec((0_i64..7_200_000, 1_i64..60, prop_oneof![Just(0_i64), 1_i64..5_000]), 1..12), 1..9,
        ),
    ) {
        let callers: Vec<Bursts> = callers;
        let mut calls = Vec::new();
        for (caller, bursts) in (0..).zip(&callers) {
            for &(begin, count, apart) in bursts {
                let method = if count % 3 == 0 { "POST" } else { "GET" };
                calls.extend((0..count).map(|step| call(MIDNIGHT + begin + step * apart, caller, method, "/a/1")));
            }
        }
        let calls = sorted(calls);
        let report = suggested(&calls, Options::default());
        prop_assert!(!report.limits.is_empty());
        for limit in &report.limits {
            prop_assert_eq!((limit.calls_touched, limit.callers_touched), (Some(0), Some(0)), "{:?}", limit);
        }
    }
}

#[test]
fn one_who_floods_is_left_out_and_touched_and_nobody_else_is() {
    let mut calls = background();
    calls.extend((0..20_000).map(|step| call(MIDNIGHT + 600_000 + step * 20, 99, "POST", "/api/jobs/")));
    let calls = sorted(calls);
    let report = suggested(&calls, Options { upstream: "http://10.0.0.1:8265".into(), ..Options::default() });
    let names: Vec<&str> = report.limits.iter().map(|limit| limit.name.as_str()).collect();
    assert_eq!(names, ["POST /api/jobs/", "all calls"], "{report:#?}");
    // What the limit of the route rejects, the limit of all calls need not.
    for (limit, touched) in report.limits.iter().zip([1, 0]) {
        assert!(limit.evidence.contains("Left out: 1 far above all others"), "{limit:?}");
        assert_eq!(
            (limit.callers, limit.callers_touched, limit.looks_honest),
            (Some(31), Some(touched), Some(0)),
            "{limit:?}"
        );
    }
    assert!(report.limits[0].calls_touched.unwrap() > 10_000, "{report:?}");
    assert_eq!(report.limits[0].rate, "10/1m");
    let text = &report.policy;
    for part in [
        "url = \"http://10.0.0.1:8265\"",
        "# Left out: 1 far above",
        "path = \"/api/jobs/\"",
        "1 of 31 callers (3.2%)",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    if std::env::var_os("SHOW").is_some() {
        println!("{text}");
    }
}

#[test]
fn who_mostly_fails_teaches_nothing() {
    let mut calls = background();
    let guess = |step: i64| Call { status: 401, ..call(MIDNIGHT + step * 10, 99, "POST", "/api/jobs/") };
    let before = suggested(&sorted(calls.clone()), Options::default());
    calls.extend((0..1_000).map(guess));
    let after = suggested(&sorted(calls), Options::default());
    let rates =
        |report: &SuggestReport| report.limits.iter().map(|limit| limit.rate.clone()).collect::<Vec<_>>();
    assert_eq!(rates(&before), rates(&after));
    assert_eq!((after.groups[0].callers_failing, before.groups[0].callers_failing), (1, 0));
}

#[test]
fn callers_are_known_as_the_suggested_policy_knows_them() {
    let secret =
        |key: &'static [u8], at| Call { caller: CallCaller::Credential(key), ..call(at, 1, "GET", "/") };
    let calls: Vec<Call<'_>> = (0..60)
        .flat_map(|step| [secret(b"one", MIDNIGHT + step * 1_000), secret(b"two", MIDNIGHT + step * 1_000)])
        .collect();
    let of = |callers: &[&str]| {
        let callers = callers.iter().map(|&from| from.to_owned()).collect();
        suggested(&calls, Options { callers, ..Options::default() })
    };
    assert_eq!(of(&[]).limits[0].callers, Some(1));
    let keys = of(&["header:x-api-key"]);
    assert_eq!((keys.limits[0].callers, keys.groups[0].peaks.minute.max), (Some(2), 60));
    assert!(keys.policy.contains("from = \"header:x-api-key\""), "{}", keys.policy);
    assert!(matches!(
        Suggest::new(Options { callers: vec!["nonsense".into()], ..Options::default() }, &SECRET),
        Err(SuggestError::Mistakes(_))
    ));
}

#[test]
fn nothing_is_suggested_of_nothing() {
    let mut suggest = Suggest::new(Options::default(), &SECRET).unwrap();
    suggest.see(&Call { address: None, ..call(MIDNIGHT, 1, "GET", "/") });
    assert!(matches!(suggest.finish(), Err(SuggestError::Nobody)));
}

#[test]
fn paths_that_nobody_answers_make_no_routes_and_routes_have_an_end() {
    let mut suggest = Suggest::new(Options::default(), &SECRET).unwrap();
    for number in 0..5_000 {
        let target = format!(
            "/made/up-{}",
            char::from(b'a' + number as u8 % 26).to_string().repeat(number / 26 % 200 + 1)
        );
        suggest.see(&Call { status: 404, target: target.as_bytes(), ..call(MIDNIGHT, 1, "GET", "/") });
    }
    for number in 0..5_000 {
        let target = format!(
            "/real/up-{}",
            char::from(b'a' + number as u8 % 26).to_string().repeat(number / 26 % 200 + 1)
        );
        suggest.see(&Call { target: target.as_bytes(), ..call(MIDNIGHT, 1, "GET", "/") });
    }
    let suggestion = suggest.finish().unwrap();
    let groups = &suggestion.report().groups;
    assert_eq!(groups.len(), 513);
    assert!(groups.iter().all(|group| !group.group.contains("made")));
}

#[test]
fn the_document_is_what_its_schema_says() {
    let report = suggested(&sorted(background()), Options::default());
    let document: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    let schema = closed(serde_json::from_str(SCHEMA).unwrap());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let complaints: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
