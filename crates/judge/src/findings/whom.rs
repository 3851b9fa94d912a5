//! Whom nobody bans, and what of an address can be held.

use std::collections::HashSet;
use std::net::IpAddr;

use ratewarden_callers::counted;
use ratewarden_model::{Subject, SubjectKind};
use ratewarden_policy::{Exempt, Network, Policy};

/// Whom nobody bans.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Never {
    networks: Vec<Network>,
    /// Addresses of the policy's own proxies: they are no place that anybody is known by.
    proxies: Vec<Network>,
    callers: HashSet<Vec<u8>>,
}

impl Never {
    /// Whom the policy says, and its own proxies. Users are never banned for a finding, so they need no list.
    pub(super) fn of(policy: &Policy) -> Self {
        let proxies = policy.trust.proxies.clone();
        let mut never = Self { networks: Vec::new(), proxies, callers: HashSet::new() };
        for exempt in &policy.watch.never_ban {
            match exempt {
                Exempt::Network(network) => never.networks.push(*network),
                Exempt::Caller(name) => drop(never.callers.insert(name.clone().into_bytes())),
                Exempt::User(_) => {}
            }
        }
        never
    }

    /// Whether an address, or another that is counted as one with it, is of a network that nobody bans.
    pub(super) fn holds(&self, address: IpAddr, ipv6_prefix: u8) -> bool {
        self.names(address, ipv6_prefix) || are_of(&self.proxies, address, ipv6_prefix)
    }

    /// Whether the policy names it, so that who calls from there is spared too.
    pub(super) fn names(&self, address: IpAddr, ipv6_prefix: u8) -> bool {
        are_of(&self.networks, address, ipv6_prefix)
    }

    /// Whether a caller of this name is exempt.
    pub(super) fn has_caller(&self, name: &[u8]) -> bool {
        self.callers.contains(name)
    }
}

fn are_of(networks: &[Network], address: IpAddr, ipv6_prefix: u8) -> bool {
    let address = address.to_canonical();
    let one = counted(address, ipv6_prefix);
    networks.iter().any(|network| network.contains(address) || counted(network.first(), ipv6_prefix) == one)
}

/// What is banned for a finding about an address, or about a network of IPv6 that the gateway counts as one or as a part of
/// one. `None` where it is something else, such as a network of which parts are counted: which of them it was is not known.
pub(super) fn held(value: &str, ipv6_prefix: u8) -> Option<IpAddr> {
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (value, None),
    };
    let address = address.parse::<IpAddr>().ok()?.to_canonical();
    let is_one = match (address, length) {
        (_, None) => true,
        (IpAddr::V4(_), Some(_)) => false,
        (IpAddr::V6(_), Some(length)) => length >= ipv6_prefix,
    };
    is_one.then(|| counted(address, ipv6_prefix))
}

/// What is banned, as a finding would name it.
pub(super) fn subject(address: IpAddr, ipv6_prefix: u8) -> Subject {
    match address {
        IpAddr::V6(_) if ipv6_prefix < 128 => {
            Subject::named(SubjectKind::Prefix, format!("{address}/{ipv6_prefix}"))
        }
        _ => Subject::named(SubjectKind::Address, address.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exempt_address_exempts_whatever_is_counted_as_one_with_it_and_nothing_else() {
        let networks = ["192.0.2.7/32", "2001:db8::1/128", "10.0.0.0/8"];
        let networks = networks.map(|network| network.parse().unwrap()).to_vec();
        let never = Never { networks, ..Never::default() };
        for (address, is_held) in [
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::1", true),
            ("2001:db8::2", true),
            ("2001:db8:0:1::1", false),
        ] {
            assert_eq!(never.holds(address.parse().unwrap(), 64), is_held, "{address}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_held_as_the_gateway_counts_it_and_no_larger_one_is() {
        let held = |value, prefix| held(value, prefix).map(|address| address.to_string());
        assert_eq!(held("2001:db8:1:2ff::/64", 64).as_deref(), Some("2001:db8:1:2ff::"));
        assert_eq!(held("2001:db8:1:2ff::/64", 56).as_deref(), Some("2001:db8:1:200::"));
        assert_eq!(held("2001:db8:1:2ff::/64", 128), None, "which address it was is not known");
        assert_eq!(held("2001:db8:1:2ff::7", 128).as_deref(), Some("2001:db8:1:2ff::7"));
        assert_eq!(held("2001:db8:1:2ff::/80", 80).as_deref(), Some("2001:db8:1:2ff::"));
        assert_eq!((held("2001:db8::/x", 64), held("2001:db8::/300", 64)), (None, None));
        assert_eq!(held("::ffff:192.0.2.1", 64).as_deref(), Some("192.0.2.1"));
        assert_eq!((held("192.0.2.0/24", 64), held("2001:db8::/32", 64)), (None, None));
    }

    #[test]
    fn what_is_banned_is_named_as_the_policy_counts_it() {
        let named = |address: &str, prefix| {
            let subject = subject(address.parse().unwrap(), prefix);
            (subject.kind().to_owned(), subject.label())
        };
        let is = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        assert_eq!(named("2001:db8:1:200::", 56), is("prefix", "2001:db8:1:200::/56"));
        assert_eq!(named("2001:db8::7", 128), is("address", "2001:db8::7"));
        assert_eq!(named("192.0.2.1", 56), is("address", "192.0.2.1"));
    }
}
