//! A server without any limit, in threads of our own: the control of every experiment, and the slow back end.
//!
//! It needs nothing installed. One thread a connection, because that is plain to read and a few hundred threads
//! are cheap; connections beyond the cap are closed at once.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::StartError;
use crate::port::Port;
use crate::server::Server;

const NAME: &str = "plain server";
/// Connections at once.
const MOST_CONNECTIONS: usize = 512;
/// Bytes of a request head, and separately of a body, that are read; more closes the connection.
const LARGEST_PART: u64 = 1 << 20;

/// A server that admits everything.
#[derive(Debug, Clone, Default)]
pub struct Unlimited {
    latency: Duration,
    jitter: Duration,
}

impl Unlimited {
    /// One that answers at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that takes this long for each answer, ± the jitter, spread evenly. It serves many at once, so it is
    /// slow but never limits.
    #[must_use]
    pub fn slow(latency: Duration, jitter: Duration) -> Self {
        Self { latency, jitter }
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`StartError::Machine`] where no port can be had.
    pub fn start(self) -> Result<Server, StartError> {
        let port = Port::reserve().map_err(StartError::machine(NAME, "reserve a port"))?;
        let socket = TcpListener::bind(port.address()).map_err(StartError::machine(NAME, "listen"))?;
        let shared = Arc::new(Shared {
            pace: self,
            stopping: AtomicBool::new(false),
            served: AtomicU64::new(0),
            open: Mutex::new(HashMap::new()),
        });
        let acceptor = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(NAME.into()).spawn(move || accept(&socket, &shared))
        };
        let acceptor = acceptor.map_err(StartError::machine(NAME, "start a thread"))?;
        Ok(Server::threads(NAME, Listener { port, shared, acceptor: Some(acceptor) }))
    }

    /// How long the answer of this number takes.
    fn delay(&self, number: u64) -> Duration {
        // SplitMix64: even enough, and the same in every run.
        let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let micros = u64::try_from(self.jitter.as_micros()).unwrap_or(u64::MAX / 4);
        let shift = (bits ^ (bits >> 31)) % (2 * micros + 1);
        (self.latency + Duration::from_micros(shift)).saturating_sub(self.jitter)
    }
}

#[derive(Debug)]
struct Shared {
    pace: Unlimited,
    stopping: AtomicBool,
    served: AtomicU64,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The listening socket and its threads.
#[derive(Debug)]
pub(crate) struct Listener {
    port: Port,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Listener {
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor, which sits in `accept`.
        let _ = TcpStream::connect(self.address());
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
        for stream in self.shared.open().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept(socket: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in (0_u64..).zip(socket.incoming()) {
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(handle) = stream.try_clone() else { continue };
        {
            let mut open = shared.open();
            if open.len() >= MOST_CONNECTIONS {
                continue;
            }
            open.insert(number, handle);
        }
        let ours = Arc::clone(shared);
        let thread = std::thread::Builder::new().name(NAME.into()).spawn(move || {
            // A broken connection concerns only the client that broke it.
            let _ = serve(&stream, &ours);
            ours.open().remove(&number);
        });
        if thread.is_err() {
            shared.open().remove(&number);
        }
    }
}

/// Answers requests on one connection until either side has enough.
fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader)? {
        let ready = request.path == crate::READY_PATH;
        if !ready {
            let number = shared.served.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(shared.pace.delay(number));
        }
        let mut writer = stream;
        writer.write_all(answer(&request, ready).as_bytes())?;
        if request.last {
            break;
        }
    }
    Ok(())
}

fn answer(request: &Request, ready: bool) -> String {
    let connection = if request.last { "close" } else { "keep-alive" };
    if ready {
        return format!("HTTP/1.1 204 No Content\r\nConnection: {connection}\r\n\r\n");
    }
    let body = if request.method == "HEAD" { "" } else { crate::BODY };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n{body}",
        crate::BODY.len()
    )
}

/// What matters of a request.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: String,
    path: String,
    /// Whether the client wants no further request on this connection.
    last: bool,
}

impl Request {
    /// Reads one request with its body; `None` where the client has closed or sends what is not HTTP/1.1 with a
    /// plain length.
    fn read(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = reader.take(LARGEST_PART);
        let mut line = String::new();
        head.read_line(&mut line)?;
        let mut words = line.split_ascii_whitespace();
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
        let (method, path) = (method.to_owned(), path.to_owned());
        let mut last = words.next() != Some("HTTP/1.1");
        let mut length = 0_u64;
        loop {
            let mut field = String::new();
            if head.read_line(&mut field)? == 0 {
                return Ok(None);
            }
            let Some((name, value)) = field.split_once(':') else { break };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().unwrap_or(LARGEST_PART + 1);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                return Ok(None);
            } else if name.eq_ignore_ascii_case("connection") {
                last = last || value.eq_ignore_ascii_case("close");
            }
        }
        if length > LARGEST_PART {
            return Ok(None);
        }
        io::copy(&mut reader.take(length), &mut io::sink())?;
        Ok(Some(Self { method, path, last }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Request> {
        Request::read(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn requests_follow_each_other_on_one_connection() {
        let mut bytes =
            &b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nConnection: close\r\n\r\n"
                [..];
        let first = Request::read(&mut bytes).unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.path.as_str(), first.last), ("POST", "/a", false));
        let second = Request::read(&mut bytes).unwrap().unwrap();
        assert_eq!((second.method.as_str(), second.path.as_str(), second.last), ("GET", "/b", true));
        assert_eq!(Request::read(&mut bytes).unwrap(), None);
    }

    #[test]
    fn what_it_does_not_serve_ends_the_connection() {
        assert_eq!(read("nonsense\r\n\r\n"), None);
        assert_eq!(read("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), None);
        assert_eq!(read("GET / HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n"), None);
        assert_eq!(read("GET / HTTP/1.1\r\nHost: h\r\n"), None);
    }

    #[test]
    fn the_delay_stays_within_its_jitter_and_varies() {
        let pace = Unlimited::slow(Duration::from_millis(50), Duration::from_millis(10));
        let delays: Vec<_> = (0..200).map(|number| pace.delay(number)).collect();
        let (low, high) = (Duration::from_millis(40), Duration::from_millis(60));
        assert!(delays.iter().all(|delay| (low..=high).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < Duration::from_millis(45)));
        assert!(delays.iter().any(|delay| *delay > Duration::from_millis(55)));
        assert_eq!(Unlimited::new().delay(7), Duration::ZERO);
    }
}
