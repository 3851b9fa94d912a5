//! The outbox on the disk: SQLite in a folder that one process has to itself.
//!
//! What a finding does, which is to be remembered of it and to wait for receivers, is one transaction that is on the disk
//! before [`Store::apply`] returns (`synchronous = FULL` with a write-ahead log). A journal of our own was rejected, as in
//! the room `counters`: it would be a second format to read, check, repair and document.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, params};

use crate::item::{Batch, Item, json_bytes};
use crate::mailbox::{Change, Kept};

/// The version of the tables below, in the file's `user_version`.
const VERSION: i64 = 1;
const FILE: &str = "outbox.sqlite";
const LOCK: &str = "outbox.lock";

const TABLES: &str = "
    CREATE TABLE incident (receiver TEXT NOT NULL, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
                           PRIMARY KEY (receiver, fingerprint)) WITHOUT ROWID;
    CREATE TABLE batch (place INTEGER PRIMARY KEY, receiver TEXT NOT NULL, id BLOB NOT NULL UNIQUE,
                        due INTEGER NOT NULL, parked TEXT);
    CREATE TABLE item (place INTEGER PRIMARY KEY, batch INTEGER NOT NULL REFERENCES batch (place) ON DELETE CASCADE,
                       item TEXT NOT NULL);
    CREATE INDEX item_batch ON item (batch);
    CREATE TABLE left_out (receiver TEXT PRIMARY KEY, findings TEXT NOT NULL) WITHOUT ROWID;
    PRAGMA user_version = 1;";

/// Why an outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the outbox {} is used by another process; give each its own folder",
        folder.display()
    )]
    Taken {
        /// Where.
        folder: PathBuf,
    },
    /// Its folder or its files.
    #[error("cannot use the outbox {}", folder.display())]
    Folder {
        /// Where.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be read or written.
    #[error("cannot read or write the outbox {}; moved away, it is begun anew without what waits in it", folder.display())]
    File {
        /// Where.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer Ratewarden wrote it.
    #[error("the outbox {} is of version {found}, and this program knows version {VERSION}", folder.display())]
    Version {
        /// Where.
        folder: PathBuf,
        /// Its version.
        found: i64,
    },
}

/// An open outbox.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    /// Held for as long as this lives.
    _lock: File,
}

impl Store {
    /// Opens the outbox of a folder, making both where they are not there, for their owner alone.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let broken = |source| OpenError::Folder { folder: folder.to_owned(), source };
        make_folder(folder).map_err(broken)?;
        let lock = private_file(&folder.join(LOCK)).map_err(broken)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Taken { folder: folder.to_owned() },
            TryLockError::Error(source) => broken(source),
        })?;
        let path = folder.join(FILE);
        private_file(&path).map_err(broken)?;
        let failed = |source| OpenError::File { folder: folder.to_owned(), source };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        // The lock above keeps others out, so no shared memory is needed.
        let pragmas = [("locking_mode", "EXCLUSIVE"), ("journal_mode", "WAL"), ("synchronous", "FULL")];
        for (name, value) in pragmas {
            connection.pragma_update(None, name, value).map_err(failed)?;
        }
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        let change = connection.transaction().map_err(failed)?;
        let found: i64 = change.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        match found {
            0 => change.execute_batch(TABLES).map_err(failed)?,
            VERSION => {}
            found => return Err(OpenError::Version { folder: folder.to_owned(), found }),
        }
        change.commit().map_err(failed)?;
        Ok(Self { connection, _lock: lock })
    }

    /// Everything that is remembered, by receiver. What cannot be read is counted, and stays where it is.
    ///
    /// # Errors
    /// Whatever SQLite says.
    pub(crate) fn load(&self) -> rusqlite::Result<(HashMap<String, Kept>, usize)> {
        let mut kept: HashMap<String, Kept> = HashMap::new();
        let mut unreadable = 0;
        let mut query = self.connection.prepare("SELECT receiver, fingerprint, state FROM incident")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (receiver, fingerprint, state): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            match serde_json::from_str(&state) {
                Ok(incident) => {
                    kept.entry(receiver).or_default().incidents.insert(fingerprint, incident);
                }
                Err(_) => unreadable += 1,
            }
        }
        for (receiver, batch, parked) in self.batches(&mut unreadable)? {
            let kept = kept.entry(receiver).or_default();
            match parked {
                Some(why) => kept.parked.push((batch, why)),
                None => kept.waiting.push(batch),
            }
        }
        let mut query = self.connection.prepare("SELECT receiver, findings FROM left_out")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (receiver, findings): (String, String) = (row.get(0)?, row.get(1)?);
            match serde_json::from_str(&findings) {
                Ok(left_out) => kept.entry(receiver).or_default().left_out = Some(left_out),
                Err(_) => unreadable += 1,
            }
        }
        Ok((kept, unreadable))
    }

    fn batches(&self, unreadable: &mut usize) -> rusqlite::Result<Vec<(String, Batch, Option<String>)>> {
        let mut items = self.connection.prepare("SELECT item FROM item WHERE batch = ?1 ORDER BY place")?;
        let mut query =
            self.connection.prepare("SELECT place, receiver, id, due, parked FROM batch ORDER BY place")?;
        let mut rows = query.query([])?;
        let mut batches = Vec::new();
        while let Some(row) = rows.next()? {
            let (place, id): (i64, [u8; 16]) = (row.get(0)?, row.get(2)?);
            let mut batch =
                Batch { id: u128::from_be_bytes(id), due_ms: row.get(3)?, items: Vec::new(), bytes: 0 };
            for item in items.query_map([place], |row| row.get::<_, String>(0))? {
                match serde_json::from_str::<Item>(&item?) {
                    Ok(item) => {
                        batch.bytes += json_bytes(&item);
                        batch.items.push(item);
                    }
                    Err(_) => *unreadable += 1,
                }
            }
            if !batch.items.is_empty() {
                batches.push((row.get(1)?, batch, row.get(4)?));
            }
        }
        Ok(batches)
    }

    /// Writes changes, all or none; they are on the disk when this returns.
    ///
    /// # Errors
    /// Whatever SQLite says: the disk is full.
    pub(crate) fn apply<'a>(
        &mut self,
        changes: impl IntoIterator<Item = (&'a str, &'a Change)>,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for (receiver, change) in changes {
            apply(&transaction, receiver, change)?;
        }
        transaction.commit()
    }

    /// Puts this in the place of everything that is kept for these receivers.
    ///
    /// # Errors
    /// Whatever SQLite says; then the old is still there.
    pub(crate) fn rewrite(&mut self, all: &[(String, Vec<Change>)]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for (receiver, changes) in all {
            for table in ["incident", "batch", "left_out"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE receiver = ?1"), [receiver])?;
            }
            for change in changes {
                apply(&transaction, receiver, change)?;
            }
        }
        transaction.commit()
    }

    /// Lets the file grow no further: a disk that is full.
    #[cfg(test)]
    pub(crate) fn fill(&self, is_full: bool) -> rusqlite::Result<()> {
        let pages: i64 = if is_full { 1 } else { 1 << 30 };
        // The bound cannot be below what is used, so 1 means: as large as it is.
        self.connection.pragma_update(None, "max_page_count", pages)
    }
}

fn apply(transaction: &Transaction<'_>, receiver: &str, change: &Change) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        transaction.prepare_cached(sql)?.execute(values).map(drop)
    };
    match change {
        Change::Incident(fingerprint, Some(incident)) => run(
            "INSERT INTO incident (receiver, fingerprint, state) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET state = excluded.state",
            params![receiver, fingerprint, json(incident)?],
        ),
        Change::Incident(fingerprint, None) => run(
            "DELETE FROM incident WHERE receiver = ?1 AND fingerprint = ?2",
            params![receiver, fingerprint],
        ),
        Change::Item { batch, due_ms, item } => {
            let id = batch.to_be_bytes();
            run(
                "INSERT INTO batch (receiver, id, due) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
                params![receiver, id, due_ms],
            )?;
            run(
                "INSERT INTO item (batch, item) SELECT place, ?2 FROM batch WHERE id = ?1",
                params![id, json(item)?],
            )
        }
        Change::Gone(id) => run("DELETE FROM batch WHERE id = ?1", params![id.to_be_bytes()]),
        Change::Parked(id, why) => {
            run("UPDATE batch SET parked = ?2 WHERE id = ?1", params![id.to_be_bytes(), why])
        }
        Change::Unparked(id) => {
            run("UPDATE batch SET parked = NULL WHERE id = ?1", params![id.to_be_bytes()])
        }
        Change::LeftOut(Some(left_out)) => run(
            "INSERT INTO left_out (receiver, findings) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET findings = excluded.findings",
            params![receiver, json(left_out)?],
        ),
        Change::LeftOut(None) => run("DELETE FROM left_out WHERE receiver = ?1", params![receiver]),
    }
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Opens a file that only its owner may read, making it where it is not there.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
