//! A policy from limits that somebody else found out: what `scan` writes.
//!
//! The text is for people: it has comments, and nothing in it that is a default. It is read again before it is
//! handed out, so what is written is a policy or a mistake, never a file that the gateway then refuses.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ratewarden_model::{Rate, format_duration, format_size};

use crate::policy::{Bounded, Key};
use crate::template::PathTemplate;
use crate::{Mistakes, read_gateway};

/// A policy to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewPolicy {
    /// The server: scheme, host and port.
    pub upstream: String,
    /// Lines of the comment at its top; may be empty.
    pub about: String,
    /// Where the gateway listens; `None` is every address, at port 8080 (8081 where the upstream has that one).
    pub listen: Option<SocketAddr>,
    /// File of keys that callers show in `x-api-key`, relative to the policy's folder; without it callers are known
    /// by their address alone.
    pub keys: Option<String>,
    /// How failed credentials are locked out; `None` leaves the defaults.
    pub credentials: Option<NewCredentials>,
    /// Limits.
    pub limits: Vec<NewLimit>,
    /// Bounds.
    pub bounds: Vec<NewBound>,
}

/// A limit to be written: a token bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLimit {
    /// Its name. What has no place in one is replaced, and a name that is taken gets a number.
    pub name: String,
    /// Lines of a comment above it; may be empty.
    pub about: String,
    /// Methods, in upper case; empty is every method.
    pub methods: Vec<String>,
    /// The form of the path; `None` is every path.
    pub path: Option<PathTemplate>,
    /// What calls are counted per; empty is one total.
    pub per: Vec<Key>,
    /// How many, in how long.
    pub rate: Rate,
    /// How many at once; `None` is as many as the rate has.
    pub burst: Option<u64>,
}

/// A bound to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBound {
    /// As the name of a limit; bounds and limits may share one.
    pub name: String,
    /// Lines of a comment above it; may be empty.
    pub about: String,
    /// Methods, in upper case; empty is every method.
    pub methods: Vec<String>,
    /// The form of the path; `None` is every path.
    pub path: Option<PathTemplate>,
    /// What is bounded.
    pub what: Bounded,
}

/// The lock-out to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredentials {
    /// Lines of a comment above it; may be empty.
    pub about: String,
    /// Failures of one address before it is locked out.
    pub per_source: Rate,
    /// The first lock-out.
    pub lockout: Duration,
}

/// Writes a policy.
///
/// # Errors
/// When no policy can be made of it: an upstream with a path, a method, a field or a burst that is none, a path
/// parameter that the template does not have, more limits than a policy may have. Lines are those of the text that
/// would have been.
pub fn policy(new: &NewPolicy) -> Result<String, Mistakes> {
    policy_for(new, &[])
}

/// Writes a policy with further ways to know a caller before its address, as `from` says them (`bearer`,
/// `header:x-api-key`).
///
/// # Errors
/// Those of [`policy`], and where a caller is said in another way.
pub fn policy_for(new: &NewPolicy, callers: &[String]) -> Result<String, Mistakes> {
    let text = render(new, callers);
    read_gateway(&text, Path::new("ratewarden.toml")).map(|_| text)
}

fn render(new: &NewPolicy, callers: &[String]) -> String {
    // Not where the upstream itself may listen.
    let port = if new.upstream.trim_end_matches('/').ends_with(":8080") { 8081 } else { 8080 };
    let listen = new.listen.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], port)));
    let mut text = comment(&new.about);
    let _ = write!(
        text,
        "\n[listen]\nhttp = {}\n\n[upstream]\nurl = {}\n\n\
         # Whom a call is counted against; see also \"bearer\", \"jwt:sub\", \"cookie:NAME\", \"header:NAME\" with `keys`.\n",
        quoted(&listen.to_string()),
        quoted(&new.upstream)
    );
    if let Some(keys) = &new.keys {
        let _ = write!(text, "[[caller]]\nfrom = \"header:x-api-key\"\nkeys = {}\n\n", quoted(keys));
    }
    for from in callers {
        let _ = write!(text, "[[caller]]\nfrom = {}\n\n", quoted(from));
    }
    text.push_str("[[caller]]\nfrom = \"address\"\n");
    if let Some(credentials) = &new.credentials {
        let _ = write!(
            text,
            "\n{}[credentials]\nper-source = {}\nlockout    = {}\n",
            comment(&credentials.about),
            quoted(&credentials.per_source.to_string()),
            quoted(&format_duration(credentials.lockout))
        );
    }
    let mut taken = BTreeSet::new();
    for limit in &new.limits {
        render_limit(&mut text, limit, &unique(&limit.name, &mut taken));
    }
    taken.clear();
    for bound in &new.bounds {
        render_bound(&mut text, bound, &unique(&bound.name, &mut taken));
    }
    text
}

fn render_limit(text: &mut String, limit: &NewLimit, name: &str) {
    let _ = write!(text, "\n{}[[limit]]\nname  = {}\n", comment(&limit.about), quoted(name));
    if let Some(matches) = matches(&limit.methods, limit.path.as_ref()) {
        let _ = writeln!(text, "match = {matches}");
    }
    let keys: Vec<String> = limit.per.iter().map(|key| quoted(&key.to_string())).collect();
    let _ = writeln!(text, "per   = [{}]\nrate  = {}", keys.join(", "), quoted(&limit.rate.to_string()));
    if let Some(burst) = limit.burst.filter(|burst| *burst != limit.rate.calls) {
        let _ = writeln!(text, "burst = {burst}");
    }
}

fn render_bound(text: &mut String, bound: &NewBound, name: &str) {
    let _ = write!(text, "\n{}[[bound]]\nname  = {}\n", comment(&bound.about), quoted(name));
    if let Some(matches) = matches(&bound.methods, bound.path.as_ref()) {
        let _ = writeln!(text, "match = {matches}");
    }
    let (what, name, max, clamp, required) = match &bound.what {
        Bounded::Query { name, max, clamp, required } => ("query", name.clone(), max, *clamp, *required),
        Bounded::Body { field, max, clamp, required } => ("body ", field.join("."), max, *clamp, *required),
        Bounded::Response { max } => {
            let _ = write!(text, "response = true\nmax   = {}\n", quoted(&format_size(*max)));
            return;
        }
    };
    let _ = write!(text, "{what} = {}\nmax   = {max}\n", quoted(&name));
    if !clamp {
        text.push_str("over  = \"refuse\"\n");
    }
    if required {
        text.push_str("required = true\n");
    }
}

fn matches(methods: &[String], path: Option<&PathTemplate>) -> Option<String> {
    let method = match methods {
        [] => None,
        [only] => Some(format!("method = {}", quoted(only))),
        several => {
            let several: Vec<String> = several.iter().map(|method| quoted(method)).collect();
            Some(format!("method = [{}]", several.join(", ")))
        }
    };
    let path = path.map(|path| format!("path = {}", quoted(path.as_str())));
    let parts: Vec<String> = method.into_iter().chain(path).collect();
    (!parts.is_empty()).then(|| format!("{{ {} }}", parts.join(", ")))
}

/// A name that is one, and that no other of its kind has.
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
