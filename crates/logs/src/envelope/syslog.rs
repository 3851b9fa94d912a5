//! Syslog, as it is sent and as daemons write it to files, where the priority is mostly left out:
//!
//! - RFC 3164: `<190>Nov 28 01:02:03 host nginx: text`
//! - the same with rsyslog's date: `2026-11-28T01:02:03.123456+00:00 host nginx[12]: text`
//! - RFC 5424: `<190>1 2026-11-28T01:02:03.123Z host nginx 12 - - text`

use crate::date::Stamp;
use crate::envelope::Peeled;
use crate::text::scan::Cursor;

pub(super) fn peel(line: &[u8]) -> Option<Peeled<'_>> {
    let rest = without_priority(line)?;
    if let Some(rest) = rest.strip_prefix(b"1 ") {
        return rfc_5424(rest);
    }
    if rest.first()?.is_ascii_digit() {
        let mut cursor = Cursor::new(rest);
        let date = cursor.word();
        let is_date =
            date.get(10) == Some(&b'T') && date.get(4) == Some(&b'-') && date.get(13) == Some(&b':');
        return (is_date && date.len() >= 19)
            .then(|| Some(Peeled { text: behind_tag(cursor)?, stamp: Stamp::Iso(date) }))?;
    }
    let (date, rest) = rest.split_first_chunk::<15>()?;
    let [m1, _, _, b' ', _, _, b' ', _, _, b':', _, _, b':', _, _] = date else { return None };
    let rest = rest.strip_prefix(b" ").filter(|_| m1.is_ascii_uppercase())?;
    Some(Peeled { text: behind_tag(Cursor::new(rest))?, stamp: Stamp::Bsd(date) })
}

/// `<190>`, which may be missing.
fn without_priority(line: &[u8]) -> Option<&[u8]> {
    let Some(rest) = line.strip_prefix(b"<") else { return Some(line) };
    let end = rest.iter().take(4).position(|&byte| byte == b'>').filter(|&end| end > 0)?;
    let (digits, rest) = rest.split_at_checked(end)?;
    if digits.iter().all(u8::is_ascii_digit) { rest.get(1..) } else { None }
}

/// The text behind `host tag:`, behind `tag:` where there is no host, or behind the host where there is no tag.
fn behind_tag(mut cursor: Cursor<'_>) -> Option<&[u8]> {
    let first = cursor.word();
    if first.is_empty() {
        return None;
    }
    if !first.ends_with(b":") {
        let mut tagged = cursor;
        if tagged.word().ends_with(b":") {
            cursor = tagged;
        }
    }
    Some(cursor.rest.trim_ascii_start())
}

/// Behind the version: time, host, program, process, message id, structured data, text.
fn rfc_5424(text: &[u8]) -> Option<Peeled<'_>> {
    let mut cursor = Cursor::new(text);
    let date = cursor.word();
    let stamp = match date {
        b"-" => Stamp::None,
        _ if date.get(10) == Some(&b'T') => Stamp::Iso(date),
        _ => return None,
    };
    for _ in 0..4 {
        if cursor.word().is_empty() {
            return None;
        }
    }
    structured_data(&mut cursor)?;
    let text = cursor.rest.strip_prefix(b" ").unwrap_or(cursor.rest);
    // A byte order mark says that the text is UTF-8.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    Some(Peeled { text: text.trim_ascii_start(), stamp })
}

/// `-`, or elements in brackets, in which quoted values may have brackets of their own.
fn structured_data(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.eat(b"-").is_some() {
        return Some(());
    }
    if !cursor.rest.starts_with(b"[") {
        return None;
    }
    while let Some(element) = cursor.rest.strip_prefix(b"[") {
        cursor.rest = element;
        loop {
            let at = memchr::memchr2(b'"', b']', cursor.rest)?;
            let (rest, is_quote) = (cursor.rest.get(at + 1..)?, cursor.rest.get(at) == Some(&b'"'));
            cursor.rest = rest;
            if !is_quote {
                break;
            }
            cursor.quoted().ok()?;
        }
    }
    Some(())
}
