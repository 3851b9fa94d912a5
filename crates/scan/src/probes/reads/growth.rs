//! From pages of growing size to a judgement: is there a ceiling?
//!
//! Pure, so that every shape of answer can be tested without a server. The question is decided by items, which a ceiling
//! caps exactly; bytes and latency are fitted to say what the growth costs.

use serde_json::{Value, json};

use super::listing::Listing;
use crate::http::{Answer, Response};
use crate::statistics::power_law_exponent;

/// One page as it was answered.
#[derive(Debug, Clone)]
pub(super) struct Page {
    /// The value of the parameter; None where it was left out.
    pub(super) size: Option<u64>,
    pub(super) bytes: u64,
    /// To the end of the body.
    pub(super) latency_ms: f64,
    pub(super) status: u16,
    /// None where the answer is no list.
    pub(super) list: Option<Listing>,
}

impl Page {
    pub(super) fn new(size: Option<u64>, answer: &Answer, response: &Response) -> Self {
        Self {
            size,
            bytes: response.body_bytes,
            latency_ms: (answer.total.as_secs_f64() * 1e5).round() / 1e2,
            status: response.status.as_u16(),
            list: Listing::of(response),
        }
    }

    pub(super) fn items(&self) -> u64 {
        self.list.as_ref().map_or(0, |list| list.items)
    }

    fn to_json(&self) -> Value {
        let mut page = json!({ "size": self.size, "bytes": self.bytes, "latency_ms": self.latency_ms });
        if let Some(list) = &self.list {
            page["items"] = list.items.into();
            if list.estimated {
                page["items_estimated"] = true.into();
            }
        } else {
            page["status"] = self.status.into();
        }
        page
    }
}

/// The pages as evidence.
pub(super) fn evidence(pages: &[Page]) -> Value {
    pages.iter().map(Page::to_json).collect()
}

/// What holds the page size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ceiling {
    /// Nothing up to this value: the last page had this many items, or all there are.
    NotSeen { size: u64, items: u64 },
    /// No page has more than so many items.
    Items(u64),
    /// This value was refused.
    Refused(u64),
    /// The list ended, or the measuring stopped, before a ceiling could be told.
    Unknown,
}

/// A page of this many items is huge.
pub(super) const HUGE_ITEMS: u64 = 1_000;

/// Judges pages of growing size.
pub(super) fn ceiling(pages: &[Page]) -> Ceiling {
    let sized: Vec<(u64, &Page)> = pages.iter().filter_map(|page| Some((page.size?, page))).collect();
    let Some(&(size, last)) = sized.last() else { return Ceiling::Unknown };
    let Some(list) = &last.list else { return Ceiling::Refused(size) };
    let items = list.items;
    if is_about(items, size, list.estimated) {
        // Every value was followed. Below a thousand that is what paging is for.
        return if size >= HUGE_ITEMS { Ceiling::NotSeen { size, items } } else { Ceiling::Unknown };
    }
    let all = list.paging.total == Some(items) || list.paging.next == Some(false);
    // Ceilings are round numbers; the end of the data seldom is.
    let looks_whole = list.paging.next.is_none() && list.paging.total.is_none() && !items.is_multiple_of(50);
    if items > HUGE_ITEMS && (all || (looks_whole && !list.estimated)) {
        return Ceiling::NotSeen { size, items };
    }
    // A list that says it is whole may only be short; without such a word a short list and a ceiling look alike, and
    // neither is a weakness.
    if all { Ceiling::Unknown } else { Ceiling::Items(items) }
}

/// Whether a page has as many items as were asked for.
fn is_about(items: u64, size: u64, estimated: bool) -> bool {
    // An estimate from the first part of a body may be off where items differ in length.
    let slack = if estimated { size / 5 } else { size / 50 };
    items + slack >= size
}

/// How bytes and latency grow with the value, over the pages that grew at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trend {
    pub(super) bytes: Option<f64>,
    pub(super) latency: Option<f64>,
}

impl Trend {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    pub(super) fn of(pages: &[Page]) -> Self {
        let growing = pages.iter().filter(|page| page.list.is_some() && page.items() > 0);
        let points: Vec<(f64, f64, f64)> = growing
            .filter_map(|page| Some((page.size? as f64, page.bytes as f64, page.latency_ms)))
            .collect();
        let fit = |of: fn(&(f64, f64, f64)) -> f64| {
            let points: Vec<(f64, f64)> = points.iter().map(|point| (point.0, of(point))).collect();
            power_law_exponent(&points).map(|exponent| (exponent * 1e3).round() / 1e3)
        };
        Self { bytes: fit(|point| point.1), latency: fit(|point| point.2) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::listing::Paging;
    use super::*;

    fn page(size: u64, items: u64, paging: Paging) -> Page {
        let list = Some(Listing { items, estimated: false, first: Vec::new(), paging });
        Page { size: Some(size), bytes: 20 + items * 300, latency_ms: 1.0, status: 200, list }
    }

    /// The pages of a server with so many rows and such a ceiling.
    fn pages(rows: u64, cap: u64, next: impl Fn(u64) -> Option<bool>) -> Vec<Page> {
        let items = |size: u64| size.min(cap).min(rows);
        [1, 10, 100, 1_000, 10_000]
            .map(|size| page(size, items(size), Paging { next: next(items(size)), ..Paging::default() }))
            .into()
    }

    #[test]
    fn growth_to_the_end_has_no_ceiling() {
        let grown = pages(50_000, u64::MAX, |_| None);
        assert_eq!(ceiling(&grown), Ceiling::NotSeen { size: 10_000, items: 10_000 });
        let exponent = Trend::of(&grown).bytes.unwrap();
        assert!((0.85..=1.05).contains(&exponent), "{exponent}");
        // 4 321 rows in one call are all there are.
        assert_eq!(
            ceiling(&pages(4_321, u64::MAX, |_| None)),
            Ceiling::NotSeen { size: 10_000, items: 4_321 }
        );
        let said = pages(2_000, u64::MAX, |items| Some(items < 2_000));
        assert_eq!(ceiling(&said), Ceiling::NotSeen { size: 10_000, items: 2_000 });
    }

    #[test]
    fn a_plateau_is_a_ceiling() {
        for cap in [20, 100, 250, 1_000, 2_000, 5_000] {
            assert_eq!(ceiling(&pages(50_000, cap, |_| None)), Ceiling::Items(cap), "{cap}");
            assert_eq!(ceiling(&pages(50_000, cap, |_| Some(true))), Ceiling::Items(cap), "{cap}");
        }
    }

    #[test]
    fn a_short_list_shows_nothing() {
        let short = pages(37, u64::MAX, |items| Some(items < 37));
        assert_eq!(ceiling(&short), Ceiling::Unknown);
        assert_eq!(ceiling(&[]), Ceiling::Unknown);
        assert_eq!(ceiling(&pages(50_000, 100, |_| None)[..2]), Ceiling::Unknown);
    }

    #[test]
    fn a_refused_value_is_a_ceiling() {
        let mut refused = pages(50_000, u64::MAX, |_| None);
        refused.truncate(4);
        refused[3].list = None;
        assert_eq!(ceiling(&refused), Ceiling::Refused(1_000));
    }
}
