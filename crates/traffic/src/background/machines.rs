//! Programs that call by themselves.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::Span;
use crate::call::{Traffic, Who};
use crate::date;
use crate::dice::Dice;
use crate::world::{BROWSERS, GERMANY, US};

/// The credential of [`nightly_batch`].
pub const BATCH_KEY: &str = "key_batch_5f0d8a61c2";

/// A batch by one known key: 20 calls a second from 01:00 to 03:00 UTC, each night.
#[must_use]
pub fn nightly_batch(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let who = Who::new(GERMANY.address(0, 12, 7), "stock-sync/2.3 (java)").with_credential(BATCH_KEY);
    let mut calls = Vec::new();
    for day in span.days() {
        for call in 0..2 * 3_600 * 20 {
            let at = day + 3_600_000 + call * 50 + dice.between(0, 30);
            if at >= span.start_ms && at < span.end_ms {
                calls.push(who.post(at, "/api/v1/stock/rows", 201, 64));
            }
        }
    }
    span.traffic(calls)
}

/// A runner of builds: it asks for work each 3 seconds, and about every ten minutes by day it fetches 30 to 80
/// packages within half a minute and uploads what it built.
#[must_use]
pub fn ci_runner(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let who = Who::new(US.address(0, 31, 8), "gitlab-runner 18.8.0 (go1.25; linux/amd64)")
        .with_credential(format!("glrt-{}", dice.hex(20)));
    let mut calls: Vec<_> =
        span.every(3_000).map(|at| who.post(at, "/api/v4/jobs/request", 204, 0)).collect();
    let mut at = start_ms + 120_000;
    while at < span.end_ms {
        if (7.0..19.0).contains(&date::hour(at)) || dice.chance(0.2) {
            let job = dice.between(1_000_000, 9_000_000);
            for _ in 0..dice.between(30, 80) {
                let name = dice.letters(6);
                let target = format!("/api/v4/packages/npm/{name}/-/{name}-{}.2.0.tgz", dice.below(9));
                calls.push(who.get(at + dice.between(0, 25_000), &target, 200, dice.around(140_000)));
            }
            for part in 0..6 {
                calls.push(who.call(
                    at + 30_000 + part * 5_000,
                    "PATCH",
                    &format!("/api/v4/jobs/{job}/trace"),
                    202,
                    2,
                ));
            }
            calls.push(who.post(at + 62_000, &format!("/api/v4/jobs/{job}/artifacts"), 201, 210));
        }
        at += dice.wait_ms(600_000.0);
    }
    span.traffic(calls)
}

/// A probe that looks at three pages each 10 seconds and logs in each minute, with one user.
#[must_use]
pub fn monitoring_probe(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let who = Who::new(US.any(&mut dice), "Uptime-Probe/4.1 (+https://probe.example)");
    let mut calls = Vec::new();
    for at in span.every(10_000) {
        for (late, target) in [(0, "/"), (120, "/status"), (240, "/api/v1/ping")] {
            calls.push(who.get(at + late, target, 200, 1_200));
        }
    }
    for at in span.every(60_000) {
        calls.push(who.post(at + 3_000, "/api/v1/login", 200, 410));
        let known = who.clone().with_credential(format!("sess_{}", dice.hex(24)));
        calls.push(known.get(at + 3_200, "/api/v1/me", 200, 600));
        calls.push(known.post(at + 3_400, "/api/v1/logout", 204, 0));
    }
    span.traffic(calls)
}

/// A crawler of a search engine: a page each 3 seconds or so from three addresses in turn, always another one, one in
/// fifteen gone (404), and one each minute that wants a password (401).
#[must_use]
pub fn search_crawler(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    const AGENT: &str = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://search.example/bot.html)";
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let whos: Vec<_> =
        (1..=3).map(|host| Who::new(IpAddr::V4(Ipv4Addr::new(66, 249, 66, host)), AGENT)).collect();
    let mut calls = Vec::new();
    let mut at = start_ms;
    while at < span.end_ms {
        let (status, bytes) = if dice.chance(1.0 / 15.0) { (404, 3_000) } else { (200, dice.around(20_000)) };
        let target = match dice.below(3) {
            0 => format!("/products/{}", dice.between(1_000, 99_999)),
            1 => format!("/blog/20{}/{:02}/{}", dice.between(10, 26), dice.between(1, 12), dice.letters(9)),
            _ => format!("/tag/{}?page={}", dice.letters(6), dice.between(1, 20)),
        };
        calls.push(dice.pick(&whos).get(at, &target, status, bytes));
        at += 2_000 + dice.wait_ms(1_000.0);
    }
    for at in span.every(60_000) {
        let target = format!("/members/{}/", dice.letters(7));
        calls.push(dice.pick(&whos).get(at + 31_000, &target, 401, 520));
    }
    for at in span.every(6 * 3_600_000) {
        calls.push(whos[0].get(at + 500, "/robots.txt", 200, 310));
    }
    span.traffic(calls)
}

/// Two balancers that ask for health each 2 seconds.
#[must_use]
pub fn health_checks(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let mut calls = Vec::new();
    for host in 2..4 {
        let who = Who::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), "ELB-HealthChecker/2.0");
        for at in span.every(2_000) {
            calls.push(who.get(at + dice.between(0, 20), "/healthz", 200, 2));
        }
    }
    span.traffic(calls)
}

/// A customer's program that reads its own list of orders every six hours: 180 pages, one a second, with a key.
#[must_use]
pub fn paginating_client(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let who = Who::new(GERMANY.any(&mut dice), "orders-export/1.4 python-requests/2.32.5")
        .with_credential(format!("key_{}", dice.hex(24)));
    let mut calls = Vec::new();
    for at in span.every(6 * 3_600_000) {
        for page in 1..=180 {
            let target = format!("/api/v1/orders?page={page}&per_page=100");
            calls.push(who.get(at + page * 1_000, &target, 200, 38_000 + dice.around(4_000)));
        }
    }
    // A person looks at the same list now and then.
    let person =
        Who::new(GERMANY.any(&mut dice), BROWSERS[0]).with_credential(format!("sess_{}", dice.hex(24)));
    for at in span.every(1_800_000) {
        calls.push(person.get(at + 9_000, "/api/v1/orders?page=1&per_page=20", 200, 8_200));
    }
    span.traffic(calls)
}
