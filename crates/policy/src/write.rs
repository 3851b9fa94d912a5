//! A policy from limits that somebody else found out: what `scan` writes.
//!
//! The text is for people: it has comments, and nothing in it that is a default. It is read again before it is
//! handed out, so what is written is a policy or a mistake, never a file that the gateway then refuses.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use ratewarden_model::Rate;

use crate::policy::Key;
use crate::template::PathTemplate;
use crate::{Mistakes, read};

/// A limit to be written: a token bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLimit {
    /// Its name. What has no place in one is replaced, and a name that is taken gets a number.
    pub name: String,
    /// Lines of a comment above it; may be empty.
    pub about: String,
    /// The method, in upper case; `None` is every method.
    pub method: Option<String>,
    /// The form of the path; `None` is every path.
    pub path: Option<PathTemplate>,
    /// What calls are counted per; empty is one total.
    pub per: Vec<Key>,
    /// How many, in how long.
    pub rate: Rate,
    /// How many at once; `None` is as many as the rate has.
    pub burst: Option<u64>,
}

/// Writes a policy in front of `upstream` (scheme, host and port), with `about` as the comment at its top.
///
/// # Errors
/// When no policy can be made of it: an upstream with a path, a method or a burst that is none, a path parameter
/// that the template does not have, more limits than a policy may have. Lines are those of the text that would
/// have been.
pub fn policy(upstream: &str, about: &str, limits: &[NewLimit]) -> Result<String, Mistakes> {
    let text = render(upstream, about, limits);
    read(&text, Path::new("ratewarden.toml")).map(|_| text)
}

fn render(upstream: &str, about: &str, limits: &[NewLimit]) -> String {
    // Not where the upstream itself may listen.
    let port = if upstream.trim_end_matches('/').ends_with(":8080") { 8081 } else { 8080 };
    let mut text = comment(about);
    let _ = write!(
        text,
        "\n[listen]\nhttp = \"0.0.0.0:{port}\"\n\n[upstream]\nurl = {}\n\n\
         # Whom a call is counted against; see also \"bearer\", \"jwt:sub\", \"cookie:NAME\", \"header:NAME\" with `keys`.\n\
         [[caller]]\nfrom = \"address\"\n",
        quoted(upstream)
    );
    let mut taken = BTreeSet::new();
    for limit in limits {
        text.push('\n');
        text.push_str(&comment(&limit.about));
        let _ = writeln!(text, "[[limit]]\nname  = {}", quoted(&unique(&limit.name, &mut taken)));
        if let Some(matches) = matches(limit) {
            let _ = writeln!(text, "match = {matches}");
        }
        let keys: Vec<String> = limit.per.iter().map(|key| quoted(&key.to_string())).collect();
        let _ = writeln!(text, "per   = [{}]\nrate  = {}", keys.join(", "), quoted(&limit.rate.to_string()));
        if let Some(burst) = limit.burst.filter(|burst| *burst != limit.rate.calls) {
            let _ = writeln!(text, "burst = {burst}");
        }
    }
    text
}

fn matches(limit: &NewLimit) -> Option<String> {
    let method = limit.method.as_ref().map(|method| format!("method = {}", quoted(method)));
    let path = limit.path.as_ref().map(|path| format!("path = {}", quoted(path.as_str())));
    let parts: Vec<String> = method.into_iter().chain(path).collect();
    (!parts.is_empty()).then(|| format!("{{ {} }}", parts.join(", ")))
}

/// A name that is one, and that no other limit has.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let fits = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    let clean: String = name.chars().map(|c| if fits(c) { c } else { '-' }).take(64).collect();
    let clean = match clean.trim() {
        "" => "limit",
        name => name,
    };
    let mut unique = clean.to_owned();
    let mut number = 2;
    while !taken.insert(unique.clone()) {
        let suffix = format!(" {number}");
        let room = clean.get(..64 - suffix.len()).unwrap_or(clean).trim_end();
        unique = format!("{room}{suffix}");
        number += 1;
    }
    unique
}

/// Lines of a comment, without anything that would end it early.
fn comment(text: &str) -> String {
    let mut comment = String::new();
    for line in text.lines() {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(comment, "{}", format!("# {line}").trim_end());
    }
    comment
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
