//! Names of fields, and what of a call they mean.

use std::io::Write as _;

use ratewarden_detect::{By, Quantity};
use ratewarden_model::Call;

/// What of a call a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Method,
    /// Path and query.
    Target,
    Path,
    Query,
    Agent,
    Referer,
    User,
    Address,
    Status,
    Bytes,
    Millis,
    Nanos,
}

/// Names in lower case: those of the W3C form, which Sigma's own taxonomy has; those of ECS; those of common programs.
const NAMES: &[(Field, &[&str])] = &[
    (
        Field::Method,
        &["cs-method", "c-method", "http.request.method", "http_method", "request_method", "method"],
    ),
    (
        Field::Target,
        &[
            "cs-uri",
            "c-uri",
            "url.original",
            "url.full",
            "request_uri",
            "uri",
            "url",
            "request",
            "http.target",
        ],
    ),
    (Field::Path, &["cs-uri-stem", "c-uri-stem", "url.path", "uri_path", "path"]),
    (Field::Query, &["cs-uri-query", "c-uri-query", "url.query", "uri_query", "query_string"]),
    (
        Field::Agent,
        &[
            "cs-user-agent",
            "c-useragent",
            "cs(user-agent)",
            "user_agent.original",
            "user_agent",
            "useragent",
            "http_user_agent",
        ],
    ),
    (
        Field::Referer,
        &[
            "cs-referer",
            "cs-referrer",
            "c-referer",
            "cs(referer)",
            "http.request.referrer",
            "http_referer",
            "referer",
            "referrer",
        ],
    ),
    (Field::User, &["cs-username", "user.name", "username", "remote_user", "user"]),
    (
        Field::Address,
        &[
            "c-ip",
            "src_ip",
            "source.ip",
            "client.ip",
            "source.address",
            "client.address",
            "client_ip",
            "clientip",
            "remote_addr",
            "sourceip",
            "ipaddress",
        ],
    ),
    (Field::Status, &["sc-status", "status", "status_code", "http.response.status_code", "http_status"]),
    (
        Field::Bytes,
        &["sc-bytes", "bytes", "http.response.bytes", "http.response.body.bytes", "body_bytes_sent"],
    ),
    (Field::Millis, &["time-taken"]),
    (Field::Nanos, &["event.duration"]),
];

/// Names that are often used and of which a call keeps nothing.
const NOT_KEPT: &[&str] = &[
    "cs-host",
    "r-dns",
    "dest_domain",
    "destination.domain",
    "url.domain",
    "host",
    "cs-cookie",
    "cs(cookie)",
    "cs-bytes",
    "c-uri-extension",
    "s-ip",
    "s-port",
    "dst_ip",
    "destination.ip",
    "cs-version",
    "sc-substatus",
    "s-computername",
];

impl Field {
    /// The field of that name.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn of(name: &str) -> Result<Self, &'static str> {
        let lower = name.to_ascii_lowercase();
        let found = NAMES.iter().find(|(_, names)| names.contains(&lower.as_str()));
        found.map(|&(field, _)| field).ok_or(if NOT_KEPT.contains(&lower.as_str()) {
            "calls do not keep it"
        } else {
            "no such field of a call is known"
        })
    }

    /// What it says in a call, as text; empty where the call does not say it. Numbers are written into `room`.
    pub(crate) fn text<'a>(self, call: &'a Call<'a>, room: &'a mut Room) -> &'a [u8] {
        match self {
            Self::Method => call.method,
            Self::Target => call.target,
            Self::Path => call.path(),
            Self::Query => call.query(),
            Self::Agent => call.agent,
            Self::Referer => call.referer,
            Self::User => call.user,
            Self::Address => call.address.map_or(b"", |address| room.write(address.to_canonical())),
            _ => self.number(call).map_or(b"", |number| room.write(number)),
        }
    }

    /// What it says in a call, as a number; `None` where the call does not say it, or it is none.
    pub(crate) fn number(self, call: &Call<'_>) -> Option<f64> {
        match self {
            Self::Status => (call.status != 0).then(|| f64::from(call.status)),
            Self::Bytes => (call.bytes != 0).then_some(call.bytes as f64),
            Self::Millis => call.micros.map(|micros| micros as f64 / 1e3),
            Self::Nanos => call.micros.map(|micros| micros as f64 * 1e3),
            _ => None,
        }
    }

    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::Status | Self::Bytes | Self::Millis | Self::Nanos)
    }

    /// What calls are grouped by that are alike in it.
    pub(crate) const fn as_by(self) -> Option<By> {
        match self {
            Self::Method => Some(By::Method),
            Self::Target => Some(By::Target),
            Self::Path => Some(By::Path),
            Self::Query => Some(By::Query),
            Self::Agent => Some(By::Agent),
            Self::User => Some(By::User),
            Self::Address => Some(By::Address),
            Self::Status => Some(By::Status),
            Self::Referer | Self::Bytes | Self::Millis | Self::Nanos => None,
        }
    }

    /// What can be summed up, and how many of the field's units one of the quantity's is.
    pub(crate) const fn as_quantity(self) -> Option<(Quantity, f64)> {
        match self {
            Self::Bytes => Some((Quantity::Bytes, 1.0)),
            Self::Millis => Some((Quantity::Millis, 1.0)),
            Self::Nanos => Some((Quantity::Millis, 1e6)),
            _ => None,
        }
    }
}

/// Room for a number or an address as text.
#[derive(Debug)]
pub(crate) struct Room([u8; 64]);

impl Default for Room {
    fn default() -> Self {
        Self([0; 64])
    }
}

impl Room {
    fn write(&mut self, value: impl std::fmt::Display) -> &[u8] {
        let mut left = self.0.as_mut_slice();
        let _ = write!(left, "{value}");
        let left = left.len();
        let written = self.0.len() - left;
        self.0.get(..written).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_a_call_says() {
        let call = Call {
            target: b"/a?b=c",
            status: 404,
            micros: Some(1500),
            address: "::ffff:192.0.2.1".parse().ok(),
            ..Call::at(0)
        };
        let text = |name: &str| Field::of(name).unwrap().text(&call, &mut Room::default()).to_vec();
        for (name, expected) in [
            ("cs-uri", "/a?b=c"),
            ("cs-uri-stem", "/a"),
            ("url.query", "b=c"),
            ("SC-Status", "404"),
            ("time-taken", "1.5"),
            ("c-ip", "192.0.2.1"),
            ("bytes", ""),
        ] {
            assert_eq!(text(name), expected.as_bytes(), "{name}");
        }
        assert_eq!(Field::of("cs-host"), Err("calls do not keep it"));
        assert!(Field::of("CommandLine").is_err());
    }

    #[test]
    fn no_name_means_two_fields() {
        let mut names: Vec<_> = NAMES.iter().flat_map(|(_, names)| *names).chain(NOT_KEPT).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
