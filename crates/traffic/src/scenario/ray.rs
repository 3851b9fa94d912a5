//! What is created, submitted and held on clusters.

use ratewarden_model::SubjectKind::{Caller, Route};
use ratewarden_model::{Held, Resource};

use super::Scenario;
use crate::background::GPUS;
use crate::call::{OwnedCall, Who};
use crate::dice::Dice;
use crate::world::{GERMANY, US};

const MINUTE: i64 = 60_000;

fn caller(dice: &mut Dice, name: &str) -> (String, Who) {
    let key = format!("sss_{name}_{}", dice.hex(24));
    let who = Who::new(US.any(dice), "python-requests/2.32.5")
        .with_credential(&key)
        .with_user(format!("{name}-user"));
    (key, who)
}

/// Six hundred calls to one control route in 60 seconds, spread over 60 callers: each has ten.
#[must_use]
pub fn route_velocity(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let whos: Vec<_> = (0..60).map(|at| caller(&mut dice, &format!("velocity{at}")).1).collect();
    let calls = (0..600)
        .map(|at| whos[at % 60].post(start_ms + at as i64 * 100, "/api/v2/clusters/create", 200, 800))
        .collect();
    Scenario::new("route-velocity", "watch.route-velocity", (Route, "POST /api/v2/clusters/create"), calls)
}

/// Fifteen clusters in four minutes by one caller, who ends each a minute later: never more than five are alive.
#[must_use]
pub fn cluster_creations(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "creations");
    let (mut calls, mut ends) = (Vec::new(), Vec::new());
    for at in 0..15 {
        let at_ms = start_ms + at * 16_000;
        calls.push(who.post(at_ms, "/ext/v0/clusters/", 201, 900));
        let target = format!("/ext/v0/clusters/ses_{}/terminate", dice.hex(24));
        ends.push(who.post(at_ms + MINUTE, &target, 200, 300));
    }
    Scenario::new("cluster-creations", "watch.cluster-creations", (Caller, key), calls).among(ends)
}

/// Thirty clusters by one caller, one each 6 minutes for three hours, and none is ended.
#[must_use]
pub fn clusters_alive(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "alive");
    let calls =
        (0..30).map(|at| who.post(start_ms + at * 6 * MINUTE, "/ext/v0/clusters/", 201, 900)).collect();
    Scenario::new("clusters-alive", "watch.clusters-alive", (Caller, key), calls)
}

/// The same as it is read from a list of clusters, a reading each minute for three hours: from 1 to 30. Nothing tells
/// of the creations.
#[must_use]
pub fn clusters_alive_read(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "alive-read");
    let calls = (0..180)
        .map(|at| {
            let amount = (at / 6 + 1) as f64;
            who.holds(start_ms + at * MINUTE, Held { resource: Resource::Cluster, amount, total: None })
        })
        .collect();
    Scenario::new("clusters-alive-read", "watch.clusters-alive", (Caller, key), calls)
}

/// A hundred and fifty jobs in a minute by one caller.
#[must_use]
pub fn job_flood(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "flood");
    let calls = (0..150).map(|at| who.post(start_ms + at * 400, "/api/jobs/", 200, 96)).collect();
    Scenario::new("job-flood", "watch.job-flood", (Caller, key), calls)
}

/// Twelve hundred jobs in 5 minutes from 60 callers: each has four a minute.
#[must_use]
pub fn job_queue(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let whos: Vec<_> = (0..60).map(|at| caller(&mut dice, &format!("queue{at}")).1).collect();
    let calls =
        (0..1_200).map(|at| whos[at % 60].post(start_ms + at as i64 * 249, "/api/jobs/", 200, 96)).collect();
    Scenario::new("job-queue", "watch.job-queue", (Route, "POST /api/jobs/"), calls)
}

/// Fifty jobs a minute for an hour by one caller: 3 000, and never a hundred in a minute.
#[must_use]
pub fn jobs_per_hour(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "hourly");
    let calls = (0..3_000).map(|at| who.post(start_ms + at * 1_199, "/api/jobs/", 200, 96)).collect();
    Scenario::new("jobs-per-hour", "watch.jobs-per-hour", (Caller, key), calls)
}

/// One caller holds 56 of 64 graphics processors for four hours by one job; five others share what is left. A reading
/// each minute.
#[must_use]
pub fn hoarding(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "hoarder");
    let calls = (0..240).map(|at| who.holds(start_ms + 2_000 + at * MINUTE, gpus(56.0))).collect();
    let mut others = neighbours(&mut dice, start_ms);
    others.push(who.post(start_ms, "/api/jobs/", 200, 96));
    Scenario::new("hoarding", "watch.hoarding", (Caller, key), calls).among(others)
}

/// The same of processor cores: 480 of 512 for four hours, alone.
#[must_use]
pub fn hoarding_cpu(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "core-hoarder");
    let held = Held { resource: Resource::Cpu, amount: 480.0, total: Some(512.0) };
    let calls = (0..240).map(|at| who.holds(start_ms + 2_000 + at * MINUTE, held)).collect();
    let job = who.post(start_ms, "/api/jobs/", 200, 96);
    Scenario::new("hoarding-cpu", "watch.hoarding", (Caller, key), calls).among(vec![job])
}

/// One caller's holding grows by four each 10 minutes, up to 40 of 64, and no job of that caller was submitted (a job
/// that submits more from inside). A reading each minute for four hours.
#[must_use]
pub fn hoarding_growth(seed: u64, start_ms: i64) -> Scenario {
    let mut dice = Dice::new(seed);
    let (key, who) = caller(&mut dice, "grower");
    let calls = (0..240)
        .map(|at| who.holds(start_ms + at * MINUTE, gpus(f64::from(at as i32 / 10 * 4).min(40.0))))
        .collect();
    let others = neighbours(&mut dice, start_ms);
    Scenario::new("hoarding-growth", "watch.hoarding", (Caller, key), calls).among(others)
}

const fn gpus(amount: f64) -> Held {
    Held { resource: Resource::Gpu, amount, total: Some(GPUS) }
}

/// Five callers, each with one processor from some minute on, by a job.
fn neighbours(dice: &mut Dice, start_ms: i64) -> Vec<OwnedCall> {
    let mut calls = Vec::new();
    for person in 0..5 {
        let who = Who::new(GERMANY.any(dice), "python-requests/2.32.5")
            .with_credential(format!("ray_{}", dice.hex(32)))
            .with_user(format!("neighbour{person}"));
        let begins = start_ms + dice.between(0, 50) * MINUTE;
        calls.push(who.post(begins, "/api/jobs/", 200, 96));
        for at in 0..240 {
            let at_ms = start_ms + at * MINUTE;
            calls.push(who.holds(at_ms, gpus(if at_ms > begins { 1.0 } else { 0.0 })));
        }
    }
    calls
}
