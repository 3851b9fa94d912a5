//! What is secret is in no log, no status, no error and not in the outbox.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use ratewarden_alerts::{Kind, State};
use ratewarden_model::Secret;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use super::receiver::{Answer, Hook};
use super::{config, finding, now_ms, receiver, start, status, until, webhook};

/// Keeps every field of every event, of all tests of this process.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ratewarden")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut kept = self.0.lock().unwrap();
        let _ = write!(kept, "{} ", event.metadata().level());
        event.record(&mut Fields(&mut kept));
        kept.push('\n');
    }
}

/// Secrets of this test alone.
const SECRETS: [&str; 5] =
    ["s3cret-of-hmac-0123", "T0KEN-IN-PATH", "K3Y-IN-QUERY", "hunter22-pass", "h3ader-value-1"];

#[test]
fn what_is_secret_shows_nowhere_and_a_refusal_is_said_once() {
    let log = Kept::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[Answer::Echo(503), Answer::Echo(404), Answer::Echo(404), Answer::Echo(404)]);
    let at = hook.url();
    let url = format!("{}/T0KEN-IN-PATH?key=K3Y-IN-QUERY", at.replace("//", "//ann:hunter22-pass@"));
    let mut secret = webhook("of-secrets", &url);
    if let Kind::Webhook(webhook) = &mut secret.kind {
        webhook.secret = Some(Secret::new(SECRETS[0]));
        webhook.headers = vec![("authorization".into(), Secret::new(format!("Bearer {}", SECRETS[4])))];
    }
    let unreachable =
        receiver("unreachable", Kind::Slack("http://127.0.0.1:1/T0KEN-IN-PATH".parse().unwrap()));
    let config = config(vec![secret, unreachable]);
    let alerts = start(&config, folder.path());
    for number in 0..3 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    until("they are refused", || status(&alerts, 0).parked == 3 && status(&alerts, 1).failing.is_some());
    let mut shown = format!("{config:?} {alerts:?} {:?}", alerts.status());
    drop(alerts);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        shown += &String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap());
    }
    let log = log.0.lock().unwrap().clone();
    shown += &log;
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} shows");
    }
    assert!(log.contains("no such path"), "{log}");
    let said = |level: &str| {
        log.lines().filter(|line| line.starts_with(level) && line.contains("of-secrets")).count()
    };
    assert_eq!((said("WARN"), said("ERROR")), (1, 1), "{log}");
}
