//! The shell line that shows a finding, safe to paste and without secrets.
//!
//! A header of the user's appears as a shell variable named after it (`-H "X-Api-Key: $X_API_KEY"`), so that the
//! line works for whoever knows the value and tells nothing to anybody else.

use crate::http::{Client, Request};

/// A body with more bytes than this is nothing to paste; it appears as a variable.
const LARGEST_BODY: usize = 4 * 1024;

/// The curl line for one request. It prints the status, for that is what most findings are about.
#[must_use]
pub fn line(client: &Client, request: &Request) -> String {
    format!("curl -sS -o /dev/null -w '%{{http_code}}\\n' {}", arguments(client, request))
}

/// The same request many times: the numbers of each status at the end.
#[must_use]
pub fn repeated(client: &Client, request: &Request, times: u64) -> String {
    format!("for i in $(seq {times}); do {}; done | sort | uniq -c", line(client, request))
}

/// Everything after `curl`: method, headers, body, URL.
#[must_use]
pub fn arguments(client: &Client, request: &Request) -> String {
    let mut words = vec!["--path-as-is".to_owned()];
    match request.method.as_str() {
        "GET" => words.clear(),
        "HEAD" => words.push("--head".to_owned()),
        method => words.push(format!("-X {method}")),
    }
    if words.is_empty() && is_odd(&request.path_and_query) {
        words.push("--path-as-is".to_owned());
    }
    let overridden = |name: &str| {
        request.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
            || request.without.iter().any(|own| own.eq_ignore_ascii_case(name))
    };
    for name in client.user_headers().filter(|name| !overridden(name)) {
        words.push(format!("-H \"{name}: ${}\"", variable(name)));
    }
    for (name, value) in &request.headers {
        words.push(format!("-H {}", quote(&format!("{name}: {value}"))));
    }
    if !request.body.is_empty() {
        // Half a body reproduces nothing, and may end in half a secret.
        words.push(if request.body.len() <= LARGEST_BODY {
            format!("--data {}", quote(&String::from_utf8_lossy(&request.body)))
        } else {
            "--data \"$BODY\"".to_owned()
        });
    }
    words.push(quote(&format!("{}{}", client.target().origin(), masked_query(&request.path_and_query))));
    words.join(" ")
}

/// A query credential is shown as a variable too.
fn masked_query(path_and_query: &str) -> String {
    let Some((path, query)) = path_and_query.split_once('?') else { return path_and_query.to_owned() };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if crate::target::is_secret_query(name) => format!("{name}=[redacted]"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
}

fn is_odd(path: &str) -> bool {
    path.contains("/.") || path.contains("//") || path.contains("/%2e")
}

fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// Single quotes round a word, for a POSIX shell.
#[must_use]
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_holds_whatever_the_path_contains() {
        assert_eq!(quote("a'b"), "'a'\\''b'");
        assert_eq!(masked_query("/p?api_key=abc&x=1"), "/p?api_key=[redacted]&x=1");
        assert_eq!(masked_query("/p?api%5Fkey=abc"), "/p?api%5Fkey=[redacted]");
        assert_eq!(variable("x-api-key"), "X_API_KEY");
    }
}
