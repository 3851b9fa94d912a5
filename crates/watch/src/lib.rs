//! From logs and live Calls to findings.
