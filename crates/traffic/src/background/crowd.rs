//! Many behind one address, and one credential at many: what the shape of a network makes of honest callers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::{Span, daily_curve, web};
use crate::call::{Traffic, Who};
use crate::dice::Dice;
use crate::world::{BROWSERS, GERMANY, US};

const MINUTE: i64 = 60_000;

/// One address of a carrier with the phones of 160 people. Each synchronises about every ten minutes, by night as well. Of
/// 16 the token has expired, and nobody has opened the app since: it tries the same token again each minute and is refused.
#[must_use]
pub fn carrier_nat(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let address = GERMANY.address(1, 64, 12);
    let mut calls = Vec::new();
    for phone in 0..160u64 {
        let mut dice = Dice::part(seed, phone);
        let agent = format!("SyncApp/5.{} (Android 15; SM-S92{})", dice.between(1, 6), dice.below(9));
        let who = Who::new(address, &agent).with_credential(format!("sync_{}", dice.hex(32)));
        let mut at = start_ms + dice.between(0, if phone < 16 { MINUTE } else { 10 * MINUTE });
        while at < span.end_ms {
            if phone < 16 {
                calls.push(who.post(at, "/mobile/v3/sync", 401, 58));
                at += MINUTE + dice.between(0, 900);
                continue;
            }
            calls.push(who.post(at, "/mobile/v3/sync", 200, dice.around(700)));
            if dice.chance(daily_curve(at)) {
                for step in 0..dice.between(2, 9) {
                    let target = format!("/mobile/v3/messages/{}", dice.between(10_000, 99_999));
                    calls.push(who.get(at + 800 + step * 2_100, &target, 200, dice.around(1_800)));
                }
            }
            at += 8 * MINUTE + dice.between(0, 4 * MINUTE);
        }
    }
    span.traffic(calls)
}

/// One key in functions of a cloud: each start of one has another way out, forty networks within ten minutes and more of
/// them within an hour, of nine large ones. It is one program, in two versions while a new one is rolled out.
#[must_use]
pub fn cloud_fleet(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    const LARGE: [[u8; 2]; 9] =
        [[3, 80], [3, 208], [18, 204], [34, 192], [35, 168], [44, 192], [52, 0], [54, 80], [54, 224]];
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let key = format!("key_fleet_{}", dice.hex(24));
    let mut calls = Vec::new();
    let mut at = start_ms;
    while at < span.end_ms {
        let [first, second] = *dice.pick(&LARGE);
        let wide = second.wrapping_add(u8::try_from(dice.below(12)).unwrap_or(0));
        let address = IpAddr::V4(Ipv4Addr::new(first, wide, dice.octet(), dice.octet()));
        let agent =
            dice.word(&["ingest-fn/4.1.0 python-requests/2.32.5", "ingest-fn/4.1.1 python-requests/2.32.5"]);
        let who = Who::new(address, agent).with_credential(&key);
        // What a function does while it is warm.
        for step in 0..dice.between(3, 20) {
            calls.push(who.post(at + step * 700 + dice.between(0, 300), "/api/v1/ingest", 202, 40));
        }
        at += dice.wait_ms(9_000.0);
    }
    span.traffic(calls)
}

/// The log of a server that sees its two load balancers and never a client: visitors of a website, their logins and what
/// looks around, all from two addresses.
#[must_use]
pub fn behind_balancer(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let parts = (0..8).map(|part| web::website(seed.wrapping_mul(31) + part, start_ms, duration));
    let mut calls: Vec<_> = parts.flat_map(Traffic::into_calls).collect();
    // People log in, now and then wrongly; each is somebody else.
    let mut at = start_ms;
    while at < span.end_ms {
        let who = Who::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), dice.word(&BROWSERS));
        let status = if dice.chance(0.15) { 200 } else { 302 };
        calls.push(who.post(at, "/login", status, 900).refer("https://www.example.org/login"));
        at += dice.wait_ms(4_000.0);
    }
    // The internet looks around everywhere, a few paths at a time.
    let mut at = start_ms + 2 * MINUTE;
    while at < span.end_ms {
        let who = Who::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), "Mozilla/5.0 zgrab/0.x");
        for step in 0..14 {
            let target = format!("/{}/{}.php", dice.letters(5), dice.letters(6));
            calls.push(who.get(at + step * 300, &target, 404, 162));
        }
        at += dice.wait_ms(600_000.0);
    }
    for call in &mut calls {
        call.address = Some(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 10 + u8::from(dice.chance(0.5)))));
    }
    for at in span.every(5_000) {
        let probe = Who::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, 10)), "ELB-HealthChecker/2.0");
        calls.push(probe.get(at, "/healthz", 200, 2));
    }
    span.traffic(calls)
}

/// Services with one key each in Germany and in the United States, all the time: one that is busy in both, one that is busy
/// here and asks there each five minutes, and one that asks each ten minutes in either place.
#[must_use]
pub fn two_regions(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    for (service, means) in (0u64..).zip([[2_000, 3_000], [2_500, 5 * MINUTE], [10 * MINUTE, 10 * MINUTE]]) {
        let mut dice = Dice::part(seed, service);
        let key = format!("svc_{}", dice.hex(24));
        for (country, mean) in [GERMANY, US].into_iter().zip(means) {
            let who =
                Who::new(country.any(&mut dice), "billing-sync/1.9 Go-http-client/2.0").with_credential(&key);
            let mut at = start_ms + dice.between(0, mean);
            while at < span.end_ms {
                calls.push(who.get(at, "/api/v1/ledger/changes", 200, dice.around(2_000)));
                at += mean + dice.between(0, 500);
            }
        }
    }
    span.traffic(calls)
}

/// Visitors with IPv6: each line has a /64, in which every device has an address of its own that changes each few
/// minutes at the worst, and a household has up to six devices. Some have an app with a token.
#[must_use]
pub fn ipv6_visitors(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    for line in 0..60u64 {
        let mut dice = Dice::part(seed, line);
        let network = 0x2001_0db8_4000_0000_u64 | line << 12 | (dice.bits() & 0xfff);
        for _ in 0..dice.between(1, 6) {
            let agent = dice.word(&BROWSERS);
            let token = dice.chance(0.3).then(|| format!("app_{}", dice.hex(24)));
            let mut at = start_ms + dice.wait_ms(600_000.0);
            while at < span.end_ms {
                let address = Ipv6Addr::from(u128::from(network) << 64 | u128::from(dice.bits()));
                let mut who = Who::new(IpAddr::V6(address), agent);
                who.credential.clone_from(&token);
                for _ in 0..dice.between(2, 12) {
                    if token.is_some() {
                        let target = format!("/api/v1/items/{}", dice.between(1_000, 90_000));
                        calls.push(who.get(at, &target, if dice.chance(0.02) { 404 } else { 200 }, 900));
                    } else {
                        let target = format!("/products/{}", dice.between(1_000, 9_000));
                        calls.push(who.get(at, &target, 200, 20_000).refer("https://search.example/"));
                    }
                    at += 1_500 + dice.wait_ms(12_000.0);
                }
                at += dice.wait_ms(900_000.0);
            }
        }
    }
    span.traffic(calls)
}

/// Twenty-four runners of builds that start at the same minute, four times an hour: each asks a registry for what its
/// project needs, 70 packages within a few seconds, and has nearly all of it (304). Eight of them share a way out.
#[must_use]
pub fn ci_fleet(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut dice = Dice::new(seed);
    let packages: Vec<String> = (0..70).map(|_| dice.letters(9)).collect();
    let runners: Vec<_> = (0..24u8)
        .map(|runner| {
            let third = if runner < 8 { 0 } else { runner };
            Who::new(
                US.address(1, 200, 10 + third),
                "npm/11.6.0 node/v24.9.0 linux x64 workspaces/false ci/gitlab",
            )
        })
        .collect();
    let mut calls = Vec::new();
    for at in span.every(15 * MINUTE) {
        for runner in &runners {
            let begins = at + dice.between(0, 20_000);
            for package in &packages {
                let (status, bytes) = if dice.chance(0.03) { (200, 60_000) } else { (304, 0) };
                calls.push(runner.get(
                    begins + dice.between(0, 4_000),
                    &format!("/{package}"),
                    status,
                    bytes,
                ));
            }
        }
    }
    span.traffic(calls)
}
