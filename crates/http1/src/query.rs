//! Queries: checked, and read without being taken apart.

use std::borrow::Cow;

use crate::path::hex;
use crate::refused::{Reason, Refused};

/// Whether a query may be forwarded as it is: visible ASCII without `#`. Escapes are not touched.
///
/// # Errors
/// [`Reason::QueryCharacter`].
pub fn check_query(query: &str) -> Result<(), Refused> {
    if query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Ok(());
    }
    Err(Reason::QueryCharacter.into())
}

/// Every value of the parameter `name`, decoded (`+` is a space, malformed escapes stand for themselves). Names are
/// compared decoded too. A parameter without `=` has an empty value.
pub fn query_values<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = Cow<'q, str>> {
    query.split('&').filter_map(move |pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && is_named(found, name)).then(|| decode(value))
    })
}

fn is_named(found: &str, name: &str) -> bool {
    found == name || (found.contains(['%', '+']) && decode(found) == name)
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => match bytes.get(at..at + 2).and_then(hex) {
                Some(value) => {
                    decoded.push(value);
                    at += 2;
                }
                None => decoded.push(b'%'),
            },
            _ => decoded.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_however_it_is_written() {
        let query = "limit=5&l%69mit=6&limit&Limit=7&limit=%37+x&limits=1&&limit=%zz";
        let values: Vec<_> = query_values(query, "limit").collect();
        assert_eq!(values, ["5", "6", "", "7 x", "%zz"]);
        assert_eq!(query_values("", "limit").count(), 0);
    }

    #[test]
    fn a_query_that_breaks_a_request_line_is_refused() {
        for query in ["a b", "a#b", "a\tb", "é", "a\u{7f}"] {
            assert!(check_query(query).is_err(), "{query:?}");
        }
        assert!(check_query("a=%20&b=[1]{}|\"'").is_ok());
    }
}
