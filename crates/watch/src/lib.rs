//! From logs and live Calls to findings.

pub mod replay;

pub use replay::{Replay, ReplayReport};
