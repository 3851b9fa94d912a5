//! A file of JSON lines.

use ratewarden_alerts::{Kind, State};

use super::{PATIENCE, config, finding, now_ms, receiver, start, status, until};

#[test]
fn a_file_gets_a_line_for_each_alert_and_may_be_rotated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alerts.ndjson");
    let alerts =
        start(&config(vec![receiver("file", Kind::File(path.clone()))]), &folder.path().join("outbox"));
    let read = |path| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for number in 0..3 {
        let _ = alerts.handle(&finding(number), State::Opened, now_ms());
    }
    assert!(alerts.flush(PATIENCE));
    let rotated = folder.path().join("alerts.1");
    std::fs::rename(&path, &rotated).unwrap();
    let _ = alerts.handle(&finding(1), State::Ended, now_ms());
    assert!(alerts.flush(PATIENCE));
    let subjects: Vec<_> =
        read(&rotated).iter().map(|line| line["finding"]["subject"]["value"].clone()).collect();
    assert_eq!(subjects, ["caller-0", "caller-1", "caller-2"]);
    let last = read(&path);
    assert_eq!((last.len(), &last[0]["state"]), (1, &"ended".into()));
}

#[test]
fn a_file_that_cannot_be_written_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/alerts.ndjson");
    let alerts =
        start(&config(vec![receiver("file", Kind::File(path.clone()))]), &folder.path().join("outbox"));
    let _ = alerts.handle(&finding(1), State::Opened, now_ms());
    until("it was tried", || status(&alerts, 0).failing.is_some_and(|why| why.contains("later")));
    std::fs::create_dir(folder.path().join("later")).unwrap();
    assert!(alerts.flush(PATIENCE));
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 1);
}
