//! The file in which quotas, penalties and who was where outlive the process: SQLite, written by one thread a few times a second.
//!
//! Nothing here is on the way of a call. What was counted since the last write is lost when the process is killed:
//! at most the time between two writes. With `synchronous = NORMAL` and a write-ahead log a crash of the machine may
//! lose the last writes too, and never leaves a file that cannot be read.
//!
//! A journal of our own was rejected: it would be a second format to read, check, repair and document.
//!
//! The file itself stands here: opening it, its version, its secret. What is kept in it is in [`kept`].

mod kept;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Params, Row, Transaction, TransactionBehavior,
};

pub use kept::{Instant, Kept};

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

/// An open file.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    connection: Connection,
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
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let change = change.map_err(failed)?;
        if !has_tables(&change, &path)? {
            change.execute_batch(TABLES).map_err(failed)?;
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
        if !has_tables(&connection, path)? {
            return Ok(None);
        }
        let read = connection.query_row("SELECT value FROM secret", [], |row| row.get::<_, Vec<u8>>(0));
        let Some(value) = read.optional().map_err(failed)? else { return Ok(None) };
        value.try_into().map(Some).map_err(|_| DiskError::Secret { path: path.to_owned() })
    }

    /// Every row that a query finds.
    fn read<T>(
        &self,
        query: &str,
        parameters: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, DiskError> {
        let read = || {
            let mut query = self.connection.prepare(query)?;
            let rows = query.query_map(parameters, row)?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Changes the file: all of it or nothing.
    fn change(
        &mut self,
        what: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), DiskError> {
        let changed = self.connection.transaction().and_then(|change| {
            what(&change)?;
            change.commit()
        });
        changed.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> DiskError {
        DiskError::File { path: self.path.clone(), source }
    }
}

/// Whether the file has its tables; it has none while it is new.
fn has_tables(connection: &Connection, path: &Path) -> Result<bool, DiskError> {
    let failed = |source| DiskError::File { path: path.to_owned(), source };
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    match found {
        0 => Ok(false),
        VERSION => Ok(true),
        found => Err(DiskError::Version { path: path.to_owned(), found }),
    }
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
