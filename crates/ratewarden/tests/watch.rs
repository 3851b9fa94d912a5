//! `ratewarden watch`: the real binary, real files, and what a user sees.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "watch/bad_input.rs"]
mod bad_input;
#[path = "watch/bans.rs"]
mod bans;
#[path = "cli/run.rs"]
#[expect(dead_code, reason = "the demo API is for the tests that scan")]
mod cli;
#[path = "watch/consequences.rs"]
mod consequences;
#[path = "watch/day.rs"]
mod day;
#[path = "watch/follow.rs"]
mod follow;
#[path = "watch/following.rs"]
mod following;
#[path = "watch/gates.rs"]
mod gates;
#[path = "watch/logs.rs"]
mod logs;
#[path = "watch/receiver.rs"]
mod receiver;
#[path = "watch/restart.rs"]
mod restart;
#[path = "watch/same.rs"]
mod same;
