//! One path that is followed: the file that has its name, and those that had it.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use memchr::memrchr;

use crate::source::{Age, Encoding, MAX_LINE, Splitter, open};

use super::file::{Each, FollowedFile, Reading, head_of, id_of};
use super::locate;
use super::saved::{HEAD, SavedFile};
use super::{Event, FileId, MAX_RETIRED, Progress, SourceId, Start};

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

/// The file before which to stop.
struct End {
    /// By its inode; `None`: there is none.
    id: Option<FileId>,
    /// By its first bytes, where it may have been compressed.
    head: Vec<u8>,
}

/// What a look at the name showed.
#[derive(PartialEq, Eq)]
enum Look {
    Same,
    Changed,
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

    /// Opens the files of an earlier run's positions, and those that came after them.
    fn find_again(&mut self, known: &[SavedFile], now_ms: u64, progress: &mut Progress) {
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

    /// Looks whose name it is now.
    fn look(
        &mut self,
        now_ms: u64,
        splitter: &mut Splitter,
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) -> Look {
        let named = match fs::metadata(&self.path) {
            Ok(named) => named,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let files = self.files.len();
                if self.said != Some(Event::Missing) {
                    self.push_after_last(None, now_ms, progress);
                }
                self.without_name(Event::Missing, now_ms, progress);
                return if self.files.len() > files { Look::Changed } else { Look::Same };
            }
            Err(error) => {
                self.say(Event::Unreadable(error.to_string()), progress);
                return Look::Same;
            }
        };
        if let Some(what) = not_regular(&named) {
            return self.without_name(Event::NotFollowed(what), now_ms, progress);
        }
        let id = id_of(&named);
        if let Some(at) = self.files.iter().position(|file| file.is(id)) {
            let last = at + 1 == self.files.len();
            if last && self.has_name {
                return Look::Same;
            }
            let file = self.files.remove(at);
            self.name(file, now_ms);
            return Look::Changed;
        }
        // What was written before the name changed comes before what is written after it.
        if self.read(now_ms, splitter, progress, each) == Reading::More {
            progress.more = true;
            return Look::Same;
        }
        match self.open_named(now_ms, progress) {
            Ok(look) => look,
            Err(error) if error.kind() == ErrorKind::NotFound => Look::Same,
            Err(error) => {
                self.say(Event::Unreadable(error.to_string()), progress);
                Look::Same
            }
        }
    }

    /// Opens the file that has the name, after those that had it in between.
    fn open_named(&mut self, now_ms: u64, progress: &mut Progress) -> io::Result<Look> {
        let file = File::open(&self.path)?;
        let id = id_of(&file.metadata()?);
        let head = head_of(&file, HEAD)?;
        if Encoding::of(&head) != Encoding::Plain {
            return Ok(self.without_name(Event::NotFollowed("a compressed file"), now_ms, progress));
        }
        if self.files.iter().any(|known| known.is(id)) {
            return Ok(Look::Changed);
        }
        if !(self.files.is_empty() && self.closed.is_empty()) {
            self.push_after_last(Some(id), now_ms, progress);
            progress.events.push((self.source, Event::Rotated));
        }
        let offset = match self.offset_of_closed(id, &head) {
            Some(offset) => offset,
            None if self.start == Some(Start::End) => beginning_of_last_line(&file)?,
            None => 0,
        };
        let followed = FollowedFile::growing(self.source, file, offset)?;
        progress.events.push((self.source, Event::Opened { path: self.path.clone(), offset }));
        self.name(followed, now_ms);
        Ok(Look::Changed)
    }

    /// Opens what had the name after the newest file that is read, and has lost it already.
    fn push_after_last(&mut self, newest: Option<FileId>, now_ms: u64, progress: &mut Progress) {
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
    fn push_between(&mut self, old: Age, end: &End, since: i64, now_ms: u64, progress: &mut Progress) {
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

fn not_regular(named: &Metadata) -> Option<&'static str> {
    let kind = named.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a pipe"),
        () => Some("a device or socket"),
    }
}

/// Where the last line of a file begins, if it is not finished; else its end.
fn beginning_of_last_line(file: &File) -> io::Result<u64> {
    let end = file.metadata()?.len();
    let from = end.saturating_sub(MAX_LINE as u64);
    let mut tail = vec![0; usize::try_from(end - from).unwrap_or(MAX_LINE)];
    file.read_exact_at(&mut tail, from)?;
    Ok(match memrchr(b'\n', &tail) {
        Some(at) => from + at as u64 + 1,
        None if from == 0 => 0,
        None => end,
    })
}
