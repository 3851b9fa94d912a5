//! The gateway as its clients and its operators see it: real sockets, a server behind it that shows what it got.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod admin;
mod admin_callers;
mod admin_check;
mod admin_decisions;
mod admin_openapi;
mod admin_penalties;
mod bodies;
mod calls;
mod checked;
mod checked_hostile;
mod described;
mod durable;
mod frames;
mod hostile;
mod http2;
mod http2_client;
mod http2_hostile;
mod http2_server;
mod http2_tls;
mod http2_upstream;
mod load;
mod lockout;
mod lockout_proofs;
mod operator;
mod proxied;
mod server;
mod token_issuer;
mod tokens;
mod tokens_refused;
mod told;
mod watched;
mod watched_bans;
mod watched_log;
