//! `ratewarden demo --once` from beginning to end. It has a file of its own so that nothing runs beside it: its scans
//! measure time.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "the demo brings its own API")]
mod cli;

use std::path::Path;
use std::time::{Duration, Instant};

use cli::{Ran, program};

#[test]
fn the_demo_shows_what_a_limit_changes_and_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let done = program(&["demo", "--once"]).env("TMPDIR", dir.path()).output().unwrap();
    let took = started.elapsed();
    let ran = Ran::of(&done);
    ran.ends_with(0);
    assert_eq!(ran.stderr, "");
    for words in ["http://127.0.0.1:", "scan.no-limit", "GET /api/jobs/", "before", "after", "token-bucket"] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let bypass = ran.stdout.lines().find(|line| line.contains("got round with")).unwrap_or_default();
    assert!(bypass.contains("x-forwarded-for"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Published limits do not agree"), "{}", ran.stdout);
    assert!(took < Duration::from_secs(60), "{took:?}");
    let missing =
        ran.stdout.lines().find(|line| line.trim_start().starts_with("not seen again")).unwrap_or_default();
    assert!(missing.contains("scan.no-limit"), "{}", ran.stdout);
    let pages: Vec<_> = ran.stdout.lines().map(str::trim).filter(|line| line.ends_with(".html")).collect();
    assert_eq!(pages.len(), 2, "{}", ran.stdout);
    for page in pages {
        assert!(std::fs::read_to_string(Path::new(page)).unwrap().contains("<svg"), "{page}");
    }
}
