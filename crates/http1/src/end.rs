//! The end of a head, found without reading anything twice.

use memchr::memchr;

use crate::refused::{Reason, Refused};

/// The search for the end of one head, continued as bytes come in. It looks at each byte once, however slowly
/// they come, and stops at the first line that does not end as it must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeadEnd {
    looked: usize,
    line: usize,
    lines: usize,
}

impl HeadEnd {
    /// Where the head ends (the byte after its empty line), if it is in `bytes`: everything received since the
    /// search began. An empty line in front of the head is skipped once (RFC 9112 section 2.2); it is part of the
    /// head.
    ///
    /// # Errors
    /// [`Reason::BareLineFeed`].
    pub fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refused> {
        while let Some(found) = bytes.get(self.looked..).and_then(|rest| memchr(b'\n', rest)) {
            let feed = self.looked + found;
            if feed == self.line || bytes.get(feed - 1) != Some(&b'\r') {
                return Err(Reason::BareLineFeed.into());
            }
            let empty = feed - 1 == self.line;
            self.looked = feed + 1;
            self.line = feed + 1;
            if empty && self.lines > 0 {
                return Ok(Some(feed + 1));
            }
            // The empty line in front counts: a second one ends a head that has no request line.
            self.lines += 1;
        }
        self.looked = bytes.len();
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_found_however_the_bytes_are_cut() {
        let bytes = b"\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\nrest";
        for cut in 0..bytes.len() {
            let mut search = HeadEnd::default();
            let first = search.find(&bytes[..cut]).unwrap();
            let found = first.or_else(|| search.find(bytes).unwrap());
            assert_eq!(found, Some(bytes.len() - 4), "cut at {cut}");
        }
    }

    #[test]
    fn a_bare_line_feed_ends_the_search_at_once() {
        for bytes in ["\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nhost: a\n\r\n", "a\r\n\n"] {
            assert!(HeadEnd::default().find(bytes.as_bytes()).is_err(), "{bytes:?}");
        }
        assert_eq!(HeadEnd::default().find(b"GET / HTTP/1.1\r\nhost: a\r"), Ok(None));
    }
}
