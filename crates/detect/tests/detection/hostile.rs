//! What somebody does who knows how this works.

use ratewarden_detect::{Engine, Settings};
use ratewarden_model::Finding;
use ratewarden_traffic::{OwnedCall, Traffic};

use crate::world::hashed;
use crate::{MORNING, findings, found_with, settings};

fn address(number: u32) -> Option<std::net::IpAddr> {
    Some(std::net::Ipv4Addr::from(0x1400_0000 + number).into())
}

/// A word without digits, another for each number.
fn word(mut number: u32) -> String {
    let mut text = String::from("w");
    while number > 0 {
        text.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    text
}

fn has(findings: &[Finding], rule: &str, subject: &str) -> bool {
    findings.iter().any(|finding| finding.rule == rule && finding.subject.label() == subject)
}

#[test]
fn made_up_paths_do_not_make_visitors_look_like_attackers() {
    let mut calls: Vec<OwnedCall> = (0..70_000)
        .map(|number| OwnedCall {
            address: address(number % 5_000),
            target: format!("/{}", word(number)),
            ..OwnedCall::at(MORNING + i64::from(number) * 50)
        })
        .collect();
    let later = MORNING + 70_000 * 50 + 60_000;
    for (method, target) in [("POST", "/zz/login"), ("GET", "/zz/.git/config")] {
        calls.push(OwnedCall {
            address: address(9),
            method: method.into(),
            target: target.into(),
            ..OwnedCall::at(later)
        });
    }
    calls.extend((0..8).map(|number| OwnedCall {
        address: address(1 << 20),
        target: format!("/new/{}", word(number + 900_000)),
        ..OwnedCall::at(later + i64::from(number) * 1000)
    }));
    let found = findings(&Traffic::new(calls));
    assert!(!found.iter().any(|finding| finding.subject.label() == "20.16.0.0"), "{}", crate::shown(&found));
}

#[test]
fn a_flood_of_findings_leaves_room_for_a_worse_one() {
    let mut calls = Vec::new();
    for number in 0..10_100_u32 {
        let at = MORNING + i64::from(number) * 400;
        for file in ["/.env", "/.git/config", "/wp-config.php", "/phpinfo.php"] {
            calls.push(OwnedCall { address: address(number), target: file.into(), ..OwnedCall::at(at) });
        }
    }
    let later = MORNING + 10_100 * 400 + 300_000;
    calls.extend((0..30).map(|number| OwnedCall {
        address: address(1 << 20),
        target: "/api/v1/account".into(),
        status: 401,
        ..OwnedCall::at(later + number * 300)
    }));
    let found = findings(&Traffic::new(calls));
    assert!(has(&found, "watch.token-guessing", "20.16.0.0"), "{} findings", found.len());
}

#[test]
fn a_finding_that_is_open_shows_its_figures_of_now_and_dates_that_are_not_believed_are_in_no_span() {
    let mut engine = Engine::new(crate::settings());
    let call = |at_ms: i64| OwnedCall {
        address: address(9),
        target: "/api/v1/items".into(),
        ..OwnedCall::at(at_ms)
    };
    let wrong = [MORNING + 400 * 86_400_000, MORNING - 400 * 86_400_000];
    let calls = (0..6_000).map(|number| call(MORNING + number * 10));
    for (number, call) in calls.enumerate() {
        engine.see(&call.as_call());
        if number == 100 {
            wrong.map(calls_at).iter().for_each(|call| engine.see(&call.as_call()));
        }
    }
    let counted = |engine: &Engine| {
        let flood = |finding: &&ratewarden_model::Finding| finding.rule == "watch.flood";
        let open = engine.open_findings(10);
        open.iter().find(flood).and_then(|finding| finding.seen.clone()).unwrap().count
    };
    let before = counted(&engine);
    for number in 6_000..9_000 {
        engine.see(&call(MORNING + number * 10).as_call());
    }
    assert!(counted(&engine) >= before + 2_500, "{before}, {}", counted(&engine));
    let second = u32::try_from(MORNING / 1000).unwrap();
    assert_eq!(engine.span(), Some((second, second + 89)));
    engine.finish();
    assert!(engine.open_findings(10).is_empty());
}

fn calls_at(at_ms: i64) -> OwnedCall {
    OwnedCall { address: address(10), ..OwnedCall::at(at_ms) }
}

#[test]
fn tokens_that_are_shown_where_none_is_asked_for_hide_no_guesser() {
    let calls = (0..3_000_u32).map(|number| OwnedCall {
        address: address(3),
        target: if number % 3 == 0 { "/" } else { "/api/v1/account" }.into(),
        status: if number % 3 == 0 { 200 } else { 401 },
        credential: Some(format!("made-up-{number}")),
        ..OwnedCall::at(MORNING + i64::from(number) * 60)
    });
    let found = findings(&Traffic::new(calls.collect()));
    assert!(has(&found, "watch.token-guessing", "20.0.0.3"), "{}", crate::shown(&found));
}

#[test]
fn a_target_of_an_odd_scheme_or_without_a_slash_hides_nothing() {
    for begin in ["x://shop.example/", ""] {
        let calls = (0..3_000_u32).map(|number| OwnedCall {
            address: address(7),
            target: format!("{begin}api/v1/items/{number}"),
            status: 404,
            ..OwnedCall::at(MORNING + i64::from(number) * 10)
        });
        let found = findings(&Traffic::new(calls.collect()));
        assert!(has(&found, "watch.flood", "20.0.0.7"), "{begin}: {}", crate::shown(&found));
    }
}

#[test]
fn addresses_of_one_line_of_ipv6_are_one_source() {
    let calls = (0..6_000_u32).map(|number| OwnedCall {
        address: Some(std::net::Ipv6Addr::from_bits(0x2001_0db8_0001_0002 << 64 | u128::from(number)).into()),
        target: format!("/{}", word(number)),
        status: 404,
        ..OwnedCall::at(MORNING + i64::from(number) * 3)
    });
    let found = findings(&Traffic::new(calls.collect()));
    assert!(has(&found, "watch.probing", "2001:db8:1:2::/64"), "{}", crate::shown(&found));
}

#[test]
fn a_source_of_ipv6_is_what_the_gateway_counts_as_one() {
    // A home that has a /56, of which each device takes a line, and one address among many in one line.
    let call = |number: u32, address: u128| OwnedCall {
        address: Some(std::net::Ipv6Addr::from_bits(address).into()),
        target: "/data".to_owned(),
        ..OwnedCall::at(MORNING + i64::from(number) * 10)
    };
    let home = |number: u32| 0x2001_0db8_0001_0200 << 64 | u128::from(number % 256) << 64 | 7;
    let neighbours = |number: u32| 0x2001_0db8_0002_0000 << 64 | u128::from(number % 60);
    let found = |ipv6_prefix, address: &dyn Fn(u32) -> u128| {
        let calls = (0..2_000).map(|number| call(number, address(number)));
        let settings = Settings { ipv6_prefix, ..settings() };
        found_with(settings, &Traffic::new(calls.collect()))
    };
    assert!(has(&found(56, &home), "watch.flood", "2001:db8:1:200::/56"));
    assert_eq!(found(64, &home), [], "256 lines of a few calls each");
    assert!(has(&found(64, &neighbours), "watch.flood", "2001:db8:2::/64"));
    assert_eq!(found(128, &neighbours), [], "sixty of a few calls each");
    assert!(has(&found(128, &|_| 0x2001_0db8_0002_0000 << 64 | 7), "watch.flood", "2001:db8:2::7"));
}

#[test]
fn a_new_credential_with_each_call_hides_no_flood() {
    let calls = (0..60_000_u32).map(|number| OwnedCall {
        address: address(7),
        credential: Some(format!("junk-{number}")),
        target: "/api/public".into(),
        ..OwnedCall::at(MORNING + i64::from(number) / 3)
    });
    let found = findings(&Traffic::new(calls.collect()));
    assert!(has(&found, "watch.flood", "20.0.0.7"), "{}", crate::shown(&found));
}

#[test]
fn many_groups_over_at_once_are_looked_at_in_one_go() {
    let mut engine = Engine::new(settings());
    for number in 0..160_000_u32 {
        let call = OwnedCall {
            address: address(number % 8_000),
            method: "POST".into(),
            target: "/login".into(),
            status: 401,
            agent: "x".into(),
            ..OwnedCall::at(MORNING + i64::from(number) / 20)
        };
        engine.see(&hashed(&call.as_call()));
    }
    engine.finish();
    assert!(engine.findings().len() >= 8_000);
}

#[test]
fn nothing_secret_is_shown() {
    let calls = (0..40_i64).map(|number| OwnedCall {
        address: address(3),
        method: "POST".into(),
        user: Some("sk_live_51H8xSECRETKEY".into()),
        target: "/hooks/SECRETTOKEN0abcdefXYZ7/login?otp=482913&SK_live_abc=1&bare_secret_word".into(),
        status: 401,
        ..OwnedCall::at(MORNING + number * 100)
    });
    let found = findings(&Traffic::new(calls.collect()));
    let text = serde_json::to_string(&found).unwrap();
    assert!(!found.is_empty());
    for secret in ["SECRETTOKEN", "482913", "bare_secret_word", "51H8xSECRETKEY"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
