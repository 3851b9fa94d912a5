//! Envoy's default text, and Istio's, which has more parts.
//!
//! Sources: <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#default-format-string>
//! and Istio's `accessLogFormat`. The plain form has no address of the client but in `X-Forwarded-For`.

use ratewarden_model::Call;

use crate::date::Dates;
use crate::fault::Fault;
use crate::text::address::{address_and_port, forwarded};
use crate::text::scan::{Cursor, number, request, scaled, something, status};

/// Reads one line.
pub(crate) fn read<'a>(line: &'a [u8], dates: &mut Dates) -> Result<Call<'a>, Fault> {
    let mut cursor = Cursor::new(line);
    cursor.eat(b"[").ok_or(Fault::Form)?;
    let date = cursor.word().strip_suffix(b"]").ok_or(Fault::Form)?;
    cursor.eat(b"\"").ok_or(Fault::Form)?;
    let at_ms = dates.iso(date)?;
    let (method, target) = request(cursor.quoted()?);
    cursor.eat(b" ").ok_or(Fault::Status)?;
    let status = status(cursor.word())?;
    let _flags = cursor.word();
    let mut received = cursor.word();
    let istio = number(received).is_err();
    if istio {
        // Details of the response and of the connection's end, and why the upstream failed.
        let _details = cursor.word();
        cursor.in_quotes()?;
        cursor.eat(b" ").ok_or(Fault::Form)?;
        received = cursor.word();
    }
    number(received)?;
    let bytes = number(cursor.word())?;
    let took = something(cursor.word());
    let micros = if took.is_empty() { None } else { Some(scaled(took, 1000).ok_or(Fault::Number)?) };
    let _upstream_time = cursor.word();
    let list = cursor.in_quotes()?;
    cursor.eat(b" ").ok_or(Fault::Form)?;
    let agent = something(cursor.in_quotes()?);
    let address = peer(&mut cursor).or_else(|| forwarded(list));
    let method = something(method);
    Ok(Call { address, method, target, status, bytes, micros, agent, ..Call::at(at_ms) })
}

/// Istio's tail: request id, authority and upstream in quotes; then cluster, local address, downstream local address and
/// the downstream's, which Envoy has made of the list by its own rules.
fn peer(cursor: &mut Cursor<'_>) -> Option<std::net::IpAddr> {
    for _ in 0..3 {
        cursor.eat(b" ")?;
        cursor.in_quotes().ok()?;
    }
    cursor.eat(b" ")?;
    for _ in 0..3 {
        cursor.word();
    }
    address_and_port(cursor.word())
}
