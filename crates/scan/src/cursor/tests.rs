//! Cursors as APIs hand them out, and tokens that must not be taken for weak ones.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn keys(keys: &[&str]) -> Weakness {
    Weakness::Json { keys: keys.iter().map(|key| (*key).to_owned()).collect() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn vint(value: u64) -> Vec<u8> {
    let bits = 64 - u64::from((value | 1).leading_zeros());
    let extra = usize::try_from((bits.saturating_sub(1)) / 7).unwrap().min(8);
    let mut bytes = value.to_be_bytes()[7 - extra.min(7)..].to_vec();
    if extra == 8 {
        bytes = [&[0xff][..], &value.to_be_bytes()].concat();
    } else {
        bytes[0] |= u8::try_from(0xff_u16 << (8 - extra) & 0xff).unwrap();
    }
    bytes
}

/// A paging state of protocol 4, as Cassandra's source writes it.
fn state(key: &[u8], clustering: &[&[u8]], remaining: u64, in_partition: u64) -> Vec<u8> {
    let mut mark = Vec::new();
    if !clustering.is_empty() {
        mark.push(0);
        for value in clustering {
            mark.extend(vint(value.len() as u64));
            mark.extend(*value);
        }
    }
    [vint(key.len() as u64), key.to_vec(), vint(mark.len() as u64), mark, vint(remaining), vint(in_partition)]
        .concat()
}

#[test]
fn positions_are_seen_through_every_encoding() {
    for cursor in [
        "20",
        "MjA=",
        "MjA",
        "offset:20",
        "page=20",
        "YXJyYXljb25uZWN0aW9uOjIw",
        "6f66667365743a3230",
        "0x6f66667365743a3230",
    ] {
        assert_eq!(weakness(cursor), Some(Weakness::Offset(20)), "{cursor}");
    }
    assert_eq!(weakness(&BASE64_STANDARD.encode(BASE64_STANDARD.encode("20"))), Some(Weakness::Offset(20)));
    assert_eq!(weakness(&BASE64_STANDARD.encode(1_000_u64.to_be_bytes())), Some(Weakness::Offset(1_000)));
    assert_eq!(weakness(&hex(&300_u32.to_le_bytes())), Some(Weakness::Offset(300)));
}

#[test]
fn ids_of_the_last_row_are_seen() {
    let v4 = "3d813cbb-47fb-4a2e-9d5e-1f2c3b4a5d6e";
    assert_eq!(weakness(v4), Some(Weakness::Id(v4.to_owned())));
    assert_eq!(weakness(&BASE64_STANDARD.encode(v4)), Some(Weakness::Id(v4.to_owned())));
    assert_eq!(
        weakness("507f1f77bcf86cd799439011"),
        Some(Weakness::Id("507f1f77bcf86cd799439011".to_owned()))
    );
    let v1 = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d";
    assert_eq!(weakness(&v1.replace('-', "")), Some(Weakness::Id(v1.to_owned())));
    assert_eq!(weakness(&v4.replace('-', "")), None, "16 random bytes might look like it");
}

#[test]
fn json_is_seen_unless_it_is_signed_or_encrypted() {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    assert_eq!(weakness(&encode(r#"{"offset":20,"sort":"name"}"#)), Some(keys(&["offset", "sort"])));
    assert_eq!(weakness(r#"{"id":{"S":"x"}}"#), Some(keys(&["id"])));
    assert_eq!(weakness(&encode("[1626300000000,\"id\"]")), Some(keys(&[])));
    assert_eq!(weakness(&encode(r#"{"iv":"x","value":"y","mac":"z"}"#)), None);
    assert_eq!(weakness(&encode(r#"{"offset":20,"sig":"8f3a"}"#)), None);
}

#[test]
fn readable_text_is_shown() {
    assert_eq!(weakness("VXNlcjoxMjM0"), Some(Weakness::Base64Plain("User:1234".to_owned())));
    let text = "2026-11-25T12:00:00Z|item-00042";
    assert_eq!(weakness(&BASE64_STANDARD.encode(text)), Some(Weakness::Base64Plain(text.to_owned())));
}

#[test]
fn opaque_tokens_are_left_alone() {
    let random = "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a";
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJvZmZzZXQiOjIwfQ.c2lnbmF0dXJlc2lnbmF0dXJl";
    for cursor in [
        "",
        "abc",
        "next",
        "customer",
        "cus_9s6XKzkNRiz8i3",
        random,
        jwt,
        "gAAAAABmZ1Yw3Jk0lB9zQm2rT5uXvN8cWqE7aYbD1fHgPjLkMsRtUoIi",
        "BAh7BkkiC29mZnNldAY6BkVUaRk=--5a1d2f3b4c5d6e7f8091a2b3c4d5e6f708192a3b",
        &BASE64_STANDARD.encode(random),
        &"A".repeat(MAX_CURSOR_BYTES + 1),
    ] {
        assert_eq!(weakness(cursor), None, "{cursor}");
    }
}

#[test]
fn paging_states_of_cassandra_are_seen_in_every_layout() {
    let modern =
        state(b"tenant-1", &[&1_700_000_000_000_u64.to_be_bytes(), b"row"], 0x7fff_ff9b, 0x7fff_ff9b);
    let ranged = state(b"k", &[], 0x7fff_ffff, 0x7fff_ffff);
    let limited = state(&[0, 0, 0, 7], &[b"a"], 900, 0x7fff_ffff);
    let long = state(&[7; 200], &[&[1; 300]], 0x7fff_ffff, 0x7fff_fff0);
    let legacy = [&[0, 1, b'k', 0, 4, 0, 1, b'a', 0][..], &0x7fff_ff9b_u32.to_be_bytes()].concat();
    let legacy_30 = [&legacy[..], &0x7fff_ffff_u32.to_be_bytes()].concat();
    let size = u16::try_from(modern.len()).unwrap().to_be_bytes();
    let wrapped = [&size[..], &[0, 16], &modern, &[0xab; 16], &[0, 4]].concat();
    for bytes in [&modern, &ranged, &limited, &long, &legacy, &legacy_30, &wrapped] {
        for cursor in [hex(bytes), BASE64_STANDARD.encode(bytes), BASE64_URL_SAFE_NO_PAD.encode(bytes)] {
            assert_eq!(weakness(&cursor), Some(Weakness::CassandraPagingState), "{cursor}");
        }
    }
}

#[test]
fn cursors_are_found_by_name_and_in_links() {
    let body = json!({
        "items": [{"id": 1, "next": null}, {"id": 2}],
        "next_cursor": "abc",
        "pagingState": "00aa",
        "paging": {"cursors": {"after": "xyz", "before": "uvw"}, "next": "https://api/x?after=MTA%3D&limit=5"},
        "links": [{"rel": "self", "href": "/x?page=1"}, {"rel": "next", "href": "/x?page=2"}],
        "_links": {"next": {"href": "?offset=20&limit=10"}},
        "@odata.nextLink": "https://api/x?$skiptoken=a+b",
        "data": {"edges": [{"cursor": "c1"}, {"cursor": "c2"}], "pageInfo": {"endCursor": "c2", "hasNextPage": true}},
        "LastEvaluatedKey": {"id": {"S": "x"}},
        "next": 40,
        "nextToken": "",
        "continuation": null,
        "after": "a diff",
    });
    let found: Vec<(String, String)> = find_in(&body);
    let found: Vec<(&str, &str)> =
        found.iter().map(|(path, cursor)| (path.as_str(), cursor.as_str())).collect();
    assert_eq!(
        found,
        [
            ("$.next_cursor", "abc"),
            ("$.pagingState", "00aa"),
            ("$.paging.cursors.after", "xyz"),
            ("$.paging.next?after", "MTA="),
            ("$.links[1].href?page", "2"),
            ("$._links.next.href?offset", "20"),
            ("$.@odata.nextLink?$skiptoken", "a+b"),
            ("$.data.edges[0].cursor", "c1"),
            ("$.data.edges[1].cursor", "c2"),
            ("$.data.pageInfo.endCursor", "c2"),
            ("$.LastEvaluatedKey", r#"{"id":{"S":"x"}}"#),
            ("$.next", "40"),
        ]
    );
}

#[test]
fn the_search_ends_in_wide_and_deep_bodies() {
    let wide: serde_json::Map<_, _> =
        (0..20_000).map(|number| (format!("k{number}"), json!({"cursor": "x"}))).collect();
    assert_eq!(find_in(&Value::Object(wide)).len(), 32);
    let deep = (0..100).fold(json!({"cursor": "x"}), |inner, _| json!({"a": inner}));
    assert_eq!(find_in(&deep), []);
    assert_eq!(find_in(&json!("cursor")), []);
}

#[test]
fn random_tokens_are_hardly_ever_claimed() {
    let mut random = fastrand::Rng::with_seed(7);
    for size in 16..=64 {
        let mut claimed = 0;
        for _ in 0..500 {
            let token: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
            for cursor in [hex(&token), BASE64_STANDARD.encode(&token), BASE64_URL_SAFE_NO_PAD.encode(&token)]
            {
                claimed += u32::from(weakness(&cursor).is_some());
            }
        }
        assert!(claimed <= 3, "{claimed} of 1 500 random tokens of {size} bytes"); // 0.2 %
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(cursor in "\\PC{0,60}") {
        let _ = weakness(&cursor);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = paging_state::is_paging_state(&bytes);
        let _ = weakness(&hex(&bytes));
        let _ = weakness(&BASE64_STANDARD.encode(&bytes));
    }

    #[test]
    fn every_state_without_a_limit_is_seen(
        key in prop::collection::vec(any::<u8>(), 1..200),
        clustering in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4),
        read in 0_u64..1_000_000,
        in_partition in 0_u64..1_000_000,
    ) {
        let clustering: Vec<&[u8]> = clustering.iter().map(Vec::as_slice).collect();
        let bytes = state(&key, &clustering, 0x7fff_ffff - read, 0x7fff_ffff - in_partition);
        prop_assert!(paging_state::is_paging_state(&bytes));
    }

    #[test]
    fn every_number_is_seen_in_base64(number in 10_u64..) {
        prop_assert_eq!(weakness(&BASE64_STANDARD.encode(number.to_string())), Some(Weakness::Offset(number)));
    }
}
