//! An HTTP URL that does not show what may be secret in it.
//!
//! The path of Slack's URL is its credential, and so it is for many webhooks. So only scheme, host and port are shown.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratewarden_model::Secret;
use url::Url;

/// Where something is posted to: `http` or `https`.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl {
    pub(crate) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Host, and port where it is not the scheme's own.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: Secret,
    /// The value of `Authorization` where the URL has user and password.
    pub(crate) authorization: Option<Secret>,
}

/// Why a URL cannot be posted to. It does not hold the URL, in which there may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is none.
    #[error("this is not a URL: expected `https://host/path`")]
    NoUrl,
    /// Another scheme, or no host.
    #[error("only `http://` and `https://` URLs with a host can be posted to")]
    Scheme,
}

impl HttpUrl {
    /// Where PagerDuty takes events of accounts outside the EU.
    ///
    /// # Errors
    /// None in practice.
    pub fn pagerduty() -> Result<Self, UrlError> {
        "https://events.pagerduty.com/v2/enqueue".parse()
    }
}

impl FromStr for HttpUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text).map_err(|_| UrlError::NoUrl)?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(UrlError::Scheme),
        };
        let (Some(written), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(UrlError::Scheme);
        };
        let authority = url.port().map_or_else(|| written.to_owned(), |port| format!("{written}:{port}"));
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let user = Secret::from_url(url.username());
            let password = Secret::from_url(url.password().unwrap_or_default());
            Secret::new(format!(
                "Basic {}",
                STANDARD.encode(format!("{}:{}", user.expose(), password.expose()))
            ))
        });
        let host = written.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { tls, host, port, authority, target: Secret::new(target), authorization: login })
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", if self.tls { "https" } else { "http" }, self.authority)
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_and_host_of_a_url_are_shown() {
        let url: HttpUrl = "https://ann:p%40ss@hooks.test:8443/services/T0/B0/token?key=1#x".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "https://hooks.test:8443/… https://hooks.test:8443/…");
        assert_eq!(url.target.expose(), "/services/T0/B0/token?key=1");
        assert_eq!(url.authorization.unwrap().expose(), "Basic YW5uOnBAc3M=");
        let local: HttpUrl = "http://[::1]".parse().unwrap();
        assert_eq!((local.host.as_str(), local.port, local.target.expose()), ("::1", 80, "/"));
    }

    #[test]
    fn what_is_no_http_is_refused_without_being_shown() {
        for text in ["file:///etc/hunter22", "ftp://h/hunter22", "hunter22", "http:///hunter22 x"] {
            if let Err(error) = text.parse::<HttpUrl>() {
                assert!(!error.to_string().contains("hunter22"));
            } else {
                assert!(text.starts_with("http:"));
            }
        }
        assert_eq!("gopher://h/".parse::<HttpUrl>(), Err(UrlError::Scheme));
    }
}
