//! The probes against small real servers on loopback: each weakness is found, and its good twin is left alone.
#![expect(
    clippy::unwrap_used,
    reason = "test code that clippy does not recognise as such outside test functions"
)]

#[path = "probes/credentials.rs"]
mod credentials;
#[path = "probes/reads.rs"]
mod reads;
#[path = "probes/recognition.rs"]
mod recognition;
#[path = "probes/server.rs"]
mod server;
#[path = "probes/writes.rs"]
mod writes;
