//! Runs the real binary, bounded in time and output, and says how it ended.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest a scan with `--max-time 5s` may take, the slowness of a debug build on a busy machine included.
pub(crate) const LONGEST: Duration = Duration::from_secs(25);
/// The most memory a scan may use.
pub(crate) const MAX_KIB: u64 = 300 * 1024;
/// The most output that is looked at; more is a failure by itself.
const MAX_OUTPUT: u64 = 64 * 1024 * 1024;

/// One run to be made.
pub(crate) struct Run {
    dir: TempDir,
    arguments: Vec<String>,
    files: Vec<&'static str>,
}

/// How a run ended.
pub(crate) struct Outcome {
    /// None when it had to be killed, or died by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) peak_kib: u64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// The files of `-o`, by name; missing ones are left out.
    pub(crate) files: BTreeMap<&'static str, Vec<u8>>,
    /// The files of `-o` that were not written.
    missing: Vec<&'static str>,
}

impl Run {
    /// `scan URL --max-time 5s`, pretty on stdout and every other format into a file.
    pub(crate) fn scan(url: &str) -> Self {
        let mut run = Self::bare(url).with(&["--max-time", "5s"]);
        for name in ["report.json", "report.sarif", "report.xml", "report.md", "report.html"] {
            let path = run.path(name).display().to_string();
            run.files.push(name);
            run = run.with(&["-o", &path]);
        }
        run
    }

    /// `scan URL` alone.
    pub(crate) fn bare(url: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, arguments: vec!["scan".to_owned(), url.to_owned()], files: Vec::new() }
    }

    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Writes a file for the run and gives its path as the value of an option.
    pub(crate) fn with_file(self, option: &str, name: &str, content: &[u8]) -> Self {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        let path = path.display().to_string();
        self.with(&[option, &path])
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs it to its end, or kills it when it does not come to one.
    pub(crate) fn finish(self) -> Outcome {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ratewarden"))
            .args(&self.arguments)
            .current_dir(self.dir.path())
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let (status, peak_kib) = wait(child, started);
        let files: BTreeMap<_, _> =
            self.files.iter().filter_map(|&name| Some((name, fs::read(self.path(name)).ok()?))).collect();
        Outcome {
            code: status.and_then(|status| status.code()),
            took: started.elapsed(),
            peak_kib,
            missing: self.files.iter().copied().filter(|name| !files.contains_key(name)).collect(),
            files,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
        }
    }
}

impl Outcome {
    /// Everything it wrote, with where it wrote it.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let streams = [("stdout", self.stdout.as_slice()), ("stderr", self.stderr.as_slice())];
        streams.into_iter().chain(self.files.iter().map(|(&name, bytes)| (name, bytes.as_slice())))
    }

    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The JSON report, where one was written.
    pub(crate) fn report(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(self.files.get("report.json")?).ok()
    }

    /// What no run may do, whatever the target did; and how it may end. Empty when all is well.
    pub(crate) fn faults(&self, codes: &[i32]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        let stderr = self.stderr_text();
        let tail: String = stderr.chars().take(600).collect();
        let ended = self.code.is_some_and(|code| codes.contains(&code));
        check(ended, format!("exit code {:?}, expected one of {codes:?}; stderr: {tail}", self.code));
        check(self.took < LONGEST, format!("it took {:?}", self.took));
        check(self.peak_kib < MAX_KIB, format!("it used {} KiB", self.peak_kib));
        check((self.stdout.len() as u64) < MAX_OUTPUT, "stdout has no end".to_owned());
        check(!stderr.contains("panicked"), format!("it panicked: {tail}"));
        if matches!(self.code, Some(2 | 3)) {
            for word in ["error:", "hint:"] {
                let said = stderr.lines().any(|line| line.starts_with(word));
                check(said, format!("stderr has no `{word}` line: {tail}"));
            }
        }
        if matches!(self.code, Some(0 | 1)) {
            check(self.missing.is_empty(), format!("it did not write {:?}", self.missing));
        }
        for (place, bytes) in self.written() {
            check(std::str::from_utf8(bytes).is_ok(), format!("{place} is not UTF-8"));
            check(!has_controls(bytes), format!("{place} has control characters"));
        }
        faults
    }
}

/// ESC, BEL and the like as they are, or C1 controls: bytes that a terminal obeys.
fn has_controls(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
}

fn collect(stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Whatever was read before an error is what there is.
        let _ = stream.take(MAX_OUTPUT).read_to_end(&mut bytes);
        bytes
    })
}

/// How often the memory is looked at: its peak can only be read while the process lives.
const LOOK: Duration = Duration::from_millis(5);

/// Waits for the end, and looks at the memory meanwhile; kills what does not end.
fn wait(mut child: Child, started: Instant) -> (Option<ExitStatus>, u64) {
    let process = child.id();
    let (tell, ended) = channel();
    std::thread::spawn(move || tell.send(child.wait()));
    let mut peak_kib = 0;
    loop {
        peak_kib = peak_kib.max(high_water_kib(process).unwrap_or(0));
        if let Ok(status) = ended.recv_timeout(LOOK) {
            return (Some(status.unwrap()), peak_kib);
        }
        if started.elapsed() > LONGEST {
            // It may have ended this very moment.
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
            return (None, peak_kib);
        }
    }
}

/// `VmHWM` of Linux; None elsewhere and when the process is gone.
fn high_water_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
