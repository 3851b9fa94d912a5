//! Signatures, checked by others than who made them: HMAC written out, and the programs of docs/alerts.md.

use std::io::Write as _;
use std::process::{Command, Stdio};

use ratewarden_alerts::webhook_signature;
use ratewarden_model::Secret;
use ratewarden_testkit::services::find_program;
use sha2::{Digest as _, Sha256};

const PAGE: &str = include_str!("../../../../docs/alerts.md");

/// RFC 2104, as it is written there.
pub(crate) fn by_the_book(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let mut key = [0_u8; 64];
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret.as_bytes());
    }
    let pad = |byte: u8| key.map(|known| known ^ byte);
    let inner =
        Sha256::new().chain_update(pad(0x36)).chain_update(format!("{timestamp}.")).chain_update(body);
    let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner.finalize()).finalize();
    format!("v1={}", outer.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The code block of the page that begins with this line.
fn program(first_line: &str) -> String {
    let after = PAGE.split_once(first_line).expect("the page has it").1;
    let code = after.split_once("```").expect("it ends").0;
    format!("{first_line}{code}")
}

/// Whether a program takes a body with a signature.
fn takes(mut command: Command, secret: &str, timestamp: i64, signature: &str, body: &[u8]) -> bool {
    command.env("SECRET", secret).env("TIMESTAMP", timestamp.to_string()).env("SIGNATURE", signature);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // It may have decided before it read everything.
    let _ = child.stdin.take().unwrap().write_all(body);
    child.wait().unwrap().success()
}

fn judges_rightly(command: &dyn Fn() -> Command) {
    let (secret, body, now) = ("a secret of the tests", "{\"a\":\"ä\"}".as_bytes(), super::now_ms() / 1_000);
    let signed = |at| webhook_signature(&Secret::new(secret), at, body);
    assert!(takes(command(), secret, now, &signed(now), body));
    assert!(!takes(command(), secret, now, &signed(now), b"{\"a\":\"b\"}"), "another body");
    assert!(!takes(command(), "another secret, as long", now, &signed(now), body));
    assert!(!takes(command(), secret, now + 1, &signed(now), body), "another timestamp");
    assert!(!takes(command(), secret, now - 3_600, &signed(now - 3_600), body), "an hour old");
    assert!(!takes(command(), secret, now, "v1=", body));
}

#[test]
fn a_signature_is_hmac_sha256_over_timestamp_and_body() {
    for secret in ["a", "a secret of the tests", &"long".repeat(40)] {
        let ours = webhook_signature(&Secret::new(secret), 1_767_225_600, b"{}");
        assert_eq!(ours, by_the_book(secret, 1_767_225_600, b"{}"));
    }
}

#[test]
fn the_page_shows_a_python_program_that_verifies() {
    let Some(services) = ratewarden_testkit::require() else { return };
    judges_rightly(&|| {
        let mut command = Command::new(services.python());
        command.arg("-c").arg(program("import hashlib, hmac, os, sys, time\n"));
        command
    });
}

#[test]
fn the_page_shows_a_shell_program_that_verifies() {
    if ratewarden_testkit::require().is_none() {
        return;
    }
    assert!(find_program("openssl").is_some(), "run `cargo xtask services`");
    judges_rightly(&|| {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(program("body=$(mktemp)\n"));
        command
    });
}
