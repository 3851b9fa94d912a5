//! The one form of a path: what is judged is what is forwarded.
//!
//! A limit on `/api/jobs/` must see `/api//jobs/`, `/api/%6aobs/` and `/api/x/../jobs/` for what the server behind
//! makes of them. Two of them have one obvious meaning and are brought into it: escapes of characters that need
//! none are decoded (RFC 3986 section 6.2.2.2), hex digits are written in upper case, repeated slashes are one. The
//! others are refused, because servers differ in what they make of them: dot segments, encoded or not, and encoded
//! slashes, backslashes and nulls.

use std::borrow::Cow;

use crate::refused::{Reason, Refused};

/// What a byte means in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Slash,
    Percent,
    Backslash,
    Invalid,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Invalid; 256];
    let mut byte = 0;
    while byte < 128 {
        if is_path_byte(byte) {
            classes[byte as usize] = Class::Plain;
        }
        byte += 1;
    }
    classes[b'/' as usize] = Class::Slash;
    classes[b'%' as usize] = Class::Percent;
    classes[b'\\' as usize] = Class::Backslash;
    classes
};

/// The one form of `path`, which begins with a slash. Idempotent; borrowed where nothing changes.
///
/// # Errors
/// A reason of the `Path…` family.
pub fn normalise(path: &str) -> Result<Cow<'_, str>, Refused> {
    if path == "*" {
        return Ok(Cow::Borrowed(path));
    }
    if !path.starts_with('/') {
        return Err(Reason::TargetForm.into());
    }
    let bytes = path.as_bytes();
    let mut simple = true;
    let mut before = b' ';
    for &byte in bytes {
        match CLASSES[usize::from(byte)] {
            Class::Plain => simple &= !(byte == b'.' && before == b'/'),
            Class::Slash => simple &= before != b'/',
            Class::Percent => simple = false,
            Class::Backslash => return Err(Reason::PathEncodedSlash.into()),
            Class::Invalid => return Err(Reason::PathCharacter.into()),
        }
        before = byte;
    }
    if simple {
        return Ok(Cow::Borrowed(path));
    }
    let clean = decoded(bytes)?;
    if clean.split('/').any(is_dot_segment) {
        return Err(Reason::PathDotSegment.into());
    }
    Ok(if clean == path { Cow::Borrowed(path) } else { Cow::Owned(clean) })
}

/// `.` and `..`, also with parameters behind them, which some servers take away before they resolve dots.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.split(';').next(), Some("." | ".."))
}

fn decoded(bytes: &[u8]) -> Result<String, Refused> {
    let mut clean = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'/' if clean.ends_with('/') => {}
            b'%' => {
                let digits = bytes.get(at..at + 2).ok_or(Reason::PathEscape)?;
                let value = hex(digits).ok_or(Reason::PathEscape)?;
                at += 2;
                match value {
                    b'/' | b'\\' | 0 => return Err(Reason::PathEncodedSlash.into()),
                    _ if is_unreserved(value) => clean.push(char::from(value)),
                    _ => {
                        clean.push('%');
                        clean.extend(digits.iter().map(|digit| char::from(digit.to_ascii_uppercase())));
                    }
                }
            }
            _ => clean.push(char::from(byte)),
        }
    }
    Ok(clean)
}

pub(crate) fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// RFC 3986 section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// A character of a segment, RFC 3986 section 3.3, without the percent sign.
const fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_one_meaning_has_one_form() {
        for (path, form) in [
            ("/api/jobs/", "/api/jobs/"),
            ("/api//jobs///", "/api/jobs/"),
            ("/%61pi/%6A%6fbs/", "/api/jobs/"),
            ("/a%3ab%c3%a9", "/a%3Ab%C3%A9"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a...b/..c", "/a...b/..c"),
            ("/a;v=1/b", "/a;v=1/b"),
            ("/%2561", "/%2561"),
            ("*", "*"),
        ] {
            assert_eq!(normalise(path).unwrap(), form, "{path}");
        }
        assert!(matches!(normalise("/api/jobs/"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_servers_differ_about_is_refused() {
        for (path, reason) in [
            ("/a/../b", Reason::PathDotSegment),
            ("/a/..", Reason::PathDotSegment),
            ("/./a", Reason::PathDotSegment),
            ("/a/%2e%2E/b", Reason::PathDotSegment),
            ("/a/.%2e/b", Reason::PathDotSegment),
            ("/a/..;x=1/b", Reason::PathDotSegment),
            ("/a//../b", Reason::PathDotSegment),
            ("/a%2fb", Reason::PathEncodedSlash),
            ("/a%5Cb", Reason::PathEncodedSlash),
            ("/a\\b", Reason::PathEncodedSlash),
            ("/a%00", Reason::PathEncodedSlash),
            ("/a%", Reason::PathEscape),
            ("/a%4", Reason::PathEscape),
            ("/a%zz", Reason::PathEscape),
            ("/a%+1", Reason::PathEscape),
            ("/a#b", Reason::PathCharacter),
            ("/a b", Reason::PathCharacter),
            ("/é", Reason::PathCharacter),
            ("/a\"b", Reason::PathCharacter),
            ("a/b", Reason::TargetForm),
            ("http://x/", Reason::TargetForm),
        ] {
            assert_eq!(normalise(path).map_err(|refused| refused.reason), Err(reason), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_form_is_its_own_form(path in "/[a-z/.;%0-9A-F~]{0,24}") {
            if let Ok(form) = normalise(&path) {
                let again = normalise(&form).map(Cow::into_owned);
                prop_assert_eq!(again.as_deref(), Ok(&*form));
                prop_assert!(!form.contains("//"));
                prop_assert!(!form.split('/').any(is_dot_segment));
            }
        }
    }
}
