//! What the upstream is told about who is behind the gateway.

use std::borrow::Cow;
use std::net::IpAddr;

use ratewarden_callers::Fields;
use ratewarden_http1::Extra;
use ratewarden_policy::{ForwardedHeader, Trust};

use crate::client::Client;
use crate::state::Loaded;

/// Fields that say who is behind the gateway.
#[derive(Debug)]
pub(crate) struct Via<'v> {
    forwarded_for: Cow<'v, str>,
    /// Fields of the client that are not passed on.
    pub(crate) without: &'static [&'static str],
    count: usize,
}

impl<'v> Via<'v> {
    /// The header of a trusted proxy is kept and continued. Whatever else speaks of the client was not checked by
    /// anybody, and is replaced or left out.
    pub(crate) fn new<F: Fields>(loaded: &Loaded, client: &'v Client, fields: &F, address: IpAddr) -> Self {
        let Trust { proxies, header, .. } = &loaded.policy.trust;
        let own = Cow::Borrowed(client.address_text.as_str());
        if address == client.address || !proxies.iter().any(|network| network.contains(client.address)) {
            let without =
                &["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "forwarded"];
            return Self { forwarded_for: own, without, count: 3 };
        }
        match header {
            ForwardedHeader::XForwardedFor => {
                let mut list = String::new();
                for value in fields.values("x-forwarded-for") {
                    list.push_str(&String::from_utf8_lossy(value));
                    list.push_str(", ");
                }
                list.push_str(&own);
                let without = &["x-forwarded-for", "x-real-ip", "forwarded"];
                Self { forwarded_for: Cow::Owned(list), without, count: 1 }
            }
            ForwardedHeader::Forwarded => {
                let without = &["x-forwarded-for", "x-real-ip"];
                Self { forwarded_for: Cow::Owned(format!("{address}, {own}")), without, count: 1 }
            }
        }
    }

    /// The fields that are added, of which [`Via::count`] count. `host` is the one the client wants.
    pub(crate) fn fields<'f>(&'f self, client: &Client, host: &'f str) -> [Extra<'f>; 3] {
        [
            ("x-forwarded-for", self.forwarded_for.as_bytes()),
            ("x-forwarded-proto", if client.tls { b"https" } else { b"http" }),
            ("x-forwarded-host", host.as_bytes()),
        ]
    }

    /// How many of the fields are added; the others a trusted proxy has set.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }
}
