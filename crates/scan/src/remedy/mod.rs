//! What to paste: configuration that mends a finding, for the programs that were recognised.
//!
//! A rule's own remedy says what to do in general; this room says it in the words of nginx, HAProxy, Envoy, Express, CQL and
//! Ratewarden's own policy. Snippets for a program that was recognised, or that the user named with `--backend`, come
//! first. Each limits per caller and answers with the time to come back, since those are findings of their own.

mod backend;
mod front;
mod template;

use ratewarden_model::Snippet;
use ratewarden_model::scan_report::Technology;

use crate::config::Backend;
pub use backend::{cursor_snippets, hot_key_snippets, ray_snippets, read_snippets};
pub use front::{guessing_snippets, write_snippets};

/// A limit to suggest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion {
    /// Calls a second that one caller may make, at least 1.
    pub per_second: u32,
    /// Calls that may come at once, at least 1.
    pub burst: u32,
}

impl Suggestion {
    /// What suits most APIs where nothing is known of its traffic: ten calls a second and twenty at once.
    pub const USUAL: Self = Self { per_second: 10, burst: 20 };
}

/// The back end that the user named, or that was recognised.
#[must_use]
pub fn backend(told: Option<Backend>, technologies: &[Technology]) -> Option<Backend> {
    let seen = |name: &str| technologies.iter().any(|technology| technology.name == name);
    told.or_else(|| {
        if seen("Anyscale") {
            Some(Backend::Anyscale)
        } else if seen("Ray dashboard") {
            Some(Backend::Ray)
        } else if seen("Cassandra") || seen("Stargate") {
            Some(Backend::Cassandra)
        } else {
            None
        }
    })
}

/// Configuration that limits calls of one caller to a path, the likeliest program first: what was recognised, then the usual
/// ones. A back end of Ray or Anyscale gets the policy for its job and cluster routes too.
#[must_use]
pub fn limit_snippets(
    path: &str,
    limit: Suggestion,
    technologies: &[Technology],
    backend: Option<Backend>,
) -> Vec<Snippet> {
    let limit = Suggestion { per_second: limit.per_second.max(1), burst: limit.burst.max(1) };
    let mut snippets: Vec<Snippet> = front::policy(path, limit).into_iter().collect();
    snippets.extend([
        front::nginx(path, limit),
        front::haproxy(path, limit),
        front::envoy(path, limit),
        front::express(path, limit),
    ]);
    // A stable sort keeps the usual order among the rest.
    snippets.sort_by_key(|snippet| !is_recognised(&snippet.target, technologies));
    let own = match backend {
        Some(Backend::Ray) => backend::ray_snippets(),
        Some(Backend::Anyscale) => backend::anyscale_snippets(),
        Some(Backend::Cassandra) | None => Vec::new(),
    };
    own.into_iter().chain(snippets).collect()
}

fn is_recognised(target: &str, technologies: &[Technology]) -> bool {
    technologies.iter().any(|technology| match technology.name.as_str() {
        "nginx" | "OpenResty" | "Tengine" => target == "nginx",
        "HAProxy" => target == "HAProxy",
        "Envoy" => target == "Envoy",
        "Express" | "express-rate-limit" => target == "express-rate-limit",
        _ => false,
    })
}

fn snippet(target: &str, text: impl Into<String>) -> Snippet {
    Snippet { target: target.to_owned(), text: text.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn technology(name: &str) -> Technology {
        Technology { name: name.to_owned(), version: None, evidence: String::new() }
    }

    fn targets(snippets: &[Snippet]) -> Vec<&str> {
        snippets.iter().map(|snippet| snippet.target.as_str()).collect()
    }

    #[test]
    fn what_was_recognised_comes_first() {
        let snippets = limit_snippets("/v1/items", Suggestion::USUAL, &[technology("HAProxy")], None);
        assert_eq!(targets(&snippets), ["HAProxy", "Ratewarden", "nginx", "Envoy", "express-rate-limit"]);
        let told = limit_snippets("/x", Suggestion::USUAL, &[], Some(Backend::Ray));
        assert!(told[0].text.contains("/api/jobs/"), "{}", told[0].text);
        assert_eq!(backend(None, &[technology("Stargate")]), Some(Backend::Cassandra));
        assert_eq!(backend(Some(Backend::Ray), &[technology("Stargate")]), Some(Backend::Ray));
        assert_eq!(backend(None, &[technology("nginx")]), None);
    }

    #[test]
    fn the_limit_suggested_stands_in_every_snippet() {
        let limit = Suggestion { per_second: 7, burst: 33 };
        for snippet in limit_snippets("/v1/items", limit, &[], None) {
            assert!(snippet.text.contains("/v1/items"), "{}", snippet.text);
            let rate = ["7r/s", "7/1s", "tokens_per_fill: 7", "gt 70", "limit: 70"];
            assert!(rate.iter().any(|rate| snippet.text.contains(rate)), "{}", snippet.text);
        }
    }

    proptest! {
        #[test]
        fn no_path_escapes_its_quotes(path in "/[ -~]{0,40}") {
            let snippets = limit_snippets(&path, Suggestion::USUAL, &[], None);
            // The Envoy form holds a JSON string, which must read back as the path.
            let envoy = snippets.iter().find(|snippet| snippet.target == "Envoy").unwrap();
            let quoted = envoy.text.split_once("prefix: ").unwrap().1.split_once(" }\n").unwrap().0;
            prop_assert_eq!(serde_json::from_str::<String>(quoted).unwrap(), path);
        }
    }
}
