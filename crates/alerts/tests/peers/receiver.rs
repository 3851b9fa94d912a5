//! An HTTP receiver that does what it is told: hyper on loopback.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// What is answered to a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// A status, header fields and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Nothing, ever.
    Hang,
    /// The connection ends before an answer.
    Close,
    /// A head that promises more than comes.
    CloseMidBody(u16),
    /// A body without end.
    Endless(u16),
    /// The path and query of the request, in the body.
    Echo(u16),
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), String::new())
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The status that was answered; 0: none.
    pub(crate) answered: u16,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whom the alerts of a webhook's body are about, with their state.
    pub(crate) fn alerts(&self) -> Vec<String> {
        let body = self.json();
        let alerts = body["alerts"].as_array().unwrap().iter();
        alerts
            .map(|alert| {
                let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                format!("{} {}", word(&alert["state"]), word(&alert["finding"]["subject"]["value"]))
            })
            .collect()
    }
}

#[derive(Default)]
struct Told {
    answers: VecDeque<Answer>,
    got: Vec<Got>,
    /// Told of each that it got.
    heard: Arc<Condvar>,
}

/// A receiver that runs until it is dropped. First it gives the answers it was told, then 204.
pub(crate) struct Hook {
    address: SocketAddr,
    scheme: &'static str,
    told: Arc<Mutex<Told>>,
    runtime: Option<Runtime>,
}

/// A place where a receiver will be: nobody else can take it, and who connects is refused.
pub(crate) struct Place {
    socket: TcpSocket,
    address: SocketAddr,
    runtime: Runtime,
}

impl Place {
    pub(crate) fn take() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let entered = runtime.enter();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        drop(entered);
        let address = socket.local_addr().unwrap();
        Self { socket, address, runtime }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn start(self, answers: &[Answer]) -> Hook {
        self.listen(answers, None)
    }

    fn listen(self, answers: &[Answer], tls: Option<TlsAcceptor>) -> Hook {
        let answers = answers.iter().cloned().collect();
        let told = Arc::new(Mutex::new(Told { answers, ..Told::default() }));
        let entered = self.runtime.enter();
        let listener = self.socket.listen(64).unwrap();
        drop(entered);
        let scheme = if tls.is_some() { "https" } else { "http" };
        self.runtime.spawn(accept(listener, tls, Arc::clone(&told)));
        Hook { address: self.address, scheme, told, runtime: Some(self.runtime) }
    }
}

impl Hook {
    pub(crate) fn start(answers: &[Answer]) -> Self {
        Place::take().start(answers)
    }

    pub(crate) fn start_tls(tls: rustls::ServerConfig) -> Self {
        Place::take().listen(&[], Some(TlsAcceptor::from(Arc::new(tls))))
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/hook", self.scheme, self.address.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.told().got.clone()
    }

    /// Waits until it gets one more, for so long at most.
    pub(crate) fn wait_for_another(&self, most: Duration) {
        let told = self.told();
        let (heard, before) = (Arc::clone(&told.heard), told.got.len());
        drop(heard.wait_timeout_while(told, most, |told| told.got.len() == before).unwrap());
    }

    /// What was answered with a success, in order.
    pub(crate) fn taken(&self) -> Vec<String> {
        let got = self.got();
        got.iter().filter(|got| (200..300).contains(&got.answered)).flat_map(Got::alerts).collect()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, told: Arc<Mutex<Told>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (told, tls) = (Arc::clone(&told), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&told)));
            let http = hyper::server::conn::http1::Builder::new();
            // How a connection ends is what the tests are about.
            if let Some(tls) = tls {
                if let Ok(stream) = tls.accept(stream).await {
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                }
            } else {
                let _ = http.serve_connection(TokioIo::new(stream), service).await;
            }
        });
    }
}

type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

fn whole(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {}).boxed()
}

async fn answer(request: Request<Incoming>, told: Arc<Mutex<Told>>) -> std::io::Result<Response<Body>> {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let answer = {
        let mut told = told.lock().unwrap();
        let answer = told.answers.pop_front().unwrap_or_else(|| Answer::status(204));
        let answered = match &answer {
            Answer::Status(status, ..)
            | Answer::CloseMidBody(status)
            | Answer::Endless(status)
            | Answer::Echo(status) => *status,
            Answer::Hang | Answer::Close => 0,
        };
        told.got.push(Got { path: path.clone(), headers, body, answered });
        told.heard.notify_all();
        answer
    };
    let response = |status: u16| Response::builder().status(status);
    let built = match answer {
        Answer::Status(status, fields, body) => {
            let fields = fields.into_iter();
            fields
                .fold(response(status), |response, (name, value)| response.header(name, value))
                .body(whole(body))
        }
        Answer::Hang => std::future::pending().await,
        Answer::Close => return Err(std::io::Error::other("closed")),
        Answer::CloseMidBody(status) => response(status)
            .header("content-length", 100)
            .body(Frames { is_endless: false, asked: 0 }.boxed()),
        Answer::Endless(status) => response(status).body(Frames { is_endless: true, asked: 0 }.boxed()),
        Answer::Echo(status) => response(status).body(whole(format!("no such path: {path}"))),
    };
    built.map_err(std::io::Error::other)
}

/// One frame and then an error, or frames without end.
struct Frames {
    is_endless: bool,
    asked: u32,
}

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.asked += 1;
        let text = if self.is_endless { "x".repeat(16_384) } else { "begun".to_owned() };
        match self.asked {
            _ if self.is_endless => {}
            1 => {}
            // So that what there is goes out before the end.
            2..20 => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ => return Poll::Ready(Some(Err(std::io::Error::other("cut off")))),
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))))
    }
}
