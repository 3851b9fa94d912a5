//! What a scan proposes as a policy against what the gateway takes: a remedy that is refused is none.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::path::Path;

use ratewarden_guard::Guard;
use ratewarden_http1::normalise;
use ratewarden_model::Snippet;
use ratewarden_policy::Policy;
use ratewarden_scan::Backend;
use ratewarden_scan::remedy::{self, Suggestion};
use url::Url;

const BACKENDS: [Option<Backend>; 4] =
    [None, Some(Backend::Ray), Some(Backend::Anyscale), Some(Backend::Cassandra)];

/// Everything that a scan of a path can propose, as whole policies.
fn policies(path: &str) -> Vec<String> {
    let mut snippets: Vec<Snippet> = remedy::guessing_snippets(path);
    for backend in BACKENDS {
        snippets.extend(remedy::limit_snippets(path, Suggestion::USUAL, &[], backend));
        snippets.extend(remedy::hot_key_snippets(backend, path));
        snippets.extend(remedy::read_snippets(backend, Some("limit")));
    }
    snippets.extend(remedy::ray_snippets());
    snippets.extend(remedy::write_snippets());
    snippets.extend([true, false].into_iter().flat_map(remedy::cursor_snippets));
    let mut texts: Vec<String> = snippets
        .into_iter()
        .filter(|snippet| snippet.target == "Ratewarden")
        .map(|snippet| snippet.text)
        .collect();
    texts.sort();
    texts.dedup();
    texts.iter().map(|text| whole(text)).collect()
}

/// A fragment with the least around it that a policy needs.
fn whole(fragment: &str) -> String {
    let mut policy = fragment.replace("0.0.0.0:8080", "127.0.0.1:0");
    for (table, text) in [
        ("[listen]", "[listen]\nhttp = \"127.0.0.1:0\"\n"),
        ("[upstream]", "[upstream]\nurl = \"http://127.0.0.1:1\"\n"),
    ] {
        if !policy.contains(table) {
            policy.push_str(text);
        }
    }
    policy
}

/// What the reader makes of it; neither a mistake nor a warning.
fn read(text: &str) -> Policy {
    match ratewarden_policy::read(text, Path::new("/etc/ratewarden.toml")) {
        Ok(read) if read.warnings.is_empty() => read.policy,
        Ok(read) => panic!("{text}\n{:?}", read.warnings),
        Err(mistakes) => panic!("{text}\n{mistakes}"),
    }
}

/// Paths of URLs with every character and every escape, and what else is odd.
fn paths() -> impl Iterator<Item = String> {
    let characters = (0x20_u8..0x7f).map(|byte| format!("/a{}b/c", char::from(byte)));
    let alone = (0x20_u8..0x7f).map(|byte| format!("/x/{}", char::from(byte)));
    let escapes = (0..=255_u8).flat_map(|byte| [format!("/a%{byte:02x}b"), format!("/%{byte:02X}/c")]);
    let odd =
        ["/", "//", "/a//b/", "/a/./b", "/a/..;x/b", "/é/ü", "/100%", "/%zz", "/a;b=c/d", "/*", "/**/x"];
    let long = [1_023, 1_024, 5_000].map(|length| format!("/{}", "a".repeat(length)));
    let texts = characters.chain(alone).chain(escapes).chain(odd.map(str::to_owned)).chain(long);
    texts.map(|text| Url::parse(&format!("http://a.test{text}")).unwrap().path().to_owned())
}

#[test]
fn every_proposed_policy_is_read_without_a_mistake() {
    for path in paths() {
        policies(&path).iter().map(|text| read(text)).for_each(drop);
    }
}

#[test]
fn a_proposed_limit_holds_for_the_path_that_was_scanned() {
    let mut held = 0;
    for path in paths().filter(|path| path.len() <= 1_024) {
        // What the gateway refuses needs no limit.
        let Ok(judged) = normalise(&path) else { continue };
        for proposed in [
            remedy::limit_snippets(&path, Suggestion::USUAL, &[], None),
            remedy::hot_key_snippets(Some(Backend::Cassandra), &path),
            remedy::guessing_snippets(&path),
        ] {
            let snippet = proposed.into_iter().find(|snippet| snippet.target == "Ratewarden").unwrap();
            let policy = read(&whole(&snippet.text));
            let template = policy.limits[0].matches.path.clone().unwrap();
            assert!(template.matches(&judged), "{path}: {template} does not hold for {judged}");
            held += 1;
        }
    }
    assert!(held > 1_000, "{held}");
}

#[test]
fn paths_of_openapi_documents_are_read_too() {
    for path in
        ["/users/{id}", "/files/{name}.json", "/v{n}/{user.id}/{a}{b}", "/{x}/{x}", "/{}", "/a{b", "/}{/"]
    {
        for text in policies(path) {
            read(&text);
        }
    }
}

#[test]
fn the_gateway_starts_with_every_proposed_policy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ratewarden.toml");
    let policies = policies("/v1/items");
    assert_eq!(policies.len(), 4, "a limit, a lock-out, Ray and Anyscale");
    for text in policies {
        std::fs::write(&file, &text).unwrap();
        Guard::start(&file).map(Guard::stop).unwrap_or_else(|error| panic!("{text}\n{error}"));
    }
}
