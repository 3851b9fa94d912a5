//! A `watch --follow` that runs, and what it says, waited for by reading it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::program;

/// The longest that anything may take.
const LONGEST: Duration = Duration::from_secs(60);

/// A line that was said.
#[derive(Debug, Clone)]
pub(crate) enum Said {
    Out(String),
    Err(String),
}

/// A process that follows.
pub(crate) struct Following {
    child: Child,
    said: Receiver<Said>,
    /// Everything so far.
    pub(crate) all: Vec<Said>,
}

impl Following {
    /// Follows with findings in JSON, a line each.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["watch", "--follow", "--format", "json"];
        all.extend(arguments);
        let mut command = program(&all);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (say, said) = channel();
        read(child.stdout.take().unwrap(), say.clone(), Said::Out);
        read(child.stderr.take().unwrap(), say, Said::Err);
        Self { child, said, all: Vec::new() }
    }

    /// Waits until this holds of all that was said.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&[Said]) -> bool) {
        let began = Instant::now();
        while !holds(&self.all) {
            let left = LONGEST.saturating_sub(began.elapsed());
            match self.said.recv_timeout(left) {
                Ok(said) => self.all.push(said),
                Err(error) => panic!("{what}: {error}; it said {:#?}", self.all),
            }
        }
    }

    /// Waits until a note on the standard error has these words.
    #[track_caller]
    pub(crate) fn until_noted(&mut self, words: &str) {
        self.until(words, |all| {
            all.iter().any(|said| matches!(said, Said::Err(line) if line.contains(words)))
        });
    }

    /// Waits until so many findings have this state.
    #[track_caller]
    pub(crate) fn until_findings(&mut self, state: &str, count: usize) {
        self.until(&format!("{count} {state}"), |all| of_state(all, state).len() >= count);
    }

    /// Waits until this holds of the world, looking each time that something is said and now and then.
    #[track_caller]
    pub(crate) fn until_seen(&mut self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < LONGEST, "{what}; it said {:#?}", self.all);
            if let Ok(said) = self.said.recv_timeout(Duration::from_millis(20)) {
                self.all.push(said);
            }
        }
    }

    /// Findings of this state, as they are now.
    pub(crate) fn findings(&self, state: &str) -> Vec<Value> {
        of_state(&self.all, state)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end, and gives the exit code; `None` where a signal ended it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let began = Instant::now();
        // Both streams end when it does.
        loop {
            match self.said.recv_timeout(LONGEST.saturating_sub(began.elapsed())) {
                Ok(said) => self.all.push(said),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("it does not end: {error}"),
            }
        }
        self.child.wait().unwrap().code()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: impl Read + Send + 'static, say: Sender<Said>, how: fn(String) -> Said) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if say.send(how(line)).is_err() {
                break;
            }
        }
    });
}

fn of_state(all: &[Said], state: &str) -> Vec<Value> {
    let findings = all.iter().filter_map(|said| match said {
        Said::Out(line) => Some(serde_json::from_str::<Value>(line).unwrap()),
        Said::Err(_) => None,
    });
    findings.filter(|finding| finding["state"] == state).collect()
}

/// A server that writes a log.
pub(crate) struct Logger {
    path: PathBuf,
    file: File,
}

impl Logger {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: Self::open(path) }
    }

    fn open(path: &Path) -> File {
        File::options().create(true).append(true).open(path).unwrap()
    }

    /// Writes at once, or torn into pieces that do not end where lines do.
    pub(crate) fn write(&mut self, text: &str, piece: usize) {
        for bytes in text.as_bytes().chunks(piece) {
            self.file.write_all(bytes).unwrap();
        }
    }

    /// Moves the file away; a new one is begun.
    pub(crate) fn rotate(&mut self, to: &Path) {
        std::fs::rename(&self.path, to).unwrap();
        self.file = Self::open(&self.path);
    }

    /// Copies the file and empties it.
    pub(crate) fn copy_and_truncate(&mut self, to: &Path) {
        std::fs::copy(&self.path, to).unwrap();
        self.file.set_len(0).unwrap();
    }
}
