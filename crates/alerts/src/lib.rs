//! Findings brought to people: webhook, Slack, PagerDuty, mail, syslog and file, through an outbox on disk.
//!
//! ```text
//! finding + state → planner (pure: filter, deduplicate, cool down) → mailbox (pure: groups, order, bounds)
//!                 → store (SQLite, one transaction) → worker of each receiver → the network
//! ```
//!
//! [`Alerts::handle`] returns when what it decided is on the disk; sending is done by one task for each receiver, so
//! that a receiver that hangs holds up nobody else. A delivery leaves the outbox only when its receiver has taken it or
//! has refused it for good, and then it is parked, not dropped. Between being taken and being crossed out the process may
//! die: a delivery can come twice, with the same delivery id. Messages are made from findings at the moment they are
//! sent, so the outbox holds no secrets of receivers.
//!
//! What a receiver gets, and how it verifies a signature, is written in docs/alerts.md.

mod alerts;
mod backoff;
mod config;
mod endpoint;
mod item;
mod mailbox;
mod outbox;
mod payload;
mod planner;
mod roots;
mod send;
mod status;
mod store;
mod worker;

pub use alerts::{Alerts, StartError};
pub use config::{
    Caps, Config, ConfigError, Encryption, Kind, Mail, Problem, Receiver, Retry, Syslog, SyslogPeer, Webhook,
};
pub use endpoint::{HttpUrl, UrlError};
pub use item::State;
pub use lettre::message::Mailbox as MailAddress;
pub use send::webhook_signature;
pub use status::{Kept, ReceiverStatus, Status};
pub use store::OpenError;
