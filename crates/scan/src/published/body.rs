//! Limits in the text of a rejection: `10 per 1 minute`, `Rate limit of 50 requests/min`, `"retry_after": 0.5`.
//!
//! Flask-Limiter, slowapi, Django REST framework and most hand-written limiters publish their rule nowhere else.
//! A phrase counts only in full, number, `per` and period, so that prose with numbers in it is not taken for a
//! rule.

use std::time::Duration;

use serde_json::Value;

use super::field::{MAX_WAIT, duration, name, seconds};
use super::{PublishedLimit, Unit, family};
use crate::problem;

/// Only so much of the beginning of a body is searched for words.
const MAX_WORDS_BYTES: usize = 16 * 1024;

/// A longer body is not read as JSON: a rejection is short.
const MAX_JSON_BYTES: usize = 64 * 1024;

/// Periods as prose names them.
const PERIODS: [(&str, u64); 14] = [
    ("second", 1),
    ("sec", 1),
    ("s", 1),
    ("minute", 60),
    ("min", 60),
    ("m", 60),
    ("hour", 3_600),
    ("hr", 3_600),
    ("h", 3_600),
    ("day", 86_400),
    ("d", 86_400),
    ("week", 604_800),
    ("month", 2_592_000),
    ("year", 31_536_000),
];

/// The limit that the body of a rejection names, with family `body`: a rule in words, the violated policies of
/// an RFC 9457 problem, or how long to wait.
#[must_use]
pub fn read_body(body: &str) -> Option<PublishedLimit> {
    let start = body.get(..floor_char(body, MAX_WORDS_BYTES))?;
    let mut found = rule_in_words(start).unwrap_or_else(|| PublishedLimit::of(family::BODY));
    if body.len() <= MAX_JSON_BYTES
        && let Ok(json) = serde_json::from_str::<Value>(body.trim())
    {
        found.reset = retry_in_json(&json, 0);
        found.name = problem::from_json(&json).and_then(|problem| name(problem.violated_policies.first()?));
    }
    found.reset = found.reset.or_else(|| wait_in_words(start));
    (!found.says_nothing() || found.name.is_some()).then_some(found)
}

fn floor_char(text: &str, at_most: usize) -> usize {
    (0..=at_most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The words and numbers of a text, lower case. Punctuation and markup fall away, but `/` means "per", and what
/// separates the members of JSON separates phrases.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        let kind = match c {
            '0'..='9' => 'n',
            '.' if last == Some('n') => 'n',
            ',' if last == Some('n') => continue, // 1,000
            '/' | '"' | '{' | '}' | '[' | ']' | ':' => '/',
            c if c.is_alphabetic() => 'a',
            _ => ' ',
        };
        if kind == '/' || (kind != ' ' && last != Some(kind)) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| kind != ' ') {
            word.extend(c.to_lowercase());
        }
        last = Some(kind);
    }
    words
}

fn period(word: &str) -> Option<u64> {
    let is =
        |name: &str| word == name || word.strip_suffix('s').is_some_and(|one| one.len() > 1 && one == name);
    PERIODS.iter().find(|(name, _)| is(name)).map(|(_, secs)| *secs)
}

fn whole(word: &str) -> Option<u64> {
    word.trim_end_matches('.').parse().ok()
}

/// `10 [requests] per [1] minute`.
fn rule_in_words(text: &str) -> Option<PublishedLimit> {
    let words = words(text);
    (0..words.len()).find_map(|at| {
        let limit = whole(&words[at]).filter(|limit| *limit > 0)?;
        if at > 0 && words[at - 1] == "/" {
            return None; // a piece of a path
        }
        let mut rest = words[at + 1..].iter().map(String::as_str).peekable();
        let mut unit = Unit::Requests;
        for _ in 0..2 {
            match rest.peek() {
                Some(&("request" | "requests" | "call" | "calls" | "api" | "hits" | "queries" | "times")) => {
                }
                Some(&("tokens" | "points" | "credits" | "bytes" | "units")) => unit = Unit::Other,
                _ => break,
            }
            rest.next();
        }
        rest.next_if(|word| matches!(*word, "per" | "/" | "every" | "each"))?;
        let count = rest.peek().and_then(|word| whole(word));
        if count.is_some() {
            rest.next();
        }
        let secs = period(rest.next()?)?.checked_mul(count.unwrap_or(1)).filter(|secs| *secs > 0)?;
        Some(PublishedLimit {
            unit,
            limit: Some(limit),
            window: Some(seconds(secs)),
            ..PublishedLimit::of(family::BODY)
        })
    })
}

/// `try again in 20s`, `available in 52 seconds`, `retry after 5 minutes`.
fn wait_in_words(text: &str) -> Option<Duration> {
    let words = words(text);
    words.windows(2).enumerate().find_map(|(at, pair)| {
        let asks = matches!(
            (pair[0].as_str(), pair[1].as_str()),
            ("again" | "available" | "retry", "in" | "after") | ("wait", "for")
        );
        let number = words.get(at + 2).filter(|_| asks)?;
        let unit = words.get(at + 3)?;
        let number = number.trim_end_matches('.');
        let wait = if unit == "ms" || unit.starts_with("millisecond") {
            duration(&format!("{number}ms"))?
        } else {
            Duration::try_from_secs_f64(duration(&format!("{number}s"))?.as_secs_f64() * scale(unit)?).ok()?
        };
        Some(wait.min(MAX_WAIT))
    })
}

#[expect(clippy::cast_precision_loss, reason = "a period has at most 31 536 000 seconds")]
fn scale(unit: &str) -> Option<f64> {
    period(unit).map(|secs| secs as f64)
}

/// The first `retry_after` in a tree, in seconds or as a duration.
fn retry_in_json(json: &Value, depth: usize) -> Option<Duration> {
    if depth > 4 {
        return None;
    }
    match json {
        Value::Object(fields) => {
            let own = fields.iter().take(64).find_map(|(key, value)| {
                let key = key.to_ascii_lowercase().replace(['_', '-'], "");
                let scale = match key.as_str() {
                    "retryafter" | "retrydelay" | "retryafterseconds" | "retryin" => 1.0,
                    "retryafterms" => 1e-3,
                    _ => return None,
                };
                let secs = match value {
                    Value::Number(number) => number.as_f64()?,
                    // A date is of no use without a clock; the header has it too.
                    Value::String(text) => {
                        duration(text).or_else(|| duration(&format!("{text}s")))?.as_secs_f64()
                    }
                    _ => return None,
                };
                Duration::try_from_secs_f64(secs * scale).ok().map(|wait| wait.min(MAX_WAIT))
            });
            own.or_else(|| fields.values().take(64).find_map(|value| retry_in_json(value, depth + 1)))
        }
        Value::Array(items) => items.iter().take(16).find_map(|item| retry_in_json(item, depth + 1)),
        _ => None,
    }
}
