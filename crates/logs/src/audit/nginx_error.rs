//! nginx's error log: the lines that tell of a client that was limited or whose password was wrong.
//!
//! `limiting requests` and `limiting connections` become status 503, nginx's default; a server with `limit_req_status 429` writes
//! the same line, so 429 cannot be known here. What clients send (users, requests, referrers) is not escaped in this log.
//! A line that has `, client: ` twice could be a forgery, so it blames no address.

use ratewarden_model::Call;

use crate::date::Dates;
use crate::fault::Fault;
use crate::text::address::address;
use crate::text::scan::{Cursor, request};

/// Reads one line.
pub(crate) fn read<'a>(line: &'a [u8], dates: &mut Dates) -> Result<Call<'a>, Fault> {
    let (date, rest) = line.split_at_checked(19).ok_or(Fault::Form)?;
    let [_, _, _, _, b'/', _, _, b'/', _, _, b' ', ..] = date else { return Err(Fault::Form) };
    let mut cursor = Cursor::new(rest.strip_prefix(b" [").ok_or(Fault::Form)?);
    cursor.word().strip_suffix(b"]").ok_or(Fault::Form)?;
    let at_ms = dates.iso(date)?;
    let process = cursor.word();
    if !process.ends_with(b":") {
        return Err(Fault::Form);
    }
    if cursor.rest.starts_with(b"*") {
        cursor.word();
    }
    let (status, user) = judge(cursor.rest).ok_or(Fault::NoCall)?;
    let at = memchr::memmem::find(cursor.rest, CLIENT).ok_or(Fault::NoCall)?;
    let mut context = cursor.rest.get(at + CLIENT.len()..).unwrap_or_default();
    // nginx's own words end at the first `, client: `; behind a user's name they do so only where there is one.
    let sure = user.is_empty() || memchr::memmem::find(context, CLIENT).is_none();
    let client = address(until_comma(context)).filter(|_| sure);
    let user = if sure { user } else { b"" };
    let asked = memchr::memmem::find(context, b", request: \"").filter(|_| sure);
    let (method, target) = match asked {
        Some(at) => {
            context = context.get(at + 12..).unwrap_or_default();
            // No escapes here: the request ends where nginx goes on, or with the line.
            let end = memchr::memmem::find(context, b"\", ").or_else(|| memchr::memrchr(b'"', context));
            request(context.get(..end.unwrap_or(context.len())).unwrap_or_default())
        }
        None => (&b""[..], &b""[..]),
    };
    Ok(Call { address: client, user, method, target, status, ..Call::at(at_ms) })
}

const CLIENT: &[u8] = b", client: ";

/// What the message means, and whom it names.
fn judge(message: &[u8]) -> Option<(u16, &[u8])> {
    if message.starts_with(b"limiting requests, excess:")
        || message.starts_with(b"limiting connections by zone")
    {
        return Some((503, b""));
    }
    let user = message.strip_prefix(b"user \"")?;
    let end = memchr::memmem::find(user, b"\": password mismatch")
        .or_else(|| memchr::memmem::find(user, b"\" was not found in "))?;
    Some((401, user.get(..end)?))
}

fn until_comma(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == b',').next().unwrap_or_default()
}
