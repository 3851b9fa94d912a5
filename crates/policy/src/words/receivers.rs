//! Where alerts go: URLs, hosts and mail addresses.
//!
//! What may be a secret is never repeated in a message: the path of a webhook's URL often is one.

use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::words::server;

/// A URL that is posted to.
#[derive(Debug, Clone)]
pub(crate) struct PostUrl(pub(crate) String);

impl Written for PostUrl {
    const EXPECTED: &'static str = "a URL, such as `https://alerts.example.com/hook`";
    const EXAMPLES: &'static [&'static str] = &["https://alerts.example.com/hook", "http://127.0.0.1:9000/"];
    const PATTERN: &'static str = r"^https?://[^/@?#\s\\]+([/?][^#\s\\]*)?$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.len() > 2_048 {
            return Err(Wrong::new(format!("found {} bytes, expected at most 2048", text.len())));
        }
        let end = text.find("://").map_or(0, |at| at + 3);
        let path = text
            .get(end..)
            .and_then(|rest| rest.find(['/', '?', '#', '\\']))
            .map_or(text.len(), |at| end + at);
        let (_, _) = server::split(text.get(..path).unwrap_or(text))?;
        let rest = text.get(path..).unwrap_or("");
        if rest.contains(['#', '\\']) || !rest.chars().all(|c| c.is_ascii_graphic()) {
            let wrong = Wrong::new("what follows the host is no path and query");
            return Err(wrong.hint("no spaces, no `#`, no `\\`"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A host, with or without a port.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// An IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Written for Peer {
    const EXPECTED: &'static str = "a host, such as `logs.example.com:514`";
    const EXAMPLES: &'static [&'static str] = &["logs.example.com:514", "10.0.0.1", "[::1]:514"];
    const PATTERN: &'static str = r"^[^/@?#\s\\]+$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new(format!("`{}` is not a host", short(text)));
        if text.contains("://") || text.contains('/') {
            return Err(wrong().hint("the host and its port alone, such as `logs.example.com:514`"));
        }
        let (host, port) = server::host_and_port(text).ok_or_else(wrong)?;
        let port = match port {
            None => None,
            Some(digits) => {
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                let port = digits.parse::<u16>().ok().filter(|port| is_number && *port != 0);
                Some(port.ok_or_else(|| {
                    Wrong::new(format!("`{}` has no valid port", short(text))).hint("a port is 1 to 65535")
                })?)
            }
        };
        Ok(Self { host: host.to_owned(), port })
    }
}

/// A mail address.
#[derive(Debug, Clone)]
pub(crate) struct MailAddress(pub(crate) String);

impl Written for MailAddress {
    const EXPECTED: &'static str = "a mail address, such as `on-call@example.com`";
    const EXAMPLES: &'static [&'static str] = &["on-call@example.com"];
    const PATTERN: &'static str = r"^[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9._-]+$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new(format!("`{}` is not a mail address", short(text)));
        if let Some(inner) = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>')) {
            return Err(wrong().hint(format!("without a name before it: `{}`", short(inner))));
        }
        if text.contains([',', ';']) {
            return Err(wrong().hint("several are an array: [\"a@example.com\", \"b@example.com\"]"));
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "._%+'-".contains(c);
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        let is_local = (1..=64).contains(&local.len()) && local.chars().all(fits) && !dots;
        if !is_local || !server::is_host(domain) || domain.ends_with('.') {
            return Err(wrong());
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a machine is called.
#[derive(Debug, Clone)]
pub(crate) struct HostName(pub(crate) String);

impl Written for HostName {
    const EXPECTED: &'static str = "the name of a host";
    const EXAMPLES: &'static [&'static str] = &["edge-1.example.com"];
    const PATTERN: &'static str = "^[A-Za-z0-9._-]{1,253}$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let is_host = server::is_host(text);
        is_host
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| Wrong::new(format!("`{}` is not the name of a host", short(text))))
    }
}
