//! Bytes → lines.
//!
//! A [`Splitter`] is the pure part: somebody fills its space, it finds the ends of lines. [`Lines`] feeds it from any
//! reader. Lines are lent, not copied: a block is read once and looked through once, so the speed is that of reading.
//! `BufRead::read_until` was rejected: it copies each line, and its memory grows with the longest line.

use std::io::{self, ErrorKind, Read};

use memchr::memchr;

/// How much is asked of a reader at once, in bytes: it fits a core's own cache.
pub const BLOCK: usize = 256 * 1024;
/// The longest line that is handed out, in bytes without its end. Longer ones are [`Line::TooLong`].
pub const MAX_LINE: usize = 1024 * 1024;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Its bytes as they stand, without `\n` and without one `\r` before it.
    Whole(&'a [u8]),
    /// A line longer than [`MAX_LINE`]; how many bytes it had. They were read past and are not kept.
    TooLong(u64),
}

/// Finds lines in bytes that come in pieces of any size.
///
/// Holds at most [`MAX_LINE`] and one [`BLOCK`] of bytes.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// Where the first line that was not handed out begins.
    start: usize,
    /// Up to here there is no end of a line.
    scanned: usize,
    /// Up to here the buffer is filled.
    end: usize,
    /// Bytes of the line at `start` that were already read past, where it is too long.
    long: Option<u64>,
    consumed: u64,
}

/// A line by its place in the buffer; it borrows nothing, so a loop may go on after it found none.
#[derive(Clone, Copy)]
enum Found {
    Whole { start: usize, end: usize },
    TooLong(u64),
}

impl Default for Splitter {
    fn default() -> Self {
        Self { buffer: vec![0; BLOCK], start: 0, scanned: 0, end: 0, long: None, consumed: 0 }
    }
}

impl Splitter {
    /// Where the next bytes go; never empty. What was filled is told to [`Self::filled`].
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.scanned -= self.start;
            self.start = 0;
        }
        // A line that fills half of the buffer is long: room for it, up to the longest and a block.
        if self.buffer.len() - self.end < BLOCK / 2 {
            let larger = (self.buffer.len() * 2).min(MAX_LINE + BLOCK);
            self.buffer.resize(larger, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// Says how many bytes of [`Self::space`] were filled; more than there was room for counts as all of it.
    pub fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }

    /// The next line whose end is there; `None` asks for more bytes.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        let found = self.find()?;
        Some(self.line(found))
    }

    /// The next line, and where it ended: what [`Self::consumed`] says after it.
    pub fn next_with_end(&mut self) -> Option<(u64, Line<'_>)> {
        let found = self.find()?;
        Some((self.consumed, self.line(found)))
    }

    /// What stands after the last end of a line, as a line: for when there will be no more bytes.
    pub fn rest(&mut self) -> Option<Line<'_>> {
        let found = self.find_rest()?;
        Some(self.line(found))
    }

    /// Bytes of all lines handed out so far, with their ends: where the next line begins.
    #[must_use]
    pub const fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Bytes that wait for the end of their line, with those of a long line that are no longer held.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.long.unwrap_or(0) + (self.end - self.start) as u64
    }

    /// How much of a line that is too long was read past already; 0 where the line that waits is not too long.
    #[must_use]
    pub fn read_past(&self) -> u64 {
        self.long.unwrap_or(0)
    }

    /// Forgets what it holds and begins at byte `offset`, of whose line `read_past` bytes are known to be too long
    /// and do not come again (0: the line is read from its beginning).
    pub fn restart(&mut self, offset: u64, read_past: u64) {
        (self.start, self.scanned, self.end) = (0, 0, 0);
        self.long = (read_past > 0).then_some(read_past);
        self.consumed = offset;
    }

    fn find(&mut self) -> Option<Found> {
        let fresh = self.buffer.get(self.scanned..self.end)?;
        let Some(at) = memchr(b'\n', fresh) else {
            self.scanned = self.end;
            let held = self.end - self.start;
            if self.long.is_some() || held > MAX_LINE {
                self.long = Some(self.long.unwrap_or(0) + held as u64);
                self.start = self.end;
            }
            return None;
        };
        let (start, end) = (self.start, self.scanned + at);
        (self.start, self.scanned) = (end + 1, end + 1);
        Some(self.found(start, end, 1))
    }

    fn find_rest(&mut self) -> Option<Found> {
        let (start, end) = (self.start, self.end);
        if start == end && self.long.is_none() {
            return None;
        }
        (self.start, self.scanned) = (end, end);
        Some(self.found(start, end, 0))
    }

    fn found(&mut self, start: usize, end: usize, newline: u64) -> Found {
        let held = end - start;
        let long = self.long.take();
        let bytes = long.unwrap_or(0) + held as u64;
        self.consumed += bytes + newline;
        if long.is_some() || held > MAX_LINE { Found::TooLong(bytes) } else { Found::Whole { start, end } }
    }

    fn line(&self, found: Found) -> Line<'_> {
        match found {
            Found::TooLong(bytes) => Line::TooLong(bytes),
            Found::Whole { start, end } => {
                let line = self.buffer.get(start..end).unwrap_or_default();
                Line::Whole(line.strip_suffix(b"\r").unwrap_or(line))
            }
        }
    }
}

/// Lines of a reader.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    splitter: Splitter,
    /// Why no more bytes come: the end (`None`), or an error that is still to be said.
    ended: Option<Option<io::Error>>,
}

impl<R: Read> Lines<R> {
    /// Lines of `reader`, which needs no buffer of its own.
    pub fn new(reader: R) -> Self {
        Self { reader, splitter: Splitter::default(), ended: None }
    }

    /// The next line; `None` at the end. The last line needs no `\n`.
    ///
    /// # Errors
    /// What the reader could not read. It comes once, after every line before it (the last one may be torn there),
    /// and after it there is only `None`. Being interrupted is no error.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        Ok(self.next_with_end()?.map(|(_, line)| line))
    }

    /// The next line, and where it ended: what [`Self::consumed`] says after it.
    ///
    /// # Errors
    /// As [`Self::next_line`].
    pub fn next_with_end(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        let found = loop {
            if let Some(found) = self.splitter.find() {
                break found;
            }
            if self.ended.is_none() {
                self.read();
                continue;
            }
            if let Some(found) = self.splitter.find_rest() {
                break found;
            }
            return match self.ended.replace(None) {
                Some(Some(error)) => Err(error),
                _ => Ok(None),
            };
        };
        Ok(Some((self.splitter.consumed, self.splitter.line(found))))
    }

    /// Bytes of all lines handed out so far, with their ends.
    #[must_use]
    pub const fn consumed(&self) -> u64 {
        self.splitter.consumed()
    }

    /// The reader; what was read of it and not handed out is lost.
    pub fn into_reader(self) -> R {
        self.reader
    }

    fn read(&mut self) {
        match self.reader.read(self.splitter.space()) {
            Ok(0) => self.ended = Some(None),
            Ok(bytes) => self.splitter.filled(bytes),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => self.ended = Some(Some(error)),
        }
    }
}

#[cfg(test)]
mod tests;
