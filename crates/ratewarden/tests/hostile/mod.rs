//! A server that does everything a server should not, on loopback, with threads and sockets alone.
//!
//! It is built on `std::net` on purpose: an HTTP library would keep it from being as wrong as it has to be. Every wait
//! of it ends when the server is dropped or the peer goes away, and connections beyond a cap are closed at once.

mod answers;
mod behaviour;
mod run;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) use run::{Outcome, Run};

/// What the server does with every connection.
#[derive(Debug, Clone)]
pub(crate) enum Mode {
    /// Answers properly; the control of every other mode.
    Polite,
    /// Reads and says nothing.
    NeverAnswers,
    /// Bytes that are no protocol at all.
    Garbage,
    /// A body without a status line, as HTTP/0.9 had it.
    NoStatusLine,
    /// `103 Early Hints`, again and again.
    OnlyInterim,
    /// Header fields without end.
    HeadersForever,
    /// 100 000 header fields, then a body.
    ManyHeaders,
    /// A chunked body without end.
    BodyForever,
    /// Announces 1 GB and sends it.
    Gigabyte,
    /// `/a` leads to `/b` and back.
    RedirectCircle,
    /// Leads to this URL.
    RedirectAway(String),
    /// Closes before, within or after the answer.
    ClosesAtRandom(u64),
    /// Closes without reading.
    ClosesAtOnce,
    /// A good answer, one byte each 200 ms.
    Drip,
    /// A good header, then half a body, then nothing.
    HangsInBody,
    /// 500, always.
    AlwaysFails,
    /// Announces more than it sends, then closes.
    LengthTooLong,
    /// Announces less than it sends.
    LengthTooShort,
    /// Terminal escape sequences and invalid UTF-8 wherever HTTP lets them through; after a while also in rejections.
    Escapes,
    /// The same in header values, where HTTP does not let them through.
    EscapesInHeaders,
    /// A compressed body that nobody asked for, 100 MB when unpacked.
    GzipBomb,
    /// Slower with each request of the last seconds, unevenly: a server that suffers.
    Suffers,
    /// Mostly 500 after the first requests.
    Breaks,
    /// A proper answer over TLS, with a certificate that nobody trusts.
    SelfSigned,
    /// Writes the request's header back, in this place.
    Echo(Echo),
}

/// Where a request's header is written back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// A JSON body.
    Body,
    /// `Server` and other fields that reports like to show.
    Fields,
    /// The target of a redirect.
    Location,
    /// A status line that is none.
    StatusLine,
    /// The body and the fields of a rejection, after some good answers.
    Rejection,
    /// A cursor in base64.
    Cursor,
}

/// A running hostile server.
pub(crate) struct Hostile {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the threads of one server share.
pub(crate) struct Shared {
    pub(crate) mode: Mode,
    pub(crate) connections: AtomicU64,
    pub(crate) requests: AtomicU64,
    stopping: Mutex<bool>,
    stopped: Condvar,
}

impl Shared {
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.lock().unwrap()
    }

    /// Waits, but no longer than the server lives.
    pub(crate) fn sleep(&self, duration: Duration) {
        let stopping = self.stopping.lock().unwrap();
        drop(self.stopped.wait_timeout_while(stopping, duration, |stopping| !*stopping).unwrap());
    }
}

/// Connections at a time.
const MAX_CONNECTIONS: usize = 200;

impl Hostile {
    pub(crate) fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mode,
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            stopping: Mutex::new(false),
            stopped: Condvar::new(),
        });
        let tls = matches!(shared.mode, Mode::SelfSigned).then(behaviour::self_signed);
        let for_thread = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || {
            // The one count of who is still served: a thread that ends drops its clone.
            let alive = Arc::new(());
            for stream in listener.incoming() {
                if for_thread.is_stopping() {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let number = for_thread.connections.fetch_add(1, Ordering::Relaxed);
                if Arc::strong_count(&alive) > MAX_CONNECTIONS {
                    continue;
                }
                let (shared, tls, alive) = (Arc::clone(&for_thread), tls.clone(), Arc::clone(&alive));
                std::thread::spawn(move || {
                    // That the peer went away is what it is here for.
                    let _ = behaviour::connection(stream, number, &shared, tls);
                    drop(alive);
                });
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    /// `http://127.0.0.1:PORT` with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same with https.
    pub(crate) fn tls_url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// How many whole requests came.
    pub(crate) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        *self.shared.stopping.lock().unwrap() = true;
        self.shared.stopped.notify_all();
        // The accepting thread waits for a connection: this is one.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

/// A port of 127.0.0.1 that refuses connections.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Dice that fall the same way each time.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `sides` (xorshift64).
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Reads one request's header and drops a body of known length; None when the peer is done.
pub(crate) fn read_request(stream: &mut (impl Read + ?Sized), shared: &Shared) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        // A TLS greeting on a port that does not speak TLS: what follows is answered as it stands.
        if bytes.first() == Some(&0x16) {
            break bytes.len();
        }
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if is_pause(&error) && !shared.is_stopping() => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > 256 * 1024 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = field(&head, "content-length").and_then(|value| value.parse().ok()).unwrap_or(0_usize);
    let mut left = length.saturating_sub(bytes.len() - end);
    while left > 0 {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(count) => left = left.saturating_sub(count),
            Err(error) if is_pause(&error) && !shared.is_stopping() => {}
            Err(error) => return Err(error),
        }
    }
    shared.requests.fetch_add(1, Ordering::Relaxed);
    Ok(Some(head))
}

/// A read that only timed out, so that the server can look whether it is to stop.
pub(crate) fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// A header field of a request, by its name in lower case.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Both halves of a connection, plain or not.
pub(crate) trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}
