//! What is sent to whom: plain structs that whoever reads a policy fills in.
//!
//! Zero never means unlimited: bounds are `NonZero`, and a zero duration means what it says (no waiting for a group, no
//! cool-down).

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox as MailAddress;
use ratewarden_model::{Secret, Severity};

use crate::endpoint::HttpUrl;

mod check;

pub use check::{ConfigError, Problem};

/// Everything that alerts need to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whom findings are brought to. Each has an outbox queue of its own.
    pub receivers: Vec<Receiver>,
    /// How long the first finding of a message waits for others. Zero: each finding is a message.
    pub group_wait: Duration,
    /// For how long after its end a finding that opens again is counted and not sent. Zero: never.
    pub cool_down: Duration,
    /// An open finding of which nothing was heard for so long counts as ended: whoever watched was restarted.
    pub silence: Duration,
    /// Bounds.
    pub caps: Caps,
    /// How long is waited between tries.
    pub retry: Retry,
    /// The longest that one try may take, from looking up the name to the end of the answer.
    pub timeout: Duration,
    /// A file with certificates (PEM) that are trusted beside the machine's own, for HTTPS and mail.
    pub roots: Option<PathBuf>,
    /// What this machine calls itself in messages: a host name.
    pub host: String,
}

impl Config {
    /// Receivers with the defaults: 30 s for a group, 10 min of cool-down, 24 h of silence, 15 s for a try.
    #[must_use]
    pub fn new(receivers: Vec<Receiver>) -> Self {
        Self {
            receivers,
            group_wait: Duration::from_secs(30),
            cool_down: Duration::from_secs(600),
            silence: Duration::from_secs(86_400),
            caps: Caps::default(),
            retry: Retry::default(),
            timeout: Duration::from_secs(15),
            roots: None,
            host: "localhost".into(),
        }
    }
}

/// Bounds, each for one receiver.
#[derive(Debug, Clone, Copy)]
pub struct Caps {
    /// Findings that wait to be delivered. Ends of findings that were alerted always have room.
    pub waiting: NonZeroUsize,
    /// Bytes of findings that wait, as JSON.
    pub bytes: NonZeroUsize,
    /// Findings that are remembered as open or cooling down.
    pub incidents: NonZeroUsize,
    /// Messages that are kept after their receiver refused them; beyond that the oldest goes.
    pub parked: NonZeroUsize,
}

impl Default for Caps {
    /// 10 000 findings or 16 MiB that wait, 4 096 remembered, 1 000 messages parked.
    fn default() -> Self {
        let number = |number| NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN);
        Self {
            waiting: number(10_000),
            bytes: number(16 << 20),
            incidents: number(4_096),
            parked: number(1_000),
        }
    }
}

/// How long is waited between tries: doubling, with jitter.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub most: Duration,
    /// The longest wait that a receiver may ask for (`Retry-After`).
    pub most_asked: Duration,
}

impl Default for Retry {
    /// 1 s, 5 min, 1 h.
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { first: secs(1), most: secs(300), most_asked: secs(3_600) }
    }
}

/// Somebody to whom findings are brought.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Its name: the outbox knows its queue by it.
    pub name: String,
    /// How it is reached.
    pub kind: Kind,
    /// The least severity that is sent.
    pub severity: Severity,
    /// Rules whose findings are sent: ids, or their beginning with a `*` at the end. Empty: all.
    pub rules: Vec<String>,
}

/// How a receiver is reached.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A JSON document by POST.
    Webhook(Webhook),
    /// An incoming webhook of Slack; its URL is the secret.
    Slack(HttpUrl),
    /// The Events API v2 of PagerDuty.
    PagerDuty {
        /// Where events go; [`HttpUrl::pagerduty`] unless it is a test or the region's own.
        url: HttpUrl,
        /// The integration's key.
        routing_key: Secret,
    },
    /// Mail by SMTP.
    Mail(Box<Mail>),
    /// RFC 5424.
    Syslog(Syslog),
    /// A file to which JSON lines are appended; nobody else may write to it.
    File(PathBuf),
}

impl Kind {
    /// Whether one message can hold several findings.
    pub(crate) const fn is_grouped(&self) -> bool {
        matches!(self, Self::Webhook(_) | Self::Slack(_) | Self::Mail(_))
    }
}

/// A webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where it is.
    pub url: HttpUrl,
    /// What bodies are signed with, at least 16 bytes; `None`: no signature.
    pub secret: Option<Secret>,
    /// Further header fields, such as `authorization`.
    pub headers: Vec<(String, Secret)>,
}

/// Mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The server's name or address.
    pub server: String,
    /// Its port: 587 mostly, 465 for [`Encryption::Tls`].
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// User name and password.
    pub login: Option<(String, Secret)>,
    /// Who it is from.
    pub from: MailAddress,
    /// Whom it is to: at least one.
    pub to: Vec<MailAddress>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all: only on the same machine. No login is sent over it.
    None,
    /// Plain at first, then TLS; without it nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// Syslog.
#[derive(Debug, Clone)]
pub struct Syslog {
    /// Where it listens.
    pub peer: SyslogPeer,
    /// The facility, 0 to 23 (RFC 5424 section 6.2.1); 3 is what daemons use.
    pub facility: u8,
}

/// Where syslog listens.
#[derive(Debug, Clone)]
pub enum SyslogPeer {
    /// `host:port`, one message a datagram (RFC 5426).
    Udp(String),
    /// `host:port`, counted octets (RFC 6587 section 3.4.1).
    Tcp(String),
    /// A datagram socket such as `/dev/log`.
    Unix(PathBuf),
}
