//! The file in which quotas, penalties and who was where outlive the process: SQLite, written by one thread a few times a second.
//!
//! Nothing here is on the way of a call. What was counted since the last write is lost when the process is killed:
//! at most the time between two writes. With `synchronous = NORMAL` and a write-ahead log a crash of the machine may
//! lose the last writes too, and never leaves a file that cannot be read.
//!
//! A journal of our own was rejected: it would be a second format to read, check, repair and document.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use ratewarden_limiter::Time;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use crate::lasting::Used;
use crate::pairs::{Noted, PLACES, REMEMBERED};

/// The version of the tables below, in the file's `user_version`.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE secret (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL);
    CREATE TABLE quota (id BLOB PRIMARY KEY, verified INTEGER NOT NULL, word INTEGER NOT NULL,
                        ends INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX quota_ends ON quota (ends);
    CREATE TABLE penalty (id BLOB PRIMARY KEY, until INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 1;";

/// Tables that came later; who does not know them leaves them alone, so the version is the same.
const LATER: &str = "
    CREATE TABLE IF NOT EXISTS pair (id BLOB PRIMARY KEY, place INTEGER NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS pair_seen ON pair (seen);";

/// Two processes overlap when one replaces the other; what both saw is as new as the newer.
const WRITE_PAIR: &str = "INSERT INTO pair (id, place, seen) VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET place = excluded.place, seen = max(seen, excluded.seen)";

/// Two processes overlap when one replaces the other; a counter then never steps back.
const WRITE_QUOTA: &str = "INSERT INTO quota (id, verified, word, ends) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET verified = excluded.verified, word = max(word, excluded.word),
                                   ends = max(ends, excluded.ends)";

/// How long another process may keep the file to itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// It cannot be opened, read or written.
    #[error("cannot use the store {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// Its folder or its permissions.
    #[error("cannot use the store {}", path.display())]
    Permissions {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A newer Ratewarden wrote it.
    #[error("the store {} is of version {found}, and this program knows version {VERSION}", path.display())]
    Version {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The secret in it is not one.
    #[error("the store {} has no usable secret", path.display())]
    Secret {
        /// Which.
        path: PathBuf,
    },
}

/// A penalty as it is kept: the room that punishes knows what its state means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whom, as a keyed hash.
    pub id: u128,
    /// When it can be forgotten.
    pub until: Timestamp,
    /// Everything else about it.
    pub state: String,
}

/// An open file.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    connection: Connection,
}

/// The two clocks at one instant: the store counts on one, the file names times of the other.
#[derive(Debug, Clone, Copy)]
pub struct Instant {
    /// On the store's clock.
    pub now: Time,
    /// On the wall.
    pub wall: Timestamp,
}

impl Disk {
    /// Opens the file, making it where it is not there. It holds the secret under which keys are hashed, so only its
    /// owner may read it.
    ///
    /// # Errors
    /// When it cannot be opened, is no store, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        make_private(path).map_err(|source| DiskError::Permissions { path: path.to_owned(), source })?;
        let failed = |source| DiskError::File { path: path.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let mut disk = Self { path: path.to_owned(), connection };
        disk.prepare()?;
        Ok(disk)
    }

    /// Like [`Disk::open`], for a file that may not grow beyond so many bytes.
    ///
    /// # Errors
    /// Those of [`Disk::open`].
    pub fn open_at_most(path: &Path, bytes: u64) -> Result<Self, DiskError> {
        let disk = Self::open(path)?;
        let read = disk.connection.pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0));
        let page = read.map_err(|source| disk.failed(source))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        let set = disk.connection.pragma_update(None, "max_page_count", pages.max(1));
        set.map_err(|source| disk.failed(source))?;
        Ok(disk)
    }

    fn prepare(&mut self) -> Result<(), DiskError> {
        let path = self.path.clone();
        let failed = |source| DiskError::File { path: path.clone(), source };
        self.connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        self.connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        let change = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate);
        let change = change.map_err(failed)?;
        let found: i64 = change.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        match found {
            0 => change.execute_batch(TABLES).map_err(failed)?,
            VERSION => {}
            found => return Err(DiskError::Version { path, found }),
        }
        change.execute_batch(LATER).map_err(failed)?;
        change.commit().map_err(failed)
    }

    /// The secret of the file; `new` becomes it where it has none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or holds something else.
    pub fn secret(&self, new: [u8; 16]) -> Result<[u8; 16], DiskError> {
        let write = "INSERT INTO secret (one, value) VALUES (1, ?1) ON CONFLICT DO NOTHING";
        self.connection.execute(write, [new.as_slice()]).map_err(|source| self.failed(source))?;
        let read = "SELECT value FROM secret";
        let value: Vec<u8> =
            self.connection.query_row(read, [], |row| row.get(0)).map_err(|source| self.failed(source))?;
        value.try_into().map_err(|_| DiskError::Secret { path: self.path.clone() })
    }

    /// The secret of the store at `path`, for who only wants to recognise callers: nothing is made or changed there. `None`
    /// where there is no store, or one without a secret.
    ///
    /// # Errors
    /// When it cannot be read, is no store, or was written by a newer version.
    pub fn secret_of(path: &Path) -> Result<Option<[u8; 16]>, DiskError> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DiskError::Permissions { path: path.to_owned(), source }),
            // Made, and not yet filled by who made it.
            Ok(found) if found.is_file() && found.len() == 0 => return Ok(None),
            Ok(_) => {}
        }
        let failed = |source| DiskError::File { path: path.to_owned(), source };
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(read_only(path), flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let found: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        match found {
            0 => return Ok(None),
            VERSION => {}
            found => return Err(DiskError::Version { path: path.to_owned(), found }),
        }
        let read = connection.query_row("SELECT value FROM secret", [], |row| row.get::<_, Vec<u8>>(0));
        let Some(value) = read.optional().map_err(failed)? else { return Ok(None) };
        value.try_into().map(Some).map_err(|_| DiskError::Secret { path: path.to_owned() })
    }

    /// What was used of quotas whose periods have not ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn quotas(&self, at: Instant) -> Result<Vec<Used>, DiskError> {
        let read = || {
            let mut query =
                self.connection.prepare("SELECT id, verified, word, ends FROM quota WHERE ends > ?1")?;
            let rows = query.query_map([at.wall.as_millisecond()], |row| {
                let (id, word, ends): ([u8; 16], i64, i64) = (row.get(0)?, row.get(2)?, row.get(3)?);
                let left = ends.saturating_sub(at.wall.as_millisecond());
                Ok(Used {
                    id: u128::from_be_bytes(id),
                    verified: row.get(1)?,
                    word: word.unsigned_abs(),
                    ends: at.now.after(Duration::from_millis(left.unsigned_abs())),
                })
            })?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Writes what was used, all of it or nothing, and forgets periods that have ended.
    ///
    /// # Errors
    /// When the file cannot be written: the disk is full.
    pub fn write_quotas(&mut self, changed: &[Used], at: Instant) -> Result<(), DiskError> {
        let path = self.path.clone();
        let mut write = || {
            let change = self.connection.transaction()?;
            {
                let mut insert = change.prepare_cached(WRITE_QUOTA)?;
                for used in changed {
                    let left = used.ends.since(at.now).as_nanos().div_ceil(1_000_000);
                    let left = i64::try_from(left).unwrap_or(i64::MAX);
                    let ends = at.wall.as_millisecond().saturating_add(left);
                    let word = i64::try_from(used.word).unwrap_or(i64::MAX);
                    insert.execute(params![used.id.to_be_bytes(), used.verified, word, ends])?;
                }
                change.execute("DELETE FROM quota WHERE ends <= ?1", [at.wall.as_millisecond()])?;
            }
            change.commit()
        };
        write().map_err(|source| DiskError::File { path, source })
    }

    /// All penalties that are kept and not yet to be forgotten.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn penalties(&self, wall: Timestamp) -> Result<Vec<Kept>, DiskError> {
        let read = || {
            let mut query =
                self.connection.prepare("SELECT id, until, state FROM penalty WHERE until > ?1")?;
            let rows = query.query_map([wall.as_millisecond()], |row| {
                let (id, until): ([u8; 16], i64) = (row.get(0)?, row.get(1)?);
                let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
                Ok(Kept { id: u128::from_be_bytes(id), until, state: row.get(2)? })
            })?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Puts these penalties in the place of all that were kept.
    ///
    /// # Errors
    /// When the file cannot be written; then the old ones are still there.
    pub fn write_penalties(&mut self, penalties: &[Kept]) -> Result<(), DiskError> {
        let path = self.path.clone();
        let mut write = || {
            let change = self.connection.transaction()?;
            {
                change.execute("DELETE FROM penalty", [])?;
                let mut insert =
                    change.prepare_cached("INSERT INTO penalty (id, until, state) VALUES (?1, ?2, ?3)")?;
                for Kept { id, until, state } in penalties {
                    insert.execute(params![id.to_be_bytes(), until.as_millisecond(), state])?;
                }
            }
            change.commit()
        };
        write().map_err(|source| DiskError::File { path, source })
    }

    /// Who was where in the last day, the newest first and no more than have a place.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pairs(&self, at: Instant) -> Result<Vec<Noted>, DiskError> {
        let read = || {
            let mut query = self
                .connection
                .prepare("SELECT id, place, seen FROM pair WHERE seen > ?1 ORDER BY seen DESC LIMIT ?2")?;
            let most = i64::try_from(PLACES).unwrap_or(i64::MAX);
            let rows = query.query_map([forgotten(at), most], |row| {
                let (id, place, seen): ([u8; 16], i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                // The wall's clock may have been put back.
                let age = u64::try_from(at.wall.as_millisecond().saturating_sub(seen)).unwrap_or(0);
                let (id, place) = (u128::from_be_bytes(id), place.cast_unsigned());
                // Seconds are rounded up: nobody is remembered for longer by restarts.
                Ok(Noted { id, place, age: Duration::from_secs(age.div_ceil(1_000)) })
            })?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Writes who was where, all of it or nothing, and forgets who was not there for a day.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_pairs(&mut self, noted: &[Noted], at: Instant) -> Result<(), DiskError> {
        let path = self.path.clone();
        let mut write = || {
            let change = self.connection.transaction()?;
            {
                let mut insert = change.prepare_cached(WRITE_PAIR)?;
                for Noted { id, place, age } in noted {
                    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
                    let seen = at.wall.as_millisecond().saturating_sub(age);
                    insert.execute(params![id.to_be_bytes(), place.cast_signed(), seen])?;
                }
                change.execute("DELETE FROM pair WHERE seen <= ?1", [forgotten(at)])?;
            }
            change.commit()
        };
        write().map_err(|source| DiskError::File { path, source })
    }

    fn failed(&self, source: rusqlite::Error) -> DiskError {
        DiskError::File { path: self.path.clone(), source }
    }
}

/// What was seen last at this time or before, in milliseconds on the wall, is forgotten.
fn forgotten(at: Instant) -> i64 {
    let remembered = i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX);
    at.wall.as_millisecond().saturating_sub(remembered)
}

/// The address under which SQLite opens a file to read it. Where nobody has it open (there is no write-ahead log), it is said
/// not to change, since SQLite would make files beside it otherwise.
fn read_only(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut address = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
    }
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    address.push_str(if Path::new(&log).exists() { "?mode=ro" } else { "?immutable=1" });
    address
}

/// Makes the file if it is not there, readable and writable by its owner alone.
#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(path).map(drop)
}
