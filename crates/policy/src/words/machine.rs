//! Where the gateway lives: addresses and networks, files, variables of the environment, time zones. What it has of the
//! machine it runs on and of the network around it, as an operator writes it down.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::form::{Written, Wrong};
use crate::network::{InvalidNetwork, Network};
use crate::notes::short;
use crate::suggestion::did_you_mean;

impl Written for SocketAddr {
    const EXPECTED: &'static str = "an address and a port, such as `127.0.0.1:8080`";
    const EXAMPLES: &'static [&'static str] = &["127.0.0.1:8080", "[::1]:8080"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || Wrong::new(format!("`{}` is not an address and a port", short(text)));
        text.parse().map_err(|_| match text.rsplit_once(':') {
            Some(("" | "*", port)) if port.parse::<u16>().is_ok() => {
                wrong().hint(format!("every address is `0.0.0.0:{port}`, or `[::]:{port}` with IPv6"))
            }
            Some(("localhost", port)) => {
                wrong().hint(format!("names are not looked up: write `127.0.0.1:{}`", short(port)))
            }
            _ if text.parse::<IpAddr>().is_ok() => wrong().hint("the port is missing"),
            _ => wrong().hint("such as `127.0.0.1:8080` or `[::1]:8080`"),
        })
    }
}

impl Written for Network {
    const EXPECTED: &'static str = "an address or a prefix, such as `10.0.0.0/8`";
    const EXAMPLES: &'static [&'static str] = &["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|fault| match fault {
            InvalidNetwork::Form(_) => Wrong::new(format!("`{}` is not an address or a prefix", short(text)))
                .hint("such as `127.0.0.1`, `10.0.0.0/8` or `2001:db8::/32`; names are not looked up"),
            InvalidNetwork::Prefix { .. } => Wrong::new(fault.to_string()),
            InvalidNetwork::HostBits { network, .. } => {
                Wrong::new(fault.to_string()).hint(format!("the network is `{network}`"))
            }
        })
    }
}

/// A file, relative to the policy's folder.
#[derive(Debug, Clone)]
pub(crate) struct FilePath(pub(crate) PathBuf);

impl Written for FilePath {
    const EXPECTED: &'static str = "a file name";
    const EXAMPLES: &'static [&'static str] = &["cert.pem", "/etc/ratewarden/cert.pem"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.contains('\0') {
            return Err(Wrong::new("found no file name"));
        }
        if text.starts_with('~') {
            return Err(
                Wrong::new(format!("`{}`: `~` is a shell's word", short(text))).hint("write the whole path")
            );
        }
        Ok(Self(PathBuf::from(text)))
    }
}

/// Where the access log goes.
#[derive(Debug, Clone)]
pub(crate) enum AccessLogWord {
    Off,
    Stdout,
    File(FilePath),
}

impl Written for AccessLogWord {
    const EXPECTED: &'static str = "`off`, `stdout` or a file name";
    const EXAMPLES: &'static [&'static str] = &["off", "stdout", "access.ndjson"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "off" => Ok(Self::Off),
            "stdout" => Ok(Self::Stdout),
            "stderr" => {
                Err(Wrong::new("stderr has the gateway's own log").hint("write `stdout` or a file name"))
            }
            file => FilePath::parse(file).map(Self::File),
        }
    }
}

/// The name of an environment variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable(pub(crate) String);

impl Written for Variable {
    const EXPECTED: &'static str = "the name of an environment variable";
    const EXAMPLES: &'static [&'static str] = &["RATEWARDEN_TOKEN"];
    const PATTERN: &'static str = "^[A-Za-z_][A-Za-z0-9_]{0,255}$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let digit = text.starts_with(|c: char| c.is_ascii_digit());
        if text.is_empty() || text.len() > 256 || digit || !text.chars().all(fits) {
            let wrong = Wrong::new(format!("`{}` is not the name of an environment variable", short(text)));
            return Err(wrong.hint("the name alone, without `$`; never the secret itself"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A time zone.
#[derive(Debug, Clone)]
pub(crate) struct Zone(pub(crate) TimeZone);

impl Written for Zone {
    const EXPECTED: &'static str = "a time zone, such as `Europe/Berlin`";
    const EXAMPLES: &'static [&'static str] = &["UTC", "Europe/Berlin"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        TimeZone::get(text).map(Self).map_err(|_| {
            let names: Vec<String> =
                jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
            let hint = did_you_mean(text, names.iter().map(String::as_str));
            Wrong::new(format!("`{}` is not a time zone", short(text))).hint(
                hint.unwrap_or_else(|| {
                    "a name of the IANA database, such as `UTC` or `Europe/Berlin`".into()
                }),
            )
        })
    }
}
