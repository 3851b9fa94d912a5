//! The probes beside the limiter's: each sends a few bounded requests and states findings.
