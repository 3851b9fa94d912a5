//! Other spellings of a path, which routers and limiters may take for the same or not.

/// A sibling of the path that cannot exist: the last segment is another.
pub(super) fn nonsense(path: &str) -> String {
    let bare = path.trim_end_matches('/');
    let parent = bare.rfind('/').map_or("", |at| &bare[..at]);
    let slash = if path.ends_with('/') && path.len() > 1 { "/" } else { "" };
    format!("{parent}/ratewarden-{:08x}{slash}", fastrand::u32(..))
}

/// Spellings of the path that many routers take for the same.
pub(super) fn all(path: &str, query: Option<&str>) -> Vec<(&'static str, String)> {
    let tail = query.map(|query| format!("?{query}")).unwrap_or_default();
    let bare = path.trim_end_matches('/');
    let spelt = |label: &'static str, path: String| (label, format!("{path}{tail}"));
    let mut found = vec![spelt("path //", format!("/{path}"))];
    if bare.is_empty() {
        return found;
    }
    found.push(if path.ends_with('/') {
        spelt("path without trailing slash", bare.to_owned())
    } else {
        spelt("path with trailing slash", format!("{path}/"))
    });
    found.push(spelt("path /./", format!("/.{path}")));
    found.push(spelt("path /%2e/", format!("/%2e{path}")));
    found.push(spelt("path in other case", swap_case(path)));
    if let Some(encoded) = encode_letter(path) {
        found.push(spelt("path with one letter encoded", encoded));
    }
    found.push(spelt("path;x=1", format!("{bare};x=1")));
    found.push(spelt("path.json", format!("{bare}.json")));
    found.push(spelt("path%20", format!("{bare}%20")));
    found.push(spelt("path%09", format!("{bare}%09")));
    found.extend(other_id(path).map(|path| spelt("path with another id", path)));
    found.extend(versions(path).into_iter().map(|(label, path)| spelt(label, path)));
    found
}

/// The path of the next item, where the last segment is a number: a limit per URL gives each an allowance of its own.
fn other_id(path: &str) -> Option<String> {
    let (parent, last) = path.rsplit_once('/')?;
    let number: u64 = last.parse().ok()?;
    Some(format!("{parent}/{}", number.checked_add(1)?))
}

/// The path without its version, and with the neighbouring one.
fn versions(path: &str) -> Vec<(&'static str, String)> {
    let segments: Vec<&str> = path.split('/').collect();
    let number = |segment: &str| segment.strip_prefix('v').and_then(|digits| digits.parse::<u32>().ok());
    let Some(at) = segments.iter().position(|segment| number(segment).is_some()) else { return Vec::new() };
    let version = number(segments[at]).unwrap_or(1);
    let mut without = segments.clone();
    without.remove(at);
    let other = format!("v{}", if version > 1 { version - 1 } else { version + 1 });
    let mut with_other = segments;
    with_other[at] = &other;
    vec![("path without its version", without.join("/")), ("path of another version", with_other.join("/"))]
}

pub(super) fn swap_case(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect()
}

/// The last letter of the path, percent-encoded.
fn encode_letter(path: &str) -> Option<String> {
    let at = path.rfind(|c: char| c.is_ascii_alphabetic())?;
    // A letter that is part of an escape must stay.
    let in_escape = path[..at].ends_with('%') || (at >= 2 && path.as_bytes()[at - 2] == b'%');
    (!in_escape).then(|| format!("{}%{:02x}{}", &path[..at], path.as_bytes()[at], &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_spelt_otherwise_and_keep_their_query() {
        let all: Vec<String> = all("/v1/items", Some("a=1")).into_iter().map(|(_, path)| path).collect();
        for path in
            ["//v1/items?a=1", "/v1/items/?a=1", "/./v1/items?a=1", "/V1/ITEMS?a=1", "/v1/item%73?a=1"]
        {
            assert!(all.iter().any(|found| found == path), "{path} in {all:?}");
        }
        assert_eq!(super::all("/", None).len(), 1);
    }

    #[test]
    fn a_version_is_left_out_or_replaced() {
        let paths: Vec<String> = versions("/api/v1/items").into_iter().map(|(_, path)| path).collect();
        assert_eq!(paths, ["/api/items", "/api/v2/items"]);
        assert_eq!(versions("/v3/x")[1].1, "/v2/x");
        assert!(versions("/video/items").is_empty());
    }

    #[test]
    fn an_id_is_followed_by_the_next() {
        assert_eq!(other_id("/items/41").as_deref(), Some("/items/42"));
        assert_eq!(other_id("/items"), None);
        assert_eq!(other_id("/items/18446744073709551615"), None);
    }

    #[test]
    fn an_escape_is_never_broken() {
        assert_eq!(encode_letter("/%2e"), None);
        assert_eq!(encode_letter("/a%2f"), None);
        assert_eq!(encode_letter("/ab"), Some("/a%62".to_owned()));
    }
}
