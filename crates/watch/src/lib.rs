//! From logs and live Calls to findings.

pub mod source;
