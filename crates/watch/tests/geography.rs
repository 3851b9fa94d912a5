//! The country file that `cargo xtask services` brings.

use std::net::IpAddr;
use std::time::Instant;

use ratewarden_testkit::require;
use ratewarden_watch::geo::{GeoError, Geography, Place};

#[test]
fn well_known_addresses_are_in_their_countries() {
    let Some(services) = require() else { return };
    let mut geography = Geography::open(services.countries(), None).unwrap();
    assert!(!geography.names_points() && !geography.names_systems());
    for (address, country) in [
        ("193.0.6.139", "NL"),        // RIPE NCC
        ("202.12.29.175", "AU"),      // APNIC
        ("200.160.2.3", "BR"),        // NIC.br
        ("197.248.0.1", "KE"),        // Safaricom
        ("2001:67c:2e8:22::1", "NL"), // RIPE NCC
        ("::ffff:193.0.6.139", "NL"),
    ] {
        let place = geography.place(address.parse().unwrap());
        assert_eq!(
            place.country.map(|country| country.as_str().to_owned()).as_deref(),
            Some(country),
            "{address}"
        );
        assert_eq!((place.point, place.asn), (None, None));
    }
    assert_eq!(geography.place("192.168.0.1".parse().unwrap()), Place::default());
}

#[test]
fn a_file_of_countries_is_refused_as_one_of_networks() {
    let Some(services) = require() else { return };
    let error = Geography::open(services.countries(), Some(services.countries())).unwrap_err();
    assert!(matches!(error, GeoError::WrongKind { wanted: "autonomous system", .. }), "{error}");
}

#[test]
fn a_hundred_thousand_addresses_are_looked_up_in_bounded_time() {
    let Some(services) = require() else { return };
    let mut geography = Geography::open(services.countries(), None).unwrap();
    let began = Instant::now();
    let mut known = 0_u32;
    // Every address another one, so that nothing is remembered.
    for number in 0..100_000_u32 {
        let address = IpAddr::from(number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        known += u32::from(geography.place(address).country.is_some());
    }
    assert!(known > 50_000, "{known}");
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
