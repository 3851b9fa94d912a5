//! Where an answer carries its paging cursors.
//!
//! By name, for a cursor has no other mark: fields such as `next_cursor`, and the query parameters of links to the
//! next page. Bounded in depth, nodes and finds; of a list only the first items are looked at, for its rows repeat.

use serde_json::Value;
use url::form_urlencoded;

use super::MAX_CURSOR_BYTES;

/// Objects and lists inside each other.
const MAX_DEPTH: usize = 8;
/// Values that are looked at.
const MAX_NODES: usize = 5_000;
/// Items of one list.
const MAX_ITEMS: usize = 3;
/// Cursors that are returned.
const MAX_FOUND: usize = 32;

/// Names of fields and query parameters that hold a cursor, without case, `_`, `-`, `$`, `@` and `.`.
const CURSORS: [&str; 33] = [
    "next",
    "cursor",
    "nextcursor",
    "endcursor",
    "cursornext",
    "aftercursor",
    "nextpagecursor",
    "pagecursor",
    "pagingstate",
    "nextpagingstate",
    "pagestate",
    "nextpagestate",
    "pagetoken",
    "nextpagetoken",
    "nexttoken",
    "paginationtoken",
    "continuation",
    "continuationtoken",
    "nextcontinuationtoken",
    "nextmarker",
    "nextkey",
    "nextid",
    "nextoffset",
    "nextpage",
    "scrollid",
    "searchafter",
    "lastkey",
    "lastevaluatedkey",
    "startkey",
    "startingafter",
    "skiptoken",
    "resumetoken",
    "bookmark",
];

/// Query parameters that hold a position in a link to the next page, besides [`CURSORS`].
const POSITIONS: [&str; 12] = [
    "offset",
    "page",
    "skip",
    "start",
    "from",
    "after",
    "marker",
    "sinceid",
    "maxid",
    "lastid",
    "token",
    "pagenumber",
];

/// Fields that hold a link to the next page.
const LINKS: [&str; 7] =
    ["next", "nextlink", "nexturl", "nextpage", "nextpageurl", "odatanextlink", "nextpagelink"];

/// Around fields that are cursors only in such company: `paging.cursors.after`.
const PAGING: [&str; 7] = ["cursors", "cursor", "paging", "pagination", "pageinfo", "page", "meta"];

/// The fields of a body that look like paging cursors: JSON path and cursor, in document order, at most 32. The
/// path of a parameter in a link is that of the link and `?name`.
#[must_use]
pub fn find_in(body: &Value) -> Vec<(String, String)> {
    let mut search = Search { found: Vec::new(), nodes: 0 };
    search.walk(body, &Place { path: "$".to_owned(), name: String::new(), is_next: false }, 0);
    search.found
}

struct Search {
    found: Vec<(String, String)>,
    nodes: usize,
}

/// Where the search is.
struct Place {
    path: String,
    /// The name of the member, as [`normal`] makes it.
    name: String,
    /// Inside something that is called "next": its strings are links.
    is_next: bool,
}

impl Search {
    fn walk(&mut self, value: &Value, place: &Place, depth: usize) {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES || self.found.len() >= MAX_FOUND {
            return;
        }
        match value {
            Value::Object(members) => {
                let is_next = place.is_next || value.get("rel").and_then(Value::as_str) == Some("next");
                for (key, member) in members {
                    if self.nodes > MAX_NODES {
                        return;
                    }
                    self.member(place, is_next, key, member, depth);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().take(MAX_ITEMS).enumerate() {
                    let path = format!("{}[{index}]", place.path);
                    self.walk(
                        item,
                        &Place { path, name: place.name.clone(), is_next: place.is_next },
                        depth + 1,
                    );
                }
            }
            _ => {}
        }
    }

    fn member(&mut self, parent: &Place, is_next: bool, key: &str, value: &Value, depth: usize) {
        let name = normal(key);
        let path = format!("{}.{}", parent.path, key.chars().take(64).collect::<String>());
        let is_link = is_next || LINKS.contains(&name.as_str());
        if is_link
            && let Value::String(text) = value
            && let Some((_, query)) = text.split_once('?')
        {
            self.nodes += 1;
            return self.link(&path, query);
        }
        let in_company = name == "after" && PAGING.contains(&parent.name.as_str());
        if (in_company || CURSORS.contains(&name.as_str()))
            && let Some(cursor) = as_cursor(&name, value)
        {
            self.nodes += 1;
            return self.add(path, cursor);
        }
        self.walk(value, &Place { path, name, is_next: is_link }, depth + 1);
    }

    fn link(&mut self, path: &str, query: &str) {
        let query = query.split('#').next().unwrap_or_default();
        if query.len() > MAX_CURSOR_BYTES {
            return;
        }
        for (key, value) in form_urlencoded::parse(query.as_bytes()).take(50) {
            let name = normal(&key);
            if CURSORS.contains(&name.as_str()) || POSITIONS.contains(&name.as_str()) {
                // A `+` of Base64 that was not escaped.
                let key: String = key.chars().take(64).collect();
                self.add(format!("{path}?{key}"), value.replace(' ', "+"));
            }
        }
    }

    fn add(&mut self, path: String, cursor: String) {
        if !cursor.is_empty() && cursor.len() <= MAX_CURSOR_BYTES && self.found.len() < MAX_FOUND {
            self.found.push((path, cursor));
        }
    }
}

/// Lower case, without what names are joined by.
fn normal(key: &str) -> String {
    key.chars().take(64).filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// A string or a number; DynamoDB's last key is an object, Elasticsearch's a list.
fn as_cursor(name: &str, value: &Value) -> Option<String> {
    match value {
        // A relative or absolute link without a query holds no cursor.
        Value::String(text) => (!text.contains("://") && !text.starts_with('/')).then(|| text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(_) | Value::Array(_)
            if ["lastevaluatedkey", "searchafter", "startkey", "lastkey"].contains(&name) =>
        {
            let text = value.to_string();
            (text.len() <= MAX_CURSOR_BYTES).then_some(text)
        }
        _ => None,
    }
}
