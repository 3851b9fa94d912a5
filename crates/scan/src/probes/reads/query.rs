//! Page parameters: their names, and the target's query with some of them set or left out.

use super::listing::plain_name;
use crate::context::Context;

/// Names that APIs give the page size, the commonest first (so that bisection meets it early).
pub(super) const SIZES: [&str; 16] = [
    "limit",
    "page_size",
    "per_page",
    "pageSize",
    "size",
    "count",
    "perPage",
    "first",
    "max_results",
    "maxResults",
    "top",
    "$top",
    "rows",
    "take",
    "n",
    "pagesize",
];

/// Names of sizes as they are compared.
const PLAIN_SIZES: [&str; 16] = [
    "limit",
    "pagesize",
    "perpage",
    "size",
    "count",
    "first",
    "maxresults",
    "top",
    "rows",
    "take",
    "n",
    "pagelimit",
    "itemsperpage",
    "resultsperpage",
    "batchsize",
    "maxitems",
];

/// Names of positions (tokens, offsets, pages) as they are compared.
const PLAIN_POSITIONS: [&str; 20] = [
    "cursor",
    "pagetoken",
    "nextpagetoken",
    "nexttoken",
    "after",
    "before",
    "startingafter",
    "continuation",
    "continuationtoken",
    "marker",
    "pagingstate",
    "pagestate",
    "offset",
    "skip",
    "start",
    "page",
    "pagenumber",
    "pageoffset",
    "from",
    "startindex",
];

/// Names that carry an opaque position, in links to the next page.
pub(super) fn is_token(name: &str) -> bool {
    let plain = plain_name(name);
    PLAIN_POSITIONS[..12].contains(&plain.as_str())
}

fn is_size(name: &str) -> bool {
    PLAIN_SIZES.contains(&plain_name(name).as_str())
}

fn is_position(name: &str) -> bool {
    PLAIN_POSITIONS.contains(&plain_name(name).as_str())
}

/// Page-size names that the URL or the API's description give, the URL's first; at most three.
pub(super) fn named_sizes(ctx: &Context) -> Vec<String> {
    let target = ctx.client.target();
    let mut names: Vec<String> = pairs(&target.path_and_query).map(|(name, _)| decoded(name)).collect();
    let operation = ctx.api.as_ref().and_then(|api| api.operation_for("GET", target.path()));
    names.extend(operation.into_iter().flat_map(|operation| operation.query.iter().cloned()));
    let mut sizes: Vec<String> = Vec::new();
    for name in names.into_iter().filter(|name| is_size(name)) {
        if !sizes.contains(&name) {
            sizes.push(name);
        }
    }
    sizes.truncate(3);
    sizes
}

/// Whether the URL carries any page parameter.
pub(super) fn has_paging(path_and_query: &str) -> bool {
    pairs(path_and_query).any(|(name, _)| is_size(&decoded(name)) || is_position(&decoded(name)))
}

/// The same without page parameters.
pub(super) fn without_paging(path_and_query: &str) -> String {
    rebuilt(path_and_query, |name| !is_size(name) && !is_position(name), &[])
}

/// The same with these parameters set, each once. A position in the URL stays: it is the page that was asked for.
pub(super) fn with(path_and_query: &str, set: &[(&str, u64)]) -> String {
    rebuilt(path_and_query, |name| set.iter().all(|(own, _)| *own != name), set)
}

fn rebuilt(path_and_query: &str, keep: impl Fn(&str) -> bool, set: &[(&str, u64)]) -> String {
    let path = path_and_query.split('?').next().unwrap_or("/");
    let kept =
        pairs(path_and_query).filter(|(name, _)| keep(&decoded(name))).map(|(_, pair)| pair.to_owned());
    let added = set.iter().map(|(name, value)| {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        format!("{}={value}", name.replace("%24", "$"))
    });
    let query = kept.chain(added).collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Name and whole pair, as they stand in the URL.
fn pairs(path_and_query: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = path_and_query.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| (pair.split_once('=').map_or(pair, |(name, _)| name), pair))
}

fn decoded(name: &str) -> String {
    url::form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_replaced_and_the_rest_stays_as_written() {
        assert_eq!(with("/p?a=%20x&limit=5&b", &[("limit", 10)]), "/p?a=%20x&b&limit=10");
        assert_eq!(with("/p", &[("limit", 1), ("$top", 1)]), "/p?limit=1&$top=1");
        assert_eq!(without_paging("/p?limit=5&page=2&q=a&page_token=x"), "/p?q=a");
        assert_eq!(without_paging("/p?page%5Bsize%5D=5"), "/p");
        assert!(has_paging("/p?cursor=x") && !has_paging("/p?q=limit") && !has_paging("/p"));
    }

    #[test]
    fn a_page_number_is_no_token() {
        assert!(is_token("pageToken") && is_token("starting_after") && is_token("cursor"));
        assert!(!is_token("page") && !is_token("offset"));
    }

    #[test]
    fn every_name_that_is_tried_is_a_size() {
        assert!(SIZES.iter().all(|name| is_size(name)));
    }
}
