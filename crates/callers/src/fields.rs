//! Header fields as any engine has them.

/// Read access to header fields, whichever engine parsed them.
pub trait Fields {
    /// Every value of the field `name`, which is in lower case; the comparison ignores case.
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]>;

    /// Calls `with` for every field, its name as it came.
    fn each(&self, with: &mut dyn FnMut(&str, &[u8]));
}

impl Fields for [(&str, &str)] {
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_bytes())
    }

    fn each(&self, with: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in self {
            with(name, value.as_bytes());
        }
    }
}

impl Fields for http::HeaderMap {
    fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).into_iter().map(http::HeaderValue::as_bytes)
    }

    fn each(&self, with: &mut dyn FnMut(&str, &[u8])) {
        for (name, value) in self {
            with(name.as_str(), value.as_bytes());
        }
    }
}

/// Something that is there more than once, so that nobody knows which of them the server reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate;

/// The only value of the field `name`, without white space around it.
///
/// # Errors
/// When there are several.
pub fn only<'f, F: Fields + ?Sized>(fields: &'f F, name: &str) -> Result<Option<&'f [u8]>, Duplicate> {
    let mut values = fields.values(name);
    let first = values.next();
    if values.next().is_some() { Err(Duplicate) } else { Ok(first.map(<[u8]>::trim_ascii)) }
}

/// The only cookie `name` (RFC 6265 section 4.2.1); quotes around the value are no part of it.
///
/// # Errors
/// When there are several.
pub fn cookie<'f, F: Fields + ?Sized>(fields: &'f F, name: &str) -> Result<Option<&'f [u8]>, Duplicate> {
    let mut found = None;
    for line in fields.values("cookie") {
        for pair in line.split(|&byte| byte == b';').map(<[u8]>::trim_ascii) {
            let Some(equals) = pair.iter().position(|&byte| byte == b'=') else { continue };
            let (key, value) = pair.split_at(equals);
            if key.trim_ascii_end() != name.as_bytes() {
                continue;
            }
            if found.is_some() {
                return Err(Duplicate);
            }
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            found = Some(unquoted.unwrap_or(value));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_once_or_refused() {
        let fields: &[(&str, &str)] = &[("Cookie", "a=1; session=\"x=y\""), ("cookie", "b=2")];
        assert_eq!(cookie(fields, "session"), Ok(Some(b"x=y".as_slice())));
        assert_eq!(cookie(fields, "b"), Ok(Some(b"2".as_slice())));
        assert_eq!(cookie(fields, "sess"), Ok(None));
        let twice: &[(&str, &str)] = &[("cookie", "a=1; b=2; a=1")];
        assert_eq!(cookie(twice, "a"), Err(Duplicate));
    }

    #[test]
    fn a_field_that_is_there_twice_is_no_field() {
        let fields: &[(&str, &str)] = &[("X-Key", " a "), ("x-other", ""), ("x-KEY", "a")];
        assert_eq!(only(fields, "x-key"), Err(Duplicate));
        assert_eq!(only(fields, "x-other"), Ok(Some(b"".as_slice())));
        assert_eq!(only(fields, "x-none"), Ok(None));
    }
}
