//! Every kind of mistake: what is marked, what is said, what is suggested.
//!
//! In the texts of these tests «…» stands around what must be marked.

#![expect(clippy::panic, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod callers;
mod detectors;
mod detectors_read;
mod forms;
mod gateway;
mod limits;
mod matching;
mod structure;
mod warnings;
mod watch;

use std::path::Path;

use ratewarden_policy::{Mistakes, Policy, Read, Remark, read, read_gateway};

/// What a policy cannot be without.
const BASE: &str = "[listen]\nhttp = \"127.0.0.1:8080\"\n[upstream]\nurl = \"http://127.0.0.1:8265\"\n";

fn file() -> &'static Path {
    Path::new("/etc/ratewarden/ratewarden.toml")
}

fn policy(text: &str) -> Policy {
    match read(text, file()) {
        Ok(Read { policy, .. }) => policy,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn mistakes(text: &str) -> Mistakes {
    read(text, file()).expect_err(text)
}

/// The text without its marks, and the line, column and characters that are marked.
fn unmark(text: &str) -> (String, usize, usize, usize) {
    let (before, rest) = text.split_once('«').expect("a mark");
    let (marked, after) = rest.split_once('»').expect("the end of the mark");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (format!("{before}{marked}{after}"), line, column, marked.chars().count())
}

fn check(remark: &Remark, place: (usize, usize, usize), key: &str, message: &str, hint: &str) {
    let (line, column, width) = place;
    let shown = remark.show(Path::new("p.toml")).to_string();
    assert_eq!(
        (&*remark.key, &*remark.message, remark.hint.as_deref().unwrap_or_default()),
        (key, message, hint),
        "{shown}"
    );
    assert_eq!((remark.line, remark.column), (line, column), "{shown}");
    assert_eq!(shown.lines().nth(2).unwrap_or_default().matches('^').count(), width, "{shown}");
}

/// The text, with what a policy cannot be without put in front, has exactly this mistake.
fn one(text: &str, key: &str, message: &str, hint: &str) {
    whole(&format!("{BASE}{text}"), key, message, hint);
}

/// The text has exactly this mistake.
fn whole(text: &str, key: &str, message: &str, hint: &str) {
    let (text, line, column, width) = unmark(text);
    let all = mistakes(&text);
    assert_eq!(all.remarks().len(), 1, "{all}");
    check(&all.remarks()[0], (line, column, width), key, message, hint);
}

/// A limit that is right, for `match`, `per` and whatever else is put behind.
fn limit(rest: &str) -> String {
    format!("[[limit]]\nname = \"a\"\nrate = \"10/1m\"\n{rest}")
}

/// The limit has exactly this mistake.
fn of_limit(rest: &str, key: &str, message: &str, hint: &str) {
    one(&limit(rest), &format!("limit[0]{key}"), message, hint);
}
