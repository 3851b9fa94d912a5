//! A cursor over a line, and the small parts that all text forms are made of.

use crate::fault::Fault;
use crate::plain;

/// What is still to be read of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// Passes over `literal`; `None` where something else stands.
    #[inline]
    pub(crate) fn eat(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// What stands before the next blank, or all that is left; the blank is passed over. For short parts.
    #[inline]
    pub(crate) fn word(&mut self) -> &'a [u8] {
        let at = self.rest.iter().position(|&byte| byte == b' ').unwrap_or(self.rest.len());
        let (part, rest) = self.rest.split_at_checked(at).unwrap_or_default();
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        part
    }

    /// What stands before the closing quote, which is passed over; a quote behind a backslash does not close.
    #[inline]
    pub(crate) fn quoted(&mut self) -> Result<&'a [u8], Fault> {
        let end = closing_quote(self.rest).ok_or(Fault::Quote)?;
        let part = self.rest.get(..end).ok_or(Fault::Quote)?;
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(part)
    }

    /// The same with the opening quote before it.
    #[inline]
    pub(crate) fn in_quotes(&mut self) -> Result<&'a [u8], Fault> {
        self.eat(b"\"").ok_or(Fault::Form)?;
        self.quoted()
    }
}

/// Where the first quote is that no backslash escapes.
#[inline]
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += plain::length::<false>(text.get(at..)?);
        match text.get(at)? {
            b'"' => return Some(at),
            // With what it escapes.
            _ => at += 2,
        }
    }
}

/// `-` is nothing.
#[inline]
pub(crate) fn something(text: &[u8]) -> &[u8] {
    if text == b"-" { b"" } else { text }
}

/// `GET /path HTTP/1.1` as method and target. A request that begins with no word of a method (what a port scan or TLS on a
/// plain port leaves) is all target.
#[inline]
pub(crate) fn request(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(at) = text.iter().take(33).position(|&byte| byte == b' ') else {
        return (b"", something(text));
    };
    let (method, rest) = text.split_at_checked(at).unwrap_or_default();
    if method.is_empty()
        || !method.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'))
    {
        return (b"", text);
    }
    let target = rest.get(1..).unwrap_or_default();
    let target = match target {
        [target @ .., b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']
        | [target @ .., b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9'] => target,
        _ => target,
    };
    (method, something(target))
}

/// Three digits; `-` is 0.
#[inline]
pub(crate) fn status(text: &[u8]) -> Result<u16, Fault> {
    match text {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            Ok(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
        }
        b"-" | b"0" => Ok(0),
        _ => Err(Fault::Status),
    }
}

/// Digits only; `-` is 0.
#[inline]
pub(crate) fn number(text: &[u8]) -> Result<u64, Fault> {
    if text == b"-" {
        return Ok(0);
    }
    if text.is_empty() || text.len() > 19 {
        return Err(Fault::Number);
    }
    let mut sum = 0_u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(Fault::Number);
        }
        sum = sum * 10 + u64::from(digit);
    }
    Ok(sum)
}

/// A number with or without fraction, times `unit` (a power of ten, at most 10⁹), cut down to an integer. `None` where it
/// is none; a number too large for it is `u64::MAX`.
pub(crate) fn scaled(text: &[u8], unit: u64) -> Option<u64> {
    let point = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = text.split_at_checked(point)?;
    let mut sum = match whole {
        [] => return None,
        [b'0'..=b'9', ..] => whole.iter().try_fold(0_u64, |sum, &byte| {
            byte.is_ascii_digit()
                .then(|| sum.saturating_mul(10).saturating_add(u64::from(byte.wrapping_sub(b'0'))))
        })?,
        _ => return None,
    };
    sum = sum.saturating_mul(unit);
    let mut place = unit;
    for &byte in fraction.get(1..).unwrap_or_default() {
        if !byte.is_ascii_digit() {
            return None;
        }
        place /= 10;
        sum = sum.saturating_add(u64::from(byte.wrapping_sub(b'0')) * place);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_method_and_target() {
        for (text, method, target) in [
            ("GET / HTTP/1.1", "GET", "/"),
            ("GET /a b HTTP/2.0", "GET", "/a b"),
            ("GET /a HTTP/3", "GET", "/a"),
            ("M-SEARCH *", "M-SEARCH", "*"),
            ("GET /", "GET", "/"),
            ("- - HTTP/1.0", "-", ""),
            ("-", "", ""),
            ("", "", ""),
            ("\\x16\\x03\\x01 x", "", "\\x16\\x03\\x01 x"),
            ("GET", "", "GET"),
        ] {
            assert_eq!(request(text.as_bytes()), (method.as_bytes(), target.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_quote_behind_a_backslash_does_not_close() {
        for (text, part) in [(r#"a\"b" c"#, r#"a\"b"#), (r#"a\\" c"#, r"a\\"), (r#"" c"#, "")] {
            assert_eq!(Cursor::new(text.as_bytes()).quoted(), Ok(part.as_bytes()));
        }
        assert_eq!(Cursor::new(br#"a\""#).quoted(), Err(Fault::Quote));
    }

    #[test]
    fn numbers_are_read_or_are_faults() {
        assert_eq!((status(b"200"), status(b"-"), status(b"20x")), (Ok(200), Ok(0), Err(Fault::Status)));
        assert_eq!((number(b"-"), number(b"12"), number(b"")), (Ok(0), Ok(12), Err(Fault::Number)));
        assert_eq!(number(b"99999999999999999999"), Err(Fault::Number));
        assert_eq!(scaled(b"0.000929675", 1_000_000), Some(929));
        assert_eq!(scaled(b"12", 1000), Some(12_000));
        assert_eq!(scaled(b"99999999999999999999999", 1000), Some(u64::MAX));
        assert_eq!((scaled(b"1.x", 10), scaled(b".5", 10), scaled(b"", 1)), (None, None, None));
    }
}
