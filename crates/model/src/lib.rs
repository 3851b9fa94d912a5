//! The words every room speaks: calls, findings, severities, rates, rules, and the document a scan makes.
//!
//! Tier 0: no async runtime, no sockets and no clock. Everything here is plain data with `serde`, so a report
//! can be written, read back (a baseline) and compared without the room that made it.

pub mod call;
pub mod finding;
pub mod rules;
pub mod scan_report;
pub mod score;
pub mod secret;
pub mod severity;
pub mod subject;
pub mod units;
pub mod watch_report;

pub use call::{Basis, Call, CallCaller, Held, Resource};
pub use finding::{Finding, Remediation, Seen, Snippet};
pub use rules::Rule;
pub use scan_report::{Limiter, ScanReport};
pub use secret::{Redactor, Secret};
pub use severity::{Confidence, Severity};
pub use subject::{Subject, SubjectKind};
pub use units::{Rate, format_duration, format_size, parse_duration, parse_size};
pub use watch_report::{UnreadableReason, WatchReport, WatchedSource};

/// The version every document and the `User-Agent` carry.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
