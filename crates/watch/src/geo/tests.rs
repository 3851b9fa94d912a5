use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::*;

/// A value in MaxMind's format (version 2.0 of its specification).
enum Value {
    Text(&'static str),
    Double(f64),
    Float(f32),
    Short(u16),
    Number(u32),
    Long(u64),
    Map(Vec<(&'static str, Value)>),
}

use Value::{Double, Float, Long, Map, Number, Short, Text};

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            // Type in the upper three bits, length in the lower five; from 29 on what is over stands after it.
            Text(text) => {
                let length = text.len() as u8;
                out.push(2 << 5 | length.min(29));
                out.extend(length.checked_sub(29));
                out.extend(text.bytes());
            }
            Double(number) => {
                out.push(3 << 5 | 8);
                out.extend(number.to_be_bytes());
            }
            // Types past seven stand in a byte of their own, less seven.
            Float(number) => {
                out.extend([4, 15 - 7]);
                out.extend(number.to_be_bytes());
            }
            Long(number) => {
                out.extend([8, 9 - 7]);
                out.extend(number.to_be_bytes());
            }
            Short(number) => {
                out.push(5 << 5 | 2);
                out.extend(number.to_be_bytes());
            }
            Number(number) => {
                out.push(6 << 5 | 4);
                out.extend(number.to_be_bytes());
            }
            Map(entries) => {
                out.push(7 << 5 | entries.len() as u8);
                for (key, value) in entries {
                    Text(key).write(out);
                    value.write(out);
                }
            }
        }
    }
}

/// A file for IPv4 that knows of a few /8 networks.
fn write(folder: &Path, kind: &'static str, networks: &[(u8, Value)]) -> PathBuf {
    // A full tree of eight levels, so that a node's place follows from its bits.
    let nodes = 255_u32;
    let mut data = Vec::new();
    let mut records = vec![nodes; 256];
    for (network, value) in networks {
        records[usize::from(*network)] = nodes + 16 + data.len() as u32;
        value.write(&mut data);
    }
    let mut bytes = Vec::new();
    for node in 1..=nodes {
        for child in [2 * node, 2 * node + 1] {
            let record = if child <= nodes { child - 1 } else { records[child as usize - 256] };
            bytes.extend(&record.to_be_bytes()[1..]);
        }
    }
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    Map(vec![
        ("binary_format_major_version", Short(2)),
        ("binary_format_minor_version", Short(0)),
        ("build_epoch", Long(1_700_000_000)),
        ("database_type", Text(kind)),
        ("description", Map(vec![])),
        ("ip_version", Short(4)),
        ("languages", Map(vec![])),
        ("node_count", Number(nodes)),
        ("record_size", Short(24)),
    ])
    .write(&mut bytes);
    // Languages are a list: an extended type (7 + 4), of no elements. The empty map of them is the last one.
    let at = bytes.windows(9).rposition(|window| window == b"languages").unwrap() + 9;
    bytes.splice(at..=at, [0, 4]);
    let path = folder.join(kind);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn cities(folder: &Path) -> PathBuf {
    let germany = Map(vec![
        ("country", Map(vec![("iso_code", Text("DE"))])),
        (
            "location",
            Map(vec![
                ("latitude", Double(52.5)),
                ("longitude", Double(13.4)),
                ("accuracy_radius", Short(20)),
            ]),
        ),
    ]);
    let flat =
        Map(vec![("country_code", Text("JP")), ("latitude", Float(35.5)), ("longitude", Float(139.75))]);
    let strange =
        Map(vec![("country_code", Text("-")), ("latitude", Double(999.0)), ("longitude", Double(0.0))]);
    write(folder, "Test-City", &[(10, Text("private")), (81, germany), (82, flat), (83, strange)])
}

fn systems(folder: &Path) -> PathBuf {
    let system = |number, name| {
        Map(vec![
            ("autonomous_system_number", Number(number)),
            ("autonomous_system_organization", Text(name)),
        ])
    };
    write(folder, "Test-ASN", &[(81, system(64_496, "Example Net")), (82, system(0, "Nobody"))])
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_fields_of_each_maker_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut geography = Geography::open(&cities(folder.path()), Some(&systems(folder.path()))).unwrap();
    assert!(geography.names_points() && geography.names_systems());
    let berlin = Place {
        country: Country::new("DE"),
        point: Some(Point { latitude: 52.5, longitude: 13.4, radius_km: Some(20) }),
        asn: Some(64_496),
    };
    for _ in 0..2 {
        assert_eq!(geography.place(address("81.1.2.3")), berlin, "and it is remembered");
        assert_eq!(geography.place(address("::ffff:81.1.2.3")), berlin);
    }
    let tokyo = geography.place(address("82.1.2.3"));
    assert_eq!(
        (tokyo.country.unwrap().as_str(), tokyo.point.unwrap().radius_km, tokyo.asn),
        ("JP", None, None)
    );
    assert_eq!(geography.organisation(address("81.1.2.3")).as_deref(), Some("Example Net"));
    assert_eq!(geography.organisation(address("84.1.2.3")), None);
}

#[test]
fn of_addresses_that_are_nowhere_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut geography = Geography::open(&cities(folder.path()), None).unwrap();
    for nowhere in ["10.0.0.1", "83.1.1.1", "84.1.1.1", "127.0.0.1", "::1", "fe80::1", "fd00::1", "2a00::1"] {
        assert_eq!(geography.place(address(nowhere)), Place::default(), "{nowhere}");
    }
    for reserved in [
        "0.1.2.3",
        "100.64.0.1",
        "100.127.9.9",
        "169.254.1.1",
        "172.16.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.19.1.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "ff02::1",
        "2001:db8::1",
        "3fff:fff::1",
        "fc00::1",
    ] {
        assert!(!is_public(address(reserved)), "{reserved}");
    }
    for public in
        ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1", "3fff:1000::1"]
    {
        assert!(is_public(address(public)), "{public}");
    }
}

#[test]
fn a_file_for_something_else_is_named_by_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let (cities, systems) = (cities(folder.path()), systems(folder.path()));
    let said = |error: GeoError| (error.to_string(), error.hint());
    let (text, hint) = said(Geography::open(&systems, None).unwrap_err());
    assert!(text.ends_with("is a database of the kind `Test-ASN`, whose records name no country"), "{text}");
    assert!(hint.contains("exchanged"));
    let (text, _) = said(Geography::open(&cities, Some(&cities)).unwrap_err());
    assert!(text.contains("`Test-City`") && text.ends_with("no autonomous system"), "{text}");

    let garbage = folder.path().join("garbage.mmdb");
    std::fs::write(&garbage, b"time,address\n").unwrap();
    let (text, hint) = said(Geography::open(&garbage, None).unwrap_err());
    assert!(text.contains("garbage.mmdb could not be read") && hint.contains("MaxMind"), "{text}");
    assert!(Geography::open(&folder.path().join("gone.mmdb"), None).is_err());
}

#[test]
fn a_damaged_file_is_an_error_or_says_less_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let whole = std::fs::read(cities(folder.path())).unwrap();
    let damaged = folder.path().join("damaged.mmdb");
    // The tree of nodes is all alike, the rest is not.
    for at in (0..1_530).step_by(97).chain((1_530..whole.len()).step_by(2)) {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            std::fs::write(&damaged, &bytes).unwrap();
            if let Ok(mut geography) = Geography::open(&damaged, None) {
                for first in [1, 81, 82, 83, 200] {
                    geography.place(IpAddr::from([first, 2, 3, 4]));
                }
            }
        }
    }
}

#[test]
fn one_place_in_the_table_serves_whoever_asked_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut geography = Geography::open(&cities(folder.path()), None).unwrap();
    let first = address("81.0.0.1");
    let other = (1..u32::MAX)
        .map(|low| IpAddr::from(Ipv4Addr::from_bits(82 << 24 | low)))
        .find(|&other| slot(other) == slot(first))
        .unwrap();
    for _ in 0..3 {
        assert_eq!(geography.place(first).country, Country::new("DE"));
        assert_eq!(geography.place(other).country, Country::new("JP"));
    }
    assert_eq!(geography.remembered.len(), REMEMBERED);
}
