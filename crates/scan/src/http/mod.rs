//! The HTTP client of the scanner.
//!
//! It is built on hyper's connections rather than on a ready client, because a scanner must see what such a
//! client hides: a reused connection that was closed, the path before normalisation, duplicate headers, the
//! exact instants, the source address. Every answer is bounded in headers, bytes and time.

mod body;
mod client;
mod clock;
mod connect;
mod message;
mod pool;
mod wire;

pub use client::Client;
pub(crate) use message::seconds;
pub use message::{Answer, Failure, Request, Response};

/// The most header fields of an answer; hyper refuses the answer beyond it.
pub const MAX_HEADERS: usize = 256;
/// The most bytes of header of an answer.
pub const MAX_HEADER_BYTES: usize = 256 * 1024;
/// The most bytes of a body that are read; beyond it the connection is dropped.
pub const MAX_BODY_BYTES: u64 = 16 * 1024 * 1024;
/// The first bytes of a body that are kept to be looked at.
pub const KEPT_BODY_BYTES: usize = 256 * 1024;
