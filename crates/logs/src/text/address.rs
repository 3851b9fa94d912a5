//! IP addresses as logs write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address alone: `192.0.2.1`, `2001:db8::1`, `[2001:db8::1]`, `fe80::1%eth0`. An IPv4 address in IPv6 clothes
/// (`::ffff:192.0.2.1`) is the IPv4 address: one client is one address, whatever socket it came to.
#[inline]
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    match v4(text) {
        Some((address, [])) => Some(IpAddr::V4(address)),
        Some(_) => None,
        None => v6(text),
    }
}

/// An address that may have a port behind it: `192.0.2.1:443`, `[2001:db8::1]:443`.
pub(crate) fn address_and_port(text: &[u8]) -> Option<IpAddr> {
    match v4(text) {
        Some((address, [])) => Some(IpAddr::V4(address)),
        Some((address, [b':', port @ ..])) => is_port(port).then_some(IpAddr::V4(address)),
        Some(_) => None,
        None => match text {
            [b'[', rest @ ..] => {
                let end = memchr::memchr(b']', rest)?;
                match rest.get(end + 1..)? {
                    [] => {}
                    [b':', port @ ..] if is_port(port) => {}
                    _ => return None,
                }
                v6(rest.get(..end)?)
            }
            // HAProxy writes IPv6 with its port and without brackets: the last group is the port there.
            _ => v6(text),
        },
    }
}

/// The client in a list of `X-Forwarded-For`: the rightmost address that is public, since what stands left of it may
/// be the client's own invention; where none is, the rightmost.
pub(crate) fn forwarded(text: &[u8]) -> Option<IpAddr> {
    let mut last = None;
    for part in text.rsplit(|&byte| byte == b',') {
        let Some(address) = address_and_port(part.trim_ascii()) else { return last };
        if is_public(address) {
            return Some(address);
        }
        last = last.or(Some(address));
    }
    last
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            !(address.is_private() || address.is_loopback() || address.is_link_local() || shared)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local())
        }
    }
}

/// Whether it is a port: one to five digits.
pub(crate) fn is_port(text: &[u8]) -> bool {
    (1..=5).contains(&text.len()) && text.iter().all(u8::is_ascii_digit)
}

/// Four numbers at the beginning, and what follows them.
#[inline]
pub(crate) fn v4(text: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut octets = [0_u8; 4];
    let mut rest = text;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (value, after) = match rest {
            [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', after @ ..] => {
                (u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'), after)
            }
            [a @ b'0'..=b'9', b @ b'0'..=b'9', after @ ..] => {
                (u16::from(a - b'0') * 10 + u16::from(b - b'0'), after)
            }
            [a @ b'0'..=b'9', after @ ..] => (u16::from(a - b'0'), after),
            _ => return None,
        };
        *octet = u8::try_from(value).ok()?;
        rest = after;
    }
    Some((Ipv4Addr::from(octets), rest))
}

fn v6(text: &[u8]) -> Option<IpAddr> {
    let text = text.strip_prefix(b"[").map_or(Some(text), |text| text.strip_suffix(b"]"))?;
    let end = memchr::memchr(b'%', text).unwrap_or(text.len());
    let text = text.get(..end)?;
    if !(2..=45).contains(&text.len()) || !text.contains(&b':') {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(IpAddr::V6(address).to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn addresses_are_read_as_the_standard_library_prints_them(four: [u8; 4], six: [u16; 8], port: u16) {
            let (four, six) = (IpAddr::from(four), IpAddr::from(six));
            for ip in [four, six] {
                prop_assert_eq!(address(ip.to_string().as_bytes()), Some(ip.to_canonical()));
                let socket = std::net::SocketAddr::new(ip, port);
                prop_assert_eq!(address_and_port(socket.to_string().as_bytes()), Some(ip.to_canonical()));
            }
        }

        #[test]
        fn what_the_standard_library_reads_is_read(text in "[0-9.]{1,16}|[0-9a-f:.]{1,24}") {
            let expected = text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
            let ours = address(text.as_bytes());
            // Leading zeros are read as decimal here: a log's writer is no attacker of inet_aton.
            prop_assert!(ours == expected || (expected.is_none() && text.contains('0')), "{ours:?} {expected:?}");
        }
    }

    #[test]
    fn the_forms_of_logs_are_read() {
        let four: IpAddr = "192.0.2.1".parse().unwrap();
        let six: IpAddr = "fe80::1".parse().unwrap();
        assert_eq!(address(b"::ffff:192.0.2.1"), Some(four));
        assert_eq!(address(b"fe80::1%eth0"), Some(six));
        assert_eq!(address(b"[fe80::1]"), Some(six));
        assert_eq!(address_and_port(b"[fe80::1]:80"), Some(six));
        assert_eq!(address_and_port(b"192.0.2.1:80"), Some(four));
        for text in ["", "-", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1.2.3.4:", "[fe80::1]x", "host", ":", "Nov"]
        {
            assert_eq!(address_and_port(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_client_cannot_choose_who_it_is_by_a_list() {
        let client = Some("198.51.100.7".parse().unwrap());
        assert_eq!(forwarded(b"203.0.113.9, 198.51.100.7, 10.0.0.1"), client);
        assert_eq!(forwarded(b"junk, 198.51.100.7"), client);
        assert_eq!(forwarded(b"10.0.0.2, 10.0.0.1"), Some("10.0.0.1".parse().unwrap()));
        assert_eq!(forwarded(b"-"), None);
    }
}
