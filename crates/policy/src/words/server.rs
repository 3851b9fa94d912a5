//! `http://127.0.0.1:8265`: a server without a path, and where a set of keys is fetched from.
//!
//! By hand, because a URL library forgives what must not be forgiven here (a path that would be dropped, a user
//! and password, a backslash), and the message should say which of them it was.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::FilePath;
use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::policy::Server;

impl Written for Server {
    const EXPECTED: &'static str = "a URL without a path, such as `http://127.0.0.1:8265`";
    const EXAMPLES: &'static [&'static str] = &["http://127.0.0.1:8265", "https://api.internal"];
    const PATTERN: &'static str = r"^https?://[^/@?#\s]+/?$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let (server, rest) = split(text)?;
        match rest {
            "" | "/" => Ok(server),
            path => Err(Wrong::new(format!("`{}` has the path `{}`", short(text), short(path)))
                .hint("calls keep their own path; a server has none")),
        }
    }
}

/// A set of public keys: a file, or a URL.
#[derive(Debug, Clone)]
pub(crate) enum KeySet {
    File(FilePath),
    Url { url: String, server: Server, target: String },
}

impl Written for KeySet {
    const EXPECTED: &'static str = "a file name or an `https://` URL";
    const EXAMPLES: &'static [&'static str] =
        &["jwks.json", "https://login.example.com/.well-known/jwks.json"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        if !text.contains("://") {
            return FilePath::parse(text).map(Self::File);
        }
        let (server, rest) = split(text)?;
        if rest.contains(['#', '\\']) || !rest.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Wrong::new(format!("`{}` is not a URL", short(text))));
        }
        if !server.https && !is_loopback(&server) {
            let wrong = Wrong::new("keys fetched over `http://` could be anybody's");
            return Err(wrong.hint("write `https://`; only this machine may be asked without"));
        }
        let target = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        Ok(Self::Url { url: text.to_owned(), server, target })
    }
}

/// Reads scheme, host and port, and returns what follows.
pub(super) fn split(text: &str) -> Result<(Server, &str), Wrong> {
    let wrong = |why: &str| Wrong::new(format!("`{}` {why}", short(text)));
    let (https, rest) = match text.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some(_) => return Err(wrong("has an unknown scheme").hint("`http://` or `https://`, in lower case")),
        None => {
            return Err(wrong("has no scheme").hint(format!("write `http://{}` or `https://…`", short(text))));
        }
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err(wrong("has a user").hint("credentials do not belong into a URL: it is logged and shown"));
    }
    let (host, port) =
        host_and_port(authority).ok_or_else(|| wrong("has no host that can be connected to"))?;
    let port = match port {
        None => Some(if https { 443 } else { 80 }),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|port| *port != 0)
        }
        Some(_) => None,
    };
    let port = port.ok_or_else(|| wrong("has no valid port").hint("a port is 1 to 65535"))?;
    Ok((Server { https, host: host.to_ascii_lowercase(), port }, rest))
}

pub(super) fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return match after {
            "" => Some((host, None)),
            _ => Some((host, Some(after.strip_prefix(':')?))),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    is_host(host).then_some((host, port))
}

/// A name of the DNS, or an IPv4 address; `10.0.0` and `0x7f.1` are neither, though some resolvers take them.
pub(super) fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = host.strip_suffix('.').unwrap_or(host);
    let numeric =
        labels.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    host.len() <= 253 && labels.split('.').all(label) && (!numeric || host.parse::<Ipv4Addr>().is_ok())
}

/// Whether the server is this machine, as far as its URL tells.
pub(super) fn is_loopback(server: &Server) -> bool {
    let address = server.host.parse::<std::net::IpAddr>();
    server.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        <Server as Written>::parse(text).unwrap_err().message
    }

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let server = |text| <Server as Written>::parse(text).unwrap();
        assert_eq!(
            server("http://127.0.0.1:8265"),
            Server { https: false, host: "127.0.0.1".into(), port: 8265 }
        );
        assert_eq!(
            server("https://API.internal/"),
            Server { https: true, host: "api.internal".into(), port: 443 }
        );
        assert_eq!(server("http://[::1]:80"), Server { https: false, host: "::1".into(), port: 80 });
        assert_eq!(server("http://[2001:db8::1]").port, 80);
        assert_eq!(server("http://ray-head_1").host, "ray-head_1");
    }

    #[test]
    fn whatever_else_a_url_has_is_named() {
        assert_eq!(message("127.0.0.1:80"), "`127.0.0.1:80` has no scheme");
        assert_eq!(message("ftp://a"), "`ftp://a` has an unknown scheme");
        assert_eq!(message("http://a/v1"), "`http://a/v1` has the path `/v1`");
        assert_eq!(message("http://a?x"), "`http://a?x` has the path `?x`");
        assert_eq!(message("http://me:pw@a"), "`http://me:pw@a` has a user");
        for text in [
            "http://",
            "http://:80",
            "http://a b",
            "http://[::1",
            "http://[zz]",
            "http://-a",
            "http://10.0.1",
            "http://ü",
        ] {
            assert!(
                message(text).ends_with("has no host that can be connected to"),
                "{text}: {}",
                message(text)
            );
        }
        for text in ["http://a:", "http://a:0", "http://a:65536", "http://a:+1", "http://[::1]:x"] {
            assert!(message(text).ends_with("has no valid port"), "{text}: {}", message(text));
        }
    }

    #[test]
    fn loopback_is_told_by_the_url_alone() {
        let loopback = |text| is_loopback(&<Server as Written>::parse(text).unwrap());
        assert!(loopback("http://127.0.0.9") && loopback("http://[::1]:1") && loopback("http://localhost"));
        assert!(!loopback("http://10.0.0.1") && !loopback("http://localhost.example"));
    }
}
