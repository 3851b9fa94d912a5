//! Ways to receivers. Each is tried once here; when again is the worker's to say, and how long a try may take too.

mod file;
mod http;
mod mail;
mod syslog;

use std::sync::Arc;
use std::time::Duration;

pub use http::webhook_signature;

use crate::alerts::StartError;
use crate::config::{Config, Kind, Receiver};
use crate::item::Batch;
use crate::payload::From;
use crate::roots::Roots;

/// How a try went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was taken.
    Delivered,
    /// It may be taken later. The receiver may have said when.
    Failed { why: String, asked: Option<Duration> },
    /// It will never be taken as it is.
    Refused(String),
}

impl Outcome {
    fn failed(why: impl Into<String>) -> Self {
        Self::Failed { why: why.into(), asked: None }
    }
}

/// What all receivers share.
pub(crate) struct Surroundings {
    roots: Roots,
    tls: Arc<rustls::ClientConfig>,
    host: String,
}

impl Surroundings {
    pub(crate) fn new(config: &Config) -> Result<Self, StartError> {
        let path = config.roots.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let wrong = |why| StartError::Roots { path: path.clone(), why };
        let roots = Roots::load(config.roots.as_deref()).map_err(wrong)?;
        let tls = roots.tls().map_err(wrong)?;
        Ok(Self { roots, tls, host: config.host.clone() })
    }
}

/// The way to one receiver.
pub(crate) struct Sender {
    from: From,
    way: Way,
}

enum Way {
    Http(Box<http::Post>),
    Mail(Box<mail::Smtp>),
    Syslog(syslog::Syslog),
    File(file::Lines),
}

impl Sender {
    /// # Errors
    /// In words, when the receiver cannot be reached as it is configured.
    pub(crate) fn new(receiver: &Receiver, surroundings: &Surroundings) -> Result<Self, String> {
        let from = From { receiver: receiver.name.clone(), host: surroundings.host.clone() };
        let way = match &receiver.kind {
            Kind::Webhook(_) | Kind::Slack(_) | Kind::PagerDuty { .. } => {
                Way::Http(Box::new(http::Post::new(&receiver.kind, &surroundings.tls)?))
            }
            Kind::Mail(mail) => {
                Way::Mail(Box::new(mail::Smtp::new(mail, &surroundings.roots, &surroundings.host)?))
            }
            Kind::Syslog(syslog) => Way::Syslog(syslog::Syslog::new(syslog.clone())),
            Kind::File(path) => Way::File(file::Lines::new(path.clone())),
        };
        Ok(Self { from, way })
    }

    /// Tries once.
    pub(crate) async fn send(&self, batch: &Batch, now_ms: i64) -> Outcome {
        match &self.way {
            Way::Http(post) => post.send(batch, &self.from, now_ms).await,
            Way::Mail(smtp) => smtp.send(batch, &self.from).await,
            Way::Syslog(syslog) => syslog.send(batch, &self.from).await,
            Way::File(lines) => lines.send(batch, &self.from).await,
        }
    }
}

/// What an error says, to its last cause.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
