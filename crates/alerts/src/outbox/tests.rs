use ratewarden_model::{Severity, Subject, SubjectKind, rules};

use super::*;
use crate::config::{Kind, Receiver};
use crate::item::Item;

fn config() -> Config {
    let receiver = |name: &str| Receiver {
        name: name.into(),
        kind: Kind::File("/nowhere".into()),
        severity: Severity::Info,
        rules: Vec::new(),
    };
    Config::new(vec![receiver("a"), receiver("b")])
}

fn finding(number: usize) -> Finding {
    let subject = Subject::named(SubjectKind::Address, format!("192.0.2.{number}"));
    Finding::new(&rules::NO_LIMIT, subject, &number.to_string(), "x".repeat(1_000))
}

fn waiting(outbox: &Outbox) -> Vec<String> {
    let mut fingerprints = Vec::new();
    while let Next::Send(batch) = outbox.next(0, 100_000) {
        for item in &batch.items {
            let Item::Opened { finding, .. } = item else { panic!("{item:?}") };
            fingerprints.push(finding.fingerprint.clone());
        }
        outbox.delivered(0, &batch, 100_000);
    }
    fingerprints
}

#[test]
fn a_full_disk_stops_nothing_and_what_was_kept_in_memory_gets_to_the_disk_later() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&config(), folder.path()).unwrap();
    let handle = |number, at_ms| outbox.events(&[(&finding(number), State::Opened)], at_ms);
    assert_eq!(handle(0, 0), Kept::OnDisk);
    let fill = |is_full| outbox.lock().store.as_ref().unwrap().fill(is_full).unwrap();
    fill(true);
    let kept: Vec<Kept> = (1..100).map(|number| handle(number, 0)).collect();
    assert_eq!(kept.last(), Some(&Kept::InMemory));
    assert_eq!((outbox.status().kept, outbox.status().receivers[0].waiting), (Kept::InMemory, 100));
    fill(false);
    assert_eq!(handle(100, DISK_PAUSE_MS - 1), Kept::InMemory, "it is not tried at every finding");
    // The worker's own question brings it to the disk; no finding is needed.
    let Next::Send(first) = outbox.next(0, DISK_PAUSE_MS) else { panic!("nothing waits") };
    assert_eq!(outbox.status().kept, Kept::OnDisk);
    outbox.delivered(0, &first, DISK_PAUSE_MS);
    drop(outbox);
    let outbox = Outbox::open(&config(), folder.path()).unwrap();
    let expected: Vec<String> = (1..=100).map(|number| finding(number).fingerprint).collect();
    assert_eq!(waiting(&outbox), expected);
    assert_eq!(outbox.status().receivers[1].waiting, 101);
}

#[test]
fn what_is_open_is_remembered_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let outbox = Outbox::open(&config(), folder.path()).unwrap();
        assert_eq!(outbox.events(&[(&finding(1), State::Opened)], 0), Kept::OnDisk);
        assert_eq!(outbox.status().receivers[0].waiting, 1);
    }
}

#[test]
fn a_receiver_that_is_no_longer_configured_keeps_what_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let _ = Outbox::open(&config(), folder.path()).unwrap().events(&[(&finding(1), State::Opened)], 0);
    let mut fewer = config();
    fewer.receivers.remove(0);
    let _ = Outbox::open(&fewer, folder.path()).unwrap().events(&[(&finding(2), State::Opened)], 0);
    let outbox = Outbox::open(&config(), folder.path()).unwrap();
    let counts: Vec<usize> = outbox.status().receivers.iter().map(|receiver| receiver.waiting).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn a_delivery_that_ends_after_the_outbox_was_closed_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&config(), folder.path()).unwrap();
    let _ = outbox.events(&[(&finding(1), State::Opened)], 0);
    let Next::Send(batch) = outbox.next(0, 0) else { panic!("nothing waits") };
    outbox.close();
    let other = Outbox::open(&config(), folder.path()).unwrap();
    outbox.delivered(0, &batch, 1);
    assert_eq!(outbox.events(&[(&finding(2), State::Opened)], 1), Kept::InMemory);
    assert_eq!(other.status().receivers[0].waiting, 1);
}
