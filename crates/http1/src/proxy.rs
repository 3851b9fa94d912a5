//! PROXY headers: what a load balancer says of a connection before its first byte.
//!
//! Both versions of the protocol, after HAProxy's `proxy-protocol.txt` (2.1 human-readable, 2.2 binary). A header is
//! read exactly, because what follows it is somebody else's: a TLS handshake, or a request. [`need`] says how many
//! bytes may be read without reading into that.
//!
//! Stricter than the text in one place: a header longer than [`MOST`] is refused. Its TLVs are not looked at, and no
//! balancer sends that many.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest header that is read, in bytes.
pub const MOST: usize = 2_048;

/// How version 2 begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// How version 1 begins.
const WORD: &[u8] = b"PROXY ";

/// The shortest header: `PROXY UNKNOWN` and its line end.
const SHORTEST: usize = 15;

/// The longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;

/// Bytes of version 2 before its addresses.
const FIXED: usize = 16;

/// What is still to be read of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// At least so many bytes; all of them are the header's.
    Bytes(usize),
    /// Nothing: it is whole.
    Nothing,
}

/// Who began the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A client at this address and port.
    Address(IpAddr, u16),
    /// The proxy itself (a health check), or somebody without an address: the connection's own counts.
    Proxy,
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It does not begin like one.
    #[error("the connection does not begin with a PROXY header")]
    Missing,
    /// A line of version 1 that is too long, or is not what it should be.
    #[error("the PROXY line is malformed")]
    Line,
    /// A version, command or family that does not exist.
    #[error("the PROXY header is of an unknown kind")]
    Kind,
    /// Longer than [`MOST`].
    #[error("the PROXY header is longer than {MOST} bytes")]
    TooLong,
    /// Too short for the addresses it should have.
    #[error("the PROXY header is too short for its addresses")]
    TooShort,
}

/// What must still be read, given what has been.
///
/// # Errors
/// As soon as it is clear that this is no header.
pub fn need(bytes: &[u8]) -> Result<Need, Malformed> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(one, two)| one == two);
    if begins(&SIGNATURE) {
        return need_of_binary(bytes);
    }
    if !begins(WORD) {
        return Err(Malformed::Missing);
    }
    if bytes.len() < SHORTEST {
        return Ok(Need::Bytes(SHORTEST - bytes.len()));
    }
    match bytes {
        [.., b'\r', b'\n'] => Ok(Need::Nothing),
        [line @ .., last] => {
            // No line feed, and a return only before one: else a line could hide behind a line.
            if bytes.len() >= LONGEST_LINE || *last == b'\n' || line.contains(&b'\n') || line.contains(&b'\r')
            {
                return Err(Malformed::Line);
            }
            Ok(Need::Bytes(if *last == b'\r' { 1 } else { 2.min(LONGEST_LINE - bytes.len()) }))
        }
        [] => Ok(Need::Bytes(SHORTEST)),
    }
}

fn need_of_binary(bytes: &[u8]) -> Result<Need, Malformed> {
    let Some(&[high, low]) = bytes.get(FIXED - 2..FIXED) else {
        // Until they differ, both versions begin with as many bytes as the shorter has.
        let all = if bytes.len() < SIGNATURE.len() { SIGNATURE.len() } else { FIXED };
        return Ok(Need::Bytes(all - bytes.len()));
    };
    let whole = FIXED + usize::from(u16::from_be_bytes([high, low]));
    match whole {
        _ if whole > MOST => Err(Malformed::TooLong),
        _ if whole > bytes.len() => Ok(Need::Bytes(whole - bytes.len())),
        _ => Ok(Need::Nothing),
    }
}

/// Who began the connection, from a whole header.
///
/// # Errors
/// When it is none.
pub fn source(header: &[u8]) -> Result<Source, Malformed> {
    match header.strip_prefix(&SIGNATURE) {
        Some(rest) => binary(rest),
        None => line(header),
    }
}

/// `PROXY TCP4 192.0.2.1 198.51.100.2 40000 443`
fn line(header: &[u8]) -> Result<Source, Malformed> {
    let line = header.strip_prefix(WORD).and_then(|rest| rest.strip_suffix(b"\r\n"));
    let line = line.and_then(|line| std::str::from_utf8(line).ok()).ok_or(Malformed::Line)?;
    let mut words = line.split(' ');
    let family = words.next().ok_or(Malformed::Line)?;
    if family == "UNKNOWN" {
        return Ok(Source::Proxy);
    }
    let [Some(source), Some(destination), Some(port), Some(other), None] =
        std::array::from_fn(|_| words.next())
    else {
        return Err(Malformed::Line);
    };
    let address = |text: &str| match family {
        "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| Malformed::Line),
        "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| Malformed::Line),
        _ => Err(Malformed::Kind),
    };
    address(destination)?;
    number(other)?;
    Ok(Source::Address(address(source)?, number(port)?))
}

/// A port as the protocol writes it: no sign, no leading zero.
fn number(text: &str) -> Result<u16, Malformed> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| Malformed::Line) } else { Err(Malformed::Line) }
}

/// What follows the signature: version and command, family, length, addresses.
fn binary(rest: &[u8]) -> Result<Source, Malformed> {
    let [kind, family, _, _, addresses @ ..] = rest else { return Err(Malformed::TooShort) };
    match kind {
        0x20 => return Ok(Source::Proxy),
        0x21 => {}
        _ => return Err(Malformed::Kind),
    }
    match family >> 4 {
        0 | 3 => Ok(Source::Proxy),
        1 => match addresses {
            [a, b, c, d, _, _, _, _, high, low, _, _, ..] => {
                let port = u16::from_be_bytes([*high, *low]);
                Ok(Source::Address(Ipv4Addr::new(*a, *b, *c, *d).into(), port))
            }
            _ => Err(Malformed::TooShort),
        },
        2 => {
            let source: Option<&[u8; 16]> = addresses.first_chunk();
            match (source, addresses.get(32..36)) {
                (Some(source), Some(&[high, low, _, _])) => {
                    let port = u16::from_be_bytes([high, low]);
                    Ok(Source::Address(Ipv6Addr::from(*source).into(), port))
                }
                _ => Err(Malformed::TooShort),
            }
        }
        _ => Err(Malformed::Kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a header as a connection is read: never more than is said to be needed.
    fn read(mut from: &[u8]) -> Result<(Source, usize), Malformed> {
        let mut header = Vec::new();
        loop {
            match need(&header)? {
                Need::Nothing => return source(&header).map(|source| (source, header.len())),
                Need::Bytes(count) => {
                    assert!(count > 0);
                    let count = count.min(from.len());
                    if count == 0 {
                        return Err(Malformed::TooShort);
                    }
                    let (some, rest) = from.split_at(count);
                    header.extend(some);
                    from = rest;
                }
            }
        }
    }

    fn of_version_2(kind: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[kind, family], &length, addresses].concat()
    }

    #[test]
    fn a_header_is_read_exactly_and_nothing_behind_it() {
        let four = [&[192, 0, 2, 1, 198, 51, 100, 2][..], &40_000_u16.to_be_bytes(), &[1, 187]].concat();
        let six = [&Ipv6Addr::LOCALHOST.octets()[..], &[0; 16], &7_u16.to_be_bytes(), &[0, 80]].concat();
        let address = |text: &str, port| Source::Address(text.parse().unwrap(), port);
        let cases = [
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n".to_vec(), address("192.0.2.1", 40_000)),
            (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n".to_vec(), address("2001:db8::1", 1)),
            (b"PROXY UNKNOWN\r\n".to_vec(), Source::Proxy),
            (b"PROXY UNKNOWN ff:ff 1 2 3 anything\r\n".to_vec(), Source::Proxy),
            (of_version_2(0x21, 0x11, &four), address("192.0.2.1", 40_000)),
            (
                of_version_2(0x21, 0x11, &[four.as_slice(), b"\x04\0\x03tlv"].concat()),
                address("192.0.2.1", 40_000),
            ),
            (of_version_2(0x21, 0x21, &six), address("::1", 7)),
            (of_version_2(0x20, 0, &[]), Source::Proxy),
            (of_version_2(0x21, 0x31, &[0; 216]), Source::Proxy),
        ];
        for (header, expected) in cases {
            let with_more = [header.as_slice(), b"GET / HTTP/1.1\r\n"].concat();
            let shown = String::from_utf8_lossy(&header).into_owned();
            assert_eq!(read(&with_more), Ok((expected, header.len())), "{shown:?}");
            for end in 0..header.len() {
                assert!(read(&header[..end]).is_err(), "{shown:?} cut off at {end}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], Malformed::Missing),
            (b"PROXYTCP4 192.0.2.1 198.51.100.2 1 2\r\n", Malformed::Missing),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n", Malformed::Line),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443 9\r\n", Malformed::Line),
            (b"PROXY TCP4 192.0.2.1  198.51.100.2 40000 443\r\n", Malformed::Line),
            (b"PROXY TCP4 ::1 ::1 40000 443\r\n", Malformed::Line),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 070 443\r\n", Malformed::Line),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 +70 443\r\n", Malformed::Line),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 70000 443\r\n", Malformed::Line),
            (b"PROXY SCTP 192.0.2.1 198.51.100.2 70 443\r\n", Malformed::Kind),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 70 443\n", Malformed::Line),
            (b"PROXY TCP4 192.0.2.1\r198.51.100.2 70 443\r\n", Malformed::Line),
            (long.as_bytes(), Malformed::Line),
            (&of_version_2(0x31, 0x11, &[0; 12]), Malformed::Kind),
            (&of_version_2(0x22, 0x11, &[0; 12]), Malformed::Kind),
            (&of_version_2(0x21, 0x41, &[0; 12]), Malformed::Kind),
            (&of_version_2(0x21, 0x11, &[0; 11]), Malformed::TooShort),
            (&of_version_2(0x21, 0x21, &[0; 35]), Malformed::TooShort),
            (&of_version_2(0x21, 0x11, &[0; 3_000]), Malformed::TooLong),
        ] {
            assert_eq!(read(bytes), Err(expected), "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
