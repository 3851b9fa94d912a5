//! People who share an address, and people who move.

use std::time::Duration;

use super::Span;
use crate::call::{OwnedCall, Traffic, Who};
use crate::date;
use crate::dice::Dice;
use crate::world::{AUSTRALIA, AUSTRIA, BROWSERS, FRANCE, GERMANY, US};

const HOUR: i64 = 3_600_000;

/// A company behind one address: 250 people with some thirty agents. They log in from 08:20 to 09:10 with ten of them
/// in the minute of 08:45; one in twelve mistypes once. They then work until 17:00.
#[must_use]
pub fn company_office(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let address = US.address(1, 77, 20);
    let mut calls = Vec::new();
    for (number, day) in (0u64..).zip(span.days()) {
        for person in 0..250u64 {
            let mut dice = Dice::part(seed, number * 1_000 + person);
            let agent = version(BROWSERS[person as usize % BROWSERS.len()], person as usize / 12 % 3);
            let who = Who::new(address, &agent).with_user(format!("employee{person:03}"));
            let login = if person < 10 {
                day + 8 * HOUR + 45 * 60_000 + person as i64 * 6_000
            } else {
                // The sum of three dice is a bell.
                day + 8 * HOUR + 20 * 60_000 + (0..3).map(|_| dice.between(0, 1_000_000)).sum::<i64>()
            };
            work(&mut dice, who, login, day + 17 * HOUR, &mut calls);
        }
    }
    span.traffic(calls)
}

fn version(agent: &str, number: usize) -> String {
    agent
        .replace("145.0", ["145.0", "144.0", "143.0"][number % 3])
        .replace("147.0", ["147.0", "146.0", "140.0"][number % 3])
}

fn work(dice: &mut Dice, mut who: Who, login: i64, end: i64, calls: &mut Vec<OwnedCall>) {
    const PORTAL: &str = "https://portal.example.org/";
    calls.push(who.get(login - 2_000, "/login", 200, 3_300));
    calls
        .push(who.get(login - 1_900, "/static/portal.css", 304, 0).refer("https://portal.example.org/login"));
    if dice.chance(1.0 / 12.0) {
        calls.push(who.post(login, "/login", 401, 880).refer("https://portal.example.org/login"));
        calls.push(who.post(login + 7_000, "/login", 302, 0).refer("https://portal.example.org/login"));
    } else {
        calls.push(who.post(login, "/login", 302, 0).refer("https://portal.example.org/login"));
    }
    who = who.with_credential(format!("portal_{}", dice.hex(24)));
    let mut at = login + 8_000;
    while at < end {
        let target = match dice.below(4) {
            0 => "/home".to_owned(),
            1 => format!("/tickets/{}", dice.between(20_000, 29_999)),
            2 => format!("/customers/{}", dice.between(1_000, 9_999)),
            _ => format!("/calendar?week={}", dice.between(1, 52)),
        };
        calls.push(who.get(at, &target, 200, dice.around(9_000)).refer(PORTAL));
        let here = format!("{PORTAL}{}", target.trim_start_matches('/'));
        for name in ["/static/portal.css", "/static/portal.js", "/api/presence"] {
            let status = if name.starts_with("/api") { 200 } else { 304 };
            calls.push(who.get(at + dice.between(50, 300), name, status, 40).refer(&here));
        }
        at += 4_000 + dice.wait_ms(300_000.0);
    }
}

/// Sixty people at home in Germany and Austria, each of whose tokens is, minutes apart, at home and behind the
/// company's one egress in the United States: nobody has travelled.
#[must_use]
pub fn company_vpn(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let egress = US.address(2, 9, 40);
    let mut calls = Vec::new();
    for person in 0..60u64 {
        let mut dice = Dice::part(seed, person);
        let home = if dice.chance(0.8) { GERMANY.any(&mut dice) } else { AUSTRIA.any(&mut dice) };
        let mut who = Who::new(egress, dice.word(&BROWSERS)).with_credential(format!("vpn_{}", dice.hex(24)));
        let mut at = start_ms + dice.wait_ms(240_000.0);
        while at < span.end_ms {
            if (6.0..18.0).contains(&date::hour(at)) || dice.chance(0.05) {
                who.address = if dice.chance(0.7) { egress } else { home };
                for _ in 0..dice.between(1, 5) {
                    let target = format!("/api/v1/documents/{}", dice.hex(12));
                    calls.push(who.get(at, &target, 200, dice.around(12_000)));
                    at += 500 + dice.wait_ms(4_000.0);
                }
            }
            at += dice.wait_ms(400_000.0);
        }
    }
    span.traffic(calls)
}

/// Twenty people of whom each flies once a day from one country to another: the last call here and the first call
/// there are 4 hours apart within Europe and 23 hours to Australia.
#[must_use]
pub fn travellers(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    for person in 0..20u64 {
        let mut dice = Dice::part(seed, person);
        let (there, flight) = if person % 4 == 0 { (AUSTRALIA, 23 * HOUR) } else { (FRANCE, 4 * HOUR) };
        let places = [GERMANY.any(&mut dice), there.any(&mut dice)];
        let mut who =
            Who::new(places[0], dice.word(&BROWSERS)).with_credential(format!("trav_{}", dice.hex(24)));
        let mut at = start_ms + dice.between(0, 600_000);
        for place in (0..2).cycle() {
            if at >= span.end_ms {
                break;
            }
            who.address = places[place];
            let leave = at + 5 * HOUR + dice.between(0, 2 * HOUR);
            while at < leave {
                let target = format!("/api/v1/trips/{}", dice.between(1, 40));
                calls.push(who.get(at, &target, 200, dice.around(2_000)));
                at += 1_000 + dice.wait_ms(180_000.0);
            }
            at = leave + flight;
        }
    }
    span.traffic(calls)
}
