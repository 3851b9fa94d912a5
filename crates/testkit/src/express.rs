//! Express with express-rate-limit and its memory store: fixed windows that start with a key's first request.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::StartError;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "express-rate-limit";
const PROGRAM: &str = include_str!("../node/server.js");

/// Which `RateLimit` fields are sent: the drafts that express-rate-limit calls 6, 7 and 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    /// `RateLimit-Limit`, `-Remaining`, `-Reset` and `RateLimit-Policy`.
    Draft6,
    /// One `RateLimit: limit=…, remaining=…, reset=…` and `RateLimit-Policy`.
    Draft7,
    /// Structured fields: `RateLimit: "…"; r=…; t=…`.
    Draft8,
}

impl Standard {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Draft6 => "draft-6",
            Self::Draft7 => "draft-7",
            Self::Draft8 => "draft-8",
        }
    }
}

/// What requests are counted per.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Key {
    /// The address of the connection.
    #[default]
    Address,
    /// A header, or the address where it is missing.
    Header(&'static str),
    /// The address that `X-Forwarded-For` claims, believed from everybody (`trust proxy` set to true).
    ForwardedFor,
}

/// So many requests in a window.
#[derive(Debug, Clone)]
pub struct RateLimit {
    limit: u32,
    window: Duration,
    standard: Option<Standard>,
    legacy: bool,
    key: Key,
    status: u16,
    published_limit: Option<u32>,
}

impl RateLimit {
    /// A limit per address without any headers, status 429.
    #[must_use]
    pub fn new(limit: u32, window: Duration) -> Self {
        let (standard, legacy, key) = (None, false, Key::Address);
        Self { limit, window, standard, legacy, key, status: 429, published_limit: None }
    }

    /// Sends the fields of this draft, and `Retry-After` with rejections.
    #[must_use]
    pub fn standard(mut self, draft: Standard) -> Self {
        self.standard = Some(draft);
        self
    }

    /// Sends `X-RateLimit-Limit`, `-Remaining` and `-Reset`, and `Retry-After` with rejections.
    #[must_use]
    pub fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// What requests are counted per.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.key = key;
        self
    }

    /// The status of a rejection.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Lets the headers claim this limit, though the other one decides: they lie.
    #[must_use]
    pub fn publishing(mut self, limit: u32) -> Self {
        self.published_limit = Some(limit);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], with what Node printed.
    pub fn start(&self, services: &Services) -> Result<Server, StartError> {
        let place = Place::prepare(NAME)?;
        let program = place.write("server.js", PROGRAM)?;
        let mut command = Command::new(&services.node);
        command.env("NODE_PATH", &services.node_modules).env("NODE_ENV", "production");
        command.arg(program).arg(self.options(place.port()).to_string());
        Ok(Server::process(NAME, place.start(&command)?))
    }

    fn options(&self, port: u16) -> Value {
        let (key, header) = match self.key {
            Key::Address => ("address", None),
            Key::Header(name) => ("header", Some(name)),
            Key::ForwardedFor => ("forwarded", None),
        };
        json!({
            "port": port,
            "windowMs": u64::try_from(self.window.as_millis()).unwrap_or(u64::MAX),
            "limit": self.limit,
            "standardHeaders": self.standard.map_or(Value::Bool(false), |draft| draft.as_str().into()),
            "legacyHeaders": self.legacy,
            "statusCode": self.status,
            "key": key,
            "header": header,
            "publishedLimit": self.published_limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_written_as_the_program_reads_them() {
        let limit = RateLimit::new(5, Duration::from_secs(60)).key(Key::Header("x-api-key"));
        let options = limit.clone().options(1);
        assert_eq!(
            (options["standardHeaders"].clone(), options["windowMs"].clone()),
            (json!(false), json!(60_000))
        );
        assert_eq!(
            (options["key"].clone(), options["header"].clone()),
            (json!("header"), json!("x-api-key"))
        );
        assert_eq!(options["publishedLimit"], Value::Null);
        assert_eq!(limit.standard(Standard::Draft8).publishing(9).options(1)["standardHeaders"], "draft-8");
    }
}
