//! The Common Log Format and all that grew out of it: nginx combined, its stock `main` and the ingress form, Apache common,
//! combined and vhost, Traefik's.
//!
//! All begin alike, `address ident user [date] "request" status bytes`, and differ in what follows. The date's
//! bracket is the one before `] "`: servers escape quotes in what clients send, so a user name cannot forge it.

use std::net::IpAddr;

use ratewarden_model::Call;

use crate::date::Dates;
use crate::fault::Fault;
use crate::form::Form;
use crate::text::address::{address, is_port, v4};
use crate::text::scan::{Cursor, number, request, scaled, something, status};

/// Reads a line of any of these forms into `call`, and says which it is.
#[inline]
pub(crate) fn read<'a>(line: &'a [u8], dates: &mut Dates, call: &mut Call<'a>) -> Result<Form, Fault> {
    let mut cursor = Cursor::new(line);
    let (host, address) = host(&mut cursor)?;
    let (user, at_ms) = who_and_when(&mut cursor, host, dates)?;
    cursor.eat(b" \"").ok_or(Fault::Form)?;
    let (method, target) = request(cursor.quoted()?);
    cursor.eat(b" ").ok_or(Fault::Status)?;
    let status = status(cursor.word())?;
    let bytes = number(cursor.word())?;
    *call = Call { address, user, method, target, status, bytes, ..Call::at(at_ms) };
    tail(&mut cursor, call)
}

/// Reads Apache's `vhost_combined`: the same with the server's `name:port` before it.
pub(crate) fn read_vhost<'a>(line: &'a [u8], dates: &mut Dates, call: &mut Call<'a>) -> Result<(), Fault> {
    let mut cursor = Cursor::new(line);
    let name = cursor.word();
    // Of IPv6 what looks like a port is part of the address, whose line has no name before it.
    if address(name).is_some() {
        return Err(Fault::Form);
    }
    let at = memchr::memrchr(b':', name).ok_or(Fault::Form)?;
    if !name.get(at + 1..).is_some_and(is_port) {
        return Err(Fault::Form);
    }
    read(cursor.rest, dates, call).map(|_| ())
}

/// Who is at the beginning: an address, or a name or nothing, of which no more is made than that it may stand there.
#[derive(Clone, Copy, PartialEq)]
enum Host {
    Address,
    Other,
}

#[inline]
fn host(cursor: &mut Cursor<'_>) -> Result<(Host, Option<IpAddr>), Fault> {
    if let Some((address, [b' ', rest @ ..])) = v4(cursor.rest) {
        cursor.rest = rest;
        return Ok((Host::Address, Some(IpAddr::V4(address))));
    }
    let word = cursor.word();
    if let Some(address) = address(word) {
        return Ok((Host::Address, Some(address)));
    }
    let named = !word.is_empty()
        && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if named || word == b"unix:" { Ok((Host::Other, None)) } else { Err(Fault::Form) }
}

/// `ident user [date]`, of which the user may have blanks and brackets in it.
#[inline]
fn who_and_when<'a>(
    cursor: &mut Cursor<'a>,
    host: Host,
    dates: &mut Dates,
) -> Result<(&'a [u8], i64), Fault> {
    // The usual case: nobody.
    if let Some(rest) = cursor.rest.strip_prefix(b"- - [")
        && let Some((date, after)) = rest.split_first_chunk::<26>()
        && let [b']', after @ ..] = after
    {
        cursor.rest = after;
        return Ok((b"", dates.clf(date)?));
    }
    let ident = cursor.word();
    // An old ingress form: `192.0.2.1 - [192.0.2.1] - user [date]`.
    if cursor.rest.first() == Some(&b'[')
        && let Some(end) = cursor.rest.iter().take(50).position(|&byte| byte == b']')
        && let Some(rest) = cursor.rest.get(end + 1..).and_then(|rest| rest.strip_prefix(b" - "))
    {
        cursor.rest = rest;
    }
    let all = cursor.rest;
    for at in memchr::memchr_iter(b'[', all) {
        let Some((date, after)) = all.get(at + 1..).and_then(<[u8]>::split_first_chunk::<26>) else { break };
        if !after.starts_with(b"] \"") {
            continue;
        }
        let user = all.get(..at).and_then(|user| user.strip_suffix(b" ")).ok_or(Fault::Form)?;
        if (host == Host::Other || ident != b"-") && user.contains(&b' ') {
            return Err(Fault::Form);
        }
        let at_ms = dates.clf(date)?;
        cursor.rest = after.get(1..).unwrap_or_default();
        return Ok((something(user), at_ms));
    }
    Err(Fault::Form)
}

/// What follows the bytes, and what form that makes it.
#[inline]
fn tail<'a>(cursor: &mut Cursor<'a>, call: &mut Call<'a>) -> Result<Form, Fault> {
    if cursor.rest.is_empty() {
        return Ok(Form::ApacheCommon);
    }
    call.referer = something(cursor.in_quotes()?);
    cursor.eat(b" ").ok_or(Fault::Form)?;
    call.agent = something(cursor.in_quotes()?);
    match cursor.rest {
        [] => Ok(Form::NginxCombined),
        [b' ', rest @ ..] => Ok(known_tail(Cursor::new(rest), call)),
        _ => Err(Fault::Form),
    }
}

/// Tails that are known; any other is passed over.
fn known_tail<'a>(mut cursor: Cursor<'a>, call: &mut Call<'a>) -> Form {
    if cursor.rest.first() == Some(&b'"') {
        let one = cursor.in_quotes().is_ok() && cursor.rest.is_empty();
        return if one { Form::NginxMain } else { Form::NginxCombined };
    }
    let first = cursor.word();
    if number(first).is_err() {
        return Form::NginxCombined;
    }
    // Traefik: `42 "router" "http://10.0.0.1:80" 12ms`.
    if cursor.rest.first() == Some(&b'"') {
        let mut rest = cursor;
        let parts = rest.in_quotes().is_ok() && rest.eat(b" ").is_some() && rest.in_quotes().is_ok();
        if parts
            && let Some(took) = rest.rest.strip_prefix(b" ").and_then(|took| took.strip_suffix(b"ms"))
            && let Some(micros) = scaled(took, 1000)
        {
            call.micros = Some(micros);
            return Form::TraefikClf;
        }
        return Form::NginxCombined;
    }
    // The ingress form: `462 0.004 [upstream] [] 10.0.0.1:80 …`.
    let took = cursor.word();
    match scaled(took, 1_000_000) {
        Some(micros) if cursor.rest.first() == Some(&b'[') => {
            call.micros = Some(micros);
            Form::NginxIngress
        }
        _ => Form::NginxCombined,
    }
}
