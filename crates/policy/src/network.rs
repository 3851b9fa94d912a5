//! An address prefix, such as `10.0.0.0/8`.
//!
//! Written by hand rather than taken from a library: it is a mask and a comparison, and the one rule that
//! matters here (an IPv4 address that comes mapped into IPv6 is an IPv4 address) is a rule of ours: a listener on
//! `::` sees IPv4 clients that way, and a trusted `10.0.0.0/8` must hold for them too.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv6 address before the IPv4 address that is mapped into it (RFC 4291, section 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first address; every bit after the prefix is zero.
    first: IpAddr,
    /// At most 32 for IPv4 and 128 for IPv6.
    prefix: u8,
}

/// Why a text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// Neither an address nor a prefix.
    #[error("`{0}` is not an address or a prefix")]
    Form(String),
    /// The prefix is longer than the address.
    #[error("`{text}` has a prefix of more than {most} bits")]
    Prefix {
        /// What was found.
        text: String,
        /// Bits of the address.
        most: u8,
    },
    /// An address inside the network was written instead of its first.
    #[error("`{text}` has bits set after the prefix")]
    HostBits {
        /// What was found.
        text: String,
        /// The network that address is in.
        network: Network,
    },
}

impl Network {
    /// The network of `prefix` bits that `address` is in. An IPv4 address mapped into IPv6 makes an IPv4 network
    /// when the prefix reaches into it.
    ///
    /// # Errors
    /// When the prefix is longer than the address.
    pub fn of(address: IpAddr, prefix: u8) -> Result<Self, InvalidNetwork> {
        if prefix > bits(address) {
            return Err(InvalidNetwork::Prefix { text: format!("{address}/{prefix}"), most: bits(address) });
        }
        let (address, prefix) = match (address.to_canonical(), address, prefix.checked_sub(MAPPED_BITS)) {
            (plain @ IpAddr::V4(_), IpAddr::V6(_), Some(inner)) => (plain, inner),
            _ => (address, prefix),
        };
        Ok(Self { first: masked(address, prefix), prefix })
    }

    /// Whether the address begins with the network's bits. An IPv4 address mapped into IPv6 is an IPv4 address:
    /// `::/0` does not contain it, `0.0.0.0/0` does.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.first.is_ipv4() == address.is_ipv4() && masked(address, self.prefix) == self.first
    }

    /// The first address.
    #[must_use]
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// Bits that every address of the network begins with.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || InvalidNetwork::Form(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let prefix = match prefix {
            None => bits(address),
            // `+8` is a number to Rust, but not to anybody who writes networks.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| wrong())?
            }
            Some(_) => return Err(wrong()),
        };
        let too_long = |_| InvalidNetwork::Prefix { text: text.to_owned(), most: bits(address) };
        let network = Self::of(address, prefix).map_err(too_long)?;
        if network.first != address && network.first != address.to_canonical() {
            return Err(InvalidNetwork::HostBits { text: text.to_owned(), network });
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.first) {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with every bit after `prefix` zero; a prefix that is too long changes nothing.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let host = u32::from(bits(address).saturating_sub(prefix));
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_the_addresses_that_begin_like_it() {
        let private = network("10.0.0.0/8");
        assert!(private.contains(address("10.255.1.2")) && !private.contains(address("11.0.0.0")));
        let one = network("192.0.2.7");
        assert!(one.contains(address("192.0.2.7")) && !one.contains(address("192.0.2.6")));
        let six = network("2001:db8::/32");
        assert!(six.contains(address("2001:db8:ffff::1")) && !six.contains(address("2001:db9::")));
        let odd = network("172.16.0.0/12");
        assert!(odd.contains(address("172.31.255.255")) && !odd.contains(address("172.32.0.0")));
    }

    #[test]
    fn an_ipv4_address_mapped_into_ipv6_is_an_ipv4_address() {
        assert!(network("10.0.0.0/8").contains(address("::ffff:10.1.2.3")));
        assert!(network("0.0.0.0/0").contains(address("::ffff:10.1.2.3")));
        assert!(!network("::/0").contains(address("::ffff:10.1.2.3")));
        assert!(!network("::/0").contains(address("10.1.2.3")));
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(network("::ffff:192.0.2.1").to_string(), "192.0.2.1");
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/x",
            "10.0.0.0/+8",
            "/8",
            "10.0.0.0/8/8",
            "localhost",
            "10.0.0/8",
        ] {
            assert!(matches!(text.parse::<Network>(), Err(InvalidNetwork::Form(_))), "{text}");
        }
        assert!(matches!("10.0.0.0/33".parse::<Network>(), Err(InvalidNetwork::Prefix { most: 32, .. })));
        assert!(matches!("::/129".parse::<Network>(), Err(InvalidNetwork::Prefix { most: 128, .. })));
        let Err(InvalidNetwork::HostBits { network: meant, .. }) = "10.0.0.5/8".parse::<Network>() else {
            panic!("the host bits are set");
        };
        assert_eq!(meant.to_string(), "10.0.0.0/8");
    }

    proptest! {
        #[test]
        fn an_address_is_in_its_own_networks_and_they_survive_writing(bits: u128, four: bool, prefix in 0_u8..=128) {
            let (address, prefix) = if four {
                (IpAddr::V4(Ipv4Addr::from_bits(bits as u32)), prefix % 33)
            } else {
                (IpAddr::V6(Ipv6Addr::from_bits(bits)), prefix)
            };
            let network = Network::of(address, prefix).unwrap();
            prop_assert!(network.contains(address) || matches!(address.to_canonical(), IpAddr::V4(_)) && !four);
            prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
        }
    }
}
