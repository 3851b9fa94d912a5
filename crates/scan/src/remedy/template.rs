//! A path that was scanned, as a policy of the gateway names it.
//!
//! The gateway compares a path with the one form it brings every path into, and refuses paths that servers read differently.
//! So a policy that repeats a path as it stood in a URL may be refused, or never match. The form is `http1`'s, which the
//! gateway uses itself.

use std::fmt::Write as _;

use ratewarden_http1::normalise;

/// What a policy allows: bytes, and parameters (`{name}`).
const MOST_BYTES: usize = 1_024;
const MOST_PARAMETERS: usize = 16;

/// The template for a path of a URL or of an OpenAPI document; none where the gateway does not forward such a path, or a
/// policy cannot name it.
pub(super) fn template(path: &str) -> Option<String> {
    let path = path.strip_prefix('/')?;
    let last = path.split('/').count().saturating_sub(1);
    let mut template = String::new();
    let mut names: Vec<String> = Vec::new();
    for (index, segment) in path.split('/').enumerate() {
        // Several slashes in a row are one.
        if segment.is_empty() && index != last {
            continue;
        }
        template.push('/');
        if segment.contains(['{', '}']) {
            let name = name(segment).filter(|name| !names.iter().any(|known| known == name));
            let name = name.map_or_else(|| format!("part-{}", index + 1), str::to_owned);
            // Writing to a String cannot fail.
            let _ = write!(template, "{{{name}}}");
            names.push(name);
        } else {
            template.push_str(&literal(segment)?);
        }
    }
    (template.len() <= MOST_BYTES && names.len() <= MOST_PARAMETERS).then_some(template)
}

/// The name of a parameter that is a whole segment; OpenAPI also has some that are a part of one, and any name.
fn name(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    ((1..=64).contains(&name.len()) && name.chars().all(fits)).then_some(name)
}

/// A segment in its one form. Characters that URLs have and paths do not are escaped, as a client has to.
fn literal(segment: &str) -> Option<String> {
    let mut escaped = String::from("/");
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@%".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    normalise(&escaped).ok()?.strip_prefix('/').map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_in_the_form_that_the_gateway_compares() {
        for (path, form) in [
            ("/", Some("/")),
            ("/v1/items", Some("/v1/items")),
            ("//v1///items/", Some("/v1/items/")),
            ("/%6aobs/%c3%a9/a|b", Some("/jobs/%C3%A9/a%7Cb")),
            ("/users/{user-id}/files/{name}.json", Some("/users/{user-id}/files/{part-4}")),
            ("/a/{x}/b/{x}/c/{user.id}", Some("/a/{x}/b/{part-4}/c/{part-6}")),
            ("/a%2Fb", None),
            ("/a/%2e%2e/b", None),
            ("/a/..;x/b", None),
            ("/100%", None),
        ] {
            assert_eq!(template(path).as_deref(), form, "{path}");
        }
        assert_eq!(template(&format!("/{}", "a".repeat(1_024))), None);
        assert_eq!(template(&"/{a}".repeat(17)), None);
    }
}
