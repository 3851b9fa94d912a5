//! A search behind a limiter that can be got round, and whose headers lie.
//!
//! The limiter itself is a sound token bucket for each address. What is weak is whose word it takes for the address:
//! the first entry of `X-Forwarded-For`, which anybody can send, as frameworks do that are told to trust every proxy. And
//! its headers come from a constant: they promise five times the burst, never count down, and a rejection does not say
//! when to come back.

use std::net::IpAddr;
use std::time::Duration;

use http::header::HeaderMap;
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::answer::{self, Answer};
use crate::bucket::{Buckets, Decision, MAX_ADDRESSES, TokenBucket};

/// The limit that `/search` publishes; the true one is [`TokenBucket::default`].
pub const PUBLISHED_LIMIT: u32 = 100;
/// The calls that `/search` says are left, whatever happened before.
pub const PUBLISHED_REMAINING: u32 = 99;

/// What can be found.
const TITLES: [&str; 8] = [
    "Hot partitions and how to cool them",
    "A bucket for every caller",
    "When to come back: Retry-After",
    "Pages without end",
    "Who are you? Addresses behind proxies",
    "Leaky queues",
    "Fixed windows and their edges",
    "Counting what a call costs",
];

/// The search with its limiter.
#[derive(Debug)]
pub(crate) struct Search {
    buckets: Buckets,
}

impl Search {
    pub(crate) fn new() -> Self {
        Self { buckets: Buckets::new(TokenBucket::default(), MAX_ADDRESSES) }
    }

    /// The titles that have the word in them, or a rejection.
    pub(crate) fn answer(
        &mut self,
        peer: IpAddr,
        headers: &HeaderMap,
        word: Option<&str>,
        now: Duration,
    ) -> Answer {
        let decision = self.buckets.decide(claimed(headers).unwrap_or(peer), now);
        let answer = match decision {
            Decision::Admitted { .. } => answer::json(found(word.unwrap_or_default())),
            Decision::Rejected { .. } => {
                let body = r#"{"error":"too many requests"}"#;
                answer::whole(StatusCode::TOO_MANY_REQUESTS, "application/json", body)
            }
        };
        let (limit, left) = (PUBLISHED_LIMIT.to_string(), PUBLISHED_REMAINING.to_string());
        let answer = answer::with_header(answer, HeaderName::from_static("x-ratelimit-limit"), &limit);
        answer::with_header(answer, HeaderName::from_static("x-ratelimit-remaining"), &left)
    }
}

/// The address that the caller claims: the first one, which no proxy of ours has written.
fn claimed(headers: &HeaderMap) -> Option<IpAddr> {
    let list = headers.get("x-forwarded-for")?.to_str().ok()?;
    list.split(',').next()?.trim().parse().ok()
}

fn found(word: &str) -> String {
    let wanted = word.to_lowercase();
    let hits: Vec<_> = TITLES.iter().filter(|title| title.to_lowercase().contains(&wanted)).collect();
    json!({ "query": word, "hits": hits }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(list: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", list.parse().unwrap());
        headers
    }

    #[test]
    fn the_first_address_is_believed_and_nothing_else() {
        let first = claimed(&forwarded("198.18.0.1, 10.0.0.1"));
        assert_eq!(first, Some(IpAddr::from([198, 18, 0, 1])));
        assert_eq!(claimed(&forwarded("unknown")), None);
        assert_eq!(claimed(&HeaderMap::new()), None);
    }

    #[test]
    fn a_word_is_found_in_any_case_and_given_back_escaped() {
        assert_eq!(found("LEAKY"), r#"{"query":"LEAKY","hits":["Leaky queues"]}"#);
        assert_eq!(found("\"<"), r#"{"query":"\"<","hits":[]}"#);
        assert!(found("").contains("Pages without end"));
    }

    #[test]
    fn who_claims_another_address_gets_another_burst() {
        let mut search = Search::new();
        let peer = IpAddr::from([127, 0, 0, 1]);
        let mut call = |headers: &HeaderMap| search.answer(peer, headers, None, Duration::ZERO).status();
        let admitted = (0..25).filter(|_| call(&HeaderMap::new()) == StatusCode::OK).count();
        assert_eq!(admitted, 20);
        assert_eq!(call(&forwarded("198.18.0.1")), StatusCode::OK);
        assert_eq!(call(&HeaderMap::new()), StatusCode::TOO_MANY_REQUESTS);
    }
}
