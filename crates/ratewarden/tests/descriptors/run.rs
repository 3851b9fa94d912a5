//! The real gateway with few file descriptors, and a server behind it that can be made to wait.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http2::Http2Client;

/// Longer than anything takes, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const POLICY: &str = "ratewarden.toml";

/// What a gateway is started with.
#[derive(Clone)]
pub(crate) struct Setup {
    /// A line of a shell.
    pub(crate) limits: &'static str,
    /// Host and port.
    pub(crate) upstream: String,
    /// Whether the upstream's health is checked.
    pub(crate) is_checked: bool,
    pub(crate) threads: u32,
    pub(crate) connections: u32,
    pub(crate) idle: &'static str,
}

/// A running gateway; ended when it is dropped.
pub(crate) struct Gateway {
    child: Child,
    http: SocketAddr,
    admin: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

/// A server that answers everything, but `/slow` only when it is let.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) waiting: Arc<AtomicUsize>,
    let_go: Arc<(Mutex<bool>, Condvar)>,
}

/// A client's connection.
pub(crate) struct Client(BufReader<TcpStream>);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Setup {
    /// One worker before one server, and nothing ends by itself while a test lasts.
    pub(crate) fn new(limits: &'static str, upstream: &impl ToString) -> Self {
        let upstream = upstream.to_string();
        Self { limits, upstream, is_checked: true, threads: 1, connections: 20_000, idle: "20h" }
    }

    /// Puts the policy in its place as a whole.
    fn write(&self, folder: &Path) {
        let Self { upstream, threads, connections, idle, .. } = self;
        let health =
            "health = { path = \"/health\", every = \"250ms\", timeout = \"250ms\", unhealthy-after = 2 }\n";
        let health = if self.is_checked { health } else { "" };
        let policy = format!(
            "[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nthreads = {threads}\n\
             [upstream]\nurl = \"http://{upstream}\"\n{health}\
             [caps]\nconnections = {connections}\n\
             [timeouts]\nshutdown = \"100ms\"\nheader = \"1h\"\nidle = \"{idle}\"\n"
        );
        let draft = folder.join("draft");
        std::fs::write(&draft, policy).unwrap();
        std::fs::rename(draft, folder.join(POLICY)).unwrap();
    }

    pub(crate) fn start(&self) -> Gateway {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                &format!("{} && exec \"$0\" guard -c \"$1\"", self.limits),
                env!("CARGO_BIN_EXE_ratewarden"),
            ])
            .arg(folder.path().join(POLICY))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let (lines, written) = (BufReader::new(child.stderr.take().unwrap()).lines(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                written.lock().unwrap().push(line);
            }
        });
        let said = |before: &str| {
            let log = log.lock().unwrap();
            let address =
                log.iter().find_map(|line| Some(line.split_once(before)?.1.strip_suffix('.')?.to_owned()));
            address.map(|address| address.parse().unwrap())
        };
        wait_until(|| {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{:?}", log.lock().unwrap());
            said("admin listener is http://").is_some()
        });
        let (http, admin) =
            (said("Listening on http://").unwrap(), said("admin listener is http://").unwrap());
        Gateway { child, http, admin, log, folder }
    }
}

impl Gateway {
    /// Puts another policy in force.
    pub(crate) fn reload(&self, setup: &Setup) {
        // It may not have looked at the file yet when that changes for the first time.
        wait_until(|| {
            setup.write(self.folder.path());
            !self.said("Policy reloaded.").is_empty()
        });
    }

    pub(crate) fn client_of_http2(&self) -> Http2Client {
        Http2Client::connect(self.http)
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.http)
    }

    pub(crate) fn operator(&self) -> Client {
        Client::connect(self.admin)
    }

    /// Lines of its log that hold these words.
    pub(crate) fn said(&self, words: &str) -> Vec<String> {
        self.log.lock().unwrap().iter().filter(|line| line.contains(words)).cloned().collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (waiting, let_go) = (Arc::default(), Arc::<(Mutex<bool>, Condvar)>::default());
        let upstream = Self { address, waiting: Arc::clone(&waiting), let_go: Arc::clone(&let_go) };
        // Ends with the test's process; each connection with its client.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (waiting, let_go) = (Arc::clone(&waiting), Arc::clone(&let_go));
                std::thread::spawn(move || serve(stream, &waiting, &let_go));
            }
        });
        upstream
    }

    /// Answers what waits, and everything from now on.
    pub(crate) fn let_go(&self) {
        *self.let_go.0.lock().unwrap() = true;
        self.let_go.1.notify_all();
    }
}

fn serve(stream: TcpStream, waiting: &AtomicUsize, let_go: &(Mutex<bool>, Condvar)) {
    let mut reader = BufReader::new(stream);
    while let Some(head) = head(&mut reader) {
        if head.starts_with("GET /slow ") {
            waiting.fetch_add(1, Ordering::SeqCst);
            drop(let_go.1.wait_while(let_go.0.lock().unwrap(), |let_go| !*let_go).unwrap());
        }
        if reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    pub(crate) fn read(&mut self) -> Answer {
        let head = head(&mut self.0).expect("an answer");
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|length| length.trim().to_owned())
        });
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: a\r\n\r\n"));
        self.read()
    }

    /// What a metric says, as the operator sees it.
    pub(crate) fn metric(&mut self, name: &str) -> u64 {
        let page = self.get("/metrics").body;
        let found = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("{name} is not there: {page}")).parse().unwrap()
    }
}

/// A head with its empty line; `None` where the connection ends first.
fn head(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// Asks until it is so.
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never was so");
        std::thread::yield_now();
    }
}
