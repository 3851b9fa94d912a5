//! The file that has the name, looked for at each poll: the same one, another, or none.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};

use memchr::memrchr;

use crate::source::{Encoding, MAX_LINE, Splitter};

use super::super::file::{Each, FollowedFile, Reading, head_of, id_of};
use super::super::saved::HEAD;
use super::super::{Event, Progress, Start};
use super::FollowedPath;

/// What a look at the name showed.
#[derive(PartialEq, Eq)]
pub(super) enum Look {
    Same,
    Changed,
}

impl FollowedPath {
    /// Looks whose name it is now.
    pub(super) fn look(
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
