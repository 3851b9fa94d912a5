//! The URL a user gives, taken apart without being changed.
//!
//! The path is kept as it was written: a scanner that normalises `/a/../b` would test another resource than the
//! one it was asked for. What is shown (reports, fingerprints) has neither credentials nor a query.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use base64::Engine as _;
use ratewarden_model::{Redactor, Secret};
use url::Url;

use crate::error::ScanError;

/// Where requests go.
#[derive(Debug, Clone)]
pub struct Target {
    /// `https` rather than `http`.
    pub tls: bool,
    /// The host as in the URL, IPv6 without brackets.
    pub host: String,
    /// The port, explicit or the scheme's.
    pub port: u16,
    /// Path and query as they go on the wire.
    pub path_and_query: String,
    /// The resolved address, once [`Target::resolve`] has run.
    pub address: Option<SocketAddr>,
    /// `user:password` of the URL as an Authorization header.
    pub basic: Option<Secret>,
    /// The name's other addresses, not tried yet.
    pub(crate) others: VecDeque<SocketAddr>,
}

/// Query names whose value is a credential wherever it appears. `code` is left out: it is a postcode or a currency more
/// often than OAuth's, which is spent when a scan begins.
const SECRET_QUERY: [&str; 21] = [
    "key",
    "api_key",
    "apikey",
    "api-key",
    "token",
    "access_token",
    "auth_token",
    "private_token",
    "api_token",
    "secret",
    "client_secret",
    "password",
    "passwd",
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-security-token",
    "subscription-key",
    "jwt",
    "session",
    "sid",
];

/// The most characters that are shown of a text that is no URL.
const LONGEST_SHOWN: usize = 80;

impl Target {
    /// Takes a URL apart; secrets found in it go into the redactor.
    ///
    /// # Errors
    /// [`ScanError::Usage`] when it is not an absolute http or https URL with a host.
    pub fn parse(text: &str, redactor: &mut Redactor) -> Result<Self, ScanError> {
        let hint = "write the whole URL, such as https://api.example.com/v1/items";
        let shown = shorten(text);
        let guess = if shown.contains('…') || shown.contains("://") || shown.starts_with('/') {
            hint.to_owned()
        } else {
            format!("did you mean http://{shown} ?")
        };
        let url = Url::parse(text.trim()).map_err(|error| {
            let bare = error == url::ParseError::RelativeUrlWithoutBase && !shown.is_empty();
            ScanError::usage(format!("`{shown}` is not a URL: {error}"), if bare { &guess } else { hint })
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            // What stands before the colon of `name:password@host` or `host:8080` is no scheme.
            let (what, hint) = if text.contains("://") {
                (format!("{}://", url.scheme()), hint)
            } else {
                (shown, guess.as_str())
            };
            return Err(ScanError::usage(
                format!("`{what}` cannot be scanned: only http and https can"),
                hint,
            ));
        }
        let host = url.host_str().ok_or_else(|| ScanError::usage(format!("`{shown}` has no host"), hint))?;
        let path_and_query = path_as_written(text)
            .unwrap_or_else(|| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
        let written = path_and_query.split_once('?').map(|(_, query)| query);
        for query in written.into_iter().chain(url.query()) {
            add_secrets(query, redactor);
        }
        Ok(Self {
            tls: url.scheme() == "https",
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            path_and_query,
            address: None,
            basic: basic(text, &url, redactor),
            others: VecDeque::new(),
        })
    }

    /// Looks the host up; IPv4 is preferred where both exist, for then a second address is likelier to be had.
    ///
    /// # Errors
    /// [`ScanError::Unreachable`] for a name that does not resolve within 5 s.
    pub async fn resolve(&mut self) -> Result<SocketAddr, ScanError> {
        let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
        let hint = "check the spelling, and that this machine can resolve names";
        let found = tokio::time::timeout(std::time::Duration::from_secs(5), lookup)
            .await
            .map_err(|_| ScanError::unreachable(format!("looking up `{}` took over 5 s", self.host), hint))?
            .map_err(|error| {
                ScanError::unreachable(format!("unknown host `{}`: {error}", self.host), hint)
            })?;
        let mut addresses: Vec<_> = found.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        self.others = addresses.into();
        self.next_address()
            .ok_or_else(|| ScanError::unreachable(format!("`{}` has no address", self.host), hint))
    }

    /// Turns to the name's next address, for when the one before refuses connections: `localhost` is 127.0.0.1 and
    /// ::1, and a server may listen on one of them only. None where all were tried; then the last one stays.
    pub fn next_address(&mut self) -> Option<SocketAddr> {
        let next = self.others.pop_front();
        self.address = next.or(self.address);
        next
    }

    /// The same host, now with TLS, on this port.
    #[must_use]
    pub fn upgraded(&self, port: u16) -> Self {
        let moved = |address: SocketAddr| SocketAddr::new(address.ip(), port);
        Self {
            tls: true,
            port,
            address: self.address.map(moved),
            others: self.others.iter().copied().map(moved).collect(),
            ..self.clone()
        }
    }

    /// The `Host` header: without the port where it is the scheme's.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let standard = if self.tls { 443 } else { 80 };
        if self.port == standard { host } else { format!("{host}:{}", self.port) }
    }

    /// `https://host:port`, without path.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }

    /// The path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or("/")
    }

    /// The query without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.path_and_query.split_once('?').map(|(_, query)| query)
    }

    /// The URL as reports show it: neither credentials nor the query.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}{}", self.origin(), self.path())
    }

    /// Another path on the same host.
    #[must_use]
    pub fn with_path(&self, path_and_query: &str) -> Self {
        Self { path_and_query: path_and_query.to_owned(), ..self.clone() }
    }

    /// Whether it is this machine itself, so that source addresses of 127.0.0.0/8 may be used.
    #[must_use]
    pub fn is_ipv4_loopback(&self) -> bool {
        self.address.is_some_and(|address| matches!(address.ip(), IpAddr::V4(ip) if ip.is_loopback()))
    }
}

/// Whether a query parameter of this name carries a credential.
#[must_use]
pub fn is_secret_query(name: &str) -> bool {
    let name = Secret::from_url(name);
    SECRET_QUERY.contains(&name.expose().to_ascii_lowercase().as_str())
}

/// The values of secret parameters, as they stand and as they are understood.
fn add_secrets(query: &str, redactor: &mut Redactor) {
    for pair in query.split('&') {
        let Some((name, raw)) = pair.split_once('=').filter(|(name, _)| is_secret_query(name)) else {
            continue;
        };
        redactor.add(raw);
        for (_, value) in url::form_urlencoded::parse(format!("{name}={raw}").as_bytes()) {
            redactor.add(&value);
        }
    }
}

/// The URL's user and password as a header; a user alone is a token.
fn basic(text: &str, url: &Url, redactor: &mut Redactor) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let raw = url.password().filter(|password| !password.is_empty()).unwrap_or(url.username());
    redactor.add(raw);
    redactor.add(Secret::from_url(raw).expose());
    // As the user wrote it, which the parser may have encoded.
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    if let Some((_, password)) =
        authority.and_then(|text| text.rsplit_once('@')).and_then(|(own, _)| own.split_once(':'))
    {
        redactor.add(password);
    }
    let plain = |part: &str| Secret::from_url(part).expose().to_owned();
    let pair = format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
    let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    redactor.add(&header);
    Some(Secret::new(header))
}

/// Path and query exactly as the user wrote them, where that may go on the wire as it stands.
fn path_as_written(text: &str) -> Option<String> {
    let (_, rest) = text.trim().split_once("://")?;
    let path = &rest[rest.find('/')?..];
    let path = path.split('#').next()?;
    let before_path = &rest[..rest.find('/')?];
    (!before_path.contains(['?', '#'])).then_some(())?;
    path.parse::<http::uri::PathAndQuery>().ok().map(|parsed| parsed.as_str().to_owned())
}

/// What may be shown of a text that is no URL: neither credentials nor a query, for it may be a URL with a slip.
fn shorten(text: &str) -> String {
    let clean: String = text.trim().chars().filter(|c| !c.is_control()).collect();
    let end = clean.find(['?', '#']).unwrap_or(clean.len());
    let (head, query) = clean.split_at(end);
    let shown = match head.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        // A password may hold a question mark; then what stands before it is half a password.
        None if query.contains('@') => "…".to_owned(),
        None => head.to_owned(),
    };
    shown.chars().take(LONGEST_SHOWN).collect()
}

#[cfg(test)]
mod tests;
