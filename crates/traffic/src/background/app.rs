//! Programs that people use: single-page and mobile applications.

use std::time::Duration;

use super::{Span, daily_curve};
use crate::call::{OwnedCall, Traffic, Who};
use crate::dice::Dice;
use crate::world::{self, BROWSERS, GERMANY};

const APP: &str = "https://app.example.org/";

/// Users of a single-page application, a new one every 40 seconds at the busiest: a load is 20 to 60 JSON calls
/// within half a second, most of them for ids of their own that lie close together; then a poll each 5 seconds. One
/// session in eight has expired when it loads: six calls to six routes are answered 401 at once, then one login, and
/// it goes on.
#[must_use]
pub fn single_page_app(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let mut calls = Vec::new();
    let mut at = start_ms;
    while at < span.end_ms {
        at += dice.wait_ms(40_000.0);
        if dice.chance(daily_curve(at)) {
            session(&mut dice, at, &mut calls);
        }
    }
    span.traffic(calls)
}

fn session(dice: &mut Dice, start: i64, calls: &mut Vec<OwnedCall>) {
    let mut who =
        Who::new(world::home(dice), dice.word(&BROWSERS)).with_credential(format!("sess_{}", dice.hex(24)));
    let mut anonymous = who.clone();
    anonymous.credential = None;
    calls.push(anonymous.get(start, "/", 200, 2_400));
    for name in ["/static/main.4f2c.js", "/static/main.91ab.css", "/static/vendor.77e0.js"] {
        calls.push(anonymous.get(start + 60, name, 304, 0).refer(APP));
    }
    let mut at = start + 400;
    if dice.chance(0.125) {
        for route in ["me", "projects", "notifications", "settings", "billing/plan", "teams"] {
            let late = dice.between(0, 120);
            calls.push(who.get(at + late, &format!("/api/v1/{route}"), 401, 61).refer(APP));
        }
        at += 5_000 + dice.wait_ms(4_000.0);
        calls.push(anonymous.post(at, "/api/v1/login", 200, 410).refer(APP));
        who.credential = Some(format!("sess_{}", dice.hex(24)));
        at += 250;
    }
    let end = at + 300_000 + dice.wait_ms(600_000.0);
    load(dice, &who, at, calls);
    let mut poll = at + 5_000;
    let mut view = at + 8_000 + dice.wait_ms(40_000.0);
    while poll < end {
        let since = poll / 1000;
        calls.push(who.get(poll, &format!("/api/v1/notifications?since={since}"), 200, 92).refer(APP));
        if view < poll {
            load(dice, &who, view, calls);
            view = poll + 8_000 + dice.wait_ms(60_000.0);
        }
        poll += 5_000;
    }
}

/// One view: what a list asks for item by item, and what stands around it.
fn load(dice: &mut Dice, who: &Who, at: i64, calls: &mut Vec<OwnedCall>) {
    let items = dice.between(14, 50);
    let project = dice.between(200, 90_000);
    let mut id = dice.between(100_000, 900_000);
    for route in ["me", "projects", "teams"] {
        calls.push(who.get(at, &format!("/api/v1/{route}"), 200, dice.around(900)).refer(APP));
    }
    for part in ["summary", "members", "activity"] {
        let target = format!("/api/v1/projects/{project}/{part}");
        calls.push(who.get(at + 40, &target, 200, dice.around(1_400)).refer(APP));
    }
    for _ in 0..items {
        id += dice.between(1, 4);
        let late = 80 + dice.between(0, 400);
        let target = format!("/api/v1/items/{id}");
        calls.push(who.get(at + late, &target, 200, dice.around(1_100)).refer(APP));
    }
}

/// Three hundred users of a mobile application in one country: no pages, no referer, one agent string for each
/// version, most of them behind four addresses of carriers. A token moves between two or three networks as its user
/// comes home. Some sessions begin with a token that has expired: one 401, one refresh, and on it goes.
#[must_use]
pub fn mobile_app(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let carriers: Vec<_> = (0..4).map(|at| GERMANY.address(at, 200, 10 + at as u8)).collect();
    let mut calls = Vec::new();
    for user in 0..300u64 {
        let mut dice = Dice::part(seed, user);
        let networks = [*dice.pick(&carriers), GERMANY.any(&mut dice), *dice.pick(&carriers)];
        let agent =
            format!("ShopApp/8.{}.0 (iOS 18.6; iPhone; build 4{})", dice.between(9, 14), dice.below(3));
        let mut who = Who::new(networks[0], &agent).with_credential(format!("mob_{}", dice.hex(32)));
        let mut at = start_ms + dice.wait_ms(1_800_000.0);
        while at < span.end_ms {
            if dice.chance(daily_curve(at)) {
                who.address = networks[if dice.chance(0.6) { 0 } else { 1 + dice.below(2) }];
                at = use_app(&mut dice, &mut who, networks[1], at, &mut calls);
            }
            at += dice.wait_ms(3_600_000.0);
        }
    }
    span.traffic(calls)
}

/// One use of the app, and when it ended.
fn use_app(
    dice: &mut Dice,
    who: &mut Who,
    home: std::net::IpAddr,
    start: i64,
    calls: &mut Vec<OwnedCall>,
) -> i64 {
    let mut at = start;
    if dice.chance(0.05) {
        calls.push(who.get(at, "/mobile/v3/home", 401, 58));
        let mut refreshing = who.clone();
        refreshing.credential = None;
        calls.push(refreshing.post(at + 180, "/mobile/v3/token/refresh", 200, 640));
        who.credential = Some(format!("mob_{}", dice.hex(32)));
        at += 400;
    }
    for route in ["home", "config", "basket", "messages/unread"] {
        calls.push(who.get(
            at + dice.between(0, 200),
            &format!("/mobile/v3/{route}"),
            200,
            dice.around(3_000),
        ));
    }
    for step in 0..dice.between(4, 25) {
        at += 900 + dice.wait_ms(9_000.0);
        if step == 6 && dice.chance(0.3) {
            who.address = home;
        }
        let target = match dice.below(4) {
            0 => format!("/mobile/v3/products/{}", dice.between(1_000, 60_000)),
            1 => format!("/mobile/v3/search?q={}&page=1", dice.letters(5)),
            2 => format!("/mobile/v3/products/{}/reviews?limit=20", dice.between(1_000, 60_000)),
            _ => "/mobile/v3/events".to_owned(),
        };
        let method = if target.ends_with("events") { "POST" } else { "GET" };
        calls.push(who.call(at, method, &target, 200, dice.around(4_000)));
    }
    at
}
