//! What kind of route it is: a static file, a login, a way to start or end something.
//!
//! Decided from method and words alone. The words are those of Ray, Anyscale and the usual frameworks.

use std::ops::BitOr;

/// Kinds of a route, several at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u16);

impl Kinds {
    /// A file that pages load: style, script, picture, font, film.
    pub(crate) const STATIC: Self = Self(1);
    /// Where a user or a client proves who it is, by a write.
    pub(crate) const LOGIN: Self = Self(1 << 1);
    /// A write that starts, ends or changes machines or jobs.
    pub(crate) const CONTROL: Self = Self(1 << 2);
    /// A job is submitted.
    pub(crate) const JOB: Self = Self(1 << 3);
    /// A cluster is created.
    pub(crate) const CLUSTER: Self = Self(1 << 4);
    /// A cluster is ended.
    pub(crate) const CLUSTER_END: Self = Self(1 << 5);
    /// A path that only who looks for weaknesses asks for.
    pub(crate) const SENSITIVE: Self = Self(1 << 6);
    /// A method that changes something.
    pub(crate) const WRITE: Self = Self(1 << 7);
    /// A method that reads a body: GET, or SELECT.
    pub(crate) const READ: Self = Self(1 << 8);
    /// Tokens are handed out to programs here, which ask often.
    pub(crate) const TOKEN: Self = Self(1 << 9);

    #[inline]
    pub(crate) const fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Verb {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Other,
}

impl Verb {
    #[inline]
    pub(crate) fn of(method: &[u8]) -> Self {
        match method {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"PATCH" => Self::Patch,
            b"DELETE" => Self::Delete,
            b"OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }
}

/// Endings of what pages load. Archives, dumps and texts are not among them: who asks for many of those looks around.
const STATIC: [&[u8]; 26] = [
    b"css",
    b"js",
    b"mjs",
    b"map",
    b"png",
    b"jpg",
    b"jpeg",
    b"gif",
    b"svg",
    b"ico",
    b"webp",
    b"avif",
    b"bmp",
    b"woff",
    b"woff2",
    b"ttf",
    b"otf",
    b"eot",
    b"mp4",
    b"webm",
    b"mp3",
    b"ogg",
    b"m4s",
    b"ts",
    b"wasm",
    b"webmanifest",
];

const LOGIN: [&str; 25] = [
    "forgot",
    "login",
    "log-in",
    "log_in",
    "signin",
    "sign-in",
    "sign_in",
    "logon",
    "auth",
    "authenticate",
    "wp-login.php",
    "xmlrpc.php",
    "j_spring_security_check",
    "login.php",
    "login.aspx",
    "login.jsp",
    "password",
    "password-reset",
    "forgot-password",
    "otp",
    "2fa",
    "mfa",
    "verify-otp",
    "session",
    "sessions",
];

/// Where programs get tokens; asking often is what they do.
const TOKEN: [&str; 4] = ["token", "tokens", "refresh", "oauth2"];

const CONTROL: [&str; 22] = [
    "create",
    "start",
    "stop",
    "terminate",
    "launch",
    "submit",
    "deploy",
    "scale",
    "restart",
    "resize",
    "provision",
    "clusters",
    "jobs",
    "applications",
    "actors",
    "sessions",
    "instances",
    "nodes",
    "services",
    "workspaces",
    "deployments",
    "runs",
];

/// Whether a segment is one that only who looks for weaknesses asks for, or begins like one. By its first letters, since
/// every new path is asked: a search for each was half of the time that a path takes.
fn is_sensitive(word: &str, after: Option<&str>) -> bool {
    match word.as_bytes() {
        [b'.', ..] => {
            matches!(word, ".git" | ".aws" | ".ssh" | ".svn" | ".ds_store" | ".htpasswd" | ".htaccess")
                || word.starts_with(".env")
        }
        [b'w', ..] => word.starts_with("wp-config") || word.starts_with("web.config"),
        [b'p', ..] => word.starts_with("phpinfo") || word.starts_with("phpmyadmin"),
        [b's', ..] => word.starts_with("server-status") || word.starts_with("shell.php"),
        [b'i', ..] => word.starts_with("id_rsa"),
        [b'e', ..] => word == "etc" && after == Some("passwd"),
        [b'c', ..] => {
            (word == "cgi-bin" && after.is_some())
                || word.starts_with("config.json.bak")
                || word.starts_with("config.php")
        }
        [b'b', ..] => word.starts_with("backup."),
        [b'd', ..] => word.starts_with("dump.sql") || word.starts_with("db.sql"),
        [b'a', ..] => {
            word == "actuator"
                && after.is_some_and(|after| after.starts_with("env") || after.starts_with("heapdump"))
        }
        [b'v', ..] => word == "vendor" && after.is_some_and(|after| after.starts_with("phpunit")),
        _ => false,
    }
}

/// The kinds of a route; `template` is the path with its ids replaced.
pub(super) fn of(verb: Verb, path: &[u8], template: &[u8]) -> Kinds {
    let mut kinds = Kinds::default();
    let mut is = |kind: Kinds, holds: bool| kinds = if holds { kinds | kind } else { kinds };
    let reads = matches!(verb, Verb::Get | Verb::Head);
    let writes = matches!(verb, Verb::Post | Verb::Put | Verb::Patch | Verb::Delete);
    if path.first() != Some(&b'/') {
        // A record of an audit: what it is stands in its method, which the caller of this knows.
        return kinds;
    }
    is(Kinds::READ, verb == Verb::Get);
    is(Kinds::WRITE, writes);
    is(Kinds::STATIC, reads && is_static(path));
    let lower = template.to_ascii_lowercase();
    let text = std::str::from_utf8(&lower).unwrap_or_default();
    let words: Vec<&str> = text.split('/').filter(|word| !word.is_empty()).collect();
    let last = words.iter().rev().find(|word| **word != "{id}").copied().unwrap_or_default();
    let ends_in_id = words.last() == Some(&"{id}");
    let is_post = verb == Verb::Post;
    // `/api/v2/sessions` is where Anyscale keeps clusters.
    let anyscale = text.contains("/api/v2/") || text.contains("/ext/v0/");
    let plain = last.split(';').next().unwrap_or_default();
    let bare = [".do", ".json", ".action", ".html"].iter().find_map(|ending| plain.strip_suffix(ending));
    let is_sessions = anyscale && matches!(plain, "session" | "sessions");
    is(Kinds::LOGIN, is_post && !ends_in_id && !is_sessions && LOGIN.contains(&bare.unwrap_or(plain)));
    is(Kinds::TOKEN, is_post && TOKEN.contains(&last));
    is(Kinds::CONTROL, writes && CONTROL.contains(&last));
    is(Kinds::JOB, is_post && !ends_in_id && is_job(&words, last));
    is(Kinds::CLUSTER, is_post && !ends_in_id && is_cluster(&words, last, anyscale));
    let ends =
        verb == Verb::Delete || (is_post && matches!(last, "terminate" | "stop" | "delete" | "shutdown"));
    is(
        Kinds::CLUSTER_END,
        ends && words.iter().any(|word| matches!(*word, "clusters" | "sessions" | "cluster")),
    );
    let after = words.iter().copied().skip(1).map(Some).chain([None]);
    is(Kinds::SENSITIVE, words.iter().zip(after).any(|(word, after)| is_sensitive(word, after)));
    kinds
}

fn is_static(path: &[u8]) -> bool {
    let Some(dot) = path.iter().rposition(|&byte| byte == b'.' || byte == b'/') else { return false };
    let ending = path.get(dot + 1..).unwrap_or_default();
    path.get(dot) == Some(&b'.') && STATIC.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// `POST /api/jobs/` of Ray, `/api/v2/decorated_jobs` and `/ext/v0/jobs` of Anyscale, and what is named like them.
fn is_job(words: &[&str], last: &str) -> bool {
    let jobs =
        |word: &str| matches!(word, "jobs" | "job" | "decorated_jobs" | "production_jobs" | "job_runs");
    jobs(last) || (matches!(last, "submit" | "create" | "run") && words.iter().any(|word| jobs(word)))
}

fn is_cluster(words: &[&str], last: &str, anyscale: bool) -> bool {
    let clusters = |word: &str| matches!(word, "clusters" | "cluster" | "rayclusters");
    clusters(last)
        || (anyscale && matches!(last, "sessions" | "create_new_session" | "workspaces"))
        || (matches!(last, "create" | "start" | "launch") && words.iter().any(|word| clusters(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(method: &str, path: &str) -> Kinds {
        of(Verb::of(method.as_bytes()), path.as_bytes(), path.as_bytes())
    }

    #[test]
    fn routes_are_known_by_their_words() {
        for (method, path, kind) in [
            ("POST", "/api/jobs/", Kinds::JOB | Kinds::CONTROL),
            ("POST", "/api/v2/clusters/create", Kinds::CLUSTER | Kinds::CONTROL),
            ("POST", "/api/v2/sessions/{id}/terminate", Kinds::CLUSTER_END),
            ("POST", "/wp-login.php", Kinds::LOGIN),
            ("POST", "/apps/login", Kinds::LOGIN),
            ("POST", "/oauth/token", Kinds::TOKEN),
            ("GET", "/a/b.CSS", Kinds::STATIC),
            ("GET", "/.git/config", Kinds::SENSITIVE),
        ] {
            assert!(kinds(method, path).has(kind), "{method} {path}: {:?}", kinds(method, path));
        }
    }

    #[test]
    fn what_only_sounds_like_it_is_not() {
        assert!(!kinds("GET", "/login").has(Kinds::LOGIN));
        assert!(!kinds("GET", "/a.css/b").has(Kinds::STATIC));
        assert!(!kinds("POST", "/api/jobs/{id}").has(Kinds::JOB));
        assert!(!kinds("GET", "/backups").has(Kinds::SENSITIVE));
    }
}
