//! The URL a user gives, taken apart without being changed.
//!
//! The path is kept as it was written: a scanner that normalises `/a/../b` would test another resource than the
//! one it was asked for. What is shown (reports, fingerprints) has no credentials and no query values.

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
}

/// Query names whose value is a credential wherever it appears.
const SECRET_QUERY: [&str; 9] =
    ["key", "api_key", "apikey", "api-key", "token", "access_token", "secret", "sig", "signature"];

impl Target {
    /// Takes a URL apart; secrets found in it go into the redactor.
    ///
    /// # Errors
    /// [`ScanError::Usage`] when it is not an absolute http or https URL with a host.
    pub fn parse(text: &str, redactor: &mut Redactor) -> Result<Self, ScanError> {
        let hint = "write the whole URL, such as https://api.example.com/v1/items";
        let shown = shorten(text);
        let url = Url::parse(text.trim()).map_err(|error| {
            let guess = format!("did you mean http://{shown} ?");
            let bare = error == url::ParseError::RelativeUrlWithoutBase && !text.starts_with('/');
            ScanError::usage(format!("`{shown}` is not a URL: {error}"), if bare { &guess } else { hint })
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!("`{}://` cannot be scanned: only http and https can", url.scheme());
            return Err(ScanError::usage(message, hint));
        }
        let host = url.host_str().ok_or_else(|| ScanError::usage(format!("`{shown}` has no host"), hint))?;
        for (name, value) in url.query_pairs() {
            if is_secret_query(&name) {
                redactor.add(&value);
            }
        }
        let basic = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let password = url.password().unwrap_or_default();
            redactor.add(password);
            let pair = format!("{}:{password}", url.username());
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            redactor.add(&encoded);
            Secret::new(format!("Basic {encoded}"))
        });
        Ok(Self {
            tls: url.scheme() == "https",
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            path_and_query: path_as_written(text)
                .unwrap_or_else(|| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()),
            address: None,
            basic,
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
        let first = addresses.first().copied();
        self.address = first;
        first.ok_or_else(|| ScanError::unreachable(format!("`{}` has no address", self.host), hint))
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

    /// The URL as reports show it: no credentials, and of the query only names.
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
    SECRET_QUERY.contains(&name.to_ascii_lowercase().as_str())
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

fn shorten(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    // Credentials of a URL that cannot be parsed must not be shown either.
    match clean.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, ScanError> {
        Target::parse(text, &mut Redactor::default())
    }

    #[test]
    fn what_is_not_a_url_is_named_with_a_hint() {
        for text in ["", "api.example.com/v1", "ftp://h/x", "http://", "/v1/items", "http://[::1"] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, ScanError::Usage { .. }) && !error.hint().is_empty(), "{text}: {error}");
        }
        assert!(parse("api.example.com/v1").unwrap_err().hint().contains("http://api.example.com/v1"));
    }

    #[test]
    fn credentials_in_the_url_are_sent_but_never_shown() {
        let mut redactor = Redactor::default();
        let target =
            Target::parse("https://ann:s3cretpw@h.example/p?api_key=abcdef12&limit=5", &mut redactor)
                .unwrap();
        assert_eq!(target.shown(), "https://h.example/p");
        assert_eq!(target.basic.as_ref().unwrap().expose(), "Basic YW5uOnMzY3JldHB3");
        assert_eq!(redactor.redact("abcdef12 s3cretpw YW5uOnMzY3JldHB3"), "[redacted] [redacted] [redacted]");
        assert!(!format!("{target:?}").contains("s3cretpw"));
        let broken = parse("https//ann:s3cretpw@h/p").unwrap_err().to_string();
        assert!(!broken.contains("s3cretpw"), "{broken}");
    }

    #[test]
    fn the_host_header_names_only_a_port_that_is_not_the_usual_one() {
        assert_eq!(parse("https://h:443/").unwrap().authority(), "h");
        assert_eq!(parse("http://[::1]:8080/a?b=1").unwrap().authority(), "[::1]:8080");
        assert_eq!(parse("http://h").unwrap().path_and_query, "/");
        assert_eq!(parse("http://h?x=/y").unwrap().path_and_query, "/?x=/y");
    }

    #[test]
    fn the_path_goes_out_as_it_was_written() {
        assert_eq!(parse("http://h/a/../b/%2e//c#top").unwrap().path_and_query, "/a/../b/%2e//c");
        assert_eq!(parse("http://h/a b").unwrap().path_and_query, "/a%20b");
    }
}
