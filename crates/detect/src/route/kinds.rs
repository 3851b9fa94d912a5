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
    /// Where a user or a client proves who it is, by a write or by a password in a query.
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
    /// Tokens are handed out to programs here, or taken as a password in each query: they ask often.
    pub(crate) const TOKEN: Self = Self(1 << 9);
    /// Work for a server: a path that is no static file, whatever the method, unless it asks what may be asked (OPTIONS).
    pub(crate) const DYNAMIC: Self = Self(1 << 10);

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
    /// GET with a password in its query, as a form sends it that has no method.
    GetPassword,
    /// The same with HEAD, whose status says as much.
    HeadPassword,
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

    /// The same with a password in its query, where that makes a difference.
    #[inline]
    pub(crate) const fn with_password(self, has_password: bool) -> Self {
        match self {
            Self::Get if has_password => Self::GetPassword,
            Self::Head if has_password => Self::HeadPassword,
            other => other,
        }
    }

    pub(super) const fn has_password(self) -> bool {
        matches!(self, Self::GetPassword | Self::HeadPassword)
    }

    /// Whether it reads, and so may be for a file.
    pub(super) const fn reads(self) -> bool {
        matches!(self, Self::Get | Self::Head) || self.has_password()
    }
}

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

/// The kinds of a route; `template` is the path with its ids replaced, `is_file` whether it is one that pages load.
pub(super) fn of(verb: Verb, is_file: bool, template: &[u8]) -> Kinds {
    let mut kinds = Kinds::default();
    let mut is = |kind: Kinds, holds: bool| kinds = if holds { kinds | kind } else { kinds };
    let writes = matches!(verb, Verb::Post | Verb::Put | Verb::Patch | Verb::Delete);
    if template.first() != Some(&b'/') {
        // A record of an audit: what it is stands in its method, which the caller of this knows. A call whose path has no
        // slash is a call nevertheless.
        is(Kinds::DYNAMIC, !template.is_empty() && !is_file && !matches!(verb, Verb::Other | Verb::Options));
        return kinds;
    }
    is(Kinds::READ, matches!(verb, Verb::Get | Verb::GetPassword));
    is(Kinds::WRITE, writes);
    is(Kinds::STATIC, is_file);
    is(Kinds::DYNAMIC, !is_file && verb != Verb::Options);
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
    // A password in a query is tried where one logs in. Elsewhere it is how old interfaces know their callers, so only
    // those that are refused are worth counting.
    let shows_password = verb.has_password() && !is_file;
    let is_login = !ends_in_id && !is_sessions && LOGIN.contains(&bare.unwrap_or(plain));
    is(Kinds::LOGIN, is_login && (is_post || shows_password));
    is(Kinds::TOKEN, (is_post && TOKEN.contains(&last)) || (shows_password && !is_login));
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
        of(Verb::of(method.as_bytes()), false, path.as_bytes())
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
            ("GET", "/.git/config", Kinds::SENSITIVE),
            ("PROPFIND", "/files", Kinds::DYNAMIC),
        ] {
            assert!(kinds(method, path).has(kind), "{method} {path}: {:?}", kinds(method, path));
        }
    }

    #[test]
    fn what_only_sounds_like_it_is_not() {
        assert!(!kinds("GET", "/login").has(Kinds::LOGIN));
        assert!(!kinds("OPTIONS", "/login").has(Kinds::DYNAMIC));
        assert!(!kinds("SELECT", "shop.orders").has(Kinds::DYNAMIC));
        assert!(!of(Verb::Get, true, b"/a.css").has(Kinds::DYNAMIC));
        assert!(!kinds("POST", "/api/jobs/{id}").has(Kinds::JOB));
        assert!(!kinds("GET", "/backups").has(Kinds::SENSITIVE));
    }

    #[test]
    fn a_password_in_a_query_is_tried_where_one_logs_in_and_shown_elsewhere() {
        let kinds = |path: &str| of(Verb::Get.with_password(true), false, path.as_bytes());
        assert!(kinds("/login").has(Kinds::LOGIN | Kinds::READ));
        assert!(!kinds("/send").has(Kinds::LOGIN));
        assert!(kinds("/send").has(Kinds::TOKEN));
        assert_eq!(of(Verb::Get.with_password(true), true, b"/login.js"), Kinds::READ | Kinds::STATIC);
    }
}
