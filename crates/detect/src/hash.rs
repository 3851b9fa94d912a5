//! 64-bit hashes of what calls are grouped by.
//!
//! Seeded, so that nobody can choose addresses or paths that collide; not secret, and never shown. Of ten million
//! different values two collide with a probability of about 3 · 10⁻⁶. Zero is kept for "not there".

use std::hash::BuildHasher as _;
use std::net::IpAddr;

use foldhash::SharedSeed;
// The fast variant leaves high bits weak, and fields of bits are chosen by those.
use foldhash::quality::SeedableRandomState;
use ratewarden_model::{Subject, SubjectKind};

/// Hashes values with one seed.
#[derive(Clone)]
pub(crate) struct Hasher {
    state: SeedableRandomState,
    /// Bits of the network of IPv6 that is one source.
    ipv6_prefix: u8,
}

impl Hasher {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: SeedableRandomState::with_seed(seed, SharedSeed::global_fixed()), ipv6_prefix: SIX }
    }

    /// With sources of IPv6 that are networks of so many bits.
    pub(crate) fn counting(self, ipv6_prefix: u8) -> Self {
        Self { ipv6_prefix: ipv6_prefix.clamp(1, 128), ..self }
    }

    /// The hash of what stands for who calls from an address: itself of IPv4, its network of IPv6; 0 of none.
    #[inline]
    pub(crate) fn source(&self, number: u128) -> u64 {
        let source = if is_four(number) { number } else { first(number, self.ipv6_prefix) };
        if number == 0 { 0 } else { self.wide(source) }
    }

    /// What a finding calls it.
    pub(crate) fn source_subject(&self, number: u128) -> Subject {
        if is_four(number) || self.ipv6_prefix == 128 {
            return Subject::named(SubjectKind::Address, as_address(number).to_string());
        }
        let (line, bits) = (as_address(first(number, self.ipv6_prefix)), self.ipv6_prefix);
        Subject::named(SubjectKind::Prefix, format!("{line}/{bits}"))
    }

    /// The hash of text; 0 of empty text, which is nobody's.
    #[inline]
    pub(crate) fn text(&self, text: &[u8]) -> u64 {
        if text.is_empty() { 0 } else { self.state.hash_one(text).max(1) }
    }

    #[inline]
    pub(crate) fn number(&self, number: u64) -> u64 {
        self.state.hash_one(number).max(1)
    }

    #[inline]
    pub(crate) fn wide(&self, number: u128) -> u64 {
        self.state.hash_one(number).max(1)
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

/// Makes maps take keys that are hashes as they are.
pub(crate) type Hashed = std::hash::BuildHasherDefault<AsItIs>;

/// A hash is its own hash.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct AsItIs(u64);

impl std::hash::Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Two hashes as one; 0 where either is not there.
#[inline]
pub(crate) const fn both(first: u64, second: u64) -> u64 {
    if first == 0 || second == 0 {
        return 0;
    }
    let product = (first ^ 0x9e37_79b9_7f4a_7c15) as u128 * (second ^ 0xc2b2_ae3d_27d4_eb4f) as u128;
    let folded = (product as u64) ^ ((product >> 64) as u64);
    if folded == 0 { 1 } else { folded }
}

/// An address as the number of its IPv6 form, so that `192.0.2.1` and `::ffff:192.0.2.1` are one.
pub(crate) fn as_number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// The address again.
pub(crate) fn as_address(number: u128) -> IpAddr {
    std::net::Ipv6Addr::from_bits(number).to_canonical()
}

/// Bits of a network: /24 of IPv4, /64 of IPv6, which is one subscriber's line.
const FOUR: u8 = 24;
const SIX: u8 = 64;

/// The network an address is in, as the number of its first address.
pub(crate) fn network(number: u128) -> u128 {
    first(number, if is_four(number) { 96 + FOUR } else { SIX })
}

/// The larger network an address is in: /16 of IPv4, /32 of IPv6, about what one provider hands out in a place.
pub(crate) fn wide_network(number: u128) -> u128 {
    first(number, if is_four(number) { 96 + 16 } else { 32 })
}

/// How a network is written.
pub(crate) fn network_text(number: u128) -> String {
    let network = network(number);
    format!("{}/{}", as_address(network), if is_four(number) { FOUR } else { SIX })
}

/// How a larger network is written.
pub(crate) fn wide_network_text(number: u128) -> String {
    format!("{}/{}", as_address(wide_network(number)), if is_four(number) { 16 } else { 32 })
}

/// The first address of its network of so many bits, at least one.
const fn first(number: u128, bits: u8) -> u128 {
    number & (u128::MAX << (128 - bits))
}

const fn is_four(number: u128) -> bool {
    number >> 32 == 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_in_both_its_forms() {
        let [four, mapped]: [IpAddr; 2] =
            ["192.0.2.77", "::ffff:192.0.2.77"].map(|text| text.parse().unwrap());
        assert_eq!(as_number(four), as_number(mapped));
        assert_eq!(as_address(as_number(mapped)), four);
        assert_eq!(network_text(as_number(four)), "192.0.2.0/24");
        assert_eq!(network_text(as_number("2001:db8:1:2::3".parse().unwrap())), "2001:db8:1:2::/64");
    }

    #[test]
    fn what_is_not_there_makes_no_pair() {
        assert_eq!((both(0, 7), both(7, 0)), (0, 0));
        assert_ne!(both(7, 8), both(8, 7));
        assert_eq!(Hasher::new(1).text(b""), 0);
    }
}
