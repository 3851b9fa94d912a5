//! The handle that every builder returns.

use std::net::SocketAddr;

use crate::plain;
use crate::process::Process;

/// A server that answers. Dropping it stops it, with everything behind it.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    running: Running,
    /// What it proxies to; dropped after it.
    _behind: Option<Box<Server>>,
}

#[derive(Debug)]
enum Running {
    Process(Process),
    Threads(plain::Listener),
}

impl Server {
    pub(crate) fn process(name: &'static str, process: Process) -> Self {
        Self { name, running: Running::Process(process), _behind: None }
    }

    pub(crate) fn threads(name: &'static str, listener: plain::Listener) -> Self {
        Self { name, running: Running::Threads(listener), _behind: None }
    }

    /// Keeps the server that this one proxies to alive as long as this one.
    pub(crate) fn before(mut self, behind: Self) -> Self {
        self._behind = Some(Box::new(behind));
        self
    }

    /// What it is, for messages: `nginx`, `Envoy`…
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it listens: 127.0.0.1 and a port of its own.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match &self.running {
            Running::Process(process) => process.address(),
            Running::Threads(listener) => listener.address(),
        }
    }

    /// The URL of a path (with or without its leading slash) on this server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{}", self.address(), path.strip_prefix('/').unwrap_or(path))
    }

    /// The process group of all its processes, for who measures them. `None` for servers that are threads of ours.
    ///
    /// The group's leader and a child of it are shells that only wait.
    #[must_use]
    pub fn process_group(&self) -> Option<u32> {
        match &self.running {
            Running::Process(process) => Some(process.group()),
            Running::Threads(_) => None,
        }
    }

    /// The end of what it printed, for messages. Empty for servers that are threads of ours.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.running {
            Running::Process(process) => process.log(),
            Running::Threads(_) => String::new(),
        }
    }
}
