//! HAProxy's `option httplog`.
//!
//! Source: <https://docs.haproxy.org/3.0/configuration.html#8.2.3>. Captured headers stand in braces before the request; quotes
//! in them are written `#22`, so the first quote is the request's. The date has no zone: it is the machine's.

use std::net::IpAddr;

use ratewarden_model::Call;

use crate::date::Dates;
use crate::fault::Fault;
use crate::text::address::{address, is_port};
use crate::text::scan::{Cursor, number, request, scaled, status};

/// Reads one line.
pub(crate) fn read<'a>(line: &'a [u8], dates: &mut Dates) -> Result<Call<'a>, Fault> {
    let mut cursor = Cursor::new(line);
    let client = client(cursor.word())?;
    let date =
        cursor.word().strip_prefix(b"[").and_then(|date| date.strip_suffix(b"]")).ok_or(Fault::Form)?;
    let _frontend = cursor.word();
    let server = cursor.word();
    let times = cursor.word();
    if !server.contains(&b'/') || !times.contains(&b'/') {
        return Err(Fault::Form);
    }
    let at_ms = dates.haproxy(date)?;
    let status = match cursor.word() {
        b"-1" => 0,
        word => status(word)?,
    };
    let bytes = cursor.word();
    let bytes = number(bytes.strip_prefix(b"+").unwrap_or(bytes))?;
    let start = memchr::memchr(b'"', cursor.rest).ok_or(Fault::Quote)?;
    cursor.rest = cursor.rest.get(start + 1..).unwrap_or_default();
    let (method, target) = request(cursor.quoted()?);
    Ok(Call { address: client, method, target, status, bytes, micros: total(times), ..Call::at(at_ms) })
}

/// Address and port, IPv6 with or without brackets; `unix@…` is a socket.
fn client(word: &[u8]) -> Result<Option<IpAddr>, Fault> {
    if word.starts_with(b"unix") {
        return Ok(None);
    }
    let at = memchr::memrchr(b':', word).ok_or(Fault::Form)?;
    let (host, port) = word.split_at_checked(at).ok_or(Fault::Form)?;
    match address(host) {
        Some(address) if port.get(1..).is_some_and(is_port) => Ok(Some(address)),
        _ => Err(Fault::Form),
    }
}

/// The total is the last of the times, in milliseconds; `+` says that data went on after it, `-1` that nobody knows.
fn total(times: &[u8]) -> Option<u64> {
    let last = times.rsplit(|&byte| byte == b'/').next()?;
    scaled(last.strip_prefix(b"+").unwrap_or(last), 1000)
}
