//! A small HTTP/1.1 server in threads, whose behaviour is a function, and the context a scan would have made of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratewarden_model::{Finding, Redactor};
use ratewarden_scan::Config;
use ratewarden_scan::budget::Budget;
use ratewarden_scan::context::Context;
use ratewarden_scan::http::{Client, Request};
use ratewarden_scan::observe::Normal;
use ratewarden_scan::probes::Outcome;
use ratewarden_scan::target::Target;
use serde_json::Value;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// How many came before it.
    pub(crate) number: usize,
}

impl Seen {
    pub(crate) fn query(&self, name: &str) -> Option<u64> {
        self.query.iter().find(|(own, _)| own == name).and_then(|(_, value)| value.parse().ok())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// What it answers.
pub(crate) struct Reply {
    status: u16,
    headers: String,
    body: String,
    delay: Duration,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).header("content-type", "application/json")
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self { status, headers: String::new(), body: body.to_owned(), delay: Duration::ZERO }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

type Behaviour = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts one; its threads end with the test's process.
    pub(crate) fn start(behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behaviour, log) = (Arc::clone(&behaviour), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &*behaviour, &log));
            }
        });
        Self { address, seen }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The context of a path, as after the preflight: one request has been sent.
    pub(crate) async fn context(&self, path: &str, change: impl FnOnce(&mut Config)) -> Context {
        let mut config = Config::new(format!("http://{}{path}", self.address));
        change(&mut config);
        let mut target = Target::parse(&config.url, &mut Redactor::default()).unwrap();
        let address = target.resolve().await.unwrap();
        let budget = Arc::new(Budget::new(config.requests_per_endpoint(), config.time_per_endpoint(), 50));
        let client = Client::new(&target, address, &config, budget).unwrap();
        let answer = client.send(&Request::get(target.path_and_query.clone())).await.unwrap();
        let baseline = answer.response().unwrap().clone();
        Context {
            client: Arc::new(client),
            config: Arc::new(config),
            normal: Normal::of(&baseline),
            baseline,
            baseline_latency: answer.latency,
            technologies: Vec::new(),
            limiter_rejects: false,
            api: None,
        }
    }
}

fn serve(mut stream: TcpStream, behaviour: &Behaviour, log: &Mutex<Vec<Seen>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&length| length > 0)?;
        let mut words = line.split_ascii_whitespace();
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
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let body = String::from_utf8(body).unwrap();
        let request = {
            let mut log = log.lock().unwrap();
            let seen = Seen { method, path: path.to_owned(), query, headers, body, number: log.len() };
            log.push(seen.clone());
            seen
        };
        let reply = behaviour(&request);
        std::thread::sleep(reply.delay);
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-length: {}\r\n{}\r\n",
            reply.status,
            reply.body.len(),
            reply.headers
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(reply.body.as_bytes()).ok()?;
    }
}

/// Items of the usual size.
pub(crate) fn rows(from: u64, to: u64) -> Vec<Value> {
    (from..to).map(|id| serde_json::json!({ "id": id, "name": format!("item number {id}") })).collect()
}

/// The one finding of a rule, and no other finding at all.
#[track_caller]
pub(crate) fn only<'a>(outcome: &'a Outcome, rule: &str) -> &'a Finding {
    let rules: Vec<&str> = outcome.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, [rule], "{:?}", outcome.notes);
    &outcome.findings[0]
}

/// No finding, and a note with these words.
#[track_caller]
pub(crate) fn nothing(outcome: &Outcome, words: &str) {
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
    let said = outcome.notes.iter().any(|note| note.contains(words));
    assert!(said || words.is_empty(), "`{words}` is not in {:?}", outcome.notes);
}
