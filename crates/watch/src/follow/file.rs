//! One file that is read, whatever it is called by now.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use crate::source::{Line, Opened, Splitter};

use super::saved::{HEAD, SavedFile, born};
use super::{BUDGET, Chance, FileId, GRACE_MS, Position, Progress, SourceId, Wanted};

/// Where lines go; says which are wanted.
pub(super) type Each<'a> = dyn FnMut(SourceId, Position, Line<'_>, Chance) -> Wanted + 'a;

/// One file that is read.
pub(super) struct FollowedFile {
    source: SourceId,
    id: FileId,
    born: Option<u64>,
    reader: Reader,
    /// Its first bytes as far as they were read, at most [`HEAD`].
    head: Vec<u8>,
    /// Where the first line begins that was not handed out.
    offset: u64,
    /// Bytes of that line that were read and found too long.
    read_past: u64,
    /// How far it was read.
    seen: u64,
    /// A line of what is unpacked that was not wanted yet, with its end.
    left: Option<(u64, Vec<u8>)>,
    /// Since when it has lost its name and not grown.
    retired_ms: Option<u64>,
}

enum Reader {
    /// What may still grow.
    File(File),
    /// A compressed file, which does not.
    Packed(Box<Opened>),
    /// Read to its end.
    Ended,
}

/// What became of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Everything that is there was read.
    Everything,
    /// The budget is spent, or no more is wanted now.
    More,
}

pub(super) fn id_of(metadata: &Metadata) -> FileId {
    FileId { device: metadata.dev(), inode: metadata.ino() }
}

/// The first bytes of a file, at most `most`.
pub(super) fn head_of(file: &File, most: usize) -> io::Result<Vec<u8>> {
    let mut head = vec![0; most];
    let mut filled = 0;
    while let Some(space) = head.get_mut(filled..).filter(|space| !space.is_empty()) {
        match file.read_at(space, filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(filled);
    Ok(head)
}

impl FollowedFile {
    /// A file from `offset` on, which is the beginning of a line.
    pub(super) fn growing(source: SourceId, file: File, offset: u64) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let head = head_of(&file, usize::try_from(offset).unwrap_or(HEAD).min(HEAD))?;
        Ok(Self::new(source, &metadata, Reader::File(file), head, offset))
    }

    /// A compressed file from `offset` on, as it is unpacked; `head` are its first bytes up to there.
    pub(super) fn packed(
        source: SourceId,
        metadata: &Metadata,
        opened: Opened,
        offset: u64,
        head: Vec<u8>,
    ) -> Self {
        Self::new(source, metadata, Reader::Packed(Box::new(opened)), head, offset)
    }

    fn new(source: SourceId, metadata: &Metadata, reader: Reader, head: Vec<u8>, offset: u64) -> Self {
        let (id, born) = (id_of(metadata), born(metadata));
        Self {
            source,
            id,
            born,
            reader,
            head,
            offset,
            read_past: 0,
            seen: offset,
            left: None,
            retired_ms: None,
        }
    }

    pub(super) const fn id(&self) -> FileId {
        self.id
    }

    /// When it was written to last, in seconds since 1970.
    pub(super) fn modified(&self) -> Option<i64> {
        let Reader::File(file) = &self.reader else { return None };
        file.metadata().ok().map(|found| found.mtime())
    }

    /// Whether it is this very file, by its inode, and may still grow.
    pub(super) fn is(&self, id: FileId) -> bool {
        self.id == id && matches!(self.reader, Reader::File(_))
    }

    pub(super) const fn ended(&self) -> bool {
        matches!(self.reader, Reader::Ended)
    }

    /// Where it stands, with the fingerprint of all that is known of its first bytes.
    pub(super) fn saved(&self) -> SavedFile {
        SavedFile::new(self.id, self.born, self.offset, &self.head)
    }

    /// Bytes that were read and wait for the end of their line.
    pub(super) const fn torn(&self) -> u64 {
        self.seen.saturating_sub(self.offset)
    }

    /// Says that it has lost its name, or has it again.
    pub(super) fn retire(&mut self, since_ms: Option<u64>) {
        self.retired_ms = match (self.retired_ms, since_ms) {
            (Some(earlier), Some(_)) => Some(earlier),
            (_, since) => since,
        };
    }

    /// Whether it has lost its name, and has been silent since for as long as it is waited for.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.ended() || self.retired_ms.is_some_and(|since| now_ms.saturating_sub(since) >= GRACE_MS)
    }

    /// Whether the file became shorter, or begins otherwise than it did.
    pub(super) fn was_truncated(&self) -> io::Result<bool> {
        let Reader::File(file) = &self.reader else { return Ok(false) };
        Ok(file.metadata()?.len() < self.seen || head_of(file, self.head.len())? != self.head)
    }

    /// The same file from its beginning, which is another file in all but its inode.
    pub(super) fn anew(&self) -> io::Result<Option<Self>> {
        let Reader::File(file) = &self.reader else { return Ok(None) };
        Self::growing(self.source, file.try_clone()?, 0).map(Some)
    }

    /// The first bytes that the file has now.
    pub(super) fn now_begins(&self) -> io::Result<Vec<u8>> {
        let Reader::File(file) = &self.reader else { return Ok(self.head.clone()) };
        head_of(file, HEAD)
    }

    /// Hands out every line that is finished.
    pub(super) fn read(
        &mut self,
        now_ms: u64,
        splitter: &mut Splitter,
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) -> io::Result<Reading> {
        match &mut self.reader {
            Reader::File(file) => {
                if file.metadata()?.len() <= self.seen {
                    return Ok(Reading::Everything);
                }
                if self.retired_ms.is_some() {
                    self.retired_ms = Some(now_ms);
                }
                self.read_on(splitter, progress, each)
            }
            Reader::Packed(_) => self.unpack(progress, each),
            Reader::Ended => Ok(Reading::Everything),
        }
    }

    fn read_on(
        &mut self,
        splitter: &mut Splitter,
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) -> io::Result<Reading> {
        let Reader::File(file) = &self.reader else { return Ok(Reading::Everything) };
        splitter.restart(self.offset, self.read_past);
        let begin = self.offset + self.read_past;
        let mut at = begin;
        let reading = loop {
            let space = splitter.space();
            let bytes = match file.read_at(space, at) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes == 0 {
                break Reading::Everything;
            }
            keep_head(&mut self.head, at, space.get(..bytes).unwrap_or_default());
            at += bytes as u64;
            splitter.filled(bytes);
            while let Some((end, line)) = splitter.next_with_end() {
                let position = Position { source: self.source, file: self.id, offset: end };
                let wanted = each(self.source, position, line, Chance::OneOfMany);
                if wanted != Wanted::Not {
                    progress.lines += 1;
                    progress.bytes += end - self.offset;
                    self.offset = end;
                }
                if wanted != Wanted::More {
                    // What was read beyond it is read again.
                    (self.read_past, self.seen) = (0, self.offset);
                    return Ok(Reading::More);
                }
            }
            self.read_past = splitter.read_past();
            self.seen = self.seen.max(at);
            if at - begin >= BUDGET {
                break Reading::More;
            }
        };
        Ok(reading)
    }

    fn unpack(&mut self, progress: &mut Progress, each: &mut Each<'_>) -> io::Result<Reading> {
        let Reader::Packed(opened) = &mut self.reader else { return Ok(Reading::Everything) };
        let begin = opened.consumed();
        while opened.consumed() - begin < BUDGET {
            let left = self.left.take();
            let (end, line) = match &left {
                Some((end, text)) => (*end, Line::Whole(text)),
                None => match opened.next_with_end() {
                    Ok(Some((end, line))) if end > self.offset => (end, line),
                    Ok(Some(_)) => continue,
                    Ok(None) => {
                        self.reader = Reader::Ended;
                        return Ok(Reading::Everything);
                    }
                    Err(error) => {
                        self.reader = Reader::Ended;
                        return Err(io::Error::other(error));
                    }
                },
            };
            let position = Position { source: self.source, file: self.id, offset: end };
            match (each(self.source, position, line, Chance::OneOfMany), line) {
                // What is unpacked cannot be read again.
                (Wanted::Not, Line::Whole(text)) => {
                    self.left = Some((end, text.to_vec()));
                    return Ok(Reading::More);
                }
                (wanted, _) => {
                    progress.lines += 1;
                    progress.bytes += end - self.offset;
                    (self.offset, self.seen) = (end, end);
                    if wanted != Wanted::More {
                        return Ok(Reading::More);
                    }
                }
            }
        }
        Ok(Reading::More)
    }

    /// Reads what is there, the line without an end too, and ends.
    pub(super) fn finish(
        &mut self,
        now_ms: u64,
        splitter: &mut Splitter,
        progress: &mut Progress,
        each: &mut Each<'_>,
    ) -> io::Result<()> {
        let each: &mut Each<'_> = &mut |source, position, line, _| {
            each(source, position, line, Chance::Last);
            Wanted::More
        };
        while self.read(now_ms, splitter, progress, each)? == Reading::More {}
        if self.torn() > 0 {
            // Once more from the beginning of that line, which the splitter may have forgotten.
            while self.read_on(splitter, progress, each)? == Reading::More {}
            let end = self.offset + splitter.waiting();
            if let Some(line) = splitter.rest() {
                progress.lines += 1;
                progress.bytes += end - self.offset;
                self.offset = end;
                let position = Position { source: self.source, file: self.id, offset: end };
                each(self.source, position, line, Chance::Last);
            }
        }
        self.reader = Reader::Ended;
        Ok(())
    }
}

impl std::fmt::Debug for FollowedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FollowedFile")
            .field("id", &self.id)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// Adds to the first bytes what follows them in a piece that was read at `at`.
fn keep_head(head: &mut Vec<u8>, at: u64, piece: &[u8]) {
    let Some(known) = (head.len() as u64).checked_sub(at).filter(|_| head.len() < HEAD) else { return };
    let fresh = usize::try_from(known).ok().and_then(|known| piece.get(known..)).unwrap_or_default();
    let room = HEAD - head.len();
    head.extend(fresh.iter().take(room));
}
