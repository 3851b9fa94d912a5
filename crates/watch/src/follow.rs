//! Following files that grow, through whatever rotates them.
//!
//! A [`Follower`] is asked again and again ([`Follower::poll`], each 200 ms or so); the time is an argument. It holds
//! the descriptor of what it reads, so a file that is renamed or deleted is read to its end before the one that takes
//! its name, and for [`GRACE_MS`] after that, since servers go on writing to the old file until they are told.
//!
//! What it knows of a file is an inode and a fingerprint of its first bytes. Inodes are used again, and truncation
//! leaves them as they are; first bytes carry a date. With both, a file is found again after a restart under
//! whatever name the rotation gave it, compressed or copied too.
//!
//! Of an unfinished line nothing is kept but where it begins: it is read again when its file has grown. So a position
//! is always the beginning of a line, memory does not grow with the number of files, and a saved position needs no
//! half lines.
//!
//! inotify was rejected: it does not see what other machines write to a shared file system, loses events where its
//! queue is full, and needs all of the below anyway for what happened before the start.
//!
//! What can be lost, and what is read twice:
//! - Truncation in place (`copytruncate`): lines that were written between the copy and the truncation exist nowhere.
//!   Those that were not read yet but copied are read from the copy; where there is no copy, [`Event::Truncated`] says so.
//! - Two rotations between two polls: the file in between is found by its name in the same folder; elsewhere it is
//!   not, and not where the file before it was deleted, or was compressed before a byte of it was read.
//! - A file of which nothing was read yet is known by its inode alone: its truncation cannot be seen.
//! - A process that is killed reads again what came after the position it saved last: at least once, never less.

mod file;
mod locate;
mod path;
mod saved;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::source::{Line, Splitter};

pub use saved::{Loaded, Saved, SavedFile, write_document};

/// A file that lost its name is read on until it has not grown for so long, in milliseconds.
pub const GRACE_MS: u64 = 60_000;
/// Bytes that one poll reads of one path at most; [`Progress::more`] then says that there is more.
pub const BUDGET: u64 = 8 * 1024 * 1024;
/// Files without their name that are read on for one path; beyond it the oldest is read to its end and closed.
pub const MAX_RETIRED: usize = 16;

/// Which of the followed paths, counted from zero as they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub usize);

/// A file by what the system calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    /// Its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// A place in a followed file: the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The path it was reached by.
    pub source: SourceId,
    /// The file.
    pub file: FileId,
    /// Bytes up to and with the line's end.
    pub offset: u64,
}

/// Where reading begins in a file of which no position is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At its first byte.
    Beginning,
    /// At its last line, where that is unfinished, else at its end. Files that appear later are read from their beginning.
    End,
}

/// What who is handed a line says to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It is taken, and the next may come.
    More,
    /// It is taken, and the rest of the path is for the next poll.
    Enough,
    /// It is not taken: it and the rest are for the next poll.
    Not,
}

/// Whether a line can be handed out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chance {
    /// It can.
    OneOfMany,
    /// It counts as taken whatever is said to it.
    Last,
}

/// What a poll did.
#[derive(Debug, Default)]
pub struct Progress {
    /// Lines handed out.
    pub lines: u64,
    /// Their bytes, with their ends.
    pub bytes: u64,
    /// There is more to read already: poll again at once.
    pub more: bool,
    /// What happened to the files, in order.
    pub events: Vec<(SourceId, Event)>,
}

/// What happened to a followed path. Each is said once, when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A file is read from here on.
    Opened {
        /// Its name at that time.
        path: PathBuf,
        /// From this byte.
        offset: u64,
    },
    /// There is no file of this name (yet, or any more).
    Missing,
    /// The name belongs to another file now; the old one was read to its end.
    Rotated,
    /// The file became shorter, or was written anew.
    Truncated {
        /// The copy whose rest is read; `None`: what had not been read is lost.
        copy: Option<PathBuf>,
        /// Bytes of an unfinished line that are lost with it.
        torn: u64,
    },
    /// The file that a saved position was in is gone; what it held after that position is lost.
    Lost {
        /// The position's offset.
        offset: u64,
    },
    /// It cannot be read; it is tried again at each poll.
    Unreadable(String),
    /// It is no regular file, or compressed: such a thing is read, but not followed.
    NotFollowed(&'static str),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { path, offset } => write!(f, "reading {} from byte {offset}", path.display()),
            Self::Missing => f.write_str("there is no file of this name; waiting for it"),
            Self::Rotated => f.write_str("rotated; the old file was read to its end"),
            Self::Truncated { copy: Some(copy), .. } => {
                write!(f, "truncated; what was not read yet is read from {}", copy.display())
            }
            Self::Truncated { copy: None, torn } => write!(
                f,
                "truncated, and no copy is there: what was not read yet is lost, with {torn} bytes of an \
                 unfinished line"
            ),
            Self::Lost { offset } => write!(
                f,
                "the file of the saved position is gone; what it held after byte {offset} was not read"
            ),
            Self::Unreadable(reason) => write!(f, "cannot be read: {reason}"),
            Self::NotFollowed(what) => write!(f, "is {what}, which cannot be followed"),
        }
    }
}

/// Follows any number of paths.
#[derive(Debug)]
pub struct Follower {
    paths: Vec<path::FollowedPath>,
    splitter: Splitter,
}

impl Follower {
    /// Follows `paths`; where `saved` has a position of one, it is read on there, else from `start`. Nothing is
    /// opened before the first poll, and none of them needs to exist.
    #[must_use]
    pub fn new(paths: Vec<PathBuf>, start: Start, saved: Option<&Saved>) -> Self {
        let paths = paths.into_iter().enumerate().map(|(at, path)| {
            let known = saved.and_then(|saved| saved.of(&path)).map(<[SavedFile]>::to_vec);
            path::FollowedPath::new(SourceId(at), path, start, known)
        });
        Self { paths: paths.collect(), splitter: Splitter::default() }
    }

    /// Hands out every line that was finished since the last poll, of each path in the order it was written, with
    /// the line's end. `now_ms` is any clock in milliseconds that does not go backwards. At most [`BUDGET`] bytes of each path (and
    /// the rest of a line) are read.
    pub fn poll(&mut self, now_ms: u64, mut each: impl FnMut(SourceId, Position, Line<'_>)) -> Progress {
        let mut progress = Progress::default();
        for place in 0..self.paths.len() {
            self.poll_one(SourceId(place), now_ms, &mut progress, |source, position, line, _| {
                each(source, position, line);
                Wanted::More
            });
        }
        progress
    }

    /// As [`Self::poll`], of one path, as long as `each` wants more of it now; says whether there is more to read already.
    /// A line that is not wanted is handed out again by the next poll, unless `each` is told that it is the last time:
    /// then its file is about to be closed.
    pub fn poll_one(
        &mut self,
        SourceId(place): SourceId,
        now_ms: u64,
        progress: &mut Progress,
        mut each: impl FnMut(SourceId, Position, Line<'_>, Chance) -> Wanted,
    ) -> bool {
        let before = std::mem::replace(&mut progress.more, false);
        if let Some(path) = self.paths.get_mut(place) {
            path.poll(now_ms, &mut self.splitter, progress, &mut each);
        }
        let more = progress.more;
        progress.more |= before;
        more
    }

    /// Where everything stands: all lines that were handed out lie before it, all others after it. What was done with
    /// them is for the caller to know: [`Saved::write`] it when they are safe.
    #[must_use]
    pub fn position(&self) -> Saved {
        let mut saved = Saved::default();
        for path in &self.paths {
            saved.set(path.path(), path.positions());
        }
        saved
    }

    /// The path of a source.
    #[must_use]
    pub fn path(&self, source: SourceId) -> Option<&Path> {
        self.paths.get(source.0).map(path::FollowedPath::path)
    }
}
