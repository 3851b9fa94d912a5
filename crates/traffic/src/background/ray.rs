//! People who share a cluster.

use std::time::Duration;

use ratewarden_model::{Held, Resource};

use super::Span;
use crate::call::{OwnedCall, Traffic, Who};
use crate::date;
use crate::dice::Dice;
use crate::world::GERMANY;

/// Graphics processors there are in all.
pub const GPUS: f64 = 64.0;

/// Six people who submit jobs: 5 to 20 a minute all together by day, a fifth of that at night. Each looks after a job
/// until it ends. One job in six wants one to four GPUs, and a reading each minute says what everybody holds: it
/// grows only when a job was submitted.
#[must_use]
pub fn ray_users(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    for person in 0..6u64 {
        let mut dice = Dice::part(seed, person);
        let who = Who::new(GERMANY.any(&mut dice), "python-requests/2.32.5")
            .with_credential(format!("ray_{}", dice.hex(32)))
            .with_user(format!("scientist{person}"));
        let mut holds = Vec::new();
        let mut at = start_ms;
        while at < span.end_ms {
            at += dice.wait_ms(30_000.0).max(3_000);
            if (7.0..19.0).contains(&date::hour(at)) || dice.chance(0.2) {
                submit(&mut dice, &who, at, &mut calls, &mut holds);
            }
        }
        readings(span, &who, &holds, Resource::Gpu, Some(GPUS), &mut calls);
    }
    span.traffic(calls)
}

/// From, until and how much.
type Hold = (i64, i64, f64);

fn submit(dice: &mut Dice, who: &Who, at: i64, calls: &mut Vec<OwnedCall>, holds: &mut Vec<Hold>) {
    let id = format!("raysubmit_{}", dice.letters(16));
    calls.push(who.post(at, "/api/jobs/", 200, 96));
    let mut ends = at + 10_000 + dice.wait_ms(40_000.0);
    let held = holds.iter().filter(|&&(_, until, _)| until > at).map(|&(_, _, amount)| amount).sum::<f64>();
    if dice.chance(1.0 / 6.0) && held < 10.0 {
        ends = at + 600_000 + dice.wait_ms(900_000.0);
        holds.push((at + 2_000, ends, dice.between(1, 4) as f64));
    }
    let polls = ((ends - at) / 5_000).min(8);
    for poll in 1..=polls {
        calls.push(who.get(at + poll * 5_000, &format!("/api/jobs/{id}"), 200, 520));
    }
    calls.push(who.get(ends, &format!("/api/jobs/{id}/logs"), 200, dice.around(20_000)));
}

fn readings(
    span: Span,
    who: &Who,
    holds: &[Hold],
    resource: Resource,
    total: Option<f64>,
    calls: &mut Vec<OwnedCall>,
) {
    for at in span.every(60_000) {
        let live = |&&(from, until, _): &&Hold| (from..until).contains(&at);
        let amount = holds.iter().filter(live).map(|&(_, _, amount)| amount).sum();
        calls.push(who.holds(at, Held { resource, amount, total }));
    }
}

/// Five people who start clusters through a working day, at most three at a time each, and end them again, the last
/// in the evening; a reading every minute says how many each has.
#[must_use]
pub fn clusters(seed: u64, start_ms: i64, duration: Duration) -> Traffic {
    let span = Span::new(start_ms, duration);
    let mut calls = Vec::new();
    for person in 0..5u64 {
        let mut dice = Dice::part(seed, 100 + person);
        let who = Who::new(GERMANY.any(&mut dice), "anyscale-cli/0.26.112")
            .with_credential(format!("sss_{}", dice.hex(32)))
            .with_user(format!("engineer{person}"));
        let mut holds: Vec<Hold> = Vec::new();
        for day in span.days() {
            for place in 0..3i64 {
                let mut at = day + 8 * 3_600_000 + place * 45_000 + dice.wait_ms(1_500_000.0);
                while at < day + 17 * 3_600_000 {
                    let ends = (at + 1_800_000 + dice.wait_ms(5_400_000.0)).min(day + 18 * 3_600_000);
                    cluster(&mut dice, &who, at, ends, &mut calls);
                    holds.push((at, ends, 1.0));
                    at = ends + 60_000 + dice.wait_ms(1_800_000.0);
                }
            }
        }
        readings(span, &who, &holds, Resource::Cluster, None, &mut calls);
    }
    span.traffic(calls)
}

fn cluster(dice: &mut Dice, who: &Who, at: i64, ends: i64, calls: &mut Vec<OwnedCall>) {
    let id = format!("ses_{}", dice.hex(24));
    calls.push(who.get(at - 900, "/api/v2/userinfo/", 200, 700));
    calls.push(who.post(at - 400, "/ext/v0/clusters/search", 200, 1_800));
    calls.push(who.post(at, "/ext/v0/clusters/", 201, 900));
    calls.push(who.post(at + 500, &format!("/ext/v0/clusters/{id}/start"), 200, 300));
    calls.push(who.post(at + 900, "/api/v2/cli_usage/", 200, 4));
    for poll in 1..20 {
        calls.push(who.get(at + poll * 10_000, &format!("/ext/v0/clusters/{id}"), 200, 1_200));
    }
    calls.push(who.post(ends, &format!("/ext/v0/clusters/{id}/terminate"), 200, 300));
}
