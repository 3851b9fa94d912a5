//! What time alone brings, with events of long ago.

use ratewarden_alerts::State::{Ended, Opened};

use super::receiver::Hook;
use super::{PATIENCE, config, finding, now_ms, start, status, until, webhook};

#[test]
fn what_is_still_open_after_its_cool_down_is_told_without_another_event() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[]);
    let alerts = start(&config(vec![webhook("ops", &hook.url())]), folder.path());
    let one = finding(1);
    let events = [(&one, Opened), (&one, Ended), (&one, Opened), (&one, Ended), (&one, Opened)];
    let _ = alerts.handle_all(&events, now_ms() - 7_200_000);
    until("it is told", || hook.taken().len() == 3);
    assert_eq!(hook.taken(), ["opened caller-1", "ended caller-1", "opened caller-1"]);
    assert_eq!(hook.got()[2].json()["alerts"][0]["unsaid"], 2);
    assert_eq!(status(&alerts, 0).cooled, 2);
}

#[test]
fn what_nothing_is_heard_of_for_a_day_is_resolved() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Hook::start(&[]);
    let alerts = start(&config(vec![webhook("ops", &hook.url())]), folder.path());
    let _ = alerts.handle(&finding(1), Opened, now_ms() - 90_000_000);
    let _ = alerts.handle(&finding(2), Opened, now_ms() - 80_000_000);
    until("it is resolved", || hook.taken().contains(&"ended caller-1".into()));
    assert!(alerts.flush(PATIENCE));
    assert_eq!(hook.taken().len(), 3);
}
