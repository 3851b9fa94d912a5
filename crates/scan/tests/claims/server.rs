//! A small HTTP/1.1 server in threads, whose behaviour is a function of the request and a state of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The 5 ms that a call takes to be served.
pub(crate) fn work() {
    serve_for(Duration::from_millis(5));
}

/// The time that a call takes to be served. It is the behaviour under test, not a wait for something: a scanner measures
/// servers that need time, over real sockets and with a real clock.
pub(crate) fn serve_for(time: Duration) {
    std::thread::sleep(time);
}

/// A request as the server saw it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// As it was sent, without its query.
    pub(crate) path: String,
    pub(crate) query: String,
    headers: Vec<(String, String)>,
    pub(crate) peer: IpAddr,
    /// How many came before it on its connection.
    pub(crate) earlier_on_connection: u64,
    /// How many came before it at all.
    pub(crate) earlier: u64,
    /// Since the server was started.
    pub(crate) at: Duration,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The address it comes from, as a key.
    pub(crate) fn address(&self) -> String {
        self.peer.to_string()
    }
}

/// What it answers.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    pub(crate) fn new(status: u16, media_type: &str, body: &str) -> Self {
        Self { status, headers: format!("content-type: {media_type}\r\n"), body: body.to_owned() }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::new(status, "application/json", body)
    }

    pub(crate) fn html(status: u16, title: &str, text: &str) -> Self {
        let body = format!(
            "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
        );
        Self::new(status, "text/html; charset=utf-8", &body)
    }

    /// The data that everybody came for.
    pub(crate) fn items() -> Self {
        Self::json(200, r#"{"items":[{"id":1,"name":"one"},{"id":2,"name":"two"}],"next":null}"#)
    }

    pub(crate) fn not_found() -> Self {
        Self::json(404, r#"{"error":"no such path"}"#)
    }

    pub(crate) fn limited() -> Self {
        Self::json(429, r#"{"error":"too many requests"}"#)
    }

    /// The data, or the rejection.
    pub(crate) fn items_if(admitted: bool) -> Self {
        if admitted { Self::items() } else { Self::limited() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

type Behaviour = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    behaviour: Box<Behaviour>,
    served: AtomicU64,
    started: Instant,
}

/// A running server; its threads end with the test's process.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// One that answers one request at a time: the state is locked meanwhile.
    pub(crate) fn start<S: Send + 'static>(
        state: S,
        behaviour: impl Fn(&Request, &mut S) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(state);
        Self::parallel(move |request| behaviour(request, &mut state.lock().unwrap()))
    }

    /// One that answers many at a time.
    pub(crate) fn parallel(behaviour: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behaviour: Box::new(behaviour),
            served: AtomicU64::new(0),
            started: Instant::now(),
        });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&own);
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub(crate) fn served(&self) -> u64 {
        self.shared.served.load(Ordering::SeqCst)
    }
}

/// Answers one connection until the client has enough; how it ends concerns nobody.
fn serve(mut stream: TcpStream, shared: &Shared) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let peer = stream.peer_addr().ok()?.ip();
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    for earlier_on_connection in 0.. {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
        let mut words = line.trim_end().split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let mut field = String::new();
            reader.read_line(&mut field).ok()?;
            let Some((name, value)) = field.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let at = shared.started.elapsed();
        let earlier = shared.served.fetch_add(1, Ordering::SeqCst);
        let request = Request { method, path, query, headers, peer, earlier_on_connection, earlier, at };
        let reply = (shared.behaviour)(&request);
        let body = if request.method == "HEAD" { "" } else { &reply.body };
        let (status, length) = (reply.status, reply.body.len());
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{}\r\n", reply.headers);
        stream.write_all((head + body).as_bytes()).ok()?;
    }
    None
}
