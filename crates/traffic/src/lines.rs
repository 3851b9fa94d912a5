//! Calls as lines of logs, without their line end.
//!
//! Each form holds what its program writes and drops the rest: readings of what is held stand in [`json_fields`] only,
//! keys there and in [`cassandra_audit`].

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::call::OwnedCall;
use crate::date;

/// nginx's `combined`: no credential, no key, no duration, full seconds.
#[must_use]
pub fn nginx_combined(call: &OwnedCall) -> String {
    let mut line = String::with_capacity(220);
    push_address(&mut line, call.address);
    line.push_str(" - ");
    push_nginx(&mut line, call.user.as_deref().unwrap_or_default());
    let _ = write!(line, " [{}] \"{} ", date::common(call.at_ms), call.method);
    push_nginx(&mut line, &call.target);
    let _ = write!(line, " HTTP/1.1\" {} {} \"", call.status, call.bytes);
    push_nginx(&mut line, &call.referer);
    line.push_str("\" \"");
    push_nginx(&mut line, &call.agent);
    line.push('"');
    line
}

/// Caddy's JSON access log with `log_credentials`: the credential stands in `Authorization` as a bearer's.
#[must_use]
pub fn json_caddy(call: &OwnedCall) -> String {
    let mut line = String::with_capacity(420);
    let _ = write!(
        line,
        r#"{{"level":"info","ts":{}.{:03},"logger":"http.log.access.log0","msg":"handled request","request":{{"#,
        call.at_ms.div_euclid(1000),
        call.at_ms.rem_euclid(1000)
    );
    let address = call.address.map(|address| address.to_string()).unwrap_or_default();
    let _ = write!(
        line,
        r#""remote_ip":"{address}","remote_port":"41342","client_ip":"{address}","proto":"HTTP/2.0","method":"#
    );
    push_json(&mut line, &call.method);
    line.push_str(r#","host":"api.example.org","uri":"#);
    push_json(&mut line, &call.target);
    line.push_str(r#","headers":{"User-Agent":["#);
    push_json(&mut line, &call.agent);
    line.push(']');
    if !call.referer.is_empty() {
        line.push_str(r#","Referer":["#);
        push_json(&mut line, &call.referer);
        line.push(']');
    }
    if let Some(credential) = &call.credential {
        line.push_str(r#","Authorization":["#);
        push_json(&mut line, &format!("Bearer {credential}"));
        line.push(']');
    }
    line.push_str(r#"}},"bytes_read":0,"user_id":"#);
    push_json(&mut line, call.user.as_deref().unwrap_or_default());
    let micros = call.micros.unwrap_or_default();
    let _ = write!(
        line,
        r#","duration":{}.{:06},"size":{},"status":{},"resp_headers":{{"Server":["Caddy"]}}}}"#,
        micros / 1_000_000,
        micros % 1_000_000,
        call.bytes,
        call.status
    );
    line
}

/// Envoy's JSON as Istio sets it up; it has no credential and full milliseconds of duration.
#[must_use]
pub fn json_envoy(call: &OwnedCall) -> String {
    let mut line = String::with_capacity(420);
    let _ = write!(line, r#"{{"start_time":"{}","method":"#, date::rfc3339(call.at_ms));
    push_json(&mut line, &call.method);
    line.push_str(r#","path":"#);
    push_json(&mut line, &call.target);
    let _ = write!(
        line,
        r#","protocol":"HTTP/1.1","response_code":{},"response_flags":"-","bytes_received":0,"bytes_sent":{},"#,
        call.status, call.bytes
    );
    let _ = write!(line, r#""duration":{},"#, call.micros.unwrap_or_default() / 1000);
    match call.address {
        Some(IpAddr::V6(address)) => {
            let _ = write!(line, r#""downstream_remote_address":"[{address}]:41342","#);
        }
        Some(IpAddr::V4(address)) => {
            let _ = write!(line, r#""downstream_remote_address":"{address}:41342","#);
        }
        None => line.push_str(r#""downstream_remote_address":null,"#),
    }
    line.push_str(r#""x_forwarded_for":null,"user_agent":"#);
    push_json(&mut line, &call.agent);
    line.push_str(
        r#","request_id":"8c1f7e1e-5c7f-4d53-9d3e-1d8a1f6f0a11","authority":"api.example.org","upstream_host":"10.0.0.7:8080"}"#,
    );
    line
}

/// One JSON object whose fields are `time`, `address`, `user`, `credential`, `method`, `target`, `status`, `bytes`,
/// `duration` (seconds), `agent`, `referer`, `key`, and for a reading `gpu`, `cpu` or `cluster` with `…_total`;
/// what is not there is left out.
#[must_use]
pub fn json_fields(call: &OwnedCall) -> String {
    let mut line = String::with_capacity(360);
    let _ = write!(line, r#"{{"time":"{}""#, date::rfc3339(call.at_ms));
    if let Some(address) = call.address {
        let _ = write!(line, r#","address":"{address}""#);
    }
    let texts = [
        ("user", call.user.as_deref().unwrap_or_default()),
        ("credential", call.credential.as_deref().unwrap_or_default()),
        ("method", &call.method),
        ("target", &call.target),
        ("agent", &call.agent),
        ("referer", &call.referer),
        ("key", call.key.as_deref().unwrap_or_default()),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        let _ = write!(line, r#","{name}":"#);
        push_json(&mut line, text);
    }
    if call.status > 0 {
        let _ = write!(line, r#","status":{}"#, call.status);
    }
    let _ = write!(line, r#","bytes":{}"#, call.bytes);
    if let Some(micros) = call.micros {
        let _ = write!(line, r#","duration":{}.{:06}"#, micros / 1_000_000, micros % 1_000_000);
    }
    if let Some(held) = call.held {
        let name = held.resource.as_str();
        let _ = write!(line, r#","{name}":{}"#, held.amount);
        if let Some(total) = held.total {
            let _ = write!(line, r#","{name}_total":{total}"#);
        }
    }
    line.push('}');
    line
}

/// A line of Cassandra's audit log (`FileAuditLogger`): the method is the type, the target `keyspace.table`, and the
/// key stands in the operation as a literal.
#[must_use]
pub fn cassandra_audit(call: &OwnedCall) -> String {
    let (keyspace, table) = call.target.split_once('.').unwrap_or((&call.target, ""));
    let [year, month, day, hour, minute, second, milli] = date::fields(call.at_ms);
    let mut line = format!(
        "INFO  [Native-Transport-Requests-1] {year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},\
         {milli:03} FileAuditLogger.java:51 - user:{}|host:10.0.0.5:7000|source:/",
        call.user.as_deref().unwrap_or("anonymous"),
    );
    push_address(&mut line, call.address);
    let category = if call.method == "SELECT" { "QUERY" } else { "DML" };
    let _ = write!(line, "|port:41342|timestamp:{}|type:{}|category:{category}", call.at_ms, call.method);
    let _ = write!(line, "|ks:{keyspace}|scope:{table}|operation:");
    let key = call.key.as_deref().unwrap_or("?").replace('\'', "''");
    let _ = match call.method.as_str() {
        "SELECT" => write!(line, "SELECT * FROM {keyspace}.{table} WHERE id = '{key}';"),
        "DELETE" => write!(line, "DELETE FROM {keyspace}.{table} WHERE id = '{key}';"),
        _ => write!(line, "UPDATE {keyspace}.{table} SET v = 1 WHERE id = '{key}';"),
    };
    line
}

fn push_address(line: &mut String, address: Option<IpAddr>) {
    match address {
        Some(address) => {
            let _ = write!(line, "{address}");
        }
        None => line.push('-'),
    }
}

/// As nginx escapes variables: `"`, `\` and what is not printable become `\xHH`; nothing becomes `-`.
fn push_nginx(line: &mut String, text: &str) {
    if text.is_empty() {
        line.push('-');
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | 0..=31 | 127.. => {
                let _ = write!(line, "\\x{byte:02X}");
            }
            _ => line.push(char::from(byte)),
        }
    }
}

/// A JSON string with its quotes.
fn push_json(line: &mut String, text: &str) {
    line.push('"');
    for letter in text.chars() {
        match letter {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                let _ = write!(line, "\\u{:04x}", u32::from(letter));
            }
            _ => line.push(letter),
        }
    }
    line.push('"');
}
