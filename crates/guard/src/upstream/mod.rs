//! The servers behind the gateway: which of them takes a call, and over which connection.
//!
//! Load and health of a server are known to all workers; connections belong to one worker, so a call never waits
//! for a lock or crosses a core to get one.

mod connect;
mod health;
mod pool;
mod servers;
mod streams;

pub(crate) use connect::Connector;
pub(crate) use health::keep_checking;
pub(crate) use pool::{Connection, Pool};
pub(crate) use servers::{InFlight, Servers};
pub(crate) use streams::{Repeatable, Sending};
