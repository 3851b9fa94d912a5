//! A body as a list: how many items it has, which is the first, and what it says of other pages.
//!
//! Only the first part of a large body is kept, so it cannot be parsed; the items are counted by walking over the bytes
//! instead, which serves whole and partial bodies alike. The walk knows strings and brackets and nothing else: it need not
//! decide whether a body is valid, only how often a comma stands at the level of the list.

use serde_json::Value;

use crate::http::Response;

/// A list may lie this deep below the top: `{"data":{"items":[…]}}`.
const DEEPEST: usize = 2;
/// The most containers open at once that are followed.
const MOST_OPEN: usize = 512;
/// This much of the first item is kept to tell one page from another.
const KEPT_ITEM_BYTES: usize = 512;

/// A response as a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listing {
    /// Items, counted where the whole body was kept, else estimated from the part that was.
    pub(super) items: u64,
    /// The number of items is an estimate.
    pub(super) estimated: bool,
    /// The beginning of the first item.
    pub(super) first: Vec<u8>,
    /// What is said of other pages.
    pub(super) paging: Paging,
}

/// What an answer says of other pages.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Paging {
    /// Any field or header that pages: next, cursor, link, total, page, limit…
    pub(super) mentioned: bool,
    /// Whether there is a next page, where that is said.
    pub(super) next: Option<bool>,
    /// The number of all items, where it is said.
    pub(super) total: Option<u64>,
    /// Fields after the list could not be read, for the body was kept only in part.
    pub(super) unread: bool,
}

impl Listing {
    /// The list in a response, if it is a success and has one.
    pub(super) fn of(response: &Response) -> Option<Self> {
        if !response.status.is_success() {
            return None;
        }
        let list = longest_list(&response.body)?;
        let kept = response.body.len() as u64;
        let estimated = response.body_bytes > kept;
        let items = if estimated { scale(list.items, response.body_bytes, kept) } else { list.items };
        let end = list.first_end.unwrap_or(response.body.len()).min(list.first_start + KEPT_ITEM_BYTES);
        let first = response.body.get(list.first_start..end).unwrap_or_default().to_vec();
        Some(Self { items, estimated, first, paging: Paging::of(response) })
    }
}

fn scale(items: u64, all: u64, kept: u64) -> u64 {
    u64::try_from(u128::from(items) * u128::from(all) / u128::from(kept.max(1))).unwrap_or(u64::MAX)
}

/// One container of the walk.
#[derive(Clone, Copy)]
struct Open {
    is_list: bool,
    /// A list that counts: not deeper than allowed, and not inside another list.
    counts: bool,
    items: u64,
    first_start: usize,
    first_end: Option<usize>,
}

/// The list with the most items of those that are not too deep.
fn longest_list(body: &[u8]) -> Option<Open> {
    let mut open: Vec<Open> = Vec::new();
    let mut longest: Option<Open> = None;
    let mut keep = |list: Open| {
        if list.counts && longest.is_none_or(|known| list.items > known.items) {
            longest = Some(list);
        }
    };
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if !matches!(body.get(start), Some(b'[' | b'{')) {
        return None;
    }
    let (mut in_string, mut escaped) = (false, false);
    for (at, &byte) in body.iter().enumerate().skip(start) {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        if byte == b']' || byte == b'}' {
            let Some(mut closed) = open.pop() else { break };
            closed.first_end = closed.first_end.or(Some(at));
            keep(closed);
            continue;
        }
        if byte.is_ascii_whitespace() {
            continue;
        }
        note_item(open.last_mut(), byte, at);
        in_string = byte == b'"';
        if byte == b'[' || byte == b'{' {
            if open.len() >= MOST_OPEN {
                break;
            }
            let counts = byte == b'[' && open.len() <= DEEPEST && open.iter().all(|outer| !outer.is_list);
            open.push(Open { is_list: byte == b'[', counts, items: 0, first_start: at, first_end: None });
        }
    }
    open.into_iter().for_each(keep);
    longest
}

/// A value begins, or a comma ends one.
fn note_item(container: Option<&mut Open>, byte: u8, at: usize) {
    let Some(list) = container.filter(|container| container.is_list) else { return };
    if byte == b',' {
        list.first_end = list.first_end.or(Some(at));
        list.items += 1;
    } else if list.items == 0 {
        list.items = 1;
        list.first_start = at;
    }
}

/// Field names that say whether there is more, without case and punctuation.
const NEXT: [&str; 19] = [
    "next",
    "nextpage",
    "nexturl",
    "nextlink",
    "nexttoken",
    "nextpagetoken",
    "nextcursor",
    "nextmarker",
    "odatanextlink",
    "endcursor",
    "cursor",
    "pagetoken",
    "pagestate",
    "pagingstate",
    "continuation",
    "continuationtoken",
    "hasmore",
    "hasnext",
    "hasnextpage",
];
/// Field names of the number of all items.
const TOTAL: [&str; 8] = [
    "total",
    "totalcount",
    "totalitems",
    "totalresults",
    "totalelements",
    "totalhits",
    "odatacount",
    "totalrows",
];
/// Field names that only show that there are pages.
const OTHER: [&str; 14] = [
    "page",
    "pages",
    "pagenumber",
    "totalpages",
    "perpage",
    "pagesize",
    "limit",
    "offset",
    "count",
    "prev",
    "previous",
    "links",
    "pagination",
    "paging",
];

impl Paging {
    fn of(response: &Response) -> Self {
        let mut paging = Self::default();
        for name in ["x-total-count", "x-total", "x-total-pages", "x-next-page", "content-range"] {
            paging.mentioned |= response.headers.contains_key(name);
        }
        let total = response.header("x-total-count").or_else(|| response.header("x-total"));
        paging.total = total.and_then(|text| text.trim().parse().ok());
        if let Some(link) = response.header("link") {
            let next = link.contains("rel=\"next\"") || link.contains("rel=next");
            paging.next = next.then_some(true);
            paging.mentioned |= next || link.contains("rel=\"last\"") || link.contains("rel=\"prev\"");
        }
        match response.json() {
            Some(document) => paging.read(&document, 0),
            None => paging.unread = !response.body.trim_ascii_start().starts_with(b"["),
        }
        paging
    }

    fn read(&mut self, value: &Value, depth: usize) {
        let Some(fields) = value.as_object().filter(|_| depth <= DEEPEST) else { return };
        for (name, value) in fields {
            let plain = plain_name(name);
            if NEXT.contains(&plain.as_str()) {
                self.mentioned = true;
                // Two fields may speak of it (a cursor and a flag): one that says yes wins.
                self.next = Some(self.next == Some(true) || is_something(value));
            } else if TOTAL.contains(&plain.as_str()) && value.is_u64() {
                self.mentioned = true;
                self.total = value.as_u64();
            } else if OTHER.contains(&plain.as_str()) {
                self.mentioned = true;
            }
            self.read(value, depth + 1);
        }
    }
}

fn is_something(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
        && value.as_str() != Some("")
        && value.as_u64() != Some(0)
}

/// A name without case and punctuation: `page_size`, `pageSize` and `page[size]` are one.
pub(in crate::probes) fn plain_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn response(body: &str, kept: usize) -> Response {
        Response {
            status: http::StatusCode::OK,
            version: http::Version::HTTP_11,
            headers: http::HeaderMap::new(),
            body: Bytes::copy_from_slice(&body.as_bytes()[..kept.min(body.len())]),
            body_bytes: body.len() as u64,
            truncated: false,
        }
    }

    fn items(body: &str) -> Option<u64> {
        Listing::of(&response(body, usize::MAX)).map(|list| list.items)
    }

    #[test]
    fn lists_are_found_at_the_top_and_a_little_below() {
        assert_eq!(items("[]"), Some(0));
        assert_eq!(items(r#" [1, "a,b", {"c":[1,2,3]}, [4,5] ]"#), Some(4));
        assert_eq!(items(r#"{"data":{"items":[{},{}]},"tags":["x"]}"#), Some(2));
        assert_eq!(items(r#"{"a":{"b":{"c":[1]}}}"#), None);
        assert_eq!(items(r#""[1,2]""#), None);
        assert_eq!(items("<html>[1,2]</html>"), None);
    }

    #[test]
    fn what_is_said_of_other_pages_is_read() {
        let paging = |body: &str| Listing::of(&response(body, usize::MAX)).unwrap().paging;
        assert_eq!(paging(r#"{"items":[1],"next_cursor":null}"#).next, Some(false));
        assert_eq!(paging(r#"{"items":[1],"hasMore":true,"cursor":null}"#).next, Some(true));
        assert_eq!(paging(r#"{"items":[1],"meta":{"total":7}}"#).total, Some(7));
        assert!(!paging(r#"{"items":[{"next":1}]}"#).mentioned);
        assert!(!paging("[1,2]").mentioned);
    }

    #[test]
    fn a_body_kept_in_part_is_estimated() {
        let body = format!("{{\"items\":[{}]}}", vec![r#"{"id":12345}"#; 1_000].join(","));
        let list = Listing::of(&response(&body, 2_000)).unwrap();
        assert!(list.estimated && list.paging.unread && list.items.abs_diff(1_000) < 20, "{}", list.items);
    }

    proptest! {
        #[test]
        fn items_are_counted_as_a_parser_counts_them(values in prop::collection::vec(".{0,12}", 0..40)) {
            let body = serde_json::json!({ "n": 1, "rows": values }).to_string();
            prop_assert_eq!(items(&body), Some(values.len() as u64));
        }

        #[test]
        fn no_bytes_upset_the_walk(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = longest_list(&body);
        }

        #[test]
        fn no_brackets_upset_the_walk(body in "[\\[\\]{},:\"\\\\ a1]{0,200}") {
            let _ = longest_list(body.as_bytes());
        }
    }
}
