//! Mail, to a real server.

use ratewarden_alerts::{Encryption, Kind, Mail, Receiver, State};
use ratewarden_model::{Secret, Subject, SubjectKind};
use ratewarden_testkit::mail::{MailServer, RunningMailServer};
use rcgen::{CertificateParams, KeyPair};

use super::{PATIENCE, config, finding, now_ms, receiver, start, status};

fn mail(server: &RunningMailServer, encryption: Encryption, login: Option<(&str, &str)>) -> Receiver {
    receiver(
        "mail",
        Kind::Mail(Box::new(Mail {
            server: "127.0.0.1".into(),
            port: server.port(),
            encryption,
            login: login.map(|(user, password)| (user.into(), Secret::new(password))),
            from: "Rate Warden <watch@gate.test>".parse().unwrap(),
            to: vec![
                "on-call@example.test".parse().unwrap(),
                "Än Other <other@example.test>".parse().unwrap(),
            ],
        })),
    )
}

/// The lines of a header, until the first empty line.
fn header(mail: &serde_json::Value) -> Vec<String> {
    let text = mail["text"].as_str().unwrap();
    text.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn mail_arrives_and_comes_again_after_a_passing_refusal() {
    let Some(services) = ratewarden_testkit::require() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::default().answer("451 later").answer("451 later").start(services).unwrap();
    let alerts = start(&config(vec![mail(&server, Encryption::None, None)]), folder.path());
    for number in 0..3 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    let _ = alerts.handle(&finding(0), State::Ended, now_ms());
    assert!(alerts.flush(PATIENCE));
    let mails = server.mails();
    assert_eq!(mails.len(), 4);
    for (number, mail) in mails.iter().enumerate().take(3) {
        let text = mail["text"].as_str().unwrap();
        assert!(text.contains(&format!("caller-{number}")), "{text}");
        assert_eq!(mail["to"], serde_json::json!(["on-call@example.test", "other@example.test"]));
        assert_eq!(mail["from"], "watch@gate.test");
        let ids = header(mail).into_iter().filter(|line| line.starts_with("Message-ID: <")).count();
        assert_eq!(ids, 1);
    }
}

#[test]
fn a_client_writes_no_header_of_a_mail() {
    let Some(services) = ratewarden_testkit::require() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::default().start(services).unwrap();
    let alerts = start(&config(vec![mail(&server, Encryption::None, None)]), folder.path());
    let mut evil = finding(1);
    evil.title = "a\r\nBcc: all@evil.test\r\n\r\nbody\r\n.\r\nMAIL FROM:<x@evil.test>".into();
    evil.subject = Subject::named(SubjectKind::User, "ü\r\nX-Evil: 1\n\r\n");
    let _ = alerts.handle(&evil, State::Opened, now_ms());
    assert!(alerts.flush(PATIENCE));
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let names: Vec<String> = header(&mails[0])
        .iter()
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_lowercase())
        .collect();
    for name in &names {
        let known = [
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "content-type",
            "content-transfer-encoding",
            "mime-version",
        ];
        assert!(known.contains(&name.as_str()) || name.starts_with("x-mailfrom"), "{names:?}");
    }
}

#[test]
fn mail_goes_encrypted_with_a_login() {
    let Some(services) = ratewarden_testkit::require() else { return };
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().self_signed(&key).unwrap();
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    let login = ("watch", "hunter22");
    for encryption in [Encryption::StartTls, Encryption::Tls] {
        let folder = tempfile::tempdir().unwrap();
        let server = MailServer::default().login(login.0, login.1);
        let server = match encryption {
            Encryption::StartTls => server.start_tls(&certificate, &key),
            _ => server.tls(&certificate, &key),
        };
        let server = server.start(services).unwrap();
        let roots = folder.path().join("roots.pem");
        std::fs::write(&roots, &certificate).unwrap();
        let mut config = config(vec![mail(&server, encryption, Some(login))]);
        config.roots = Some(roots);
        let alerts = start(&config, folder.path());
        let _ = alerts.handle(&finding(1), State::Opened, now_ms());
        assert!(alerts.flush(PATIENCE), "{:?}", alerts.status());
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "{:?}", alerts.status());
        assert_eq!((&mails[0]["encrypted"], &mails[0]["user"]), (&true.into(), &"watch".into()));
    }
}

#[test]
fn a_server_without_starttls_gets_neither_mail_nor_password() {
    let Some(services) = ratewarden_testkit::require() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::default().start(services).unwrap();
    let login = Some(("watch", "hunter22"));
    let alerts = start(&config(vec![mail(&server, Encryption::StartTls, login)]), folder.path());
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    super::until("it was tried", || status(&alerts, 0).failing.is_some());
    assert!(server.mails().is_empty());
}

#[test]
fn mail_that_is_refused_for_good_is_parked() {
    let Some(services) = ratewarden_testkit::require() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = MailServer::default().answer("554 not here").start(services).unwrap();
    let alerts = start(&config(vec![mail(&server, Encryption::None, None)]), folder.path());
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    let _ = alerts.handle(&finding(2), State::Opened, now_ms());
    assert!(alerts.flush(PATIENCE));
    let now = status(&alerts, 0);
    assert_eq!((now.parked, now.delivered, server.mails().len()), (1, 1, 1));
}
