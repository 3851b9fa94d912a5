//! Bans as lines of a file that a firewall or a program of your own reads.
//!
//! A line is written at once, and made safe before the position in the logs moves on: one sync for all of a second's bans. What
//! the disk does not take is kept and tried again, and holds the position until then, so a ban is written twice rather than
//! never. A line that was torn, by a crash or by a full disk, is never continued: what follows it begins a new one. When too
//! many wait a further ban is refused, so that whoever decided on it can do so again: pushed out it would count as placed.
//!
//! Whoever reads the file may take it away at any moment. Lines that are not safe yet are kept, and where the name is not the
//! file's any more, or the sync failed, they are written again to what has the name now. A named pipe is refused: while nobody
//! reads it, it would hold up the logs.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::ban::Ban;

/// Lines that wait for the disk.
const WAITING: usize = 1_024;
/// How often lines are written again at once, where the file is taken away meanwhile.
const TRIES: usize = 3;

/// A file of bans.
#[derive(Debug)]
pub struct BanFile {
    path: PathBuf,
    file: Option<File>,
    waiting: VecDeque<Vec<u8>>,
    /// What was written since the last sync.
    unsafe_lines: Vec<Vec<u8>>,
    /// The file was made since then.
    is_new: bool,
    /// What the file ends with may be a part of a line.
    is_torn: bool,
}

/// Why a ban is not in the file.
#[derive(Debug)]
pub enum Unwritten {
    /// The disk did not take it; [`BanFile::secure`] tries again.
    Waits(io::Error),
    /// 1 024 wait for the disk. It was not taken.
    Full,
}

impl BanFile {
    /// Bans go to the end of `path`, which is made with the first of them. Nothing that stands there is changed.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            waiting: VecDeque::new(),
            unsafe_lines: Vec::new(),
            is_new: false,
            is_torn: false,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether bans can be written there, as far as that is known before the first.
    ///
    /// # Errors
    /// When what has the name is neither a file nor a character device.
    pub fn check(&self) -> io::Result<()> {
        is_there(&self.path).map(drop)
    }

    /// Writes a ban.
    ///
    /// # Errors
    /// When the disk did not take it.
    pub fn add(&mut self, ban: &Ban) -> Result<(), Unwritten> {
        if self.waiting.len() >= WAITING {
            return Err(Unwritten::Full);
        }
        let mut line = serde_json::to_vec(ban).map_err(io::Error::from).map_err(Unwritten::Waits)?;
        line.push(b'\n');
        self.waiting.push_back(line);
        self.write().map_err(Unwritten::Waits)
    }

    /// Makes safe what was added.
    ///
    /// # Errors
    /// When something of it is not on the disk yet.
    pub fn secure(&mut self) -> io::Result<()> {
        for _ in 0..TRIES {
            self.write()?;
            // The next ban goes to what has the name then.
            let Some(file) = self.file.take() else { return Ok(()) };
            match is_safe(&file, &self.path, self.is_new) {
                Ok(true) => {
                    self.is_new = false;
                    self.unsafe_lines.clear();
                    return Ok(());
                }
                // Whoever reads it has taken it away meanwhile, perhaps before a line was in it.
                Ok(false) => self.take_back(),
                Err(error) => {
                    self.take_back();
                    return Err(error);
                }
            }
        }
        Err(io::Error::other("it is taken away again and again while bans are written"))
    }

    /// What is not safe is written again: twice rather than never.
    fn take_back(&mut self) {
        let lines = std::mem::take(&mut self.unsafe_lines);
        lines.into_iter().rev().for_each(|line| self.waiting.push_front(line));
    }

    fn write(&mut self) -> io::Result<()> {
        while let Some(line) = self.waiting.front() {
            let mut file = match self.file.take() {
                Some(file) => file,
                None => {
                    self.is_new |= !is_there(&self.path)?;
                    let (file, is_torn) = open(&self.path)?;
                    self.is_torn |= is_torn;
                    file
                }
            };
            let begin: &[u8] = if self.is_torn { b"\n" } else { b"" };
            // As one write, so that a reader sees whole lines as far as the system can help it.
            let written = file.write_all(&[begin, line.as_slice()].concat());
            self.is_torn = written.is_err();
            self.file = Some(file);
            written?;
            self.unsafe_lines.extend(self.waiting.pop_front());
        }
        Ok(())
    }
}

/// Whether something has the name.
fn is_there(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() || found.file_type().is_char_device() => Ok(true),
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a character device"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Brings a file to the disk, with its name where it `is_new`; whether it still has that name.
fn is_safe(file: &File, path: &Path, is_new: bool) -> io::Result<bool> {
    let ours = file.metadata()?;
    if !ours.is_file() {
        // A device has nothing to bring to a disk.
        return Ok(true);
    }
    file.sync_data()?;
    if is_new {
        let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            // A folder in which files can be made, and that nobody may look into.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    match std::fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The file, and whether its last line has no end.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    // A device has no end to look at.
    if !file.metadata()?.is_file() || file.metadata()?.len() == 0 {
        return Ok((file, false));
    }
    let mut last = [0];
    let mut reader = File::open(path)?;
    reader.seek(SeekFrom::End(-1))?;
    reader.read_exact(&mut last)?;
    Ok((file, last != *b"\n"))
}

#[cfg(test)]
mod tests {
    use ratewarden_model::{Subject, SubjectKind};

    use super::*;

    fn ban(address: &str) -> Ban {
        Ban {
            subject: Subject::named(SubjectKind::Address, address),
            seconds: 600,
            until: "2026-01-01T00:10:00Z".to_owned(),
            reason: "watch.flood".to_owned(),
            rule: "watch.flood".to_owned(),
            fingerprint: "f".to_owned(),
            id: 7,
            address: address.parse().ok(),
        }
    }

    fn values(path: &Path) -> Vec<Option<String>> {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n'), "{text}");
        let value = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(line["value"].as_str()?.to_owned())
        };
        text.lines().map(value).collect()
    }

    #[test]
    fn a_torn_last_line_is_never_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.ndjson");
        let mut file = BanFile::new(path.clone());
        file.add(&ban("192.0.2.1")).unwrap();
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
        let mut file = BanFile::new(path.clone());
        file.add(&ban("192.0.2.2")).unwrap();
        file.add(&ban("192.0.2.3")).unwrap();
        file.secure().unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&path), [some("192.0.2.1"), None, some("192.0.2.2"), some("192.0.2.3")]);
    }

    #[test]
    fn what_could_not_be_written_is_not_safe_until_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later").join("bans.ndjson");
        let mut file = BanFile::new(path.clone());
        file.secure().unwrap();
        assert!(file.add(&ban("192.0.2.1")).is_err() && file.secure().is_err());
        std::fs::create_dir(folder.path().join("later")).unwrap();
        file.secure().unwrap();
        assert_eq!(values(&path), [Some("192.0.2.1".to_owned())]);
    }

    #[test]
    fn a_file_that_was_taken_away_begins_anew_and_a_device_is_safe_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        let mut file = BanFile::new(path.clone());
        file.add(&ban("192.0.2.1")).unwrap();
        file.secure().unwrap();
        std::fs::rename(&path, folder.path().join("taken")).unwrap();
        file.add(&ban("192.0.2.2")).unwrap();
        assert_eq!(values(&path), [Some("192.0.2.2".to_owned())]);
        let mut device = BanFile::new("/dev/null".into());
        device.add(&ban("192.0.2.1")).unwrap();
        device.secure().unwrap();
    }

    #[test]
    fn a_line_that_is_not_safe_when_the_file_is_taken_away_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        let mut file = BanFile::new(path.clone());
        file.add(&ban("192.0.2.1")).unwrap();
        file.secure().unwrap();
        file.add(&ban("192.0.2.2")).unwrap();
        std::fs::rename(&path, folder.path().join("taken")).unwrap();
        file.add(&ban("192.0.2.3")).unwrap();
        file.secure().unwrap();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(values(&path), [some("192.0.2.2"), some("192.0.2.3")], "twice rather than never");
        file.secure().unwrap();
        assert_eq!(values(&path).len(), 2);
    }

    #[test]
    fn a_line_whose_sync_failed_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans");
        let mut file = BanFile::new(path.clone());
        file.add(&ban("192.0.2.1")).unwrap();
        // What has the name cannot be asked, as after an error of the disk.
        std::fs::rename(&path, folder.path().join("taken")).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(file.secure().is_err());
        std::fs::remove_dir(&path).unwrap();
        file.secure().unwrap();
        assert_eq!(values(&path), [Some("192.0.2.1".to_owned())]);
    }

    #[test]
    fn a_named_pipe_is_refused_before_it_can_hold_up_anything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut file = BanFile::new(path);
        assert!(file.check().unwrap_err().to_string().contains("neither a file"));
        assert!(matches!(file.add(&ban("192.0.2.1")), Err(Unwritten::Waits(_))));
        assert!(BanFile::new("/dev/null".into()).check().is_ok());
        assert!(BanFile::new(folder.path().join("none")).check().is_ok());
    }

    #[test]
    fn after_a_write_that_failed_a_new_line_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bans.ndjson");
        std::fs::write(&path, "").unwrap();
        let mut file = BanFile::new(path.clone());
        // A descriptor that takes nothing, as a disk does that is full.
        file.file = Some(File::open(&path).unwrap());
        assert!(file.add(&ban("192.0.2.1")).is_err() && file.secure().is_err());
        file.file = None;
        file.secure().unwrap();
        assert_eq!(values(&path), [None, Some("192.0.2.1".to_owned())]);
    }

    #[test]
    fn lines_that_wait_for_the_disk_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = BanFile::new(folder.path().join("none").join("bans.ndjson"));
        for _ in 0..WAITING {
            assert!(matches!(file.add(&ban("192.0.2.1")), Err(Unwritten::Waits(_))));
        }
        assert!(matches!(file.add(&ban("192.0.2.2")), Err(Unwritten::Full)), "it is not let go in silence");
        assert_eq!(file.waiting.len(), WAITING);
    }
}
