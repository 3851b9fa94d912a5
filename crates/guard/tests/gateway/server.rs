//! A server that answers with what it got, and a client that sends bytes as they are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ratewarden_guard::{Guard, GuardError, Surroundings};
use tempfile::TempDir;

/// The plainest call.
pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A server whose answer's body is the request as it came in: head, then body without framing.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    /// Requests it has answered.
    pub(crate) answered: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answered = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&answered);
        // Ends with the test's process; each connection with its client.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let counter = Arc::clone(&counter);
                std::thread::spawn(move || while answer(&stream, &counter) {});
            }
        });
        Self { address, answered }
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: &TcpStream, counter: &AtomicUsize) -> bool {
    let Some((head, mut seen)) = read_message(stream) else { return false };
    let mut more = String::new();
    if head.starts_with(&format!("GET {} ", ratewarden_testkit::READY_PATH)) {
        return stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_ok();
    }
    if head.starts_with("GET /upgrade ") {
        let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
        let mut bytes = [0; 64];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            stream.write_all(&bytes[..count]).unwrap();
        }
        return false;
    }
    if head.starts_with("GET /price ") {
        more.push_str("x-cost: 7\r\n");
    }
    if head.starts_with("GET /garbage ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab").unwrap();
        return false;
    }
    if head.starts_with("GET /until-close ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nall there is").unwrap();
        return false;
    }
    let head_is_wrong_login = head.starts_with("POST /login ");
    let mut body = head.into_bytes();
    body.append(&mut seen);
    counter.fetch_add(1, Ordering::SeqCst);
    let status = if head_is_wrong_login { "401 Unauthorized" } else { "200 OK" };
    let answer = format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\n\r\n", body.len());
    stream.write_all(&[answer.as_bytes(), &body].concat()).is_ok()
}

/// Reads a message: its head, and its body without framing.
pub(crate) fn read_message(stream: impl Read) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let field = |name: &str| {
        head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix(name).map(|value| value.trim().to_owned())
        })
    };
    let mut body = Vec::new();
    if let Some(length) = field("content-length:") {
        body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut body).ok()?;
    } else if field("transfer-encoding:").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }
    Some((head, body))
}

/// For clients and servers that a test expects to answer, on a machine that may be busy with other things.
const PATIENT: &str = "header = \"30s\"\nbody = \"30s\"\nresponse = \"30s\"";
/// For those that a test expects to be given up.
const IMPATIENT: &str = "header = \"500ms\"\nbody = \"500ms\"\nresponse = \"1s\"";

/// A running gateway; ended when it is dropped.
pub(crate) struct Gateway {
    guard: Option<Guard>,
    pub(crate) folder: TempDir,
    upstream: SocketAddr,
    timeouts: &'static str,
}

impl Gateway {
    /// A gateway in front of `upstream`, with `rules` for the rest of its policy.
    pub(crate) fn start(upstream: SocketAddr, rules: &str) -> Self {
        Self::start_with(upstream, "", rules)
    }

    /// One that gives up clients within half a second, and servers within one.
    pub(crate) fn start_impatient(upstream: SocketAddr, keys: &str, rules: &str) -> Self {
        Self::build(upstream, keys, rules, IMPATIENT)
    }

    /// The same with further keys of `[upstream]`.
    pub(crate) fn start_with(upstream: SocketAddr, keys: &str, rules: &str) -> Self {
        Self::build(upstream, keys, rules, PATIENT)
    }

    fn build(upstream: SocketAddr, keys: &str, rules: &str, timeouts: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policy =
            policy(upstream, rules, timeouts).replace("\n[timeouts]", &format!("\n{keys}[timeouts]"));
        let mut gateway = Self::of(folder, &policy);
        (gateway.upstream, gateway.timeouts) = (upstream, timeouts);
        gateway
    }

    /// One with this whole policy, in a folder that has the files it names.
    pub(crate) fn of(folder: TempDir, policy: &str) -> Self {
        std::fs::write(folder.path().join("ratewarden.toml"), policy).unwrap();
        let guard = Guard::start(&folder.path().join("ratewarden.toml"));
        let guard = Some(guard.unwrap_or_else(|error| panic!("{error}")));
        Self { guard, folder, upstream: ([127, 0, 0, 1], 1).into(), timeouts: PATIENT }
    }

    /// One in whose surroundings somebody is told of findings.
    pub(crate) fn start_in(upstream: SocketAddr, rules: &str, surroundings: Arc<dyn Surroundings>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratewarden.toml");
        std::fs::write(&file, policy(upstream, rules, PATIENT)).unwrap();
        let guard = Guard::start_in(&file, surroundings).unwrap_or_else(|error| panic!("{error}"));
        Self { guard: Some(guard), folder, upstream, timeouts: PATIENT }
    }

    /// Why a gateway with these rules does not start.
    pub(crate) fn refusal(rules: &str) -> GuardError {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratewarden.toml");
        std::fs::write(&file, policy(([127, 0, 0, 1], 1).into(), rules, PATIENT)).unwrap();
        Guard::start(&file).map(Guard::stop).unwrap_err()
    }

    pub(crate) fn guard(&self) -> &Guard {
        self.guard.as_ref().unwrap()
    }

    /// Writes other rules; they are not in force before a reload.
    pub(crate) fn write(&self, rules: &str) {
        std::fs::write(
            self.folder.path().join("ratewarden.toml"),
            policy(self.upstream, rules, self.timeouts),
        )
        .unwrap();
    }

    /// Puts another server behind the gateway, at the next reload.
    pub(crate) fn write_upstream(&self, upstream: SocketAddr) {
        std::fs::write(self.folder.path().join("ratewarden.toml"), policy(upstream, "", self.timeouts))
            .unwrap();
    }

    pub(crate) fn stop(&mut self) {
        self.guard.take().unwrap().stop();
    }

    /// Replaces the gateway by another that takes its listeners over.
    pub(crate) fn restart(&mut self) {
        let old = self.guard.take().unwrap();
        let successor = Guard::take_over(&self.folder.path().join("ratewarden.toml"));
        self.guard = Some(successor.unwrap_or_else(|error| panic!("{error}")));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(old.taken_over());
        old.stop();
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.guard().http()[0]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// A connection from another address of this machine: 127.0.0.`last`.
    pub(crate) fn connect_from(&self, last: u8) -> TcpStream {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into()).unwrap();
        socket.connect(&self.guard().http()[0].into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends `bytes` on a connection of their own and reads one answer.
    pub(crate) fn send(&self, bytes: &str) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        Answer::read(&stream).expect("an answer")
    }

    /// A GET with further field lines.
    pub(crate) fn get(&self, target: &str, fields: &str) -> Answer {
        self.send(&format!("GET {target} HTTP/1.1\r\nhost: a.test\r\n{fields}\r\n"))
    }
}

/// Sends `bytes` to `address` and reads one answer.
pub(crate) fn exchange(address: SocketAddr, bytes: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    Answer::read(&stream).expect("an answer")
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            guard.stop();
        }
    }
}

fn policy(upstream: SocketAddr, rules: &str, timeouts: &str) -> String {
    let (listen, rest) = match rules.split_once("---") {
        Some((listen, rest)) => (listen, rest),
        None => ("", rules),
    };
    format!(
        "[listen]\nhttp = \"127.0.0.1:0\"\nthreads = 2\n{listen}\n[upstream]\nurl = \"http://{upstream}\"\n\
         [timeouts]\nshutdown = \"200ms\"\n{timeouts}\n{rest}\n"
    )
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Reads one; `None` when the connection ends first.
    pub(crate) fn read(stream: impl Read) -> Option<Self> {
        let (head, body) = read_message(stream)?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The log has a writer of its own, so its lines come a moment after the answers.
/// Asks until it is so, for at most this long.
pub(crate) fn wait_until(patience: Duration, is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience, "it never was so");
        std::thread::yield_now();
    }
}

pub(crate) fn wait_for_lines(log: &std::path::Path, count: usize) -> Vec<serde_json::Value> {
    let begun = std::time::Instant::now();
    loop {
        let text = std::fs::read_to_string(log).unwrap();
        if text.lines().count() >= count || begun.elapsed().as_secs() > 20 {
            return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        std::thread::yield_now();
    }
}
