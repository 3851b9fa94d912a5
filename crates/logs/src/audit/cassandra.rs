//! Cassandra's audit lines, from the audit log viewer or from a log file (with logback's prefix).
//!
//! `user:X|host:ip:port|source:/ip|port:N|timestamp:ms|type:SELECT|category:QUERY[|batch:uuid][|ks:…][|scope:table][|operation:CQL]`
//!
//! The operation is last and may hold anything. A prepared statement logs no values, so it has no key.

use ratewarden_model::Call;

use crate::audit::cql;
use crate::fault::Fault;
use crate::text::address::address;

/// Reads one line. Beside the call, whose target is the table, the keyspace that the table is in: `ks:a|scope:b` has no
/// `a.b` to borrow.
pub(crate) fn read(line: &[u8]) -> Result<(Call<'_>, &[u8]), Fault> {
    let record = record(line).ok_or(Fault::Form)?;
    let mut at = None;
    let mut call = Call::at(0);
    let (mut keyspace, mut table, mut operation): (&[u8], &[u8], &[u8]) = (b"", b"", b"");
    let mut rest = record;
    while !rest.is_empty() {
        let colon = memchr::memchr(b':', rest).ok_or(Fault::Form)?;
        let (name, after) = rest.split_at_checked(colon).unwrap_or_default();
        let after = after.get(1..).unwrap_or_default();
        if name == b"operation" {
            operation = after;
            break;
        }
        let end = memchr::memchr(b'|', after).unwrap_or(after.len());
        let value = after.get(..end).unwrap_or_default();
        rest = after.get(end + 1..).unwrap_or_default();
        match name {
            b"user" => call.user = nobody(value),
            b"source" => {
                let start = memchr::memrchr(b'/', value).map_or(0, |at| at + 1);
                call.address = address(value.get(start..).unwrap_or_default());
            }
            b"timestamp" => at = Some(millis(value)?),
            b"type" => call.method = value,
            b"ks" => keyspace = nobody(value),
            b"scope" => table = nobody(value),
            _ => {}
        }
    }
    call.at_ms = at.ok_or(Fault::Date)?;
    if table.is_empty() {
        (keyspace, table) = (b"", keyspace);
    }
    call.target = table;
    call.status = status(call.method);
    call.key = cql::key(operation);
    if call.user.is_empty() && call.status == 401 {
        call.user = refused(operation);
    }
    if call.method.is_empty() { Err(Fault::Form) } else { Ok((call, keyspace)) }
}

/// Where the record begins: with the line, or behind logback's level and logger. A line of another log cannot begin so,
/// whatever a client puts into it.
fn record(line: &[u8]) -> Option<&[u8]> {
    let record = if line.starts_with(b"user:") {
        line
    } else {
        let word = line.split(|&byte| byte == b' ').next()?;
        if !matches!(word, b"INFO" | b"DEBUG" | b"WARN" | b"LogMessage:") {
            return None;
        }
        let at = memchr::memmem::find(line, b"user:")?;
        let before = line.get(..at)?;
        (before.ends_with(b" - ") || before == b"LogMessage: ").then(|| line.get(at..))??
    };
    memchr::memmem::find(record, b"|host:")?;
    memchr::memmem::find(record, b"|timestamp:")?;
    Some(record)
}

fn nobody(value: &[u8]) -> &[u8] {
    if value == b"null" || value == b"-" { b"" } else { value }
}

fn millis(text: &[u8]) -> Result<i64, Fault> {
    let millis = crate::text::scan::number(text).map_err(|_| Fault::Date)?;
    i64::try_from(millis).ok().filter(|millis| (1..253_402_300_800_000).contains(millis)).ok_or(Fault::Date)
}

fn status(kind: &[u8]) -> u16 {
    match kind {
        b"LOGIN_ERROR" | b"UNAUTHORIZED_ATTEMPT" => 401,
        b"REQUEST_FAILURE" => 500,
        _ => 0,
    }
}

/// The name in `LOGIN FAILURE; Provided username X and/or password are incorrect`.
fn refused(operation: &[u8]) -> &[u8] {
    let name = b"Provided username ";
    let named = memchr::memmem::find(operation, name)
        .and_then(|at| operation.get(at + name.len()..))
        .and_then(|rest| rest.get(..memchr::memmem::find(rest, b" and/or password")?));
    named.unwrap_or_default()
}
