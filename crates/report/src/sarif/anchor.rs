//! The file a SARIF result is shown at: relative, the same from run to run, without credentials or query.

use ratewarden_model::Subject;

/// The path made from a finding's subject.
pub(super) fn of_subject(subject: &Subject) -> String {
    match subject {
        Subject::Endpoint { url, .. } => of_target(url),
        Subject::Named { value, .. } => of_file(value).unwrap_or_else(|| "unnamed".to_owned()),
    }
}

/// The path made from a URL: host (and port, after an underscore, for a colon in the first segment would read as a
/// scheme), then the path.
pub(super) fn of_target(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default().replace([':', '[', ']'], "_");
    segments(&format!("{host}/{path}")).unwrap_or_else(|| "target".to_owned())
}

/// The path of a file the user named, else none. An absolute path would be refused by code scanning and would show
/// the machine's folders, so only its last part is kept; a URL is treated as a target.
pub(super) fn of_file(path: &str) -> Option<String> {
    if path.contains("://") {
        return Some(of_target(path));
    }
    let slashed = path.replace('\\', "/");
    let has_drive = slashed.as_bytes().get(1) == Some(&b':');
    if slashed.starts_with('/') || has_drive {
        return segments(slashed.rsplit(['/', ':']).next()?);
    }
    segments(&slashed)
}

/// Percent-encoded segments without `.`, `..` and empty ones; none where nothing is left.
fn segments(path: &str) -> Option<String> {
    let kept = path.split('/').filter(|segment| !matches!(*segment, "" | "." | ".."));
    let joined = kept.map(encode).collect::<Vec<_>>().join("/");
    (!joined.is_empty()).then_some(joined)
}

/// RFC 3986 `unreserved`, and `%` of what is encoded already, stay as they are.
fn encode(segment: &str) -> String {
    let mut encoded = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_a_relative_path_without_credentials_and_query() {
        assert_eq!(of_target("https://user:pw@example.com/v1/items?key=s#x"), "example.com/v1/items");
        assert_eq!(of_target("http://localhost:8080/"), "localhost_8080");
        assert_eq!(of_target("http://[::1]:80/a/../b"), "___1__80/a/b");
        assert_eq!(of_target("https://h/{id}/a b"), "h/%7Bid%7D/a%20b");
        assert_eq!(of_target(""), "target");
    }

    #[test]
    fn a_file_stays_relative_and_never_shows_the_machine() {
        assert_eq!(of_file("./api/openapi.yaml").unwrap(), "api/openapi.yaml");
        assert_eq!(of_file("../../openapi.yaml").unwrap(), "openapi.yaml");
        assert_eq!(of_file("/home/ann/api.yaml").unwrap(), "api.yaml");
        assert_eq!(of_file(r"C:\work\api.yaml").unwrap(), "api.yaml");
        assert_eq!(of_file(r"api\v1.yaml").unwrap(), "api/v1.yaml");
        assert_eq!(of_file("https://h/openapi.json").unwrap(), "h/openapi.json");
        assert_eq!(of_file("/"), None);
    }
}
