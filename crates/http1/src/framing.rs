//! How long a body is: the question that smuggling is about.

use crate::refused::{Reason, Refused};

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After this many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection; only of responses.
    UntilClose,
}

/// What the fields of a message say about its body.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    length: Option<u64>,
    chunked: bool,
}

impl Declared {
    /// A Content-Length: once, digits only, below 2^63. RFC 9110 section 8.6 would allow a list of equal numbers.
    pub(crate) fn length(&mut self, value: &[u8]) -> Result<(), Reason> {
        if self.length.is_some() {
            return Err(Reason::DuplicateLength);
        }
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) || value.len() > 19 {
            return Err(Reason::InvalidLength);
        }
        let number = value.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        if number > i64::MAX.unsigned_abs() {
            return Err(Reason::InvalidLength);
        }
        self.length = Some(number);
        Ok(())
    }

    /// A Transfer-Encoding: exactly `chunked`, once.
    pub(crate) fn encoding(&mut self, value: &[u8]) -> Result<(), Reason> {
        if self.chunked {
            return Err(Reason::InvalidEncoding);
        }
        if value.eq_ignore_ascii_case(b"chunked") {
            self.chunked = true;
            return Ok(());
        }
        let known: [&[u8]; 5] = [b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress"];
        let other = known.iter().any(|coding| value.eq_ignore_ascii_case(coding));
        Err(if other { Reason::UnknownEncoding } else { Reason::InvalidEncoding })
    }

    /// The framing, or `None` when nothing was declared.
    pub(crate) fn framing(&self, http10: bool) -> Result<Option<Framing>, Refused> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Reason::LengthAndEncoding.into()),
            (true, None) if http10 => Err(Reason::EncodingInHttp10.into()),
            (true, None) => Ok(Some(Framing::Chunked)),
            (false, Some(length)) => Ok(Some(Framing::Length(length))),
            (false, None) => Ok(None),
        }
    }
}

/// What the values of `Content-Length` say, in any version of HTTP; `None` when there are none.
///
/// # Errors
/// When there are several, or one is not a plain number.
pub fn declared_length<'v>(values: impl Iterator<Item = &'v [u8]>) -> Result<Option<u64>, Refused> {
    let mut declared = Declared::default();
    for value in values {
        declared.length(value)?;
    }
    Ok(declared.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_declared_once_and_plainly() {
        let declared = |values: &[&'static str]| {
            declared_length(values.iter().map(|value| value.as_bytes())).map_err(|refused| refused.reason)
        };
        assert_eq!(declared(&[]), Ok(None));
        assert_eq!(declared(&["0"]), Ok(Some(0)));
        assert_eq!(declared(&["12", "12"]), Err(Reason::DuplicateLength));
        for value in ["", "+1", "-1", "1, 1", "1 ", "0x1", "9223372036854775808", "00000000000000000001"] {
            assert_eq!(declared(&[value]), Err(Reason::InvalidLength), "{value:?}");
        }
    }
}
