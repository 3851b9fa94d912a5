//! From a URL to a report: probes → observations → inference → findings.

pub mod budget;
pub mod bypass;
pub mod config;
pub mod context;
pub mod curl;
pub mod cursor;
pub mod error;
pub mod http;
pub mod infer;
pub mod limiter;
pub mod observe;
pub mod openapi;
pub mod probes;
pub mod problem;
pub mod published;
pub mod remedy;
pub mod run;
pub mod statistics;
pub mod target;

pub use config::{Backend, Config, Depth, Operation};
pub use error::ScanError;
pub use run::{Progress, redactor, scan};
