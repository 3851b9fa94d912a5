//! Clients of a Cassandra cluster.

use std::time::Duration;

use super::{Span, daily_curve};
use crate::call::{OwnedCall, Traffic, Who};
use crate::dice::{Dice, Zipf};
use crate::world::GERMANY;

/// Four services that write and read, 12 times a second at the busiest. Keys are popular as keys are: of 5 000 the
/// first has about 3 % of the writes.
#[must_use]
pub fn cassandra_clients(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let zipf = Zipf::new(5_000, 0.75);
    let whos: Vec<_> = ["basket", "orders", "profile", "search"]
        .iter()
        .map(|name| Who::new(GERMANY.address(2, 40, 11), "").with_user(*name))
        .collect();
    let mut calls = Vec::new();
    let mut at = start_ms;
    while at < span.end_ms {
        at += dice.wait_ms(85.0);
        if dice.chance(daily_curve(at)) {
            let who = dice.pick(&whos);
            let rank = zipf.rank(&mut dice);
            let (kind, target) = match dice.below(4) {
                0 => ("SELECT", "shop.profiles"),
                1 => ("SELECT", "shop.baskets"),
                2 => ("UPDATE", "shop.orders"),
                _ => ("UPDATE", "shop.baskets"),
            };
            calls.push(statement(who, at, kind, target, &format!("k{:06}", rank * 7919 % 1_000_000)));
        }
    }
    span.traffic(calls)
}

pub(crate) fn statement(who: &Who, at: i64, kind: &str, target: &str, key: &str) -> OwnedCall {
    who.call(at, kind, target, 0, 0).keyed(key)
}
