//! `ratewarden demo --once` from beginning to end. It has a file of its own so that nothing runs beside it: its scans
//! measure time.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/run.rs"]
#[expect(dead_code, reason = "the demo brings its own API")]
mod cli;

use std::path::Path;
use std::time::{Duration, Instant};

use cli::{Ran, program, run};

#[test]
fn the_demo_closes_the_loop_and_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("p.toml");
    let policy = policy.to_str().unwrap();
    let started = Instant::now();
    let arguments = ["demo", "--once", "--attack-time", "1s", "--policy-out", policy];
    let done = program(&arguments).env("TMPDIR", dir.path()).output().unwrap();
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
    assert!(took < Duration::from_secs(150), "{took:?}");
    let missing = ran.stdout.split("not seen again").nth(1).and_then(|text| text.lines().nth(1));
    assert!(missing.is_some_and(|line| line.contains("no-limit")), "{}", ran.stdout);
    let pages: Vec<_> = ran.stdout.lines().map(str::trim).filter(|line| line.ends_with(".html")).collect();
    assert_eq!(pages.len(), 2, "{}", ran.stdout);
    for page in pages {
        assert!(std::fs::read_to_string(Path::new(page)).unwrap().contains("<svg"), "{page}");
    }
    both_attacks_are_shown(&ran.stdout);
    // With the keys beside it, it is a policy to go on with.
    run(&["policy", "check", policy]).ends_with(0);
    assert!(std::fs::read_to_string(dir.path().join("p.keys")).unwrap().contains("honest::"));
}

/// Nothing here depends on latency: in a second, no pace of the honest client can use up a burst.
fn both_attacks_are_shown(stdout: &str) {
    let rows: Vec<Vec<&str>> = stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("honest client "))
        .map(|figures| figures.split_whitespace().collect())
        .collect();
    assert_eq!(rows.len(), 2, "{stdout}");
    for figures in &rows {
        assert_eq!((figures[0], figures[2], figures[3]), (figures[1], "0", "0"), "{stdout}");
    }
    for attacker in ["job flood", "key guessing", "one hot key", "scan of everything"] {
        let lines: Vec<_> = stdout.lines().filter(|line| line.trim().starts_with(attacker)).collect();
        assert_eq!(lines.len(), 2, "{attacker}: {stdout}");
        assert_eq!(lines[0].chars().count(), lines[1].chars().count(), "columns stand below each other");
    }
    let begin = stdout.find("2 · What else").unwrap();
    let wide: Vec<_> = stdout[begin..].lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "{wide:?}");
}

#[test]
fn a_demo_that_could_not_write_or_attack_says_so_before_anything_is_started() {
    for time in ["0s", "11m", "soon"] {
        run(&["demo", "--once", "--attack-time", time]).refuses("", "--attack-time 1s to 10m");
    }
    let gone = ["demo", "--once", "--policy-out", "/nowhere/p.toml"];
    run(&gone).refuses("cannot write `/nowhere/p.toml`", "name a file in a folder that exists");
}
