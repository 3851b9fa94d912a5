//! Where something stands in a call: `header:x-api-key`, `query:limit`, `body:spec.cpus`.

use std::fmt;
use std::num::NonZeroU64;

use ratewarden_model::{Rate, format_duration, parse_size};

use crate::form::{Written, Wrong};
use crate::notes::short;
use crate::policy::{CostSource, Key, Offence, Server, Settle};
use crate::suggestion::{did_you_mean, nearest, one_of};
use crate::words::{HeaderName, StatusRange, is_token, server};

/// Names on the way to a field of a JSON body.
const MAX_DEPTH: usize = 16;

/// Bytes of a name.
const MAX_NAME: usize = 256;

/// `kind:NAME` as its two parts.
fn parts(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((kind, name)) => (kind, Some(name)),
        None => (text, None),
    }
}

/// None of the words that are known here.
fn unknown(text: &str, known: &[&'static str]) -> Wrong {
    let (kind, name) = parts(text);
    let near = nearest(kind, known.iter().map(|word| parts(word).0));
    let hint = near.map(|near| match name {
        Some(name) => format!("did you mean `{near}:{}`?", short(name)),
        None => known
            .iter()
            .find(|word| parts(word).0 == near)
            .map_or_else(String::new, |word| format!("did you mean `{word}`?")),
    });
    Wrong::new(format!("found `{}`, expected {}", short(text), one_of(known.iter().copied()))).hint_if(hint)
}

fn header(name: &str) -> Result<String, Wrong> {
    HeaderName::parse(name).map(|name| name.0)
}

fn plain(name: &str, what: &str) -> Result<String, Wrong> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(Wrong::new(format!("{what} has a name of 1 to {MAX_NAME} bytes")));
    }
    Ok(name.to_owned())
}

fn cookie(name: &str) -> Result<String, Wrong> {
    if !name.chars().all(is_token) {
        return Err(Wrong::new(format!("`{}` is not the name of a cookie", short(name))));
    }
    plain(name, "a cookie")
}

fn field(path: &str) -> Result<Vec<String>, Wrong> {
    let names: Vec<String> = path.split('.').map(ToOwned::to_owned).collect();
    if path.len() > MAX_NAME || names.len() > MAX_DEPTH || names.iter().any(String::is_empty) {
        let message = format!("`{}` is not a field of a JSON body", short(path));
        return Err(Wrong::new(message)
            .hint(format!("names joined by dots, such as `spec.cpus`, at most {MAX_DEPTH}")));
    }
    Ok(names)
}

/// A number of bytes that cost one.
fn unit(size: &str) -> Result<NonZeroU64, Wrong> {
    parse_size(size).ok().and_then(NonZeroU64::new).ok_or_else(|| {
        Wrong::new(format!("`{}` is not a size", short(size)))
            .hint("such as `1KiB`: each started KiB costs one")
    })
}

/// Where a caller's name stands; the settings of a token are keys of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallerWord {
    Header(String),
    Bearer,
    Basic,
    Cookie(String),
    Jwt(String),
    Mtls,
    Address,
}

impl Written for CallerWord {
    const EXPECTED: &'static str = "where a caller is named, such as `header:x-api-key`";
    const EXAMPLES: &'static [&'static str] =
        &["header:x-api-key", "bearer", "basic", "cookie:session", "jwt:sub", "mtls", "address"];
    const PATTERN: &'static str = "^(bearer|basic|mtls|address|(header|cookie|jwt):.+)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match parts(text) {
            ("header", Some(name)) => header(name).map(Self::Header),
            ("bearer", None) => Ok(Self::Bearer),
            ("basic", None) => Ok(Self::Basic),
            ("cookie", Some(name)) => cookie(name).map(Self::Cookie),
            ("jwt", Some(claim)) => plain(claim, "a claim").map(Self::Jwt),
            ("mtls", None) => Ok(Self::Mtls),
            ("address", None) => Ok(Self::Address),
            _ => Err(unknown(
                text,
                &["header:NAME", "bearer", "basic", "cookie:NAME", "jwt:CLAIM", "mtls", "address"],
            )),
        }
    }
}

impl Written for Key {
    const EXPECTED: &'static str = "what calls are counted per, such as `caller`";
    const EXAMPLES: &'static [&'static str] = &[
        "caller",
        "address",
        "user",
        "route",
        "method",
        "header:x-team",
        "query:kind",
        "path:id",
        "cookie:session",
        "body:spec.user",
    ];
    const PATTERN: &'static str = "^(caller|address|user|route|method|(header|query|path|cookie|body):.+)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match parts(text) {
            ("caller", None) => Ok(Self::Caller),
            ("address", None) => Ok(Self::Address),
            ("user", None) => Ok(Self::User),
            ("route", None) => Ok(Self::Route),
            ("method", None) => Ok(Self::Method),
            ("header", Some(name)) => header(name).map(Self::Header),
            ("query", Some(name)) => plain(name, "a query parameter").map(Self::Query),
            ("path", Some(name)) => plain(name, "a path parameter").map(Self::Path),
            ("cookie", Some(name)) => cookie(name).map(Self::Cookie),
            ("body", Some(path)) => field(path).map(Self::Body),
            _ => Err(unknown(
                text,
                &[
                    "caller",
                    "address",
                    "user",
                    "route",
                    "method",
                    "header:NAME",
                    "query:NAME",
                    "path:NAME",
                    "cookie:NAME",
                    "body:FIELD",
                ],
            )),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("caller"),
            Self::Address => f.write_str("address"),
            Self::User => f.write_str("user"),
            Self::Route => f.write_str("route"),
            Self::Method => f.write_str("method"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Path(name) => write!(f, "path:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Body(names) => write!(f, "body:{}", names.join(".")),
        }
    }
}

/// A cost that stands in the call.
#[derive(Debug, Clone)]
pub(crate) struct CostWord(pub(crate) CostSource);

impl Written for CostWord {
    const EXPECTED: &'static str = "where the cost stands, such as `query:limit`";
    const EXAMPLES: &'static [&'static str] =
        &["query:limit", "header:x-cost", "body:spec.cpus", "body-bytes", "body-bytes:1KiB"];
    const PATTERN: &'static str = "^(body-bytes|(query|header|body|body-bytes):.+)$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let source = match parts(text) {
            ("query", Some(name)) => CostSource::Query(plain(name, "a query parameter")?),
            ("header", Some(name)) => CostSource::Header(header(name)?),
            ("body", Some(path)) => CostSource::Body(field(path)?),
            ("body-bytes", Some(size)) => CostSource::BodyBytes { per: unit(size)? },
            ("body-bytes", None) => CostSource::BodyBytes { per: NonZeroU64::MIN },
            _ => {
                return Err(unknown(text, &["query:NAME", "header:NAME", "body:FIELD", "body-bytes:SIZE"]));
            }
        };
        Ok(Self(source))
    }
}

impl Written for Settle {
    const EXPECTED: &'static str = "what is charged after the response, such as `response-bytes:1KiB`";
    const EXAMPLES: &'static [&'static str] = &[
        "response-bytes:1KiB",
        "response-header:x-cost",
        "status:5xx=0",
        "status:404=0",
        "status:500-503=0",
    ];
    const PATTERN: &'static str = "^(response-bytes|response-header|status):.+$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        match parts(text) {
            ("response-bytes", Some(size)) => Ok(Self::ResponseBytes { per: unit(size)? }),
            ("response-header", Some(name)) => Ok(Self::ResponseHeader(header(name)?)),
            ("status", Some(rule)) => status_cost(rule).ok_or_else(|| {
                Wrong::new(format!("`{}` is not a status and a cost", short(rule)))
                    .hint("such as `status:5xx=0`, `status:404=0` or `status:500-503=0`")
            }),
            _ => Err(unknown(text, &["response-bytes:SIZE", "response-header:NAME", "status:5xx=COST"])),
        }
    }
}

fn status_cost(rule: &str) -> Option<Settle> {
    let (statuses, cost) = rule.split_once('=')?;
    let StatusRange { from, to } = StatusRange::of(statuses)?;
    let digits = cost.bytes().all(|byte| byte.is_ascii_digit());
    let cost = cost.parse().ok().filter(|_| digits)?;
    Some(Settle::Status { from, to, cost })
}

/// `20 rejections/1m`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct After {
    pub(crate) offence: Offence,
    pub(crate) rate: Rate,
}

const OFFENCES: [(&str, Offence); 2] =
    [("rejections", Offence::Rejections), ("failed-credentials", Offence::FailedCredentials)];

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = OFFENCES.iter().find(|(_, offence)| *offence == self.offence).map_or("", |(word, _)| word);
        write!(f, "{} {word}/{}", self.rate.calls, format_duration(self.rate.per))
    }
}

impl Written for After {
    const EXPECTED: &'static str = "so many offences, such as `20 rejections/1m`";
    const EXAMPLES: &'static [&'static str] = &["20 rejections/1m", "10 failed-credentials/1m"];
    const PATTERN: &'static str =
        r"^\s*[0-9_]+ +(rejections|failed-credentials)\s*/\s*[0-9]*(ms|s|m|h|d)\s*$";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            Wrong::new(format!("`{}` is not a number of offences in a time", short(text)))
                .hint("such as `20 rejections/1m` or `10 failed-credentials/1m`")
        };
        let (counted, per) = text.trim().split_once('/').ok_or_else(wrong)?;
        let (number, offence) = counted.trim().split_once(' ').ok_or_else(wrong)?;
        let (number, offence) = (number.trim(), offence.trim());
        let words = OFFENCES.map(|(word, _)| word);
        let Some((_, offence)) = OFFENCES.iter().find(|(word, _)| *word == offence) else {
            let message = format!("found `{}`, expected {}", short(offence), one_of(words));
            return Err(Wrong::new(message).hint_if(did_you_mean(offence, words)));
        };
        let rate = <Rate as Written>::parse(&format!("{number}/{per}")).map_err(|_| wrong())?;
        Ok(Self { offence: *offence, rate })
    }
}

/// A field of a JSON body, without the word `body:`.
#[derive(Debug, Clone)]
pub(crate) struct BodyField(pub(crate) Vec<String>);

impl Written for BodyField {
    const EXPECTED: &'static str = "a field of a JSON body, such as `spec.cpus`";
    const EXAMPLES: &'static [&'static str] = &["limit", "spec.cpus"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        field(text).map(Self)
    }
}

/// A query parameter.
#[derive(Debug, Clone)]
pub(crate) struct QueryName(pub(crate) String);

impl Written for QueryName {
    const EXPECTED: &'static str = "the name of a query parameter";
    const EXAMPLES: &'static [&'static str] = &["limit"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        plain(text, "a query parameter").map(Self)
    }
}

/// A set of public keys: a file, or a URL.
#[derive(Debug, Clone)]
pub(crate) enum KeySet {
    File(crate::words::FilePath),
    Url { url: String, server: Server, target: String },
}

impl Written for KeySet {
    const EXPECTED: &'static str = "a file name or an `https://` URL";
    const EXAMPLES: &'static [&'static str] =
        &["jwks.json", "https://login.example.com/.well-known/jwks.json"];

    fn parse(text: &str) -> Result<Self, Wrong> {
        if !text.contains("://") {
            return crate::words::FilePath::parse(text).map(Self::File);
        }
        let (server, rest) = server::split(text)?;
        if rest.contains(['#', '\\']) || !rest.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Wrong::new(format!("`{}` is not a URL", short(text))));
        }
        if !server.https && !server::is_loopback(&server) {
            let wrong = Wrong::new("keys fetched over `http://` could be anybody's");
            return Err(wrong.hint("write `https://`; only this machine may be asked without"));
        }
        let target = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        Ok(Self::Url { url: text.to_owned(), server, target })
    }
}
