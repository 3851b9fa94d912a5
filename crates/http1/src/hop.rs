//! Fields that are for one hop, and what `Connection` says.

use httparse::Header;

use crate::MAX_FIELDS;
use crate::refused::Reason;

/// Which fields of a head are not passed on, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Dropped([u64; MAX_FIELDS / 64]);

impl Dropped {
    pub(crate) fn set(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }
}

/// What `Connection` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// It names fields that must not be passed on.
    pub(crate) names_fields: bool,
}

/// Fields that framing, routing or the server's trust depends on: who takes them away on the way to the server
/// changes what the call means.
const PROTECTED: [&str; 12] = [
    "authorization",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

impl Options {
    /// Reads one `Connection` field.
    pub(crate) fn read(&mut self, value: &[u8], protected: &[String]) -> Result<(), Reason> {
        for option in options(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
            } else if !option.iter().all(|&byte| is_token(byte)) {
                return Err(Reason::InvalidConnection);
            } else if is_protected(option, protected) {
                return Err(Reason::ProtectedField);
            } else {
                self.names_fields = true;
            }
        }
        Ok(())
    }
}

/// Marks the fields that `Connection` names.
pub(crate) fn drop_named(fields: &[Header<'_>], dropped: &mut Dropped) {
    for connection in fields.iter().filter(|field| field.name.eq_ignore_ascii_case("connection")) {
        for option in options(connection.value) {
            for (index, field) in fields.iter().enumerate() {
                if field.name.as_bytes().eq_ignore_ascii_case(option) {
                    dropped.set(index);
                }
            }
        }
    }
}

/// Whether a field is for one hop whatever `Connection` says (RFC 9110 section 7.6.1, and what older programs
/// send).
#[must_use]
pub fn is_hop_by_hop(name: &str) -> bool {
    let names: &[&str] = match name.len() {
        2 => &["te"],
        7 => &["trailer", "upgrade"],
        10 => &["connection", "keep-alive"],
        14 => &["http2-settings"],
        16 => &["proxy-connection"],
        17 => &["transfer-encoding"],
        18 => &["proxy-authenticate"],
        19 => &["proxy-authorization"],
        _ => return false,
    };
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn options(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty())
}

fn is_protected(option: &[u8], protected: &[String]) -> bool {
    PROTECTED.iter().any(|name| option.eq_ignore_ascii_case(name.as_bytes()))
        || protected.iter().any(|name| option.eq_ignore_ascii_case(name.as_bytes()))
}

/// A character of a token (RFC 9110 section 5.6.2).
pub(crate) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
