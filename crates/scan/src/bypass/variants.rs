//! The variants: what an abuser would change about a request, one thing at a time.

use std::net::IpAddr;

use ratewarden_model::rules;
use ratewarden_model::{Rule, Secret};

use super::spellings;
use super::values::{Value, fresh_loopback};
use crate::context::Context;
use crate::http::Request;

/// What a variant changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A header that claims another address.
    AddressHeader,
    /// Another spelling of the path.
    Path,
    /// A parameter nobody reads.
    Query,
    /// `HEAD` in place of `GET`.
    Head,
    /// A header that overrides the method.
    MethodOverride,
    /// A credential nobody issued.
    Credential,
    /// The client's name for itself, or a cookie.
    Client,
    /// A header that rewrites path or host.
    Rewrite,
    /// Another source address: not a bypass, but what calls are counted per.
    SecondAddress,
    /// The same address on another connection: likewise.
    Connection,
}

impl Kind {
    /// The rule a variant of this kind breaks; None where it only shows the key.
    #[must_use]
    pub const fn rule(self) -> Option<&'static Rule> {
        match self {
            Self::AddressHeader => Some(&rules::BYPASS_ADDRESS_HEADER),
            Self::Path => Some(&rules::BYPASS_PATH),
            Self::Query => Some(&rules::BYPASS_QUERY),
            Self::Head | Self::MethodOverride => Some(&rules::BYPASS_METHOD),
            Self::Credential => Some(&rules::BYPASS_CREDENTIAL),
            Self::Client => Some(&rules::BYPASS_USER_AGENT),
            Self::Rewrite => Some(&rules::BYPASS_REWRITE),
            Self::SecondAddress | Self::Connection => None,
        }
    }
}

/// One variant.
#[derive(Debug, Clone)]
pub struct Variant {
    /// What it changes.
    pub kind: Kind,
    /// Its name in reports.
    pub label: &'static str,
    /// What calls are counted per, if it gets through.
    pub key: Option<String>,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    /// A header whose value is made anew each time.
    Header {
        name: String,
        value: Value,
    },
    /// A header with a credential of the user's own.
    Credential {
        name: &'static str,
        value: Secret,
    },
    /// The same header twice.
    Twice {
        name: &'static str,
    },
    /// Another path.
    Path(String),
    /// A fresh query parameter.
    Query,
    /// The query once more.
    Repeated,
    Head,
    Connection,
    /// From this address, or from a fresh one of loopback's: a small limit is used up by the first call.
    Source(Option<IpAddr>),
    /// The path moves into a header.
    Rewrite {
        name: &'static str,
    },
}

impl Variant {
    /// What must not be the same resource for the variant to mean anything: the rewritten request without its header.
    #[must_use]
    pub(super) fn control(&self, ctx: &Context) -> Option<Request> {
        match &self.change {
            Change::Rewrite { .. } => Some(Request::get(format!("/?ratewarden={:08x}", fastrand::u32(..)))),
            Change::Path(_) => {
                let target = ctx.client.target();
                let nonsense = spellings::nonsense(target.path());
                let spelt = spellings::all(&nonsense, target.query());
                let same = spelt.into_iter().find(|(label, _)| *label == self.label).map(|(_, path)| path);
                // Where the nonsense cannot be spelt so, it is asked for plainly.
                Some(Request::get(same.unwrap_or(nonsense)))
            }
            _ => None,
        }
    }

    /// The request, with fresh values.
    #[must_use]
    pub fn request(&self, ctx: &Context) -> Request {
        let mut request = ctx.plain();
        match &self.change {
            Change::Header { name, value } => {
                request = request.header(name, value.fresh());
            }
            Change::Credential { name, value } => request = request.header(*name, value.expose()),
            Change::Twice { name } => {
                request = request.header(*name, Value::Address.fresh()).header(*name, Value::Address.fresh());
            }
            Change::Path(path) => request.path_and_query.clone_from(path),
            Change::Query => {
                let join = if request.path_and_query.contains('?') { '&' } else { '?' };
                request.path_and_query.push_str(&format!("{join}ratewarden={:08x}", fastrand::u32(..)));
            }
            Change::Repeated => {
                let query = ctx.client.target().query().unwrap_or_default().to_owned();
                request.path_and_query.push_str(&format!("&{query}"));
            }
            Change::Connection => request.fresh_connection = true,
            Change::Head => request.method = http::Method::HEAD,
            Change::Source(address) => request.source = Some(address.unwrap_or_else(fresh_loopback)),
            Change::Rewrite { name } => {
                request = request.header(*name, ctx.client.target().path_and_query.clone());
                request.path_and_query = format!("/?ratewarden={:08x}", fastrand::u32(..));
            }
        }
        request
    }
}

const ADDRESS_HEADERS: [&str; 20] = [
    "x-forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "forwarded-for",
    "x-forward-for",
    "x-originating-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-original-remote-addr",
    "x-custom-ip-authorization",
    "x-proxyuser-ip",
    "x-host",
    "x-forwarded-host",
    "x-original-forwarded-for",
];

/// Every variant that makes sense for this endpoint, the likeliest to matter first.
pub(super) fn all(ctx: &Context) -> Vec<Variant> {
    // Thrice, for "everybody is counted together" is said only when several other addresses were rejected.
    let mut found: Vec<Variant> = std::iter::repeat_n(second_address(ctx), 3).flatten().collect();
    found.push(Variant {
        kind: Kind::Connection,
        label: "new connection",
        key: Some("connection".into()),
        change: Change::Connection,
    });
    found.extend(credentials(ctx));
    found.extend(address_headers());
    found.push(Variant {
        kind: Kind::Query,
        label: "unused query parameter",
        key: Some("query".into()),
        change: Change::Query,
    });
    if ctx.client.target().query().is_some_and(|query| !query.is_empty()) {
        let change = Change::Repeated;
        found.push(Variant {
            kind: Kind::Query,
            label: "repeated query parameter",
            key: Some("query".into()),
            change,
        });
    }
    let spelt = spellings::all(ctx.client.target().path(), ctx.client.target().query());
    found.extend(spelt.into_iter().map(|(label, path)| Variant {
        kind: Kind::Path,
        label,
        key: Some("path".into()),
        change: Change::Path(path),
    }));
    found.push(header(Kind::Client, "User-Agent", "user-agent", Value::UserAgent));
    if !ctx.client.user_headers().any(|name| name == "cookie") {
        found.push(header(Kind::Client, "Cookie", "cookie", Value::Cookie));
    }
    found.push(Variant { kind: Kind::Head, label: "HEAD", key: Some("method".into()), change: Change::Head });
    let mut override_ = header(
        Kind::MethodOverride,
        "X-HTTP-Method-Override",
        "x-http-method-override",
        Value::Fixed("HEAD"),
    );
    override_.key = None;
    found.push(override_);
    for (label, name) in [("X-Original-URL", "x-original-url"), ("X-Rewrite-URL", "x-rewrite-url")] {
        found.push(Variant { kind: Kind::Rewrite, label, key: None, change: Change::Rewrite { name } });
    }
    // Another host name may be another tenant's, and the user's headers are not for it; without them it is another call.
    if ctx.client.user_headers().next().is_none() {
        found.push(header(Kind::Rewrite, "Host", "host", Value::Host));
    }
    found
}

fn header(kind: Kind, label: &'static str, name: &str, value: Value) -> Variant {
    let key = Some(format!("header:{name}"));
    Variant { kind, label, key, change: Change::Header { name: name.to_owned(), value } }
}

fn address_headers() -> Vec<Variant> {
    let mut found: Vec<Variant> =
        ADDRESS_HEADERS.iter().map(|&name| header(Kind::AddressHeader, name, name, Value::Address)).collect();
    found.insert(
        1,
        header(Kind::AddressHeader, "x-forwarded-for (list)", "x-forwarded-for", Value::AddressList),
    );
    found.insert(2, header(Kind::AddressHeader, "forwarded", "forwarded", Value::Forwarded));
    found.insert(
        3,
        Variant {
            kind: Kind::AddressHeader,
            label: "x-forwarded-for (twice)",
            key: Some("header:x-forwarded-for".into()),
            change: Change::Twice { name: "x-forwarded-for" },
        },
    );
    found
}

/// False values of the credentials the user sends, and of the usual ones.
fn credentials(ctx: &Context) -> Vec<Variant> {
    let sends = |name: &str| ctx.client.user_headers().any(|own| own == name);
    let mut found = vec![
        header(Kind::Credential, "made-up X-API-Key", "x-api-key", Value::Key),
        header(Kind::Credential, "made-up bearer token", "authorization", Value::Bearer),
    ];
    for name in ["api-key", "x-auth-token", "x-access-token", "apikey"] {
        if sends(name) {
            found.push(header(Kind::Credential, "made-up credential header", name, Value::Key));
        }
    }
    if let Some(change) = other_scheme(ctx) {
        let key = Some("header:authorization".into());
        found.push(Variant {
            kind: Kind::Credential,
            label: "scheme of Authorization in other case",
            key,
            change,
        });
    }
    if sends("cookie") {
        found.push(header(Kind::Credential, "made-up cookie", "cookie", Value::Cookie));
    }
    found
}

/// The user's own token under a scheme spelt in other case: the same credential to whoever checks it, perhaps not to
/// whoever counts.
fn other_scheme(ctx: &Context) -> Option<Change> {
    let own = ctx.config.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, token) = own.1.expose().split_once(' ')?;
    let value = format!("{} {token}", spellings::swap_case(scheme));
    Some(Change::Credential { name: "authorization", value: Secret::new(value) })
}

/// The same request from a second address: one the user gave, or on loopback one of 127.0.0.0/8.
pub(super) fn second_address(ctx: &Context) -> Option<Variant> {
    let target = ctx.client.target().address.map(|address| address.ip())?;
    let address = ctx.config.second_address.filter(|own| own.is_ipv4() == target.is_ipv4());
    if address.is_none() && !ctx.client.target().is_ipv4_loopback() {
        return None;
    }
    Some(Variant {
        kind: Kind::SecondAddress,
        label: "second source address",
        key: Some("address".into()),
        change: Change::Source(address),
    })
}
