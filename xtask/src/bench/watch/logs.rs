//! The logs that are read: honest visitors of one day, written once and then in the page cache.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ratewarden_traffic::stream::{write_json, write_nginx};

/// The same calls each time.
const SEED: u64 = 5;
/// Lines of an address in the mean: what a site with a million lines a day has of hundreds of thousands of visits.
const LINES_OF_ADDRESS: u64 = 40;
/// Lines whose length says how many make a size.
const SAMPLE: u64 = 20_000;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// nginx's `combined`.
    Nginx,
    /// Flat JSON.
    Json,
}

/// A log on the disk.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) path: PathBuf,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// Distinct addresses.
    pub(super) addresses: u64,
}

impl Form {
    /// Writes lines of so many distinct addresses.
    pub(super) fn write(self, lines: u64, addresses: u64, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Nginx => write_nginx(lines, SEED, addresses, out),
            Self::Json => write_json(lines, SEED, addresses, out),
        }
    }
}

impl Log {
    /// Writes about so many bytes.
    pub(super) fn write(path: PathBuf, form: Form, bytes: u64) -> Result<Self> {
        let failed = || format!("could not write {}", path.display());
        let mut sample = Counted { out: io::sink(), bytes: 0 };
        form.write(SAMPLE, SAMPLE / LINES_OF_ADDRESS, &mut sample)?;
        let lines = (bytes * SAMPLE / sample.bytes).max(1);
        let addresses = lines.div_ceil(LINES_OF_ADDRESS);
        let mut file = Counted { out: File::create(&path).with_context(failed)?, bytes: 0 };
        form.write(lines, addresses, &mut file).with_context(failed)?;
        Ok(Self { lines, bytes: file.bytes, addresses, path })
    }

    /// The first lines of it as a log of their own; `None` where there are no more.
    pub(super) fn first(&self, lines: u64, folder: &Path) -> Result<Option<Self>> {
        if lines >= self.lines {
            return Ok(None);
        }
        let read = || format!("could not read {}", self.path.display());
        let mut from = BufReader::new(File::open(&self.path).with_context(read)?);
        let mut slice = Vec::new();
        for _ in 0..lines {
            from.read_until(b'\n', &mut slice).with_context(read)?;
        }
        let path = folder.join(format!("first-{lines}.log"));
        std::fs::write(&path, &slice).with_context(|| format!("could not write {}", path.display()))?;
        Ok(Some(Self { path, lines, bytes: slice.len() as u64, addresses: self.addresses }))
    }

    /// Reads it once, so that who comes first does not pay for the disk.
    pub(super) fn warm(&self) -> Result<()> {
        warm(&self.path).with_context(|| format!("could not read {}", self.path.display()))
    }

    /// For arguments.
    pub(super) fn name(&self) -> Result<&str> {
        self.path.to_str().context("the folder of the benchmark has a name that is not UTF-8")
    }
}

fn warm(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut block = vec![0; 1 << 20];
    while file.read(&mut block)? > 0 {}
    Ok(())
}

/// Counts what passes.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_about_the_bytes_and_exactly_the_lines_it_says() {
        let folder = tempfile::tempdir().unwrap();
        for form in [Form::Nginx, Form::Json] {
            let log = Log::write(folder.path().join("log"), form, 10_000_000).unwrap();
            let text = std::fs::read(&log.path).unwrap();
            assert_eq!(text.len() as u64, log.bytes);
            assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count() as u64, log.lines);
            assert!(log.bytes.abs_diff(10_000_000) < 500_000, "{log:?}");
            let slice = log.first(10, folder.path()).unwrap().unwrap();
            let first = std::fs::read(&slice.path).unwrap();
            assert!(slice.lines == 10 && text.starts_with(&first) && first.ends_with(b"\n"));
            assert!(log.first(log.lines, folder.path()).unwrap().is_none());
        }
    }
}
