//! The files that come before the one that has the name: those of an earlier run's positions, and those that had the name
//! between two looks.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::source::{Age, Encoding, open};

use super::super::file::{FollowedFile, head_of, id_of};
use super::super::locate;
use super::super::saved::{HEAD, SavedFile};
use super::super::{Event, FileId, Progress};
use super::FollowedPath;

/// The file before which to stop.
pub(super) struct End {
    /// By its inode; `None`: there is none.
    pub(super) id: Option<FileId>,
    /// By its first bytes, where it may have been compressed.
    pub(super) head: Vec<u8>,
}

impl FollowedPath {
    /// Opens the files of an earlier run's positions, and those that came after them.
    pub(super) fn find_again(&mut self, known: &[SavedFile], now_ms: u64, progress: &mut Progress) {
        let mut all: Vec<(&SavedFile, locate::Found)> = Vec::new();
        for saved in known {
            let Some(found) = locate::saved(self.source, &self.path, saved) else {
                progress.events.push((self.source, Event::Lost { offset: saved.offset }));
                continue;
            };
            // An inode is used again, and a file that was empty has no first bytes to tell. Where two positions
            // lead to one file, the one that knows more of it is meant.
            match all.iter_mut().find(|(_, other)| other.file.id() == found.file.id()) {
                Some(other) if other.0.head() < saved.head() => *other = (saved, found),
                Some(_) => {}
                None => all.push((saved, found)),
            }
        }
        let mut newest = None;
        for (saved, found) in all {
            let since = fs::metadata(&found.path).map_or(i64::MAX, |metadata| metadata.mtime());
            newest = Some((found.age, since));
            self.push(found.path, found.file, saved.offset, now_ms, progress);
        }
        if let Some((age, since)) = newest {
            let named = fs::metadata(&self.path).ok();
            let end = End { id: named.as_ref().map(id_of), head: Vec::new() };
            self.push_between(age, &end, since, now_ms, progress);
        }
    }

    /// Opens what had the name after the newest file that is read, and has lost it already.
    pub(super) fn push_after_last(&mut self, newest: Option<FileId>, now_ms: u64, progress: &mut Progress) {
        // The newest that is still known in the set: one may be gone from there, or compressed before a byte was read.
        let known = self.files.iter().rev().find_map(|last| {
            let copied =
                || locate::copy(self.source, &self.path, &last.saved(), false).map(|found| found.age);
            let age = locate::age_of_file(&self.path, last.id()).or_else(copied)?;
            Some((age, last.modified().unwrap_or(i64::MIN)))
        });
        let closed = || {
            let found = |saved| locate::saved(self.source, &self.path, saved);
            self.closed.iter().rev().find_map(found).map(|found| (found.age, i64::MIN))
        };
        let known = known.or_else(closed);
        if let Some((age, since)) = known {
            let end = End { id: newest, head: Vec::new() };
            self.push_between(age, &end, since, now_ms, progress);
        }
    }

    /// Opens what was rotated away between two looks.
    pub(super) fn push_between(
        &mut self,
        old: Age,
        end: &End,
        since: i64,
        now_ms: u64,
        progress: &mut Progress,
    ) {
        for path in locate::between(&self.path, old, end.id, since) {
            if let Some(head) = locate::packed_head(&path, HEAD) {
                if locate::alike(&head, &end.head) {
                    break;
                }
                // What is still read as it was before it was compressed.
                let begins = |file: &FollowedFile| file.now_begins().unwrap_or_default();
                if self.files.iter().any(|file| locate::alike(&head, &begins(file))) {
                    continue;
                }
            }
            match self.open_between(&path) {
                Ok(Some(file)) => self.push(path, file, 0, now_ms, progress),
                Ok(None) => {}
                Err(reason) => progress.events.push((self.source, Event::Unreadable(reason))),
            }
        }
    }

    fn open_between(&self, path: &Path) -> Result<Option<FollowedFile>, String> {
        let cannot = |error: io::Error| format!("{}: {error}", path.display());
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        let id = id_of(&metadata);
        let mut head = head_of(&file, HEAD).map_err(cannot)?;
        let packed = Encoding::of(&head) != Encoding::Plain;
        if packed {
            head = locate::packed_head(path, HEAD).unwrap_or_default();
        }
        if self.files.iter().any(|known| known.id() == id) || self.offset_of_closed(id, &head).is_some() {
            return Ok(None);
        }
        if !packed {
            return FollowedFile::growing(self.source, file, 0).map(Some).map_err(cannot);
        }
        let opened = open(path).map_err(|error| error.to_string())?;
        Ok(Some(FollowedFile::packed(self.source, &metadata, opened, 0, Vec::new())))
    }
}
