//! Webhooks: order, at least once, and every way in which a receiver can fail.

use std::time::Duration;

use ratewarden_alerts::{Kept, State};
use ratewarden_model::{Secret, Severity};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::receiver::{Answer, Hook, Place};
use super::{PATIENCE, SECRET, config, finding, now_ms, start, status, until, webhook};

fn opened(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("opened caller-{number}")).collect()
}

#[test]
fn a_webhook_gets_a_finding_and_its_end_signed() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[]);
    let alerts = start(&config(vec![webhook("ops", &hook.url())]), folder.path());
    assert_eq!(alerts.handle(&finding(1), State::Opened, now_ms()), Kept::OnDisk);
    let _ = alerts.handle(&finding(1), State::Grown, now_ms());
    let _ = alerts.handle(&finding(1), State::Ended, now_ms());
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hook.taken(), ["opened caller-1", "ended caller-1"]);
    let got = hook.got();
    assert_ne!(got[0].header("ratewarden-delivery"), got[1].header("ratewarden-delivery"));
    for got in got {
        let timestamp: i64 = got.header("ratewarden-timestamp").parse().unwrap();
        assert!((timestamp - now_ms() / 1_000).abs() < 120);
        let signature = super::signature::by_the_book(SECRET, timestamp, &got.body);
        assert_eq!(got.header("ratewarden-signature"), signature);
        assert_eq!(got.header("content-type"), "application/json");
        assert_eq!(got.json()["delivery"], got.header("ratewarden-delivery"));
    }
    assert_eq!((status(&alerts, 0).delivered, status(&alerts, 0).waiting), (2, 0));
}

#[test]
fn findings_that_open_together_are_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[]);
    let grouped = ratewarden_alerts::Config {
        group_wait: Duration::from_secs(3_600),
        ..config(vec![webhook("ops", &hook.url())])
    };
    let alerts = start(&grouped, folder.path());
    let findings: Vec<_> = (0..5).map(finding).collect();
    let events: Vec<_> = findings.iter().map(|finding| (finding, State::Opened)).collect();
    assert_eq!(alerts.handle_all(&events, now_ms()), Kept::OnDisk);
    assert!(alerts.flush(PATIENCE));
    assert_eq!((hook.got().len(), hook.taken()), (1, opened(0..5)));
}

#[test]
fn a_receiver_that_fails_in_every_way_gets_everything_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let later = |value: &str| Answer::Status(429, vec![("retry-after", value.into())], "slow down".into());
    let hook = Hook::start(&[
        Answer::status(500),
        Answer::Close,
        later("0"),
        Answer::status(204),
        Answer::Hang,
        later("Thu, 01 Jan 2099 00:00:00 GMT"),
        Answer::status(408),
        Answer::status(425),
        Answer::CloseMidBody(503),
        Answer::Endless(502),
        Answer::CloseMidBody(200),
        Answer::Endless(200),
        later("soon"),
    ]);
    let hasty = ratewarden_alerts::Config {
        timeout: Duration::from_secs(3),
        ..config(vec![webhook("ops", &hook.url())])
    };
    let alerts = start(&hasty, folder.path());
    for number in 0..6 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    until("all are delivered", || status(&alerts, 0).delivered == 6);
    assert_eq!(hook.taken(), opened(0..6), "each was taken once");
    let got = hook.got();
    assert_eq!(got.len(), 16);
    for (before, after) in got.iter().zip(got.iter().skip(1)) {
        let is_retry = !(200..300).contains(&before.answered);
        let id = |got: &super::receiver::Got| got.header("ratewarden-delivery").to_owned();
        assert_eq!(id(before) == id(after), is_retry, "a retry has the id of what is tried again");
        assert_eq!(before.body == after.body, is_retry);
    }
    assert_eq!(status(&alerts, 0).failing, None);
}

#[test]
fn what_is_refused_for_good_is_parked_and_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let moved = Answer::Status(302, vec![("location", "/elsewhere".into())], String::new());
    let hook = Hook::start(&[Answer::status(204), Answer::Status(410, vec![], "gone".into()), moved]);
    let config = config(vec![webhook("ops", &hook.url())]);
    let alerts = start(&config, folder.path());
    for number in 0..4 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hook.taken(), ["opened caller-0", "opened caller-3"]);
    assert!(hook.got().iter().all(|got| got.path == "/hook"), "a redirect is not followed");
    let now = status(&alerts, 0);
    assert_eq!((now.waiting, now.delivered, now.parked), (0, 2, 2));
    drop(alerts);
    let alerts = start(&config, folder.path());
    assert_eq!(status(&alerts, 0).parked, 2, "what is parked survives a restart");
    assert_eq!((alerts.requeue("ops"), alerts.requeue("nobody")), (2, 0));
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hook.taken(), ["opened caller-0", "opened caller-3", "opened caller-1", "opened caller-2"]);
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let stuck = Hook::start(&vec![Answer::Hang; 1_000]);
    let hook = Hook::start(&[]);
    let slow = ratewarden_alerts::Config {
        timeout: Duration::from_secs(3_600),
        ..config(vec![webhook("stuck", &stuck.url()), webhook("ops", &hook.url())])
    };
    let alerts = start(&slow, folder.path());
    for number in 0..20 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    until("the other has everything", || status(&alerts, 1).waiting == 0);
    assert_eq!(hook.taken(), opened(0..20));
    assert_eq!(status(&alerts, 0).waiting, 20);
    assert!(!alerts.flush(Duration::from_millis(1)), "one still waits");
}

#[test]
fn a_receiver_that_is_down_gets_everything_when_it_is_back_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::take();
    let config = config(vec![webhook("ops", &place.url())]);
    let alerts = start(&config, folder.path());
    for number in 0..10 {
        assert_eq!(alerts.handle(&finding(number), State::Opened, now_ms()), Kept::OnDisk);
    }
    until("it was tried", || status(&alerts, 0).failing.is_some());
    assert!(status(&alerts, 0).failing.unwrap().contains("cannot connect"));
    drop(alerts);
    let alerts = start(&config, folder.path());
    for number in 0..20 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    let hook = place.start(&[]);
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hook.taken(), opened(0..20));
}

#[test]
fn each_receiver_gets_what_it_wants() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = [Hook::start(&[]), Hook::start(&[]), Hook::start(&[])];
    let [mut all, mut worst, mut other] = [0, 1, 2].map(|at| webhook(&at.to_string(), &hooks[at].url()));
    all.rules = vec!["scan.*".into()];
    worst.severity = Severity::Critical;
    other.rules = vec!["watch.flood".into()];
    let alerts = start(&config(vec![all, worst, other]), folder.path());
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    let critical = ratewarden_model::Finding { severity: Severity::Critical, ..finding(2) };
    let _ = alerts.handle(&critical, State::Opened, now_ms());
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hooks.map(|hook| hook.taken()), [opened(1..3), opened(2..3), Vec::new()]);
}

#[test]
fn a_full_outbox_says_how_many_were_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::take();
    let mut small = config(vec![webhook("ops", &place.url())]);
    small.caps.waiting = 5.try_into().unwrap();
    let alerts = start(&small, folder.path());
    let long_ago = now_ms() - 3_600_000;
    for number in 0..12 {
        let _ = alerts.handle(&finding(number), State::Opened, long_ago);
    }
    assert_eq!((status(&alerts, 0).waiting, status(&alerts, 0).left_out), (5, 7));
    drop(alerts);
    let alerts = start(&small, folder.path());
    let hook = place.start(&[]);
    until("it is said", || hook.taken().last().is_some_and(|last| last.starts_with("left-out")));
    assert_eq!(hook.taken()[..5], opened(0..5));
    let last = hook.got().last().unwrap().json();
    assert_eq!((&last["alerts"][0]["count"], &last["alerts"][0]["worst"]), (&7.into(), &"high".into()));
    assert!(alerts.flush(PATIENCE));
}

#[test]
fn a_server_with_a_certificate_of_its_own_is_trusted_only_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().self_signed(&key).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        )
        .unwrap();
    let hook = Hook::start_tls(tls);
    let mut config = config(vec![webhook("ops", &hook.url())]);
    let alerts = start(&config, folder.path());
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    until("it was tried", || status(&alerts, 0).failing.is_some_and(|why| why.contains("TLS")));
    assert!(hook.got().is_empty());
    drop(alerts);
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, certificate.pem()).unwrap();
    config.roots = Some(roots.clone());
    let alerts = start(&config, folder.path());
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hook.taken(), opened(1..2));
    drop(alerts);
    std::fs::write(&roots, "no certificate").unwrap();
    let error = ratewarden_alerts::Alerts::start(&config, folder.path()).unwrap_err().to_string();
    assert!(error.contains("roots.pem") && error.contains("PEM"), "{error}");
}

#[test]
fn a_webhook_gets_the_headers_it_was_given_and_no_signature_without_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[]);
    let mut receiver = webhook("ops", &format!("http://ann:p%40ss@127.0.0.1:{}/a/b?c=d", hook.port()));
    if let ratewarden_alerts::Kind::Webhook(webhook) = &mut receiver.kind {
        webhook.secret = None;
        webhook.headers = vec![("X-Api-Key".into(), Secret::new("k3y"))];
    }
    let alerts = start(&config(vec![receiver]), folder.path());
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    assert!(alerts.flush(PATIENCE));
    let got = hook.got().remove(0);
    assert_eq!((got.header("x-api-key"), got.header("ratewarden-signature")), ("k3y", ""));
    assert_eq!((got.header("authorization"), got.path.as_str()), ("Basic YW5uOnBAc3M=", "/a/b?c=d"));
}

#[tokio::test]
async fn alerts_are_started_used_and_dropped_inside_of_an_async_runtime_too() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[]);
    for number in 0..2 {
        let alerts = start(&config(vec![webhook("ops", &hook.url())]), folder.path());
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
        assert!(alerts.flush(PATIENCE));
    }
    assert_eq!(hook.taken(), opened(0..2));
}
