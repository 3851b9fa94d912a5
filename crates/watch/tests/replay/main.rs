//! Replays beside slow models, beside the running gateway, and at their bounds.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod callers;
mod document;
mod gateway;
mod honest;
mod hostile;
mod memory;
mod model;
mod order;
mod unseen;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ratewarden_model::Call;
use ratewarden_policy::Policy;
use ratewarden_watch::{Replay, ReplayReport};

/// 2026-11-27T00:00:00Z.
const MIDNIGHT: i64 = 1_795_737_600_000;

fn policy(rest: &str) -> Policy {
    // Tables are allocated at once, so a small one makes a fast test.
    let caps = if rest.contains("[caps]") { "" } else { "[caps]\nkeys = 1_024\n" };
    let head = "[listen]\nhttp = \"127.0.0.1:1\"\n[upstream]\nurl = \"http://127.0.0.1:2\"\n";
    match ratewarden_policy::read(&format!("{head}{caps}{rest}"), Path::new("/p.toml")) {
        Ok(read) => read.policy,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn replay(rest: &str) -> Replay {
    Replay::new(&policy(rest), &[7; 16]).unwrap()
}

fn address(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(192, 0, 2, last).into())
}

/// A call that was answered well.
fn call(at_ms: i64, last: u8, target: &'static str) -> Call<'static> {
    Call { address: address(last), method: b"GET", target: target.as_bytes(), status: 200, ..Call::at(at_ms) }
}

/// Calls are what became of them.
fn adds_up(report: &ReplayReport) -> bool {
    let refused: u64 = report.refused.values().sum();
    report.calls == report.admitted + report.rejected + report.banned + refused + report.unattributed
}
