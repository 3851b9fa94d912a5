//! A request's head.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use crate::framing::{Declared, Framing};
use crate::hop::{self, Dropped, Options};
use crate::refused::{Reason, Refused};

/// HTTP/1's minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: connections end after a call unless agreed otherwise, and there are no chunks.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request's head where it lies in the buffer, with what follows from its fields.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'h, 'b> {
    /// The method, as it came.
    pub method: &'b str,
    /// The path, as it came: see [`normalise`](crate::normalise).
    pub path: &'b str,
    /// What stands behind the first question mark.
    pub query: Option<&'b str>,
    /// The version.
    pub version: Version,
    /// All fields in their order.
    pub fields: &'h [Header<'b>],
    /// The body; [`Framing::None`], a length or chunks.
    pub framing: Framing,
    /// Host and port the client wants; empty only in HTTP/1.0.
    pub host: &'b str,
    /// The connection carries another call after this one.
    pub keep_alive: bool,
    /// The protocol to change to, if the client wants that.
    pub upgrade: Option<&'b [u8]>,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    pub(crate) dropped: Dropped,
}

/// Parses a whole head, as [`HeadEnd`](crate::HeadEnd) has found it, into `storage`, whose length is the most
/// fields a head may have. `protected` are names that `Connection` may not take away.
///
/// # Errors
/// With the reason, when the head is malformed or ambiguous.
pub fn parse_request<'h, 'b>(
    head: &'b [u8],
    storage: &'h mut [MaybeUninit<Header<'b>>],
    protected: &[String],
) -> Result<RequestHead<'h, 'b>, Refused> {
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, storage) {
        Ok(Status::Complete(_)) => {}
        Ok(Status::Partial) => return Err(Reason::RequestLine.into()),
        Err(error) => return Err(reason(error, Reason::RequestLine).into()),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Reason::RequestLine.into());
    };
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    let fields: &'h [Header<'b>] = request.headers;
    let (path, query) = split_target(method, target)?;
    let told = Told::read(fields, protected)?;
    let host = told.host(version)?;
    let framing = told.declared.framing(version == Version::Http10)?.unwrap_or(Framing::None);
    let keep_alive = match version {
        Version::Http11 => !told.options.close,
        Version::Http10 => told.options.keep_alive && !told.options.close,
    };
    let upgrade = if told.options.upgrade && version == Version::Http11 { told.upgrade } else { None };
    Ok(RequestHead {
        method,
        path,
        query,
        version,
        fields,
        framing,
        host,
        keep_alive,
        upgrade,
        expects_continue: told.expects_continue && version == Version::Http11,
        dropped: told.dropped,
    })
}

/// What the fields say, gathered in one pass.
#[derive(Debug, Default)]
struct Told<'b> {
    declared: Declared,
    options: Options,
    host: Option<&'b [u8]>,
    upgrade: Option<&'b [u8]>,
    expects_continue: bool,
    dropped: Dropped,
}

impl<'b> Told<'b> {
    fn read(fields: &[Header<'b>], protected: &[String]) -> Result<Self, Refused> {
        let mut told = Self::default();
        for (index, field) in fields.iter().enumerate() {
            if field.name.is_empty() {
                return Err(Reason::FieldName.into());
            }
            if hop::is_hop_by_hop(field.name) {
                told.dropped.set(index);
            }
            told.field(index, field, protected)?;
        }
        if told.options.names_fields {
            hop::drop_named(fields, &mut told.dropped);
        }
        Ok(told)
    }

    fn field(&mut self, index: usize, field: &Header<'b>, protected: &[String]) -> Result<(), Reason> {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        match field.name.len() {
            4 if is("host") && self.host.replace(field.value).is_some() => {
                return Err(Reason::DuplicateHost);
            }
            4 if is("host") => self.dropped.set(index),
            6 if is("expect") => {
                if !field.value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Reason::Expectation);
                }
                self.expects_continue = true;
                self.dropped.set(index);
            }
            7 if is("upgrade") => self.upgrade = Some(field.value),
            10 if is("connection") => self.options.read(field.value, protected)?,
            14 if is("content-length") => {
                self.declared.length(field.value)?;
                self.dropped.set(index);
            }
            17 if is("transfer-encoding") => self.declared.encoding(field.value)?,
            _ => {}
        }
        Ok(())
    }

    fn host(&self, version: Version) -> Result<&'b str, Refused> {
        let host = match (self.host, version) {
            (Some(host), _) if !host.is_empty() => host,
            (None, Version::Http10) => return Ok(""),
            _ => return Err(Reason::MissingHost.into()),
        };
        check_host(host)
    }
}

/// Host and port as a client names them, in `Host` or `:authority`.
///
/// # Errors
/// When it is empty, or holds what no host has: a user, a path, white space.
pub fn check_host(host: &[u8]) -> Result<&str, Refused> {
    if host.is_empty() {
        return Err(Reason::MissingHost.into());
    }
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_~:[]%!$&'()*+;=".contains(byte);
    if !host.iter().all(plain) {
        return Err(Reason::InvalidHost.into());
    }
    std::str::from_utf8(host).map_err(|_| Reason::InvalidHost.into())
}

fn split_target<'b>(method: &str, target: &'b str) -> Result<(&'b str, Option<&'b str>), Refused> {
    if matches!(method, "CONNECT" | "TRACE") {
        return Err(Reason::Method.into());
    }
    let asterisk = method == "OPTIONS" && target == "*";
    if !asterisk && !target.starts_with('/') {
        return Err(Reason::TargetForm.into());
    }
    Ok(match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    })
}

pub(crate) const fn reason(error: Error, first_line: Reason) -> Reason {
    match error {
        Error::HeaderName => Reason::FieldName,
        Error::HeaderValue => Reason::FieldValue,
        Error::TooManyHeaders => Reason::TooManyFields,
        Error::Version => Reason::Version,
        Error::NewLine | Error::Status | Error::Token => first_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host_and_a_port_and_nothing_else() {
        for host in ["a.test", "a.test:8080", "[::1]:80", "192.0.2.1"] {
            assert_eq!(check_host(host.as_bytes()), Ok(host));
        }
        for host in ["a b", "user@a", "a/b", "a?b", "a#b", "a\r\nx: y", "a\0", "\u{e9}.test"] {
            let refused = check_host(host.as_bytes()).map_err(|refused| refused.reason);
            assert_eq!(refused, Err(Reason::InvalidHost), "{host:?}");
        }
        assert_eq!(check_host(b"").map_err(|refused| refused.reason), Err(Reason::MissingHost));
    }
}
