use ratewarden_model::{Finding, Severity, Subject, SubjectKind, rules};

use super::*;
use crate::item::LeftOut;
use crate::planner::Incident;

fn finding() -> Box<Finding> {
    let subject = Subject::named(SubjectKind::Address, "192.0.2.1");
    Box::new(Finding::new(&rules::NO_LIMIT, subject, "a", "").evidence("requests", 3))
}

fn item(batch: u128, at_ms: i64) -> Change {
    Change::Item { batch, due_ms: 7, item: Item::Opened { at_ms, finding: finding(), unsaid: 0 } }
}

fn changes() -> Vec<Change> {
    let mut left_out = None;
    LeftOut::add(&mut left_out, &finding(), 5);
    assert_eq!(left_out.as_ref().unwrap().worst, Severity::High);
    vec![
        item(u128::MAX, 1),
        item(1, 2),
        item(u128::MAX, 3),
        Change::Parked(1, "answered 410".into()),
        item(2, 4),
        Change::Gone(2),
        item(3, 5),
        Change::Parked(3, "no".into()),
        Change::Unparked(3),
        Change::Incident("a".into(), Some(Incident::Ended { at_ms: 1, unsaid: 2 })),
        Change::Incident("b".into(), Some(Incident::Open { heard_ms: 1, finding: finding() })),
        Change::Incident("a".into(), None),
        Change::LeftOut(left_out),
    ]
}

fn apply_all(store: &mut Store, receiver: &str, changes: &[Change]) -> rusqlite::Result<()> {
    store.apply(changes.iter().map(|change| (receiver, change)))
}

fn check(kept: &Kept) {
    let read =
        |batch: &Batch| (batch.id, batch.due_ms, batch.items.iter().map(Item::at_ms).collect::<Vec<_>>());
    let waiting: Vec<_> = kept.waiting.iter().map(read).collect();
    assert_eq!(waiting, [(u128::MAX, 7, vec![1, 3]), (3, 7, vec![5])]);
    assert_eq!(
        kept.parked.iter().map(|(batch, why)| (batch.id, why.as_str())).collect::<Vec<_>>(),
        [(1, "answered 410")]
    );
    assert_eq!(kept.incidents.keys().collect::<Vec<_>>(), ["b"]);
    assert_eq!(kept.left_out.as_ref().unwrap().count, 1);
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/outbox");
    let mut store = Store::open(&path).unwrap();
    apply_all(&mut store, "x", &changes()).unwrap();
    drop(store);
    let (kept, unreadable) = Store::open(&path).unwrap().load().unwrap();
    assert_eq!((kept.len(), unreadable), (1, 0));
    check(&kept["x"]);
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Taken { .. }), "{error}");
    assert!(error.to_string().contains("another process"));
    drop(store);
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_full_disk_leaves_the_old_whole_and_a_rewrite_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    apply_all(&mut store, "y", &[item(9, 9)]).unwrap();
    store.fill(true).unwrap();
    let large: Vec<Change> = (10..200).map(|id| item(id, 1)).collect();
    let error = apply_all(&mut store, "x", &large).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull), "{error}");
    assert_eq!(store.load().unwrap().0.len(), 1);
    store.fill(false).unwrap();
    store.rewrite(&[("x".into(), changes())]).unwrap();
    let (kept, _) = store.load().unwrap();
    check(&kept["x"]);
    assert_eq!(kept["y"].waiting[0].id, 9);
}

#[test]
fn what_is_no_outbox_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "not a database, and long enough to be none: ".repeat(100))
        .unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::File { .. }) && error.to_string().contains("moved away"), "{error}");
}

#[test]
fn what_cannot_be_read_is_counted_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    apply_all(&mut store, "x", &[item(1, 1), item(2, 2)]).unwrap();
    store.connection.execute("UPDATE item SET item = '{}' WHERE batch = 1", []).unwrap();
    let (kept, unreadable) = store.load().unwrap();
    assert_eq!((kept["x"].waiting.len(), unreadable), (1, 1));
}

#[cfg(unix)]
#[test]
fn an_outbox_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox");
    let _store = Store::open(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join(FILE))), (0o700, 0o600));
}
