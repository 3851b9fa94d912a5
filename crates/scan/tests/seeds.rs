//! The short form of fuzzing: every kept seed and some thousand damaged copies of each through every parser of
//! outside bytes. `cargo xtask fuzz` is the long form, guided by coverage.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's helpers may panic like the test itself")]

use std::path::Path;

use jiff::Timestamp;
use ratewarden_scan::{cursor, openapi, problem, published};

/// Damaged copies of one seed.
const COPIES: u64 = 300;

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no seeds in {}", folder.display());
    found
}

/// A copy with a few bytes changed, cut out, doubled or put in, the same for the same number.
fn damaged(seed: &[u8], number: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(number);
    let mut copy = seed.to_vec();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(0..=copy.len());
        let end = (at + random.usize(0..24)).min(copy.len());
        match random.u8(0..5) {
            0 if at < copy.len() => copy[at] = random.u8(..),
            1 => drop(copy.drain(at..end)),
            2 => {
                let part = copy[at..end].to_vec();
                copy.splice(at..at, part);
            }
            3 => copy.insert(at, *random.choice(b"\0\n\"{}[]:;,=%9-\xff").unwrap()),
            _ => copy.truncate(at),
        }
    }
    copy
}

fn each_copy(target: &str, mut parse: impl FnMut(&[u8])) {
    for (_, seed) in seeds(target) {
        parse(&seed);
        (0..COPIES).for_each(|number| parse(&damaged(&seed, number)));
    }
}

#[test]
fn headers_never_panic() {
    let now = Timestamp::from_second(1_795_608_000).unwrap();
    each_copy("headers", |bytes| {
        let mut headers = http::HeaderMap::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = http::HeaderName::from_bytes(&line[..colon]);
            let value = http::HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        assert!(published::read(&headers, now).len() <= published::MAX_LIMITS);
        assert!(published::retry_after(&headers, now).is_none_or(|wait| wait <= published::MAX_WAIT));
    });
}

#[test]
fn bodies_of_rejections_never_panic() {
    each_copy("problem", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (media_type, body) = text.split_once('\n').unwrap_or(("application/problem+json", &text));
        let _ = problem::parse(media_type, body).map(|problem| problem.is_rate_problem());
        let _ = published::read_body(body);
    });
}

#[test]
fn openapi_documents_never_panic() {
    each_copy("openapi", |bytes| {
        if let Err(error) = openapi::parse(bytes) {
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
        }
    });
}

#[test]
fn cursors_never_panic() {
    each_copy("cursor", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = cursor::weakness(&text);
        if let Ok(body) = serde_json::from_str(&text) {
            assert!(cursor::find_in(&body).len() <= 32);
        }
    });
}
