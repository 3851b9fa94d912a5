//! Starts the demo API and runs the real binary against it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use ratewarden_demo::{DemoApi, DemoOptions, TokenBucket};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The demo API with the runtime it lives in, and a folder for files.
pub(crate) struct Bench {
    dir: TempDir,
    api: DemoApi,
    _runtime: Runtime,
}

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    /// Every weakness, no limit.
    pub(crate) fn weak() -> Self {
        Self::start(None)
    }

    /// 10 a second, burst 20.
    pub(crate) fn limited() -> Self {
        Self::start(Some(TokenBucket::default()))
    }

    fn start(limit: Option<TokenBucket>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let api = DemoApi::start(DemoOptions { limit, ..DemoOptions::default() }).unwrap();
        drop(entered);
        Self { dir: tempfile::tempdir().unwrap(), api, _runtime: runtime }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.api.url())
    }

    /// A file in the folder of this bench.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn argument(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    /// A scan of `/metrics` that takes about two seconds, with more arguments.
    pub(crate) fn scan(&self, arguments: &[&str]) -> Ran {
        self.scan_for("2s", arguments)
    }

    /// The same with so much time: enough for all that there is to find where the machine does other things as well.
    pub(crate) fn scan_for(&self, time: &str, arguments: &[&str]) -> Ran {
        let url = self.url("/metrics");
        let mut all = vec!["scan", &url, "--depth", "quick", "--max-time", time];
        all.extend(arguments);
        run(&all)
    }
}

/// The binary, with nothing of the tests' own terminal.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratewarden"));
    command.args(arguments).stdin(Stdio::null()).env_remove("RUST_BACKTRACE");
    command.env_remove("CLICOLOR_FORCE").env_remove("RATEWARDEN_HEADERS");
    command
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    Ran::of(&program(arguments).output().unwrap())
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// The code, and on failure what was said.
    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stderr: {}\nstdout: {}", self.stderr, self.stdout);
        self
    }

    /// One `error:` line and one `hint:` line that hold these words, and nothing on the standard output.
    #[track_caller]
    pub(crate) fn refuses(&self, error: &str, hint: &str) {
        self.ends_with(2);
        let lines: Vec<_> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", self.stderr);
        assert!(lines[0].starts_with("error: ") && lines[0].contains(error), "{error}: {}", self.stderr);
        assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "{hint}: {}", self.stderr);
        assert_eq!(self.stdout, "");
    }
}

/// A URL where nobody listens: a run that got so far as to connect ends with 3.
pub(crate) fn nobody() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/")
}
