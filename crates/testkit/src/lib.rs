//! Real servers on loopback for tests: started, waited for by asking them, stopped by their handle.
//!
//! A scanner that was only ever tried on a limiter of our own proves that we agree with ourselves. So the
//! limiters here are the ones people run: nginx, HAProxy, Envoy, express-rate-limit and Flask-Limiter, each in
//! a process of its own on a free port of 127.0.0.1. The API is synchronous on purpose: an async test can call
//! it too, and nothing here depends on a runtime. Mocks were rejected: what bites in the real ones (whether
//! rejections count, where windows start, which headers come) is exactly what nobody would put into a mock.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ratewarden_testkit::{http, nginx, require};
//!
//! let Some(services) = require() else { return Ok(()) };
//! let server = nginx::LimitReq::new("10r/s").burst(20).nodelay().status(429).start(services)?;
//! assert_eq!(http::get(server.address(), "/items")?.status, 200);
//! # Ok(()) }
//! ```
//!
//! Every server answers any path with 200 and [`BODY`], but for the gateways of [`configured`], which run what the
//! documentation shows. [`READY_PATH`] alone is outside the limiter, so that waiting for a server spends nothing of
//! what a test then counts.

pub mod configured;
pub mod envoy;
pub mod error;
pub mod express;
pub mod flask;
pub mod gateway;
pub mod haproxy;
pub mod http;
pub mod issuer;
pub mod mail;
pub mod nginx;
pub mod plain;
mod port;
mod process;
pub mod schema;
pub mod server;
pub mod services;

pub use error::StartError;
pub use server::Server;
pub use services::{Missing, Services, installed, require};

/// The JSON that every server answers with (Flask sorts the two fields the other way round).
pub const BODY: &str = r#"{"ok":true,"items":[]}"#;

/// Answered 204 by every server and never limited.
pub const READY_PATH: &str = "/testkit-ready";
