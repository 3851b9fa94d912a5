//! What a group is called in a finding.

use std::fmt::Write as _;

use ratewarden_model::{Subject, SubjectKind};

use crate::detector::Around;
use crate::event::{Event, Text};
use crate::hash;
use crate::spec::By;

/// What a finding is about whose detector groups by `by` first.
pub(crate) fn subject(by: By, event: &Event, around: &Around<'_>) -> Subject {
    let text = around.batch.text(&event.text);
    let address = || around.hasher.source_subject(event.address);
    match by {
        By::Address => address(),
        By::Prefix | By::WideNetwork => Subject::named(SubjectKind::Prefix, network(by, event.address)),
        By::Token => token(&text),
        By::User => Subject::named(SubjectKind::User, user(text.user)),
        By::Caller | By::Anybody if event.token != 0 => token(&text),
        By::Caller | By::Anybody if event.user != 0 => Subject::named(SubjectKind::User, readable(text.user)),
        By::Caller => address(),
        By::Anybody if event.address != 0 => address(),
        By::Key => Subject::named(SubjectKind::Key, readable(text.key)),
        By::Agent => Subject::named(SubjectKind::Caller, readable(text.agent)),
        By::Country | By::Asn => place(by, event, around),
        By::Path | By::Query | By::Target => {
            let path = text.target.split(|&byte| byte == b'?').next().unwrap_or_default();
            Subject::named(SubjectKind::Route, format!("{} {}", readable(text.method), readable(path)))
        }
        By::All | By::Route | By::Template | By::Method | By::Status | By::Anybody => {
            let route = &around.routes.get(event.route).text;
            Subject::named(SubjectKind::Route, readable(route.as_bytes()))
        }
    }
}

/// A credential: the name of whose it is, or the digits of its hash, which is how many a log can be told of.
fn token(text: &Text<'_>) -> Subject {
    let is_hash = text.caller.len() == 12 && text.caller.iter().all(u8::is_ascii_hexdigit);
    let kind = if is_hash { SubjectKind::Token } else { SubjectKind::Caller };
    Subject::named(kind, readable(text.caller))
}

/// A user's name. Some services take an API key where a name stands: what looks like one is cut to its beginning.
fn user(name: &[u8]) -> String {
    let is_word = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if name.len() >= 16 && is_word && name.iter().any(u8::is_ascii_digit) {
        return format!("{}…", readable(name.get(..6).unwrap_or_default()));
    }
    readable(name)
}

fn network(by: By, address: u128) -> String {
    if by == By::Prefix { hash::network_text(address) } else { hash::wide_network_text(address) }
}

fn place(by: By, event: &Event, around: &Around<'_>) -> Subject {
    let found = around.geography.and_then(|geography| geography.locate(hash::as_address(event.address)));
    let unknown = || "unknown".to_owned();
    match by {
        By::Asn => {
            let number = found.and_then(|found| found.asn);
            Subject::named(SubjectKind::Asn, number.map_or_else(unknown, |number| format!("AS{number}")))
        }
        _ => {
            let country = found.map(|found| String::from_utf8_lossy(&found.country).into_owned());
            Subject::named(SubjectKind::Country, country.unwrap_or_else(unknown))
        }
    }
}

/// Bytes that clients sent, as text that is safe to print: control characters, what is no UTF-8 and the characters that
/// turn the direction of writing are escaped.
pub(crate) fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let steers = matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
            if character.is_control() || steers {
                let _ = write!(text, "{}", character.escape_unicode());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// One line that shows a call: when, what, and how it was answered. It shows the route, not the path, and of the query
/// the names of what is walked or asked for with their numbers: all else may be a secret.
pub(crate) fn sample(event: &Event, around: &Around<'_>) -> String {
    let text = around.batch.text(&event.text);
    let when = crate::finding::time(event.second);
    let mut target = text.target.splitn(2, |&byte| byte == b'?');
    let _ = target.next();
    let query = target.next().map(names_only).unwrap_or_default();
    let route = readable(around.routes.get(event.route).text.as_bytes());
    let mut line = format!("{when} {route}{query}");
    if event.status > 0 {
        let _ = write!(line, " {}", event.status);
    }
    if event.address != 0 {
        let _ = write!(line, " from {}", hash::as_address(event.address));
    }
    if !text.agent.is_empty() {
        let _ = write!(line, " \"{}\"", readable(text.agent.get(..60).unwrap_or(text.agent)));
    }
    line
}

/// A query without its values, but for the numbers of pages and sizes.
fn names_only(query: &[u8]) -> String {
    let pairs = query.split(|&byte| byte == b'&').take(8).map(|pair| {
        let mut parts = pair.splitn(2, |&byte| byte == b'=');
        let name = readable(parts.next().unwrap_or_default());
        match parts.next() {
            Some(value)
                if value.len() <= 12
                    && value.iter().all(u8::is_ascii_digit)
                    && crate::route::is_paging(name.as_bytes()) =>
            {
                format!("{name}={}", readable(value))
            }
            Some(_) if name.len() <= 24 => format!("{name}=…"),
            Some(_) | None => "…".to_owned(),
        }
    });
    format!("?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_client_sends_moves_the_terminal() {
        assert_eq!(readable(b"a\x1b[31m\xff\xe2\x80\xae"), "a\\u{1b}[31m\\xff\\u{202e}");
        assert_eq!(readable("grün".as_bytes()), "grün");
    }

    #[test]
    fn values_of_a_query_are_not_shown() {
        assert_eq!(names_only(b"token=abc&limit=10&x"), "?token=…&limit=10&…");
    }
}
