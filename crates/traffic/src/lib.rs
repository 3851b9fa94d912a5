//! Seeded calls as people, programs and abusers make them, for tests and benchmarks.
//!
//! A detector that was only tried on its own attack proves little: what people complain about is the honest crowd
//! that it calls abuse. So there are two halves here. [`background`] has honest traffic, each kind modelled on a real
//! complaint and deliberately loud: single-page applications whose calls look like crawling, hundreds of people
//! behind one address, batches at night, galleries with broken pictures. [`scenario`] has abuse, one at least for
//! each thing that is detected, with what must be said of it. Tests mix both.
//!
//! Everything is a pure function of a seed: the same seed gives the same calls on every machine. Recorded logs were
//! the other way; they hold other people's addresses, and nobody can say of them how much abuse is in them.
//!
//! [`lines`] writes calls as log lines of several forms; [`stream`] writes lines by the gigabyte without making
//! calls first.
//!
//! ```
//! use ratewarden_traffic::{background, scenario};
//! use std::time::Duration;
//!
//! let start_ms = 1_772_409_600_000; // 2026-03-02, a Monday
//! let honest = background::website(7, start_ms, Duration::from_secs(600));
//! let abuse = scenario::probing(7, start_ms + 120_000);
//! let both = honest.merge(abuse.calls);
//! assert!(both.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
//! ```

pub mod background;
mod call;
pub mod date;
mod dice;
pub mod lines;
pub mod scenario;
pub mod stream;
pub mod world;

pub use call::{OwnedCall, Traffic};
pub use scenario::Scenario;

/// 2026-03-02 00:00 UTC, a Monday, in milliseconds since 1970: a start that tests can share.
pub const MONDAY_MS: i64 = 1_772_409_600_000;
