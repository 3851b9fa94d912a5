//! What a query asks for: how much, and from where on.

use base64::Engine as _;
use base64::engine::general_purpose;

use super::normal;

/// What there is to know of a query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Query {
    /// The page size asked for.
    pub(crate) limit: Option<u32>,
    /// A number that says from where on: page, offset, or a numeric cursor or id.
    pub(crate) place: Option<u64>,
    /// Whether it says from where on at all.
    pub(crate) is_paged: bool,
    /// Whether a password stands in it.
    pub(crate) has_password: bool,
}

const LIMITS: [&[u8]; 10] = [
    b"limit",
    b"per_page",
    b"page_size",
    b"pagesize",
    b"size",
    b"count",
    b"first",
    b"max_results",
    b"maxresults",
    b"rows",
];
const PLACES: [&[u8]; 14] = [
    b"page",
    b"cursor",
    b"offset",
    b"after",
    b"page_token",
    b"pagetoken",
    b"start",
    b"next",
    b"skip",
    b"before",
    b"from",
    b"id",
    b"since_id",
    b"marker",
];
const PASSWORDS: [&[u8]; 4] = [b"password", b"passwd", b"pwd", b"pass"];

/// Whether a parameter of this name says how much, or from where on.
pub(crate) fn is_paging(name: &[u8]) -> bool {
    LIMITS.iter().chain(&PLACES).any(|known| known.eq_ignore_ascii_case(name))
}

/// Pairs that are looked at.
const MAX_PAIRS: usize = 16;

impl Query {
    pub(crate) fn of(query: &[u8]) -> Self {
        let mut found = Self::default();
        for pair in query.split(|&byte| byte == b'&').take(MAX_PAIRS) {
            let Some(equals) = memchr::memchr(b'=', pair) else { continue };
            let (name, value) =
                (pair.get(..equals).unwrap_or_default(), pair.get(equals + 1..).unwrap_or_default());
            if LIMITS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                found.limit =
                    number(value).map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)).or(found.limit);
            } else if PLACES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                found.is_paged = true;
                found.place = number(value).or_else(|| decoded(value)).or(found.place);
            } else if matches!(name.first(), Some(b'p' | b'P' | b'%')) && is_password(name) {
                found.has_password = true;
            }
        }
        found
    }
}

/// Whether a parameter of this name holds a password, however its letters are written.
fn is_password(name: &[u8]) -> bool {
    let is =
        |known: &&[u8]| normal::decoded(name).map(|byte| byte.to_ascii_lowercase()).eq(known.iter().copied());
    PASSWORDS.iter().any(is)
}

/// The number in a cursor that is Base64, such as of `id:700000`: the last run of digits.
fn decoded(value: &[u8]) -> Option<u64> {
    let mut text = [0; 48];
    let value = value.strip_suffix(b"%3D%3D").or_else(|| value.strip_suffix(b"%3D")).unwrap_or(value);
    let length =
        [general_purpose::URL_SAFE_NO_PAD, general_purpose::STANDARD_NO_PAD].iter().find_map(|engine| {
            engine.decode_slice(value.trim_ascii_end().strip_suffix(b"=").unwrap_or(value), &mut text).ok()
        })?;
    let text = text.get(..length)?;
    if !text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        return None;
    }
    text.split(|byte| !byte.is_ascii_digit()).rev().find_map(number)
}

fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0_u64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_and_places_are_found() {
        let found = Query::of(b"q=x&limit=100&cursor=77");
        assert_eq!(found, Query { limit: Some(100), place: Some(77), is_paged: true, has_password: false });
        assert_eq!(Query::of(b"per_page=9999999999&x"), Query { limit: Some(u32::MAX), ..Query::default() });
        assert!(Query::of(b"page_token=abc").is_paged);
        assert_eq!(Query::of(b"cursor=aWQ6NzAwMDAw").place, Some(700_000));
        assert_eq!(Query::of(b"cursor=ab%zz").place, None);
        assert_eq!(Query::of(b""), Query::default());
    }

    #[test]
    fn passwords_are_known_by_their_names_however_they_are_written() {
        for query in
            ["user=bob&password=x", "PassWd=x", "a&pwd=", "log=admin&pass=1", "%70%61ss=1", "p%61ssword=2"]
        {
            assert!(Query::of(query.as_bytes()).has_password, "{query}");
        }
        for query in ["page=1", "passage=2", "password", "p=1", "compass=n", "q=password", "%2570ass=1"] {
            assert!(!Query::of(query.as_bytes()).has_password, "{query}");
        }
    }
}
