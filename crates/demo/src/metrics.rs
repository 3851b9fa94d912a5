//! Metrics in pages of any size, with a cursor that is a bare offset in base64.
//!
//! The default page is a sane one: what is weak here is that `page_size` has no ceiling, and that the cursor tells
//! everybody how to count.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;

use crate::answer::{self, Answer, Rows};

/// Rows of a page when `page_size` is left out.
pub const DEFAULT_METRICS: usize = 100;
/// All the rows there are, and so the largest page.
pub const MAX_METRICS: usize = 20_000;

/// A read costs the store so much for each row.
const READ_COST: Duration = Duration::from_micros(2);

/// The longest cursor that is looked at.
const MAX_CURSOR_BYTES: usize = 64;

/// The table.
#[derive(Debug)]
pub(crate) struct Metrics(Rows);

impl Metrics {
    pub(crate) fn new() -> Self {
        let names = ["cpu.user", "cpu.system", "mem.used", "disk.read", "net.in"];
        Self(Rows::render(MAX_METRICS, |row, text| {
            // Writing into a String cannot fail.
            let _ = write!(
                text,
                r#"{{"id":{row},"metric":"{}","host":"node-{:03}","at":{},"value":{}.{}}}"#,
                names[row % names.len()],
                row % 40,
                1_795_478_400 + row / 200 * 10,
                (row * 37) % 100,
                row % 10,
            );
        }))
    }

    /// A page, and how long the store takes for it.
    pub(crate) fn read(&self, page_size: Option<&str>, cursor: Option<&str>) -> (Answer, Duration) {
        let wished = page_size.and_then(|text| text.parse().ok()).filter(|&rows| rows > 0);
        let first = match cursor.filter(|text| !text.is_empty()).map(offset) {
            None => 0,
            Some(Some(offset)) => offset,
            Some(None) => {
                let message = r#"{"error":"the cursor is not one of ours"}"#;
                return (answer::whole(StatusCode::BAD_REQUEST, "application/json", message), Duration::ZERO);
            }
        };
        let (rows, after) = self.0.run(first, wished.unwrap_or(DEFAULT_METRICS));
        let next = match after < self.0.len() {
            true => format!(r#""{}""#, STANDARD.encode(format!("offset:{after}"))),
            false => "null".to_owned(),
        };
        let tail = format!(r#"],"next_cursor":{next}}}"#);
        let body = [Bytes::from_static(br#"{"metrics":["#), rows, Bytes::from(tail)];
        let count = u32::try_from(after.saturating_sub(first)).unwrap_or(u32::MAX);
        (answer::pieces(StatusCode::OK, "application/json", body), READ_COST.saturating_mul(count))
    }
}

fn offset(cursor: &str) -> Option<usize> {
    if cursor.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("offset:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    #[test]
    fn pages_grow_with_what_is_asked_for() {
        let metrics = Metrics::new();
        let size = |wished| metrics.read(wished, None).0.body().size_hint().exact().unwrap();
        assert!(size(Some("10000")) > 50 * size(None));
        assert_eq!(size(Some("20000")), size(Some("20001")));
        assert_eq!(size(Some("no number")), size(None));
    }

    #[test]
    fn the_cursor_is_a_bare_offset() {
        assert_eq!(offset("b2Zmc2V0OjEwMA=="), Some(100));
        for wrong in ["", "b2Zmc2V0", "%%%", "b2Zmc2V0Oi0x", &"A".repeat(10_000)] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
        let metrics = Metrics::new();
        assert_eq!(metrics.read(None, Some("junk")).0.status(), StatusCode::BAD_REQUEST);
        let far = STANDARD.encode(format!("offset:{}", usize::MAX));
        assert_eq!(metrics.read(None, Some(&far)).0.status(), StatusCode::OK);
    }
}
