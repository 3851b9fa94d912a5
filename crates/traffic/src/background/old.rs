//! Protocols and interfaces that are older than the ways of today, and still honest.

use std::time::Duration;

use super::{Span, daily_curve};
use crate::call::{Traffic, Who};
use crate::dice::Dice;
use crate::world::{self, GERMANY, US};

/// Sixty people whose folders are kept alike on a server (WebDAV), eight of them behind one address. Their programs ask each
/// folder whether it changed (PROPFIND), 20 to 60 of them one after another each ten minutes, lock what is written, and make
/// and move folders. They log in by Basic authentication; the first question of each round is asked without, and refused.
#[must_use]
pub fn dav_clients(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let office = GERMANY.address(2, 71, 9);
    let mut calls = Vec::new();
    for person in 0..60u64 {
        let mut dice = Dice::part(seed, person);
        let address = if person < 8 { office } else { world::home(&mut dice) };
        let anonymous = Who::new(address, "Mozilla/5.0 (Linux) mirall/3.17.2 (Nextcloud)");
        let who = anonymous.clone().with_user(dice.letters(8));
        let root = format!("/dav/files/{}", dice.letters(8));
        let folders: Vec<String> = (0..dice.between(20, 60))
            .map(|_| format!("{root}/{}/{}", dice.letters(6), dice.letters(7)))
            .collect();
        let mut at = start_ms + dice.between(0, 600_000);
        while at < span.end_ms {
            calls.push(anonymous.call(at, "PROPFIND", &root, 401, 460));
            for (turn, folder) in (1..).zip(&folders) {
                calls.push(who.call(at + turn * 180, "PROPFIND", folder, 207, dice.around(2_600)));
            }
            if dice.chance(daily_curve(at)) {
                let file = format!("{}/{}.odt", dice.pick(&folders), dice.letters(9));
                for (turn, method, status) in [
                    (0, "LOCK", 200),
                    (1, "PUT", 201),
                    (2, "UNLOCK", 204),
                    (9, "MKCOL", 201),
                    (12, "MOVE", 201),
                ] {
                    calls.push(who.call(at + 15_000 + turn * 700, method, &file, status, 300));
                }
            }
            at += 600_000 + dice.between(0, 30_000);
        }
    }
    span.traffic(calls)
}

/// A gateway for short messages that knows its customers by a name and a password in each query, as such gateways do. Twelve
/// programs send a message or twenty at a time; of one the password is no longer right, and it tries again each minute.
#[must_use]
pub fn password_queries(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    for customer in 0..12u64 {
        let mut dice = Dice::part(seed, customer);
        let who = Who::new(US.any(&mut dice), "Java/1.8.0_452");
        let known = format!("username={}&password={}", dice.letters(7), dice.hex(10));
        let mut at = start_ms + dice.between(0, 60_000);
        while at < span.end_ms {
            let (status, many) = if customer == 0 { (401, 1) } else { (200, dice.between(1, 20)) };
            for turn in 0..many {
                let target = format!(
                    "/sms/send?{known}&to=49{}&text={}",
                    dice.between(1_500_000, 1_799_999),
                    dice.letters(12)
                );
                calls.push(who.get(at + turn * 400, &target, status, 61));
            }
            at += if customer == 0 { 60_000 } else { 20_000 + dice.wait_ms(90_000.0) };
        }
    }
    span.traffic(calls)
}
