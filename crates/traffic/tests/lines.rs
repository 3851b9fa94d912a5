//! Lines have the form that they promise.
#![expect(clippy::unwrap_used, reason = "a test may stop where its own data is wrong")]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use ratewarden_model::{CallCaller, Held, Resource};
use ratewarden_traffic::{MONDAY_MS, OwnedCall, background, lines, stream};

fn call() -> OwnedCall {
    OwnedCall {
        address: Some("192.0.2.7".parse().unwrap()),
        credential: Some("key_a".to_owned()),
        user: Some("ann".to_owned()),
        method: "POST".to_owned(),
        target: "/a?b=\"c\\".to_owned(),
        status: 201,
        bytes: 512,
        micros: Some(1_234_567),
        agent: "curl/8".to_owned(),
        referer: "https://h/".to_owned(),
        key: Some("o'k".to_owned()),
        held: Some(Held { resource: Resource::Gpu, amount: 4.0, total: Some(64.0) }),
        ..OwnedCall::at(MONDAY_MS + 3_723_004)
    }
}

#[test]
fn a_call_says_the_same_when_it_is_borrowed() {
    let owned = call();
    let borrowed = owned.as_call();
    assert_eq!(borrowed.caller, CallCaller::Credential(b"key_a"));
    assert_eq!(
        (borrowed.user, borrowed.path(), borrowed.query()),
        (&b"ann"[..], &b"/a"[..], &b"b=\"c\\"[..])
    );
    assert_eq!((borrowed.status, borrowed.bytes, borrowed.micros), (201, 512, Some(1_234_567)));
    assert_eq!((borrowed.key, borrowed.held), (&b"o'k"[..], owned.held));
    assert_eq!(OwnedCall::at(0).as_call().caller, CallCaller::Nobody);
}

#[test]
fn combined_is_what_nginx_writes() {
    assert_eq!(
        lines::nginx_combined(&call()),
        r#"192.0.2.7 - ann [02/Mar/2026:01:02:03 +0000] "POST /a?b=\x22c\x5C HTTP/1.1" 201 512 "https://h/" "curl/8""#
    );
    let bare = lines::nginx_combined(&OwnedCall::at(MONDAY_MS));
    assert_eq!(bare, r#"- - - [02/Mar/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 0 "-" "-""#);
}

#[test]
fn json_lines_hold_every_field() {
    assert_eq!(
        lines::json_fields(&call()),
        r#"{"time":"2026-03-02T01:02:03.004Z","address":"192.0.2.7","user":"ann","credential":"key_a","method":"POST","target":"/a?b=\"c\\","agent":"curl/8","referer":"https://h/","key":"o'k","status":201,"bytes":512,"duration":1.234567,"gpu":4,"gpu_total":64}"#
    );
    let caddy = lines::json_caddy(&call());
    for part in [
        r#""ts":1772413323.004,"#,
        r#""remote_ip":"192.0.2.7""#,
        r#""uri":"/a?b=\"c\\""#,
        r#""Authorization":["Bearer key_a"]"#,
        r#""duration":1.234567,"size":512,"status":201"#,
    ] {
        assert!(caddy.contains(part), "{caddy}");
    }
    let envoy = lines::json_envoy(&call());
    for part in [r#""start_time":"2026-03-02T01:02:03.004Z""#, r#""duration":1234,"#, r#""192.0.2.7:41342""#]
    {
        assert!(envoy.contains(part), "{envoy}");
    }
    for text in [caddy, envoy] {
        assert_eq!(text.matches('{').count(), text.matches('}').count(), "{text}");
    }
}

#[test]
fn an_audit_line_is_what_cassandra_writes() {
    let call = OwnedCall { method: "UPDATE".to_owned(), target: "shop.baskets".to_owned(), ..call() };
    assert_eq!(
        lines::cassandra_audit(&call),
        "INFO  [Native-Transport-Requests-1] 2026-03-02 01:02:03,004 FileAuditLogger.java:51 - user:ann|\
         host:10.0.0.5:7000|source:/192.0.2.7|port:41342|timestamp:1772413323004|type:UPDATE|category:DML|ks:shop|\
         scope:baskets|operation:UPDATE shop.baskets SET v = 1 WHERE id = 'o''k';"
    );
}

#[test]
fn every_call_of_a_background_is_one_line() {
    for call in &background::everything(2, MONDAY_MS + 32_400_000, Duration::from_secs(300)) {
        let text = lines::nginx_combined(call);
        assert!(!text.contains('\n') && text.matches('"').count() == 6, "{text}");
        assert!(!lines::json_fields(call).contains('\n'));
    }
}

/// Address, second of the day, path, status and agent of a combined line, taken apart without any library.
fn apart(text: &str) -> (IpAddr, u32, &str, u16, &str) {
    let (address, rest) = text.split_once(" - ").unwrap();
    let (_, rest) = rest.split_once(" [02/Mar/2026:").unwrap();
    let (time, rest) = rest.split_once(" +0000] \"").unwrap();
    let mut clock = time.split(':').map(|part| part.parse::<u32>().unwrap());
    let mut next = || clock.next().unwrap();
    let second = (next() * 60 + next()) * 60 + next();
    let mut quoted = rest.split('"');
    let request = quoted.next().unwrap();
    let numbers = quoted.next().unwrap();
    let path = request.strip_suffix(" HTTP/1.1").unwrap().split_once(' ').unwrap().1;
    let status = numbers.trim().split_once(' ').unwrap().0.parse().unwrap();
    (address.parse().unwrap(), second, path, status, quoted.nth(2).unwrap())
}

#[test]
fn a_stream_has_the_lines_the_addresses_and_the_day_that_were_asked_for() {
    for (lines, distinct) in [(30_000u64, 400u64), (30_000, 12_000), (5_000, 5_000), (7, 3), (1, 9), (0, 5)] {
        let mut text = Vec::new();
        stream::write_nginx(lines, 5, distinct, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count() as u64, lines);
        let parts: Vec<_> = text.lines().map(apart).collect();
        assert!(parts.is_sorted_by_key(|&(_, second, ..)| second));
        let addresses: BTreeSet<_> = parts.iter().map(|&(address, ..)| address).collect();
        assert_eq!(addresses.len() as u64, distinct.min(lines), "{lines} lines");
        assert!(parts.iter().all(|&(_, _, path, ..)| path.starts_with('/')));
    }
}

#[test]
fn a_stream_is_busy_by_day_and_honest() {
    let mut text = Vec::new();
    stream::write_nginx(60_000, 5, 3_000, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let parts: Vec<_> = text.lines().map(apart).collect();
    let around = |hour: u32| parts.iter().filter(|part| part.1 / 3_600 == hour).count();
    assert!(around(15) > 5 * around(3), "{} and {}", around(15), around(3));
    let refused = parts.iter().filter(|part| matches!(part.3, 401 | 403)).count();
    let missing = parts.iter().filter(|part| part.3 == 404).count();
    assert!(refused == 0 && missing < 1_200, "{missing}");
    let agents: BTreeSet<_> = parts.iter().map(|&(address, .., agent)| (address, agent)).collect();
    assert_eq!(agents.len(), 3_000, "an address changes its agent");
    let mut minutes = std::collections::BTreeMap::new();
    for part in &parts {
        *minutes.entry((part.0, part.1 / 60)).or_insert(0u32) += 1;
    }
    let most = minutes.values().max().unwrap();
    assert!(*most < 133, "{most}");
}

#[test]
fn a_stream_is_the_same_for_one_seed_in_both_forms() {
    let write = |seed| {
        let mut text = Vec::new();
        stream::write_json(2_000, seed, 100, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let text = write(1);
    assert_eq!(text, write(1));
    assert_ne!(text, write(2));
    assert!(text.lines().all(|line| line.starts_with(r#"{"time":"2026-03-02T"#) && line.ends_with('}')));
    let shown = text.lines().filter(|line| line.contains(r#""credential":"sess_"#)).count();
    assert!((600..1_400).contains(&shown), "{shown}");
}
