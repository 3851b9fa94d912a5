//! The access log: one JSON line for each call, written by a thread of its own.
//!
//! A disk that hangs must not hold up a call. Lines wait in a queue with a cap; when it is full they are left out
//! and counted, and the next line that is written says how many are missing.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ratewarden_policy::AccessLog as Wanted;

/// Lines that may wait.
const WAITING: usize = 16_384;

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct AccessLog {
    lines: SyncSender<String>,
    missing: AtomicU64,
}

impl AccessLog {
    /// Opens the log that the policy wants, if any.
    ///
    /// # Errors
    /// When the file cannot be opened for appending, naming it.
    pub(crate) fn open(wanted: &Wanted) -> Result<Option<Self>, (PathBuf, io::Error)> {
        let writer: Box<dyn io::Write + Send> = match wanted {
            Wanted::Off => return Ok(None),
            Wanted::Stdout => Box::new(io::stdout()),
            Wanted::File(path) => Box::new(append(path).map_err(|error| (path.clone(), error))?),
        };
        let (lines, waiting) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        let started = thread.spawn(move || write(io::BufWriter::new(writer), &waiting));
        started.map_err(|error| (PathBuf::from("access-log"), error))?;
        Ok(Some(Self { lines, missing: AtomicU64::new(0) }))
    }

    /// Queues a line, which has no line end.
    pub(crate) fn line(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.missing.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let missing = self.missing.swap(0, Ordering::Relaxed);
        if missing > 0 && self.lines.try_send(format!(r#"{{"missing":{missing}}}"#)).is_err() {
            self.missing.fetch_add(missing, Ordering::Relaxed);
        }
    }
}

fn append(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Writes until nobody can send any more. What is there is flushed before the thread waits.
fn write(mut writer: io::BufWriter<Box<dyn io::Write + Send>>, lines: &Receiver<String>) {
    let mut failed = false;
    while let Ok(first) = lines.recv() {
        let mut written = writeln!(writer, "{first}");
        while let Ok(next) = lines.try_recv() {
            written = written.and_then(|()| writeln!(writer, "{next}"));
        }
        match written.and_then(|()| writer.flush()) {
            Ok(()) => failed = false,
            // Said once, not for every line of a full disk.
            Err(error) if !failed => {
                failed = true;
                tracing::error!(%error, "The access log cannot be written.");
            }
            Err(_) => {}
        }
    }
}
