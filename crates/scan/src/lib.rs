//! From a URL to a report: probes → observations → inference → findings.

pub mod budget;
pub mod config;
pub mod error;
pub mod http;
pub mod observe;
pub mod target;

pub use config::{Backend, Config, Depth, Operation};
pub use error::ScanError;
