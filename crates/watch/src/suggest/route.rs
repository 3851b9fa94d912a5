//! The form of a path: what is one of many (a number, an id, a token) becomes a hole.
//!
//! Small on purpose; whoever knows routes better gives [`Suggest`](super::Suggest) another function.

use std::str::FromStr as _;

use ratewarden_model::Call;
use ratewarden_policy::PathTemplate;

/// The path template of a call, `None` where it has none worth a limit of its own.
pub type RouteOf = fn(&Call<'_>) -> Option<String>;

/// Files of pages: their limit is the one of all calls.
const STATIC: [&str; 16] = [
    ".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".woff",
    ".woff2", ".ttf", ".mp4", ".txt",
];

/// [`RouteOf`] by the look of each segment.
#[must_use]
pub fn route_of(call: &Call<'_>) -> Option<String> {
    let path = std::str::from_utf8(call.path()).ok()?;
    let path = ratewarden_http1::normalise(path).ok()?;
    if STATIC.iter().any(|end| path.ends_with(end)) {
        return None;
    }
    let mut template = String::with_capacity(path.len());
    let mut holes = 0;
    for segment in path.strip_prefix('/')?.split('/') {
        template.push('/');
        if is_one_of_many(segment) {
            holes += 1;
            template.push_str(&if holes == 1 { "{id}".to_owned() } else { format!("{{id{holes}}}") });
        } else {
            template.push_str(segment);
        }
    }
    PathTemplate::from_str(&template).is_ok().then_some(template)
}

/// A number, a UUID, eight or more hexadecimal digits, twenty or more letters and digits in a mixture, or an address.
fn is_one_of_many(segment: &str) -> bool {
    let all = |is: fn(&u8) -> bool| !segment.is_empty() && segment.bytes().all(|byte| is(&byte));
    let any = |is: fn(&u8) -> bool| segment.bytes().any(|byte| is(&byte));
    let digits = any(u8::is_ascii_digit);
    let hexadecimal = all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') && digits && segment.len() >= 8;
    let mixed = segment.len() >= 20 && digits && any(u8::is_ascii_alphabetic) && !segment.contains('.');
    all(u8::is_ascii_digit) || hexadecimal || mixed || segment.contains(['@', '%'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_of_many_becomes_a_hole() {
        for (target, template) in [
            ("/api/jobs/", Some("/api/jobs/")),
            ("/api/jobs/17/logs?tail=1", Some("/api/jobs/{id}/logs")),
            ("/u/6f9619ff-8b86-d011-b42d-00c04fc964ff/a/12", Some("/u/{id}/a/{id2}")),
            ("/c/deadbeef01", Some("/c/{id}")),
            ("/api/v2/facade", Some("/api/v2/facade")),
            ("/reset/Zm9vYmFyYmF6cXV4MTIz", Some("/reset/{id}")),
            ("/user/ann%40example.org", Some("/user/{id}")),
            ("//api//x", Some("/api/x")),
            ("/app/main.3f2a.js", None),
            ("/a/../b", None),
            ("/{x", None),
            ("", None),
        ] {
            let call = Call { target: target.as_bytes(), ..Call::at(0) };
            assert_eq!(route_of(&call).as_deref(), template, "{target}");
        }
    }
}
