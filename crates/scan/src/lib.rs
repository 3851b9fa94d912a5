//! From a URL to a report: probes → observations → inference → findings.

pub mod budget;
pub mod config;
pub mod context;
pub mod curl;
pub mod cursor;
pub mod error;
pub mod http;
pub mod observe;
pub mod openapi;
pub mod probes;
pub mod problem;
pub mod published;
pub mod target;

pub use config::{Backend, Config, Depth, Operation};
pub use error::ScanError;
