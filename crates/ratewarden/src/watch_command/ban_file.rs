//! Bans as lines of a file, for whatever reads them there (a firewall's script, a list of a load balancer).
//!
//! A line that a crash or a full disk has cut never becomes part of the next one: the file is looked at before the first
//! ban, and after a write that failed the next one begins a new line. What was written is brought to the disk once
//! before the position in the logs moves on, and not for each line; what could not be written is tried again then.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ratewarden_watch::Ban;

/// Bans that wait to be written.
const WAITING: usize = 1024;

/// A file of bans.
#[derive(Debug)]
pub(super) struct BanFile {
    path: PathBuf,
    file: Option<File>,
    /// What stands last is not a whole line.
    is_torn: bool,
    is_synced: bool,
    waiting: Vec<Ban>,
}

impl BanFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, file: None, is_torn: false, is_synced: true, waiting: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a ban.
    ///
    /// # Errors
    /// Why it is not written. It waits then, where there is room for it.
    pub(super) fn write(&mut self, ban: Ban) -> io::Result<()> {
        let written = self.append(&ban);
        if written.is_err() && self.waiting.len() < WAITING {
            self.waiting.push(ban);
        }
        written
    }

    /// Writes what waits, and brings it to the disk. Whether there is nothing left to do.
    pub(super) fn sync(&mut self) -> bool {
        while let Some(ban) = self.waiting.first().cloned() {
            if self.append(&ban).is_err() {
                return false;
            }
            self.waiting.remove(0);
        }
        if !self.is_synced {
            self.is_synced = self.file.as_ref().is_none_or(|file| file.sync_data().is_ok());
        }
        self.is_synced
    }

    fn append(&mut self, ban: &Ban) -> io::Result<()> {
        let mut line = if self.file.is_none() { Vec::new() } else { self.begin() };
        if self.file.is_none() {
            self.open()?;
            line = self.begin();
        }
        serde_json::to_writer(&mut line, ban)?;
        line.push(b'\n');
        let Some(file) = &mut self.file else { return Ok(()) };
        self.is_synced = false;
        let written = file.write_all(&line);
        self.is_torn = written.is_err();
        written
    }

    /// What a line begins with.
    fn begin(&self) -> Vec<u8> {
        if self.is_torn { vec![b'\n'] } else { Vec::new() }
    }

    fn open(&mut self) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&self.path)?;
        let mut last = [b'\n'];
        // A pipe has no end to look at, and nothing in it is torn.
        if file.metadata()?.len() > 0 && file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last)?;
        }
        self.is_torn = last != *b"\n";
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ratewarden_model::{Subject, SubjectKind};

    use super::*;

    fn ban(value: &str) -> Ban {
        Ban {
            subject: Subject::named(SubjectKind::Address, value),
            seconds: 60,
            until: "2026-11-28T01:02:03Z".to_owned(),
            reason: "watch.flood".to_owned(),
            fingerprint: value.to_owned(),
        }
    }

    fn lines(path: &Path) -> Vec<Option<Ban>> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).ok()).collect()
    }

    #[test]
    fn a_line_that_was_cut_does_not_become_part_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.ndjson");
        let mut whole = BanFile::new(path.clone());
        whole.write(ban("192.0.2.1")).unwrap();
        assert!(whole.sync());
        let text = fs::read(&path).unwrap();
        for kept in 1..text.len() {
            fs::write(&path, &text[..kept]).unwrap();
            let mut after = BanFile::new(path.clone());
            after.write(ban("192.0.2.2")).unwrap();
            after.write(ban("192.0.2.3")).unwrap();
            let last: Vec<_> = lines(&path).split_off(1);
            assert_eq!(last, [Some(ban("192.0.2.2")), Some(ban("192.0.2.3"))], "cut at {kept}");
        }
    }

    #[test]
    fn what_cannot_be_written_waits_and_is_written_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later").join("bans.ndjson");
        let mut file = BanFile::new(path.clone());
        assert!(file.write(ban("192.0.2.1")).is_err());
        assert!(!file.sync(), "the position must not move on");
        fs::create_dir(path.parent().unwrap()).unwrap();
        assert!(file.sync());
        assert_eq!(lines(&path), [Some(ban("192.0.2.1"))]);
    }
}
