//! The limits of Ratewarden as a [tower](https://docs.rs/tower) layer, for services written in Rust.
//!
//! The same algorithms and the same bounded store as the gateway's: several limits on a call are charged all or
//! nothing, callers before shared totals; a rejected call spends nothing and is told when to come back; a flood of
//! new keys cannot make a known caller forget what it used.
//!
//! ```
//! use std::num::NonZeroU64;
//! use std::time::Duration;
//!
//! use ratewarden_tower::{Algorithm, Capacity, Gcra, Limit, RateLimitLayer, by_header};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (calls, burst) = (NonZeroU64::new(100).unwrap(), NonZeroU64::new(20).unwrap());
//! let rate = Algorithm::Rate(Gcra::new(calls, Duration::from_secs(60), burst)?);
//! let layer = RateLimitLayer::new(
//!     [Limit::new("each key", rate).per(by_header("x-api-key"))],
//!     Capacity { keys: 100_000, verified_keys: 0 },
//! )?;
//! // tower::ServiceBuilder::new().layer(layer).service(api)
//! # let _: RateLimitLayer = layer;
//! # Ok(())
//! # }
//! ```
//!
//! State is this process's own and begins anew with it. A service that is not written in Rust asks the gateway's
//! `POST /v1/check`.

mod answer;
mod layer;
mod limit;
mod limits;

pub use answer::{Answer, Problem, Rejected};
pub use layer::{RateLimit, RateLimitLayer, ResponseFuture};
pub use limit::{InvalidLimits, Limit, Per, by_header};
pub use ratewarden_counters::{Capacity, Instant, Usage};
pub use ratewarden_limiter::{
    Algorithm, Calendar, Concurrency, Each, Gcra, InvalidLimit, Quota, Retry, SlidingWindow, Time,
};
