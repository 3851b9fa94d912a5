//! AWS Application Load Balancer.
//!
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>. New parts
//! are appended there, so what stands behind the agent is not looked at.

use ratewarden_model::Call;

use crate::date::Dates;
use crate::fault::Fault;
use crate::text::address::address_and_port;
use crate::text::scan::{Cursor, number, request, scaled, something, status};

/// Reads one line.
pub(crate) fn read<'a>(line: &'a [u8], dates: &mut Dates) -> Result<Call<'a>, Fault> {
    let mut cursor = Cursor::new(line);
    if !matches!(cursor.word(), b"http" | b"https" | b"h2" | b"grpcs" | b"ws" | b"wss") {
        return Err(Fault::Form);
    }
    let date = cursor.word();
    if !date.first().is_some_and(u8::is_ascii_digit) || date.get(4) != Some(&b'-') {
        return Err(Fault::Form);
    }
    let at_ms = dates.iso(date)?;
    let _balancer = cursor.word();
    let address = Some(address_and_port(cursor.word()).ok_or(Fault::Address)?);
    let _target = cursor.word();
    let mut micros = Some(0_u64);
    for _ in 0..3 {
        // -1 where the step was not reached.
        let step = scaled(cursor.word(), 1_000_000);
        micros = micros.zip(step).map(|(sum, step)| sum.saturating_add(step));
    }
    let status = status(cursor.word())?;
    let _target_status = cursor.word();
    let _received = cursor.word();
    let bytes = number(cursor.word())?;
    let (method, target) = request(cursor.in_quotes()?);
    cursor.eat(b" ").ok_or(Fault::Form)?;
    let agent = something(cursor.in_quotes()?);
    let (method, target) = (something(method), path(target));
    Ok(Call { address, method, target, status, bytes, micros, agent, ..Call::at(at_ms) })
}

/// The path of `https://host:443/path`; what is no such URL stays.
fn path(target: &[u8]) -> &[u8] {
    let Some(at) = memchr::memmem::find(target, b"://").filter(|&at| at <= 5) else { return target };
    let host = target.get(at + 3..).unwrap_or_default();
    match memchr::memchr2(b'/', b'?', host) {
        Some(at) => host.get(at..).unwrap_or_default(),
        None => b"/",
    }
}
