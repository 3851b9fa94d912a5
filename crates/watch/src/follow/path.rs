//! One path that is followed: the file that has its name, and those that had it.

mod before;
mod named;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use crate::source::Splitter;

use super::file::{Each, FollowedFile, Reading};
use super::locate;
use super::saved::SavedFile;
use super::{Event, FileId, MAX_RETIRED, Progress, SourceId, Start};

use before::End;
use named::Look;

/// Closed files whose ends are remembered, for those that get their name back.
const REMEMBERED: usize = 32;
/// A file may change its name so often within one poll; then it is the next one's.
const CHANGES: usize = 8;

/// One path that is followed.
#[derive(Debug)]
pub(super) struct FollowedPath {
    source: SourceId,
    path: PathBuf,
    /// Where the first file is begun; `None` once there was one, or none.
    start: Option<Start>,
    /// Positions of an earlier run, until the first poll.
    known: Option<Vec<SavedFile>>,
    /// Oldest first.
    files: Vec<FollowedFile>,
    /// Whether the last of `files` has the name.
    has_name: bool,
    closed: VecDeque<SavedFile>,
    /// What was said last of not being able to read.
    said: Option<Event>,
}

impl FollowedPath {
    pub(super) fn new(source: SourceId, path: PathBuf, start: Start, known: Option<Vec<SavedFile>>) -> Self {
        // Whoever has positions has read the file before: what is new since is read from its beginning.
        let start = known.is_none().then_some(start);
        let (files, closed) = (Vec::new(), VecDeque::new());
        Self { source, path, start, known, files, has_name: false, closed, said: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn positions(&self) -> Vec<SavedFile> {
        if let Some(known) = &self.known {
            return known.clone();
        }
        let open = self.files.iter().filter(|file| !file.ended()).map(FollowedFile::saved);
        let mut positions: Vec<SavedFile> = open.collect();
        // A file of which little was read may not be known again; the one before it then says where it stood.
        if positions.iter().all(|file| file.head() < locate::ENOUGH) {
            let anchor = self.closed.iter().rev().find(|file| file.head() >= locate::ENOUGH);
            positions.splice(..0, anchor.copied());
        }
        positions
    }

    /// Reads whatever is there.
    pub(super) fn poll(
        &mut self,
        now_ms: u64,
        splitter: &mut Splitter,
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) {
        if let Some(known) = self.known.take() {
            self.find_again(&known, now_ms, progress);
        }
        let mut more = true;
        for _ in 0..CHANGES {
            more = self.read(now_ms, splitter, progress, each) == Reading::More;
            if more || self.look(now_ms, splitter, progress, each) == Look::Same {
                break;
            }
        }
        progress.more |= more;
        self.start = None;
        if !more {
            self.close(now_ms, splitter, progress, each);
        }
    }

    /// Reads all files, oldest first; a later one only when those before it were read to their ends.
    fn read(
        &mut self,
        now_ms: u64,
        splitter: &mut Splitter,
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) -> Reading {
        if self.has_name
            && let Err(error) = self.begin_truncated(now_ms, progress)
        {
            self.say(Event::Unreadable(error.to_string()), progress);
        }
        let mut failed = None;
        for file in &mut self.files {
            match file.read(now_ms, splitter, progress, each) {
                Ok(Reading::Everything) => {}
                Ok(Reading::More) => return Reading::More,
                Err(error) => failed = Some(error.to_string()),
            }
        }
        if let Some(reason) = failed {
            self.say(Event::Unreadable(reason), progress);
        }
        Reading::Everything
    }

    /// Begins anew in a file that was truncated, and reads what it missed from a copy.
    fn begin_truncated(&mut self, now_ms: u64, progress: &mut Progress) -> io::Result<()> {
        let Some(file) = self.files.last() else { return Ok(()) };
        if !file.was_truncated()? {
            return Ok(());
        }
        let Some(anew) = file.anew()? else { return Ok(()) };
        let (before, mut torn) = (file.saved(), file.torn());
        let since = file.modified().unwrap_or(i64::MAX);
        self.files.pop();
        let copy = locate::copy(self.source, &self.path, &before, false);
        if copy.is_some() {
            torn = 0;
        }
        let path = copy.as_ref().map(|found| found.path.clone());
        progress.events.push((self.source, Event::Truncated { copy: path, torn }));
        if let Some(found) = copy {
            self.push(found.path, found.file, before.offset, now_ms, progress);
            // It may have lost its name since, and be compressed: what comes after it is for the next look.
            let end = End { id: Some(anew.id()), head: anew.now_begins()? };
            self.push_between(found.age, &end, since, now_ms, progress);
        }
        self.name(anew, now_ms);
        Ok(())
    }

    fn push(
        &mut self,
        path: PathBuf,
        mut file: FollowedFile,
        offset: u64,
        now_ms: u64,
        progress: &mut Progress,
    ) {
        progress.events.push((self.source, Event::Opened { path, offset }));
        file.retire(Some(now_ms));
        self.files.push(file);
        self.has_name = false;
    }

    /// Makes a file the one that has the name.
    fn name(&mut self, mut file: FollowedFile, now_ms: u64) {
        for former in &mut self.files {
            former.retire(Some(now_ms));
        }
        file.retire(None);
        self.files.push(file);
        self.has_name = true;
        self.said = None;
    }

    /// Nothing that can be read has the name.
    fn without_name(&mut self, event: Event, now_ms: u64, progress: &mut Progress) -> Look {
        for former in &mut self.files {
            former.retire(Some(now_ms));
        }
        self.has_name = false;
        self.say(event, progress);
        Look::Same
    }

    /// Closes what has been silent for long, and the oldest where there are too many.
    fn close(&mut self, now_ms: u64, splitter: &mut Splitter, progress: &mut Progress, each: &mut Each<'_>) {
        let mut too_many = self.files.len().saturating_sub(MAX_RETIRED + 1);
        let mut at = 0;
        while let Some(file) = self.files.get_mut(at) {
            if too_many == 0 && !file.is_over(now_ms) {
                at += 1;
                continue;
            }
            too_many = too_many.saturating_sub(1);
            if let Err(error) = file.finish(now_ms, splitter, progress, each) {
                progress.events.push((self.source, Event::Unreadable(error.to_string())));
            }
            let file = self.files.remove(at);
            self.closed.push_back(file.saved());
            if self.closed.len() > REMEMBERED {
                self.closed.pop_front();
            }
        }
    }

    /// Where a file was left that was closed and is the one with this inode and these first bytes.
    fn offset_of_closed(&self, id: FileId, head: &[u8]) -> Option<u64> {
        let closed =
            self.closed.iter().rev().find(|closed| closed.file() == id && closed.begins_with(head))?;
        Some(closed.offset)
    }

    fn say(&mut self, event: Event, progress: &mut Progress) {
        if self.said.as_ref() != Some(&event) {
            progress.events.push((self.source, event.clone()));
            self.said = Some(event);
        }
    }
}
