//! Why a server could not be started. The server's own log is part of the message: a test that fails on CI has
//! nothing else to go by.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// A server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The machine refused a file, a process or a socket.
    #[error("could not {doing} for {server}")]
    Machine {
        /// Which server.
        server: &'static str,
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("{server} ended before it answered ({status})\nits log:\n{log}")]
    Exited {
        /// Which server.
        server: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        log: String,
    },
    /// It runs but did not answer in time.
    #[error("{server} did not answer within {waited:?}\nits log:\n{log}")]
    Silent {
        /// Which server.
        server: &'static str,
        /// How long it was asked.
        waited: Duration,
        /// The end of what it printed.
        log: String,
    },
}

impl StartError {
    /// For `map_err`: wraps an I/O error with what was being done.
    pub(crate) fn machine(server: &'static str, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Machine { server, doing, source }
    }
}
