//! Bounds: page sizes held to a ceiling, and answers that are larger than any honest one cut off.

use ratewarden_model::{Finding, rules};
use ratewarden_policy::write::NewBound;
use ratewarden_policy::{Bounded, PathTemplate};
use serde_json::Value;

use super::{endpoint, methods};

/// Rows of a page: what the remedies of the rule say.
const ROWS: u64 = 100;
/// A bounded page is never told to be smaller than this.
const SMALL_PAGE: u64 = 64 << 10;
/// Nor a list that comes whole.
const SMALL_LIST: u64 = 1 << 20;

/// The bounds for every read that was seen to have none.
pub(super) fn of(findings: &[&Finding]) -> Vec<NewBound> {
    let mut bounds: Vec<NewBound> = Vec::new();
    for finding in super::of(findings, &rules::UNBOUNDED_READ) {
        let Some((method, path)) = endpoint(finding) else { continue };
        for bound in endpoint_bounds(finding, &method, &path) {
            if !bounds.iter().any(|known| known.path == bound.path && known.what == bound.what) {
                bounds.push(bound);
            }
        }
    }
    bounds
}

fn endpoint_bounds(finding: &Finding, method: &str, path: &PathTemplate) -> Vec<NewBound> {
    let bound = |name: String, about: String, what| NewBound {
        name,
        about,
        methods: methods(method),
        path: Some(path.clone()),
        what,
    };
    let pages = finding.evidence.get("pages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let pages: Vec<Page> = pages.iter().map(Page::read).collect();
    let place = format!("{method} {}", path.as_str());
    let parameter = finding.evidence.get("parameter").and_then(Value::as_str);
    let Some(parameter) = parameter else {
        // Nothing to lower: only an answer that has grown far beyond what was seen is stopped.
        let seen = pages.iter().map(|page| page.bytes).max().unwrap_or(0);
        let max = roomy(seen.saturating_mul(4), SMALL_LIST);
        let about = format!(
            "The list comes whole, {seen} bytes when it was scanned, and nothing makes it shorter: an answer four times as\n\
             large is stopped (502). Pages are for the server to give."
        );
        return vec![bound(format!("answer of {place}"), about, Bounded::Response { max })];
    };
    let default = pages.iter().find(|page| page.size.is_none());
    let required = default.is_some_and(|page| page.items > ROWS);
    let mut about =
        format!("Pages grew with `{parameter}` without a plateau: more rows than this are not asked for.");
    if required {
        about.push_str(&format!(
            "\nLeft out, it brought {} rows: a call has to name a size.",
            default.map_or(0, |page| page.items)
        ));
    }
    let size = Bounded::Query { name: parameter.to_owned(), max: ROWS, clamp: true, required };
    let bytes = page_bytes(&pages, required);
    let answer = format!("A page of {ROWS} rows had about {bytes} bytes; four times as much is no page.");
    vec![
        bound(format!("page size of {place}"), about, size),
        bound(
            format!("answer of {place}"),
            answer,
            Bounded::Response { max: roomy(bytes.saturating_mul(4), SMALL_PAGE) },
        ),
    ]
}

/// The most bytes that a page within the bound had, or would have had.
fn page_bytes(pages: &[Page], required: bool) -> u64 {
    let largest = pages
        .iter()
        .filter_map(|page| Some((page.size.filter(|size| (1..=ROWS).contains(size))?, page.bytes)))
        .max();
    let sized = largest.map_or(0, |(size, bytes)| bytes.saturating_mul(ROWS.div_ceil(size)));
    let default = pages.iter().filter(|page| page.size.is_none() && !required).map(|page| page.bytes).max();
    sized.max(default.unwrap_or(0))
}

/// A round size with room for `bytes`.
fn roomy(bytes: u64, least: u64) -> u64 {
    bytes.checked_next_power_of_two().unwrap_or(u64::MAX >> 1).max(least)
}

/// One page of the evidence.
struct Page {
    /// None where the parameter was left out.
    size: Option<u64>,
    bytes: u64,
    items: u64,
}

impl Page {
    fn read(page: &Value) -> Self {
        let number = |name: &str| page.get(name).and_then(Value::as_u64);
        Self {
            size: number("size"),
            bytes: number("bytes").unwrap_or(0),
            items: number("items").unwrap_or(0),
        }
    }
}
