//! Addresses that are somewhere, and those that are nobody's or anybody's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address can be somewhere: not private, loopback, link-local, shared, reserved or for documentation
/// (the registries of special-purpose addresses, RFC 6890).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && second & 0xc0 == 64;
    let benchmarks = first == 198 && second & 0xfe == 18;
    let protocols = (first, second, third) == (192, 0, 0);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
        || benchmarks
        || protocols)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let documentation = matches!(address.segments(), [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..]);
    // Global unicast is 2000::/3; 64:ff9b::/96 is IPv4 seen through a translator.
    let translated = matches!(address.segments(), [0x64, 0xff9b, 0, 0, 0, 0, ..]);
    (address.segments().first().is_some_and(|first| first & 0xe000 == 0x2000) || translated) && !documentation
}
