//! What is kept in the file: what was used of quotas, penalties, and who was where. Times are the wall's there, since the
//! store's clock begins anew with each process.

use std::time::Duration;

use jiff::Timestamp;
use ratewarden_limiter::Time;
use rusqlite::params;

use super::{Disk, DiskError};
use crate::lasting::Used;
use crate::pairs::{Noted, PLACES, REMEMBERED};

/// Two processes overlap when one replaces the other; what both saw is as new as the newer.
const WRITE_PAIR: &str = "INSERT INTO pair (id, place, seen) VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET place = excluded.place, seen = max(seen, excluded.seen)";

/// Two processes overlap when one replaces the other; a counter then never steps back.
const WRITE_QUOTA: &str = "INSERT INTO quota (id, verified, word, ends) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET verified = excluded.verified, word = max(word, excluded.word),
                                   ends = max(ends, excluded.ends)";

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

/// The two clocks at one instant: the store counts on one, the file names times of the other.
#[derive(Debug, Clone, Copy)]
pub struct Instant {
    /// On the store's clock.
    pub now: Time,
    /// On the wall.
    pub wall: Timestamp,
}

impl Disk {
    /// What was used of quotas whose periods have not ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn quotas(&self, at: Instant) -> Result<Vec<Used>, DiskError> {
        let query = "SELECT id, verified, word, ends FROM quota WHERE ends > ?1";
        self.read(query, [at.wall.as_millisecond()], |row| {
            let (id, word, ends): ([u8; 16], i64, i64) = (row.get(0)?, row.get(2)?, row.get(3)?);
            let left = ends.saturating_sub(at.wall.as_millisecond());
            Ok(Used {
                id: u128::from_be_bytes(id),
                verified: row.get(1)?,
                word: word.unsigned_abs(),
                ends: at.now.after(Duration::from_millis(left.unsigned_abs())),
            })
        })
    }

    /// Writes what was used, all of it or nothing, and forgets periods that have ended.
    ///
    /// # Errors
    /// When the file cannot be written: the disk is full.
    pub fn write_quotas(&mut self, changed: &[Used], at: Instant) -> Result<(), DiskError> {
        self.change(|change| {
            let mut insert = change.prepare_cached(WRITE_QUOTA)?;
            for used in changed {
                let left = used.ends.since(at.now).as_nanos().div_ceil(1_000_000);
                let left = i64::try_from(left).unwrap_or(i64::MAX);
                let ends = at.wall.as_millisecond().saturating_add(left);
                let word = i64::try_from(used.word).unwrap_or(i64::MAX);
                insert.execute(params![used.id.to_be_bytes(), used.verified, word, ends])?;
            }
            change.execute("DELETE FROM quota WHERE ends <= ?1", [at.wall.as_millisecond()])?;
            Ok(())
        })
    }

    /// All penalties that are kept and not yet to be forgotten.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn penalties(&self, wall: Timestamp) -> Result<Vec<Kept>, DiskError> {
        let query = "SELECT id, until, state FROM penalty WHERE until > ?1";
        self.read(query, [wall.as_millisecond()], |row| {
            let (id, until): ([u8; 16], i64) = (row.get(0)?, row.get(1)?);
            let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
            Ok(Kept { id: u128::from_be_bytes(id), until, state: row.get(2)? })
        })
    }

    /// Puts these penalties in the place of all that were kept.
    ///
    /// # Errors
    /// When the file cannot be written; then the old ones are still there.
    pub fn write_penalties(&mut self, penalties: &[Kept]) -> Result<(), DiskError> {
        self.change(|change| {
            change.execute("DELETE FROM penalty", [])?;
            let mut insert =
                change.prepare_cached("INSERT INTO penalty (id, until, state) VALUES (?1, ?2, ?3)")?;
            for Kept { id, until, state } in penalties {
                insert.execute(params![id.to_be_bytes(), until.as_millisecond(), state])?;
            }
            Ok(())
        })
    }

    /// Who was where in the last day, the newest first and no more than have a place.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn pairs(&self, at: Instant) -> Result<Vec<Noted>, DiskError> {
        let query = "SELECT id, place, seen FROM pair WHERE seen > ?1 ORDER BY seen DESC LIMIT ?2";
        let most = i64::try_from(PLACES).unwrap_or(i64::MAX);
        self.read(query, [forgotten(at), most], |row| {
            let (id, place, seen): ([u8; 16], i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            // The wall's clock may have been put back.
            let age = u64::try_from(at.wall.as_millisecond().saturating_sub(seen)).unwrap_or(0);
            let (id, place) = (u128::from_be_bytes(id), place.cast_unsigned());
            // Seconds are rounded up: nobody is remembered for longer by restarts.
            Ok(Noted { id, place, age: Duration::from_secs(age.div_ceil(1_000)) })
        })
    }

    /// Writes who was where, all of it or nothing, and forgets who was not there for a day.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_pairs(&mut self, noted: &[Noted], at: Instant) -> Result<(), DiskError> {
        self.change(|change| {
            let mut insert = change.prepare_cached(WRITE_PAIR)?;
            for Noted { id, place, age } in noted {
                let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
                let seen = at.wall.as_millisecond().saturating_sub(age);
                insert.execute(params![id.to_be_bytes(), place.cast_signed(), seen])?;
            }
            change.execute("DELETE FROM pair WHERE seen <= ?1", [forgotten(at)])?;
            Ok(())
        })
    }
}

/// What was seen last at this time or before, in milliseconds on the wall, is forgotten.
fn forgotten(at: Instant) -> i64 {
    let remembered = i64::try_from(REMEMBERED.as_millis()).unwrap_or(i64::MAX);
    at.wall.as_millisecond().saturating_sub(remembered)
}
