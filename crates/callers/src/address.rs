//! The client's address, as far as somebody who is trusted says it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ratewarden_policy::{ForwardedHeader, Network, Trust};

use crate::fields::Fields;

/// Hops that are looked at; more are a forgery or a loop.
const MOST_HOPS: usize = 64;

/// The address as it is counted: IPv4 as it is (also where it came as a mapped IPv6 address), IPv6 by its prefix,
/// since a single client commonly has 2^64 addresses (RFC 6177).
#[must_use]
pub fn counted(address: IpAddr, prefix: u8) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let host_bits = 128_u32.saturating_sub(u32::from(prefix));
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The right-most address that no trusted proxy has. `connected` is the other end of the connection; only when it is
/// a trusted proxy is the header read at all. What cannot be read ends the search: the address is then that of the
/// last trusted hop, which is known to have been there.
#[must_use]
pub fn client_address<F: Fields + ?Sized>(connected: IpAddr, fields: &F, trust: &Trust) -> IpAddr {
    let mut client = connected.to_canonical();
    if !is_trusted(&trust.proxies, client) {
        return client;
    }
    let name = match trust.header {
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::Forwarded => "forwarded",
    };
    let lines: Vec<&[u8]> = fields.values(name).collect();
    let entries = lines.iter().rev().flat_map(|line| line.rsplit(|&byte| byte == b','));
    for entry in entries.take(MOST_HOPS) {
        let Some(address) =
            std::str::from_utf8(entry).ok().and_then(|entry| read(entry.trim(), trust.header))
        else {
            return client;
        };
        client = address;
        if !is_trusted(&trust.proxies, client) {
            return client;
        }
    }
    client
}

fn is_trusted(proxies: &[Network], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

fn read(entry: &str, header: ForwardedHeader) -> Option<IpAddr> {
    match header {
        ForwardedHeader::XForwardedFor => node(entry),
        // RFC 7239: pairs of one hop are separated by semicolons. A comma in a quoted string would have cut the
        // entry in two; neither half reads as an address then.
        ForwardedHeader::Forwarded => {
            let mut found = None;
            for pair in entry.split(';') {
                let (name, value) = pair.trim().split_once('=')?;
                if name.eq_ignore_ascii_case("for") && found.replace(node(unquoted(value))?).is_some() {
                    return None;
                }
            }
            found
        }
    }
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// An address, with or without a port; IPv6 with or without brackets. `unknown` and `_hidden` are none.
fn node(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(connected: &str, header: ForwardedHeader, lines: &[(&str, &str)]) -> String {
        let proxies =
            ["10.0.0.0/8", "127.0.0.1", "fd00::/8"].iter().map(|text| text.parse().unwrap()).collect();
        let trust = Trust { proxies, header, ipv6_prefix: 64 };
        client_address(connected.parse().unwrap(), lines, &trust).to_string()
    }

    #[test]
    fn the_right_most_address_that_is_not_a_trusted_proxy_counts() {
        let header = ForwardedHeader::XForwardedFor;
        for (connected, lines, client) in [
            ("192.0.2.9", &[("x-forwarded-for", "198.51.100.1")][..], "192.0.2.9"),
            ("10.0.0.1", &[("x-forwarded-for", "198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, 198.51.100.1, 10.0.0.7")], "198.51.100.1"),
            (
                "10.0.0.1",
                &[("X-Forwarded-For", "1.1.1.1"), ("x-forwarded-for", "198.51.100.2 ")],
                "198.51.100.2",
            ),
            ("10.0.0.1", &[("x-forwarded-for", "1.1.1.1, garbage, 10.0.0.7")], "10.0.0.7"),
            ("10.0.0.1", &[("x-forwarded-for", "")], "10.0.0.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &[("x-forwarded-for", "198.51.100.1:8080")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", "[2001:db8::1]:443")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", "::ffff:198.51.100.1")], "198.51.100.1"),
        ] {
            assert_eq!(found(connected, header, lines), client, "{connected} {lines:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_with_its_quotes() {
        let header = ForwardedHeader::Forwarded;
        for (value, client) in [
            ("for=198.51.100.1;proto=https", "198.51.100.1"),
            ("for=1.1.1.1, For=\"[2001:db8::1]:4711\";by=10.0.0.1", "2001:db8::1"),
            ("for=1.1.1.1, for=unknown", "10.0.0.1"),
            ("for=1.1.1.1, for=_hidden", "10.0.0.1"),
            ("for=1.1.1.1;for=2.2.2.2", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            ("for=\"1.1.1.1, 2.2.2.2\"", "10.0.0.1"),
        ] {
            assert_eq!(found("10.0.0.1", header, &[("forwarded", value)]), client, "{value}");
        }
    }

    #[test]
    fn a_client_with_many_addresses_is_counted_once() {
        let count = |text: &str, prefix| counted(text.parse().unwrap(), prefix).to_string();
        assert_eq!(count("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::");
        assert_eq!(count("2001:db8:1:2:3:4:5:6", 128), "2001:db8:1:2:3:4:5:6");
        assert_eq!(count("::ffff:192.0.2.1", 64), "192.0.2.1");
        assert_eq!(count("192.0.2.1", 64), "192.0.2.1");
    }
}
