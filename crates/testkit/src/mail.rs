//! A mail server: aiosmtpd, which says over HTTP what it took.

use std::process::Command;

use serde_json::{Value, json};

use crate::error::StartError;
use crate::http;
use crate::process::Place;
use crate::server::Server;
use crate::services::Services;

const NAME: &str = "aiosmtpd";
const PROGRAM: &str = include_str!("../python/mail.py");

/// A mail server that takes everything, unless it is told otherwise.
#[derive(Debug, Clone, Default)]
pub struct MailServer {
    encryption: Option<(&'static str, String, String)>,
    login: Option<(String, String)>,
    answers: Vec<String>,
}

impl MailServer {
    /// Takes mail only after STARTTLS, with this certificate and key (PEM).
    #[must_use]
    pub fn start_tls(mut self, certificate: &str, key: &str) -> Self {
        self.encryption = Some(("starttls", certificate.into(), key.into()));
        self
    }

    /// Speaks TLS from the first byte, with this certificate and key (PEM).
    #[must_use]
    pub fn tls(mut self, certificate: &str, key: &str) -> Self {
        self.encryption = Some(("tls", certificate.into(), key.into()));
        self
    }

    /// Takes mail only from who logs in so.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// What it answers to the next message instead of taking it, such as `451 later`.
    #[must_use]
    pub fn answer(mut self, line: &str) -> Self {
        self.answers.push(line.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], with what Python printed.
    pub fn start(&self, services: &Services) -> Result<RunningMailServer, StartError> {
        let place = Place::prepare(NAME)?;
        let program = place.write("mail.py", PROGRAM)?;
        let (encryption, certificate, key) = match &self.encryption {
            None => ("none", None, None),
            Some((encryption, certificate, key)) => (
                *encryption,
                Some(place.write("certificate.pem", certificate)?),
                Some(place.write("key.pem", key)?),
            ),
        };
        let options = json!({
            "port": place.port(),
            "encryption": encryption,
            "certificate": certificate,
            "key": key,
            "login": self.login,
            "answers": self.answers,
        });
        let mut command = Command::new(&services.python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(program).arg(options.to_string());
        Ok(RunningMailServer { server: Server::process(NAME, place.start(&command)?) })
    }
}

/// A mail server that runs until it is dropped.
#[derive(Debug)]
pub struct RunningMailServer {
    server: Server,
}

impl RunningMailServer {
    /// Its port on 127.0.0.1; 0 where it does not answer.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ask()["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(0)
    }

    /// What it took: objects with `from`, `to`, `text` (the whole message), `encrypted` and `user`.
    #[must_use]
    pub fn mails(&self) -> Vec<Value> {
        self.ask()["mails"].as_array().cloned().unwrap_or_default()
    }

    fn ask(&self) -> Value {
        let answer = http::get(self.server.address(), "/mails").map(|answer| answer.body);
        answer.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
    }
}
