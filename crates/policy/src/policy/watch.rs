//! What is watched, who is banned for it and who is told.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ratewarden_model::Severity;

use super::{SecretSource, Server};
use crate::network::Network;

/// How calls are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Seconds that a call may come later than others, 1 to 600.
    pub lateness: u32,
    /// The name of a form of lines, or a `log_format` of nginx; it is known or can be read.
    pub log_format: Option<String>,
    /// Which values of JSON lines are what, as `ratewarden_logs::JsonFields` reads it; it can be read.
    pub json_fields: Option<String>,
    /// File of countries or cities.
    pub geoip: Option<PathBuf>,
    /// File of autonomous systems.
    pub geoip_asn: Option<PathBuf>,
    /// Folder for what survives a restart.
    pub state: Option<PathBuf>,
    /// Whom no detector bans. It goes before every ban.
    pub never_ban: Vec<Exempt>,
    /// Where bans are placed that come of logs; without it they are only told of. A gateway needs none.
    pub penalties: Option<Penalties>,
}

/// Whom no detector bans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exempt {
    /// Every address of a network.
    Network(Network),
    /// A caller, by the name that findings show.
    Caller(String),
    /// A user.
    User(String),
}

/// Where bans are placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Penalties {
    /// At the admin listener of a gateway.
    Admin {
        /// Where it is.
        server: Server,
        /// Its token.
        token: Option<SecretSource>,
    },
    /// In a file, one JSON line each.
    File(PathBuf),
}

/// The ban that a detector's findings lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanRule {
    /// The detector's name; it is one of the policy's detectors.
    pub detector: String,
    /// The rule of its findings.
    pub rule: String,
    /// The first ban; each further one is twice as long.
    pub ban: Duration,
    /// The longest, no shorter than the first.
    pub up_to: Duration,
}

/// Who is told of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// Whom findings are brought to; their names differ.
    pub receivers: Vec<Receiver>,
    /// How long the first finding of a message waits for others; zero: each is a message.
    pub group_wait: Duration,
    /// For how long after its end a finding that opens again is not sent; zero: it is sent.
    pub cool_down: Duration,
    /// How long a try to deliver may take.
    pub timeout: Duration,
    /// Findings that wait for a receiver.
    pub max_waiting: NonZeroUsize,
    /// Bytes of findings that wait for a receiver.
    pub max_bytes: NonZeroUsize,
    /// PEM file of further authorities.
    pub ca: Option<PathBuf>,
    /// What this machine calls itself; without it its host name.
    pub host: Option<String>,
}

/// Somebody who is told of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// Unique.
    pub name: String,
    /// How it is reached.
    pub via: Via,
    /// The least severity that is sent.
    pub severity: Severity,
    /// Ids of rules, or their beginnings with a `*` at the end; empty is all.
    pub rules: Vec<String>,
}

/// How a receiver is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A JSON document by POST.
    Webhook {
        /// Where to.
        url: PostTo,
        /// What bodies are signed with.
        secret: Option<SecretSource>,
        /// What is sent as `Authorization: Bearer`.
        token: Option<SecretSource>,
    },
    /// An incoming webhook of Slack, by its URL.
    Slack(SecretSource),
    /// The Events API v2 of PagerDuty.
    PagerDuty {
        /// Where events go.
        url: String,
        /// The routing key.
        key: SecretSource,
    },
    /// Mail.
    Mail(Box<Mail>),
    /// Syslog.
    Syslog {
        /// Where it listens.
        peer: SyslogPeer,
        /// RFC 5424 section 6.2.1.
        facility: Facility,
    },
    /// A file, one JSON line each.
    File(PathBuf),
}

/// Where a webhook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostTo {
    /// A URL of scheme `http` or `https` without user and fragment.
    Url(String),
    /// A URL that is a secret.
    Secret(SecretSource),
}

/// Mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The server's name or address, an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected; never [`MailEncryption::None`] with a log-in.
    pub encryption: MailEncryption,
    /// User and password.
    pub login: Option<(String, SecretSource)>,
    /// Whom it is from: a plain address.
    pub from: String,
    /// Whom it is to: plain addresses, at least one.
    pub to: Vec<String>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailEncryption {
    /// Plain at first, then TLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

/// Where syslog listens. A host is a name or an address, an IPv6 address in brackets before its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogPeer {
    /// `host:port`, datagrams.
    Udp(String),
    /// `host:port`, counted octets.
    Tcp(String),
    /// A datagram socket.
    Unix(PathBuf),
}

/// A facility of syslog, 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(pub u8);
