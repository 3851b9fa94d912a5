//! Reading too much, and reading everything.

use ratewarden_model::SubjectKind::{Address, Caller, Key};

use super::Scenario;
use crate::background::cassandra::statement;
use crate::call::{OwnedCall, Who};
use crate::dice::{Dice, Zipf};
use crate::world::{self, GERMANY, attacker};

const MINUTE: i64 = 60_000;

/// In ten minutes of 10 writes a second, one key of a table has two of five writes.
#[must_use]
pub fn hot_key(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let zipf = Zipf::new(5_000, 0.75);
    let who = Who::new(GERMANY.address(2, 40, 12), "").with_user("ledger");
    let (mut hot, mut others) = (Vec::new(), Vec::new());
    for at in 0..6_000 {
        let at_ms = start_ms + at * 100;
        if at % 5 < 2 {
            hot.push(statement(&who, at_ms, "UPDATE", "shop.ledger", "tenant-0001"));
        } else {
            let key = format!("tenant-{:04}", zipf.rank(&mut dice) + 2);
            others.push(statement(&who, at_ms, "UPDATE", "shop.ledger", &key));
        }
    }
    Scenario::new("hot-key", "watch.hot-key", (Key, "tenant-0001"), hot).among(others)
}

/// The same at a route of an API whose log names keys: one cart has half of what 200 callers write in five minutes.
#[must_use]
pub fn hot_key_route(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let whos: Vec<_> = (0..200)
        .map(|_| {
            Who::new(world::home(&mut dice), "okhttp/5.3.0").with_credential(format!("key_{}", dice.hex(24)))
        })
        .collect();
    let (mut hot, mut others) = (Vec::new(), Vec::new());
    for at in 0..3_000 {
        let key =
            if at % 2 == 0 { "cart-777".to_owned() } else { format!("cart-{}", 1_000 + dice.below(900)) };
        let call = dice.pick(&whos).call(start_ms + at * 100, "PUT", "/api/v1/carts", 200, 90).keyed(key);
        if at % 2 == 0 { hot.push(call) } else { others.push(call) }
    }
    Scenario::new("hot-key-route", "watch.hot-key", (Key, "cart-777"), hot).among(others)
}

/// Thirty callers read about 20 KB each time, and one reads 60 MB, forty times within half an hour.
#[must_use]
pub fn unbounded_read(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_unbounded_{}", dice.hex(16));
    let who = Who::new(attacker(40), "python-requests/2.32.5").with_credential(&key);
    let calls = (0..40)
        .map(|at| {
            who.get(
                start_ms + at * 45_000,
                "/api/v1/measurements?from=2020-01-01",
                200,
                dice.around(60_000_000),
            )
        })
        .collect();
    let others = peers(&mut dice, start_ms, "/api/v1/measurements?from=2026-03-01&limit=100");
    Scenario::new("unbounded-read", "watch.unbounded-read", (Caller, key), calls).among(others)
}

/// Thirty callers, each every minute or so for half an hour.
fn peers(dice: &mut Dice, start_ms: i64, target: &str) -> Vec<OwnedCall> {
    let mut calls = Vec::new();
    for _ in 0..30 {
        let who = Who::new(world::home(dice), "python-requests/2.32.5")
            .with_credential(format!("key_{}", dice.hex(24)));
        let mut at = start_ms;
        while at < start_ms + 30 * MINUTE {
            calls.push(who.get(at, target, 200, dice.around(20_000)));
            at += dice.wait_ms(60_000.0);
        }
    }
    calls
}

/// One caller asks for 100, 200, 400 … 819 200 rows, 14 calls in as many minutes, and gets them.
#[must_use]
pub fn growing_limit(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_growing_{}", dice.hex(16));
    let who = Who::new(attacker(41), "python-httpx/0.28.1").with_credential(&key);
    let calls = (0..14)
        .map(|at| {
            let limit = 100u64 << at;
            who.get(start_ms + at * MINUTE, &format!("/api/v1/events?limit={limit}"), 200, limit * 180)
        })
        .collect();
    Scenario::new("growing-limit", "watch.growing-limit", (Caller, key), calls)
}

/// Thirty callers page through a list, and one reads all of it, 8 MB, each time without any page: thirty times within
/// half an hour.
#[must_use]
pub fn unpaged_read(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_unpaged_{}", dice.hex(16));
    let who = Who::new(attacker(42), "axios/1.13.2").with_credential(&key);
    let calls = (0..30)
        .map(|at| who.get(start_ms + at * MINUTE, "/api/v1/audit", 200, 8_000_000 + at as u64 * 900))
        .collect();
    let others = peers(&mut dice, start_ms, "/api/v1/audit?limit=50&page_token=eyJvIjo1MH0");
    Scenario::new("unpaged-read", "watch.unpaged-read", (Caller, key), calls).among(others)
}

/// Six hundred consecutive ids, ascending, in five minutes, without a credential.
#[must_use]
pub fn enumeration_ascending(_seed: u64, start_ms: i64) -> Scenario {
    let who = Who::new(attacker(43), "curl/8.17.0");
    let calls = walk(&who, start_ms, 500, 40_001..40_601);
    Scenario::new("enumeration-ascending", "watch.enumeration", (Address, "203.0.113.43"), calls)
}

/// The same six hundred ids in any order, with a key.
#[must_use]
pub fn enumeration_shuffled(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_shuffled_{}", dice.hex(16));
    let who = Who::new(attacker(44), "python-requests/2.32.5").with_credential(&key);
    let mut ids: Vec<i64> = (50_001..50_601).collect();
    dice.shuffle(&mut ids);
    Scenario::new("enumeration-shuffled", "watch.enumeration", (Caller, key), walk(&who, start_ms, 500, ids))
}

/// Six hundred ascending ids of which each is 1 to 5 above the last, two in five answered 404.
#[must_use]
pub fn enumeration_gaps(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let who = Who::new(attacker(45), "Go-http-client/2.0");
    let mut id = 60_000;
    let ids: Vec<i64> = (0..600)
        .map(|_| {
            id += dice.between(1, 5);
            id
        })
        .collect();
    let mut calls = walk(&who, start_ms, 500, ids);
    for call in &mut calls {
        if dice.chance(0.4) {
            (call.status, call.bytes) = (404, 40);
        }
    }
    Scenario::new("enumeration-gaps", "watch.enumeration", (Address, "203.0.113.45"), calls)
}

fn walk(who: &Who, start_ms: i64, step_ms: i64, ids: impl IntoIterator<Item = i64>) -> Vec<OwnedCall> {
    (0..)
        .zip(ids)
        .map(|(at, id)| who.get(start_ms + at * step_ms, &format!("/api/v1/invoices/{id}"), 200, 1_900))
        .collect()
}

/// A list of all members walked by cursors that are numbers in disguise (base64 of `id:N`): 600 in two minutes, with
/// a key.
#[must_use]
pub fn enumeration_cursors(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_cursors_{}", dice.hex(16));
    let who = Who::new(attacker(46), "axios/1.13.2").with_credential(&key);
    let calls = (0..600)
        .map(|at| {
            let cursor = base64(format!("id:{}", 700_000 + at * 100).as_bytes());
            who.get(start_ms + at * 200, &format!("/api/v1/members?cursor={cursor}&limit=100"), 200, 41_000)
        })
        .collect();
    Scenario::new("enumeration-cursors", "watch.enumeration", (Caller, key), calls)
}

/// Base64 for URLs without padding (RFC 4648 section 5).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let value = group.iter().fold(0usize, |value, &byte| value << 8 | usize::from(byte))
            << (8 * (3 - group.len()));
        for letter in 0..=group.len() {
            text.push(char::from(LETTERS[value >> (18 - 6 * letter) & 63]));
        }
    }
    text
}

/// Twelve thousand calls, one each 6 seconds for 20 hours: over a plan of 10 000 a day where the start is before
/// 04:00 UTC.
#[must_use]
pub fn daily_quota(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let key = format!("key_quota_{}", dice.hex(16));
    let who = Who::new(GERMANY.any(&mut dice), "okhttp/5.3.0").with_credential(&key);
    let calls = (0..12_000)
        .map(|at| who.get(start_ms + at * 6_000 + dice.between(0, 2_000), "/api/v1/quotes", 200, 700))
        .collect();
    Scenario::new("daily-quota", "watch.daily-quota", (Caller, key), calls)
}

#[cfg(test)]
mod tests {
    #[test]
    fn cursors_are_base64() {
        assert_eq!(super::base64(b"id:700000"), "aWQ6NzAwMDAw");
        assert_eq!((super::base64(b"f").as_str(), super::base64(b"fo").as_str()), ("Zg", "Zm8"));
    }
}
