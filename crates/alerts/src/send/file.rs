//! A file of JSON lines, on the disk before a message counts as delivered.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Outcome;
use crate::item::Batch;
use crate::payload::{From, json};

/// Appends to one file, which is opened anew each time so that it can be rotated.
pub(super) struct Lines {
    path: PathBuf,
    /// Held while something is written: a try that was given up may still hang on a file server.
    writing: Arc<Mutex<()>>,
}

impl Lines {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, writing: Arc::default() }
    }

    pub(super) async fn send(&self, batch: &Batch, from: &From) -> Outcome {
        let (path, lines) = (self.path.clone(), json::lines(batch, from));
        let writing = Arc::clone(&self.writing);
        let written = tokio::task::spawn_blocking(move || match writing.try_lock() {
            Ok(_alone) => append(&path, lines),
            Err(_) => Err(std::io::Error::other("an earlier try has not ended")),
        });
        let written = written.await;
        match written {
            Ok(Ok(())) => Outcome::Delivered,
            Ok(Err(error)) => Outcome::failed(format!("cannot write {}: {error}", self.path.display())),
            Err(error) => Outcome::failed(error.to_string()),
        }
    }
}

/// All lines or none: what was written of them when the disk became full is taken back. A line that a crash tore gets its
/// end first, so that it spoils no other.
fn append(path: &Path, mut lines: String) -> std::io::Result<()> {
    let mut options = File::options();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let before = file.metadata()?;
    if before.is_file() && is_torn(&mut file, before.len())? {
        lines.insert(0, '\n');
    }
    let written = file.write_all(lines.as_bytes()).and_then(|()| sync(&file, &before));
    if written.is_err() && before.is_file() {
        file.set_len(before.len())?;
    }
    written
}

/// Devices and pipes cannot be synced, and need not be.
fn sync(file: &File, metadata: &std::fs::Metadata) -> std::io::Result<()> {
    if metadata.is_file() { file.sync_data() } else { Ok(()) }
}

fn is_torn(file: &mut File, length: u64) -> std::io::Result<bool> {
    if length == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.ndjson");
        append(&path, "{}\n".into()).unwrap();
        File::options().append(true).open(&path).unwrap().write_all(b"{\"torn").unwrap();
        append(&path, "{}\n{}\n".into()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n{\"torn\n{}\n{}\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error() {
        let error = append(Path::new("/dev/full"), "{}\n".into()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
}
