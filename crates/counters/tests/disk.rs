//! What outlives the process, in a real file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratewarden_counters::{
    Capacity, Check, Counters, Decision, Disk, DiskError, Hasher, Instant, Kept, Key, LimitId, Noted,
    Scratch, Who,
};
use ratewarden_limiter::{Algorithm, Calendar, Each, Period, Quota, Rule, Time};

const HOUR: Duration = Duration::from_secs(3_600);

/// A limit of a hundred calls a day, in a day that ends an hour after the start.
fn quota() -> (Algorithm, Rule) {
    let calendar = Calendar::new(Each::Day, TimeZone::UTC);
    let algorithm = Algorithm::Quota(Quota::new(NonZeroU64::new(100).unwrap(), calendar).unwrap());
    let rule = algorithm.rule(|_| Period { index: 20_000, ends: Time::START.after(HOUR) });
    (algorithm, rule)
}

fn at(after: Duration) -> Instant {
    let wall = Timestamp::from_second(1_800_000_000).unwrap();
    Instant { now: Time::START.after(after), wall: wall + after }
}

fn counters() -> Counters {
    Counters::new(Capacity { keys: 1_000, verified_keys: 1_000 })
}

fn limit(secret: [u8; 16]) -> LimitId {
    Hasher::new(&secret).limit("daily", &quota().0, 0)
}

fn key(secret: [u8; 16], number: u8) -> Key {
    limit(secret).key(Who::new(Hasher::new(&secret).hash([[number].as_slice()]), number.is_multiple_of(2)))
}

fn spend(counters: &Counters, key: Key, cost: u64) -> Decision {
    let check = Check { key, rule: quota().1, cost, shadow: false };
    counters.decide(&[check], Time::START, &mut Scratch::default())
}

fn left(counters: &Counters, key: Key) -> u64 {
    counters.standing(&key, &quota().1, Time::START).remaining
}

/// A store as it is after a start with this file.
fn restored(file: &Path, at: Instant) -> (Counters, [u8; 16]) {
    let disk = Disk::open(file).unwrap();
    let counters = counters();
    for used in disk.quotas(at).unwrap() {
        assert!(counters.restore(&used, at.now));
    }
    (counters, disk.secret([9; 16]).unwrap())
}

#[test]
fn what_was_used_of_a_quota_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let before = counters();
    let mut disk = Disk::open(&file).unwrap();
    let secret = disk.secret([7; 16]).unwrap();
    assert_eq!(secret, [7; 16]);
    for caller in 0..20 {
        assert_eq!(spend(&before, key(secret, caller), u64::from(caller)), Decision::Admitted);
    }
    disk.write_quotas(&before.take_changed(), at(Duration::ZERO)).unwrap();
    assert_eq!(before.take_changed(), [], "nothing is written twice");
    spend(&before, key(secret, 3), 10);
    let changed = before.take_changed();
    assert_eq!(changed.len(), 1);
    disk.write_quotas(&changed, at(Duration::from_secs(1))).unwrap();
    drop(disk);

    let (after, secret) = restored(&file, at(Duration::from_secs(2)));
    assert_eq!(secret, [7; 16], "the secret is the file's");
    for caller in 0..20 {
        let used = u64::from(caller) + if caller == 3 { 10 } else { 0 };
        assert_eq!(left(&after, key(secret, caller)), 100 - used, "caller {caller}");
    }
}

#[test]
fn a_period_that_has_ended_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let before = counters();
    let mut disk = Disk::open(&file).unwrap();
    spend(&before, key([7; 16], 1), 5);
    disk.write_quotas(&before.take_changed(), at(Duration::ZERO)).unwrap();
    assert_eq!(disk.quotas(at(HOUR / 2)).unwrap().len(), 1);
    assert_eq!(disk.quotas(at(HOUR)).unwrap(), []);
    disk.write_quotas(&[], at(HOUR)).unwrap();
    assert_eq!(disk.quotas(at(Duration::ZERO)).unwrap(), [], "it is not in the file any more");
}

#[test]
fn a_counter_never_steps_back_when_two_processes_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let (old, new) = (counters(), counters());
    let (mut olds, mut news) = (Disk::open(&file).unwrap(), Disk::open(&file).unwrap());
    let key = key([7; 16], 1);
    spend(&old, key, 10);
    spend(&new, key, 20);
    news.write_quotas(&new.take_changed(), at(Duration::ZERO)).unwrap();
    olds.write_quotas(&old.take_changed(), at(Duration::ZERO)).unwrap();
    assert_eq!(left(&restored(&file, at(Duration::ZERO)).0, key), 80);
}

#[test]
fn what_could_not_be_written_is_written_the_next_time() {
    let counters = counters();
    spend(&counters, key([7; 16], 1), 5);
    spend(&counters, key([7; 16], 2), 5);
    let changed = counters.take_changed();
    assert_eq!((changed.len(), counters.take_changed().len()), (2, 0));
    counters.change_again(&changed);
    assert_eq!(counters.take_changed().len(), 2);
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let counters = Counters::new(Capacity { keys: 20_000, verified_keys: 20_000 });
    let mut disk = Disk::open(&file).unwrap();
    spend(&counters, key([7; 16], 1), 5);
    disk.write_quotas(&counters.take_changed(), at(Duration::ZERO)).unwrap();
    drop(disk);
    // A file that may not grow is what a full disk looks like to SQLite.
    let outside = rusqlite::Connection::open(&file).unwrap();
    outside.pragma_update(None, "journal_mode", "DELETE").unwrap();
    let size: i64 = std::fs::metadata(&file).unwrap().len().try_into().unwrap();
    drop(outside);
    let mut disk = Disk::open_at_most(&file, size.unsigned_abs()).unwrap();
    for caller in 0..4_000_u32 {
        let who = Who::new(Hasher::new(&[7; 16]).hash([caller.to_le_bytes().as_slice()]), true);
        spend(&counters, limit([7; 16]).key(who), 1);
    }
    let changed = counters.take_changed();
    let error = disk.write_quotas(&changed, at(Duration::ZERO)).unwrap_err();
    assert!(matches!(error, DiskError::File { .. }), "{error:?}");
    assert_eq!(disk.quotas(at(Duration::ZERO)).unwrap().len(), 1, "all or nothing");
}

#[test]
fn penalties_are_kept_until_they_can_be_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let mut disk = Disk::open(&file).unwrap();
    let [now, soon, later] = [0, 10, 20].map(|seconds| at(Duration::from_secs(seconds)).wall);
    let kept = |id, until| Kept { id, until, state: format!("{{\"n\":{id}}}") };
    disk.write_penalties(&[kept(1, soon), kept(u128::MAX, later)]).unwrap();
    drop(disk);
    let mut disk = Disk::open(&file).unwrap();
    assert_eq!(disk.penalties(now).unwrap().len(), 2);
    assert_eq!(disk.penalties(soon).unwrap(), [kept(u128::MAX, later)]);
    disk.write_penalties(&[]).unwrap();
    assert_eq!(disk.penalties(now).unwrap(), []);
}

#[test]
fn who_was_where_is_kept_for_a_day_and_as_new_as_the_newest_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let mut disk = Disk::open(&file).unwrap();
    let noted = |id, minutes: u64| Noted { id, place: u64::MAX - 1, age: Duration::from_secs(60 * minutes) };
    disk.write_pairs(&[noted(1, 10), noted(u128::MAX, 0)], at(Duration::ZERO)).unwrap();
    // Two processes overlap, and the one that was told less writes last.
    Disk::open(&file).unwrap().write_pairs(&[noted(1, 5)], at(Duration::ZERO)).unwrap();
    disk.write_pairs(&[noted(1, 10)], at(Duration::ZERO)).unwrap();
    assert_eq!(disk.pairs(at(Duration::ZERO)).unwrap(), [noted(u128::MAX, 0), noted(1, 5)]);
    assert_eq!(disk.pairs(at(HOUR)).unwrap(), [noted(u128::MAX, 60), noted(1, 65)]);
    assert_eq!(disk.pairs(at(24 * HOUR - Duration::from_secs(60))).unwrap().len(), 1);
    disk.write_pairs(&[], at(24 * HOUR)).unwrap();
    assert_eq!(disk.pairs(at(Duration::ZERO)).unwrap(), [], "and then the file forgets it");
}

#[test]
fn a_file_of_before_pairs_were_kept_gets_a_place_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    drop(Disk::open(&file).unwrap());
    let outside = rusqlite::Connection::open(&file).unwrap();
    outside.execute_batch("DROP TABLE pair").unwrap();
    drop(outside);
    assert_eq!(Disk::open(&file).unwrap().pairs(at(Duration::ZERO)).unwrap(), []);
}

#[test]
fn a_file_that_is_no_store_or_a_newer_one_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(
        &text,
        "these are my notes, which are longer than a header of a hundred bytes, I think, or so I hope",
    )
    .unwrap();
    let error = Disk::open(&text).unwrap_err();
    assert!(matches!(error, DiskError::File { .. }), "{error:?}");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("these are my notes"));

    let newer = folder.path().join("newer.db");
    drop(Disk::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let error = Disk::open(&newer).unwrap_err();
    assert!(matches!(error, DiskError::Version { found: 7, .. }), "{error:?}");

    let nowhere = folder.path().join("none/store.db");
    assert!(matches!(Disk::open(&nowhere).unwrap_err(), DiskError::Permissions { .. }));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    drop(Disk::open(&file).unwrap());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_secret_is_read_without_a_trace_whether_or_not_somebody_has_the_store_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a store? 50%#.db");
    let beside = || std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(Disk::secret_of(&file).unwrap(), None);
    assert_eq!(beside(), 0, "nothing is made");
    let disk = Disk::open(&file).unwrap();
    assert_eq!(Disk::secret_of(&file).unwrap(), None, "nobody has chosen one yet");
    disk.secret([7; 16]).unwrap();
    assert_eq!(Disk::secret_of(&file).unwrap(), Some([7; 16]), "it stands in the write-ahead log only");
    drop(disk);
    assert_eq!(beside(), 1);
    assert_eq!(Disk::secret_of(&file).unwrap(), Some([7; 16]));
    assert_eq!(beside(), 1, "nothing is left beside it");
    std::fs::write(&file, "no store at all, but text").unwrap();
    let error = Disk::secret_of(&file).unwrap_err();
    assert!(matches!(error, DiskError::File { .. }) && error.to_string().contains("50%#.db"), "{error}");
}
