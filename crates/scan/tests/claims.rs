//! Honest claims: whole scans of small servers that invite a false one, and of their twins that deserve a true one.
//!
//! A rule that is wrong once is believed never again, so each server here behaves like a real one that misled a scanner:
//! what it does is true by construction, and the report may say no more than that.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code that clippy does not recognise as such outside test functions"
)]

#[path = "claims/bypasses.rs"]
mod bypasses;
#[path = "claims/headers.rs"]
mod headers;
#[path = "claims/judge.rs"]
mod judge;
#[path = "claims/keys.rs"]
mod keys;
#[path = "claims/limits.rs"]
mod limits;
#[path = "claims/presence.rs"]
mod presence;
#[path = "claims/server.rs"]
mod server;
#[path = "claims/suffering.rs"]
mod suffering;
