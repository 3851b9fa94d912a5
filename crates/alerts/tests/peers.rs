//! Alerts and real receivers on real sockets: what arrives, in which order, and what happens when it does not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up its peers has failed"
)]

#[path = "peers/file.rs"]
mod file;
#[path = "peers/full_disk.rs"]
mod full_disk;
#[path = "peers/http.rs"]
mod http;
#[path = "peers/killed.rs"]
mod killed;
#[path = "peers/mail.rs"]
mod mail;
#[path = "peers/receiver.rs"]
mod receiver;
#[path = "peers/secrets.rs"]
mod secrets;
#[path = "peers/services.rs"]
mod services;
#[path = "peers/signature.rs"]
mod signature;
#[path = "peers/syslog.rs"]
mod syslog;
#[path = "peers/time.rs"]
mod time;

use std::path::Path;
use std::time::{Duration, Instant};

use ratewarden_alerts::{Alerts, Config, Kind, Receiver, ReceiverStatus, Retry, Webhook};
use ratewarden_model::{Finding, Secret, Seen, Severity, Subject, SubjectKind, rules};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What webhooks are signed with.
const SECRET: &str = "a secret of the tests";

/// A finding of its own.
fn finding(number: usize) -> Finding {
    let subject = Subject::named(SubjectKind::Caller, format!("caller-{number}"));
    let seen = Seen {
        first_seen: "2026-01-01T00:00:00Z".into(),
        last_seen: "2026-01-01T00:01:00Z".into(),
        count: 700,
        count_error: 0,
        threshold: "500/1m".into(),
        samples: vec!["POST /api/jobs/".into()],
    };
    let finding = Finding::new(&rules::NO_LIMIT, subject, &number.to_string(), "Too many <calls> & more.");
    Finding { seen: Some(seen), ..finding }
}

fn receiver(name: &str, kind: Kind) -> Receiver {
    Receiver { name: name.into(), kind, severity: Severity::Info, rules: Vec::new() }
}

fn webhook(name: &str, url: &str) -> Receiver {
    let webhook =
        Webhook { url: url.parse().unwrap(), secret: Some(Secret::new(SECRET)), headers: Vec::new() };
    receiver(name, Kind::Webhook(webhook))
}

/// Without waiting for groups, and with tries that follow each other quickly.
fn config(receivers: Vec<Receiver>) -> Config {
    Config {
        group_wait: Duration::ZERO,
        timeout: Duration::from_secs(5),
        retry: Retry {
            first: Duration::from_millis(2),
            most: Duration::from_millis(20),
            most_asked: Duration::from_millis(50),
        },
        host: "gate-1".into(),
        ..Config::new(receivers)
    }
}

fn start(config: &Config, folder: &Path) -> Alerts {
    Alerts::start(config, folder).unwrap()
}

fn now_ms() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

fn status(alerts: &Alerts, receiver: usize) -> ReceiverStatus {
    alerts.status().receivers[receiver].clone()
}

/// Asks until it is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
