//! Memory is bounded whoever calls, and a flood of new keys pushes no slow attacker out.

use ratewarden_detect::Engine;
use ratewarden_traffic::{OwnedCall, Traffic, scenario};

use crate::world::hashed;
use crate::{MORNING, findings, settings};

/// So many addresses try the login once each, within an hour: more than a table has places.
fn flood_of_keys(keys: u32) -> Traffic {
    let calls = (0..keys).map(|key| OwnedCall {
        address: Some(std::net::Ipv4Addr::from(0x1400_0000 + key * 7).into()),
        method: "POST".into(),
        target: "/login".into(),
        status: 401,
        agent: "Mozilla/5.0".into(),
        ..OwnedCall::at(MORNING + i64::from(key) * 3_600_000 / i64::from(keys))
    });
    Traffic::new(calls.collect())
}

#[test]
fn a_flood_of_new_keys_does_not_push_out_a_slow_attacker() {
    let slow = scenario::by_name("low-and-slow", 3, MORNING).unwrap();
    let found = findings(&flood_of_keys(300_000).merge(slow.calls));
    let it = found.iter().find(|finding| finding.rule == "watch.low-and-slow");
    let it = it.unwrap_or_else(|| {
        panic!("{:#?}", found.iter().map(|finding| finding.rule.clone()).collect::<Vec<_>>())
    });
    assert_eq!(it.subject.label(), slow.subject.1);
    let seen = it.seen.as_ref().unwrap();
    assert!(seen.count + seen.count_error >= 120, "{seen:?}");
    assert!(
        !found
            .iter()
            .any(|finding| finding.rule == "watch.low-and-slow" && finding.subject.label() != slow.subject.1)
    );
}

#[test]
fn groups_take_a_bounded_room_whoever_calls() {
    let mut engine = Engine::new(settings());
    let calls = |engine: &mut Engine, from: u32, until: u32| {
        for key in from..until {
            let text = format!("/p{key}?q={key}");
            let call = OwnedCall {
                address: Some(std::net::Ipv4Addr::from(key.wrapping_mul(2_654_435_761)).into()),
                credential: key.is_multiple_of(3).then(|| text.clone()),
                user: key.is_multiple_of(5).then(|| text.clone()),
                target: text,
                agent: format!("agent/{key}"),
                status: if key.is_multiple_of(2) { 401 } else { 200 },
                ..OwnedCall::at(MORNING + i64::from(key / 500) * 1000)
            };
            engine.see(&hashed(&call.as_call()));
        }
    };
    calls(&mut engine, 0, 300_000);
    let before = engine.bytes();
    calls(&mut engine, 300_000, 450_000);
    assert!(engine.bytes() <= before + (8 << 20), "{} then {}", before >> 20, engine.bytes() >> 20);
    assert!(engine.bytes() <= 200 << 20, "{} MiB", engine.bytes() >> 20);
}

#[test]
fn news_that_nobody_takes_are_not_kept_where_nobody_wants_them() {
    let mut engine = Engine::new(settings()).quiet();
    let flood = scenario::by_name("flood", 3, MORNING).unwrap();
    flood.calls.iter().for_each(|call| engine.see(&hashed(&call.as_call())));
    engine.finish();
    assert_eq!(engine.news(), Vec::new());
    assert!(!engine.findings().is_empty());
}
