//! Strings with a grammar of their own: names, addresses, durations, sizes, headers.
//!
//! What makes them wrong is said in their own terms, with what was most likely meant as the hint.

mod receivers;
mod server;
mod sources;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use ratewarden_model::{Rate, format_duration, format_size, parse_duration, parse_size};

use crate::form::{Written, Wrong};
use crate::network::{InvalidNetwork, Network};
use crate::notes::short;
use crate::suggestion::did_you_mean;
use crate::template::{InvalidTemplate, PathTemplate};

pub(crate) use receivers::{HostName, MailAddress, Peer, PostUrl};
pub(crate) use sources::{After, BodyField, CallerWord, CostWord, KeySet, QueryName};
pub(crate) use watch::{
    Exempt, MOST, Pace, PathPattern, Pause, RulePattern, StatusRange, WEEK, Whole, as_rule_name, is_rule_name,
};

/// The longest time anything is configured to: a year.
pub(crate) const YEAR: u64 = 366 * 86_400;

/// The longest timeout: a day.
pub(crate) const DAY: u64 = 86_400;

/// A name in messages, metrics and header fields.
///
/// It stands as a quoted string in `RateLimit-Policy` (RFC 9651: printable ASCII), and a name that needs escapes
/// there would be misread by somebody.
#[derive(Debug, Clone)]
pub(crate) struct Name(pub(crate) String);

impl Written for Name {
    const EXPECTED: &'static str = "a name of 1 to 64 characters";
    const EXAMPLES: &'static [&'static str] = &["job submissions"];
    const PATTERN: &'static str = r"^[!#-\[\]-~]([ !#-\[\]-~]{0,62}[!#-\[\]-~])?$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.len() > 64 {
            return Err(Wrong::new(format!("found a name of {} bytes, expected 1 to 64", text.len())));
        }
        if let Some(wrong) = text.chars().find(|c| !matches!(c, ' '..='~') || matches!(c, '"' | '\\')) {
            let message = format!("`{}` has no place in a name", short(&wrong.to_string()));
            return Err(Wrong::new(message)
                .hint("printable ASCII, without `\"` and `\\`: it stands in header fields"));
        }
        if text.trim() != text {
            return Err(Wrong::new("a name neither begins nor ends with a space"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Any text of 1 to `MAX` bytes.
#[derive(Debug, Clone)]
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> Written for Text<MAX> {
    const EXPECTED: &'static str = "a string";
    const EXAMPLES: &'static [&'static str] = &["text"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.len() > MAX {
            return Err(Wrong::new(format!("found {} bytes, expected 1 to {MAX}", text.len())));
        }
        Ok(Self(text.to_owned()))
    }
}

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
            _ if text.parse::<std::net::IpAddr>().is_ok() => wrong().hint("the port is missing"),
            _ => wrong().hint("such as `127.0.0.1:8080` or `[::1]:8080`"),
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

/// A duration of at most `MAX` seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lasting<const MAX: u64>(pub(crate) Duration);

impl<const MAX: u64> Written for Lasting<MAX> {
    const EXPECTED: &'static str = "a duration, such as `10s`";
    const EXAMPLES: &'static [&'static str] = &["500ms", "10s", "1m", "24h"];
    const PATTERN: &'static str = r"^\s*[0-9]+(ms|s|m|h|d)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let duration = parse_duration(text).map_err(|_| {
            let (message, hint) = unit_fault(text, "a duration");
            Wrong::new(message)
                .hint(hint.unwrap_or("a whole number and a unit: `500ms`, `10s`, `1m`, `24h`, `7d`"))
        })?;
        if duration > Duration::from_secs(MAX) {
            let most = format_duration(Duration::from_secs(MAX));
            return Err(Wrong::new(format!("found {}, expected at most {most}", format_duration(duration))));
        }
        Ok(Self(duration))
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("a duration has a unit: \"{number}s\" is {number} seconds"))
    }
}

/// What is wrong with a number and a unit; zero has a hint of its own.
fn unit_fault(text: &str, what: &str) -> (String, Option<&'static str>) {
    let zero = text.trim().trim_start_matches('0').chars().next().is_none_or(char::is_alphabetic);
    if zero && text.trim().starts_with('0') {
        return (format!("`{}` is zero", short(text)), Some("zero never means unlimited here"));
    }
    (format!("`{}` is not {what}", short(text)), None)
}

impl Written for Rate {
    const EXPECTED: &'static str = "a rate, such as `100/1m`";
    const EXAMPLES: &'static [&'static str] = &["100/1m", "10_000/24h"];
    const PATTERN: &'static str = r"^\s*[0-9_]+\s*/\s*[0-9]*(ms|s|m|h|d)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| {
            let (message, zero) = unit_fault(text.split('/').next().unwrap_or(""), "a rate");
            match zero {
                Some(hint) => Wrong::new(message).hint(hint),
                None => Wrong::new(format!("`{}` is not a rate", short(text)))
                    .hint("calls per duration: `100/1m`, `10/1s`, `10_000/24h`"),
            }
        })
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("a rate has a duration: \"{number}/1m\" is {number} calls a minute"))
    }
}

/// A size of at most `MAX` bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size<const MAX: u64>(pub(crate) u64);

impl<const MAX: u64> Written for Size<MAX> {
    const EXPECTED: &'static str = "a size, such as `64KiB`";
    const EXAMPLES: &'static [&'static str] = &["512B", "64KiB", "10MiB"];
    const PATTERN: &'static str = r"^\s*[0-9]+(B|KiB|MiB|GiB)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let bytes = parse_size(text).map_err(|_| {
            let (message, hint) = unit_fault(text, "a size");
            let hint = hint.map_or_else(|| size_hint(text), ToOwned::to_owned);
            Wrong::new(message).hint(hint)
        })?;
        if bytes > MAX {
            return Err(Wrong::new(format!(
                "found {}, expected at most {}",
                format_size(bytes),
                format_size(MAX)
            )));
        }
        Ok(Self(bytes))
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Some(format!("a size has a unit: \"{number}B\" is {number} bytes"))
    }
}

fn size_hint(text: &str) -> String {
    for (decimal, binary) in
        [("kb", "KiB"), ("mb", "MiB"), ("gb", "GiB"), ("k", "KiB"), ("m", "MiB"), ("g", "GiB")]
    {
        let lower = text.trim().to_ascii_lowercase();
        if let Some(number) = lower.strip_suffix(decimal).filter(|number| number.parse::<u64>().is_ok()) {
            return format!("units are binary: `{number}{binary}`");
        }
    }
    "a whole number and a unit: `512B`, `64KiB`, `10MiB`, `1GiB`".to_owned()
}

/// A cap on bodies: a size, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyCap(pub(crate) Option<u64>);

impl Written for BodyCap {
    const EXPECTED: &'static str = "a size, such as `10MiB`, or `none`";
    const EXAMPLES: &'static [&'static str] = &["none", "10MiB"];
    const PATTERN: &'static str = r"^(none|\s*[0-9]+(B|KiB|MiB|GiB)\s*)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "none" => Ok(Self(None)),
            size => Size::<{ u64::MAX }>::parse(size).map(|size| Self(Some(size.0))),
        }
    }

    fn hint_for_number(number: &str) -> Option<String> {
        Size::<{ u64::MAX }>::hint_for_number(number)
    }
}

/// The name of a header field, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct HeaderName(pub(crate) String);

impl Written for HeaderName {
    const EXPECTED: &'static str = "the name of a header field";
    const EXAMPLES: &'static [&'static str] = &["x-team"];
    const PATTERN: &'static str = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.is_empty() || text.len() > 128 || !text.chars().all(is_token) {
            let wrong = Wrong::new(format!("`{}` is not the name of a header field", short(text)));
            let trimmed = text.trim().trim_end_matches(':').trim_end();
            let meant = trimmed != text && !trimmed.is_empty() && trimmed.chars().all(is_token);
            return Err(wrong.hint_if(meant.then(|| format!("write `{}`", short(trimmed)))));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// A character of a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// The value of a header field: visible, with spaces only between.
#[derive(Debug, Clone)]
pub(crate) struct HeaderValue(pub(crate) String);

impl Written for HeaderValue {
    const EXPECTED: &'static str = "the value of a header field";
    const EXAMPLES: &'static [&'static str] = &["red", "text/plain; charset=utf-8"];
    const PATTERN: &'static str = r"^[!-~]([ -~]{0,1022}[!-~])?$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let visible = text.chars().all(|c| matches!(c, ' '..='~'));
        if text.is_empty() || text.len() > 1_024 || !visible || text.trim() != text {
            let message = format!("`{}` cannot be the value of a header field", short(text));
            return Err(
                Wrong::new(message).hint("1 to 1024 printable ASCII characters, no space at either end")
            );
        }
        Ok(Self(text.to_owned()))
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

/// A method.
#[derive(Debug, Clone)]
pub(crate) struct Method(pub(crate) String);

impl Written for Method {
    const EXPECTED: &'static str = "a method, such as `POST`";
    const EXAMPLES: &'static [&'static str] = &["GET", "POST"];
    const PATTERN: &'static str = "^[A-Z][A-Z0-9_-]{0,31}$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let upper = text.to_ascii_uppercase();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins || text.len() > 32 || !text.chars().all(fits) {
            return Err(Wrong::new(format!("`{}` is not a method", short(text))));
        }
        if upper != text {
            return Err(Wrong::new("methods are told apart by case").hint(format!("write `{upper}`")));
        }
        Ok(Self(upper))
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

impl Written for PathTemplate {
    const EXPECTED: &'static str = "a path, such as `/api/jobs/{id}`";
    const EXAMPLES: &'static [&'static str] = &["/api/jobs/", "/api/jobs/{id}/logs", "/files/{*rest}"];
    const PATTERN: &'static str = r"^/[^?#\s\\]*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|fault: InvalidTemplate| {
            let hint = match &fault {
                InvalidTemplate::NotPath('?') => "a query is matched with `query = { name = \"value\" }`",
                InvalidTemplate::Braces(_) => "`/{name}/` is one whole segment, `/{*rest}` all that is left",
                InvalidTemplate::Relative if text.contains("://") => "only the path, without scheme and host",
                InvalidTemplate::NotNormal { form, .. } => &format!("write `{}`", short(form)),
                _ => return Wrong::new(fault.to_string()),
            };
            Wrong::new(fault.to_string()).hint(hint)
        })
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

/// A path that is asked for, with or without a query.
#[derive(Debug, Clone)]
pub(crate) struct RequestPath(pub(crate) String);

impl Written for RequestPath {
    const EXPECTED: &'static str = "a path, such as `/healthz`";
    const EXAMPLES: &'static [&'static str] = &["/healthz"];
    const PATTERN: &'static str = r#"^/[!"$-~]{0,1023}$"#;

    fn parse(text: &str) -> Result<Self, Wrong> {
        let fits = |c: char| c.is_ascii_graphic() && c != '#';
        if !text.starts_with('/') || text.len() > 1_024 || !text.chars().all(fits) {
            let wrong = Wrong::new(format!("`{}` is not a path that can be asked for", short(text)));
            return Err(wrong.hint("it begins with `/` and has no spaces and no `#`"));
        }
        Ok(Self(text.to_owned()))
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

#[cfg(test)]
mod tests;
