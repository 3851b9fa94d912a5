//! Fresh values for variants: nobody's addresses, nobody's credentials.

use std::net::{IpAddr, Ipv4Addr};

/// What a header is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Address,
    AddressList,
    Forwarded,
    Host,
    Bearer,
    Key,
    Cookie,
    UserAgent,
    Fixed(&'static str),
}

impl Value {
    /// A value that was not sent before.
    pub(super) fn fresh(self) -> String {
        // 198.18.0.0/15 is reserved for benchmarks (RFC 2544): nobody's address is pretended.
        let address =
            || format!("198.{}.{}.{}", fastrand::u8(18..20), fastrand::u8(..), fastrand::u8(1..255));
        match self {
            Self::Address => address(),
            Self::AddressList => format!("{}, {}", address(), address()),
            Self::Forwarded => format!("for={};proto=https", address()),
            Self::Host => format!("h{:08x}.invalid", fastrand::u32(..)),
            Self::Bearer => format!("Bearer ratewarden-false-{:016x}", fastrand::u64(..)),
            Self::Key => format!("ratewarden-false-{:016x}", fastrand::u64(..)),
            Self::Cookie => format!("session=ratewarden-false-{:016x}", fastrand::u64(..)),
            Self::UserAgent => {
                format!("{} variant/{:06x}", crate::config::user_agent(), fastrand::u32(..) & 0xff_ffff)
            }
            Self::Fixed(text) => text.to_owned(),
        }
    }
}

/// A source address of loopback's own network.
pub(super) fn fresh_loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(..), fastrand::u8(1..255)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_addresses_are_nobodys() {
        for _ in 0..100 {
            let address = Value::Address.fresh();
            assert!(address.starts_with("198.18.") || address.starts_with("198.19."), "{address}");
        }
    }
}
