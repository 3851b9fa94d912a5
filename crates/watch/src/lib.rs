//! From logs and live Calls to findings.

pub mod follow;
pub mod geo;
pub mod source;
