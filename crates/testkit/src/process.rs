//! One server in a process group of its own, with a folder of its own, that cannot outlive us.
//!
//! The group is led by a shell that waits for two things: the server's end, and the end of its standard input,
//! a pipe only we hold. When the pipe closes it kills the whole group. So dropping the handle stops nginx with
//! its workers, and so does a test process that was itself killed. `PR_SET_PDEATHSIG` was rejected: it fires
//! when the *thread* that started the server ends, and tests start servers on short-lived threads.

use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::StartError;
use crate::http;
use crate::port::Port;

/// How long a server may take to answer. Envoy and Flask need about a second on two busy cores.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two questions whether it is up.
const PAUSE: Duration = Duration::from_millis(10);
/// How much of a log an error shows, in bytes.
const LOG_SHOWN: usize = 4_000;

/// `$@` is the server. Descriptor 3 is the pipe from us; the server must not inherit it.
const LEADER: &str = r#"
exec 3<&0 </dev/null
( read -r _ <&3; kill -KILL 0 ) &
exec 3<&-
"$@" &
wait $!
"#;

/// What a server needs before its command line can be written: a port and a folder.
#[derive(Debug)]
pub(crate) struct Place {
    name: &'static str,
    port: Port,
    folder: TempDir,
}

impl Place {
    /// Reserves a port and makes a folder for the server of this name.
    pub(crate) fn prepare(name: &'static str) -> Result<Self, StartError> {
        let port = Port::reserve().map_err(StartError::machine(name, "reserve a port"))?;
        let folder = tempfile::Builder::new().prefix("ratewarden-").tempdir();
        Ok(Self { name, port, folder: folder.map_err(StartError::machine(name, "make a folder"))? })
    }

    /// The port it shall listen on.
    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// The folder for its files, gone with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a configuration file into the folder.
    pub(crate) fn write(&self, file: &str, text: &str) -> Result<std::path::PathBuf, StartError> {
        let path = self.folder().join(file);
        fs::write(&path, text).map_err(StartError::machine(self.name, "write the configuration"))?;
        Ok(path)
    }

    /// Starts the command and waits until it answers.
    pub(crate) fn start(self, command: &Command) -> Result<Process, StartError> {
        let mut process = spawn(&self, command).map(|leader| Process { leader, place: self }).map_err(
            |(name, source)| StartError::Machine { server: name, doing: "start the program", source },
        )?;
        process.wait_until_it_answers()?;
        Ok(process)
    }
}

/// Starts the leader with the server below it.
fn spawn(place: &Place, command: &Command) -> Result<Child, (&'static str, io::Error)> {
    let named = |error| (place.name, error);
    let log = File::create(place.folder().join("log")).map_err(named)?;
    let mut leader = Command::new("/bin/sh");
    leader.args(["-c", LEADER, place.name]).arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        if let Some(value) = value {
            leader.env(variable, value);
        }
    }
    leader.current_dir(place.folder()).process_group(0).stdin(Stdio::piped());
    leader.stdout(log.try_clone().map_err(named)?).stderr(log);
    leader.spawn().map_err(named)
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Process {
    leader: Child,
    place: Place,
}

impl Process {
    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.place.port.address()
    }

    /// Its process group, which has the leader's number.
    pub(crate) fn group(&self) -> u32 {
        self.leader.id()
    }

    /// The end of what it printed so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.place.folder().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_SHOWN)..]).into_owned()
    }

    fn wait_until_it_answers(&mut self) -> Result<(), StartError> {
        let server = self.place.name;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) =
                self.ended().map_err(StartError::machine(server, "ask after the program"))?
            {
                return Err(StartError::Exited { server, status, log: self.log() });
            }
            if http::get(self.address(), crate::READY_PATH).is_ok_and(|answer| answer.status == 204) {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        Err(StartError::Silent { server, waited: PATIENCE, log: self.log() })
    }

    fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.leader.try_wait()
    }
}

impl Drop for Process {
    /// Returns when nothing listens any more, so that a test can say "it is gone" at once.
    fn drop(&mut self) {
        // Closing the pipe is the order to stop. `wait` closes it too, but only after taking it here is it plain.
        drop(self.leader.stdin.take());
        let _ = self.leader.wait();
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && TcpStream::connect(self.address()).is_ok() {
            std::thread::sleep(PAUSE);
        }
    }
}
