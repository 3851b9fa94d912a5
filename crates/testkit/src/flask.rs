//! Flask with Flask-Limiter, counting in memory, served by waitress.

use std::process::Command;

use serde_json::json;

use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "Flask-Limiter";
const PROGRAM: &str = include_str!("../python/server.py");

/// How Flask-Limiter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A counter that starts anew with each window.
    FixedWindow,
    /// The times of the last calls: a sliding log.
    MovingWindow,
    /// Two counters, the earlier one weighted.
    SlidingWindowCounter,
}

impl Strategy {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed-window",
            Self::MovingWindow => "moving-window",
            Self::SlidingWindowCounter => "sliding-window-counter",
        }
    }
}

/// One limit for all paths together.
#[derive(Debug, Clone)]
pub struct Limiter {
    strategy: Strategy,
    limit: String,
    headers: bool,
    key_header: Option<&'static str>,
}

impl Limiter {
    /// A limit as Flask-Limiter writes it (`10 per 3 seconds`), per address, without headers, status 429.
    #[must_use]
    pub fn new(strategy: Strategy, limit: &str) -> Self {
        Self { strategy, limit: limit.into(), headers: false, key_header: None }
    }

    /// Whether `X-RateLimit-Limit`, `-Remaining`, `-Reset` (an epoch) and `Retry-After` are sent.
    #[must_use]
    pub fn headers(mut self, sent: bool) -> Self {
        self.headers = sent;
        self
    }

    /// Counts per this header, or per address where it is missing.
    #[must_use]
    pub fn key_header(mut self, name: &'static str) -> Self {
        self.key_header = Some(name);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], with what Python printed.
    pub fn start(&self, services: &Services) -> Result<Server, StartError> {
        let place = Place::prepare(NAME)?;
        let program = place.write("server.py", PROGRAM)?;
        let options = json!({
            "port": place.port(),
            "limit": self.limit,
            "strategy": self.strategy.as_str(),
            "headers": self.headers,
            "header": self.key_header,
        });
        let mut command = Command::new(&services.python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(program).arg(options.to_string());
        Ok(Server::process(NAME, place.start(&command)?))
    }
}
