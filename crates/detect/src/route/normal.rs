//! The form in which a path is looked at: what every server takes for the same path is written the same.
//!
//! Two things of the standards, and no more. A target may be in absolute form (`http://host/login`, RFC 9112 section
//! 3.2.2), of which the path counts. Unreserved characters may be percent-encoded (RFC 3986 section 6.2.2.2): `/%6cogin` is
//! `/login`. Reserved ones stay as they are, for `%2F` is no slash, and so does `%25`, so nothing is decoded twice. What only
//! some servers do (dot segments, doubled slashes) is left alone.

/// The normal form of a path, in `out` where it is not a part of the path itself.
pub(super) fn of<'p>(raw: &'p [u8], out: &'p mut Vec<u8>) -> &'p [u8] {
    let path = origin(raw);
    if memchr::memchr(b'%', path).is_none() {
        return path;
    }
    out.clear();
    out.extend(decoded(path));
    out
}

/// Where a place of the normal form (begin and length) stands in the path as it was sent.
pub(super) fn place(raw: &[u8], (begin, length): (u16, u16)) -> (u16, u16) {
    let path = origin(raw);
    let after = |text: &[u8], characters: u16| {
        (0..characters)
            .fold(0, |at, _| at + first(text.get(at..).unwrap_or_default()).map_or(0, |(_, size)| size))
    };
    let start = after(path, begin);
    let size = after(path.get(start..).unwrap_or_default(), length);
    let start = start + raw.len().saturating_sub(path.len());
    match (u16::try_from(start), u16::try_from(size)) {
        (Ok(start), Ok(size)) => (start, size),
        _ => (0, 0),
    }
}

/// The bytes of a text with its unreserved characters decoded.
pub(super) fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (byte, size) = first(rest)?;
        rest = rest.get(size..).unwrap_or_default();
        Some(byte)
    })
}

/// The path of a target in absolute form; any other as it is.
fn origin(raw: &[u8]) -> &[u8] {
    if raw.first() == Some(&b'/') {
        return raw;
    }
    // Servers take any scheme (RFC 3986 section 3.1), so that none is a way to hide.
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    let scheme = raw.iter().take_while(|byte| is_scheme(byte)).count();
    let Some(rest) = raw.get(scheme..).and_then(|rest| rest.strip_prefix(b"://")) else { return raw };
    if !raw.first().is_some_and(u8::is_ascii_alphabetic) {
        return raw;
    }
    memchr::memchr(b'/', rest).and_then(|at| rest.get(at..)).unwrap_or(b"/")
}

/// The first byte of a text, decoded where it is unreserved, and how many bytes it takes.
fn first(text: &[u8]) -> Option<(u8, usize)> {
    match *text {
        [b'%', high, low, ..] => Some(unreserved(high, low).map_or((b'%', 1), |byte| (byte, 3))),
        [byte, ..] => Some((byte, 1)),
        [] => None,
    }
}

fn unreserved(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(path: &str) -> String {
        String::from_utf8(of(path.as_bytes(), &mut Vec::new()).to_vec()).unwrap()
    }

    #[test]
    fn what_is_the_same_path_is_written_the_same() {
        for (path, expected) in [
            ("/login", "/login"),
            ("/%6cogin", "/login"),
            ("/%6Cog%69n", "/login"),
            ("http://example.org/login", "/login"),
            ("HTTPS://example.org:443/%6cogin", "/login"),
            ("http://example.org", "/"),
        ] {
            assert_eq!(normal(path), expected, "{path}");
        }
    }

    #[test]
    fn what_may_be_another_path_stays_as_it_is() {
        for path in
            ["/a%2Fb", "/%256cogin", "/%", "/%6", "/%zz", "/%E2%82%AC", "ks.table", "*", "host:443", ""]
        {
            assert_eq!(normal(path), path);
        }
    }

    #[test]
    fn a_place_in_the_normal_form_is_found_in_what_was_sent() {
        for raw in ["/a/%31%32/b", "http://h/a/1%32/b", "/%61/%312/b"] {
            let path = normal(raw);
            let begin = u16::try_from(path.find("12").unwrap()).unwrap();
            let (at, size) = place(raw.as_bytes(), (begin, 2));
            assert_eq!(normal(&raw[usize::from(at)..usize::from(at + size)]), "12", "{raw}");
        }
    }
}
