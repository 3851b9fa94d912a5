//! A client that speaks HTTP/2, and a runtime to run it in.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// A body in one piece.
pub(crate) type Whole = Full<Bytes>;

/// Runs a test's client.
pub(crate) fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A connection to `address`, with prior knowledge.
pub(crate) async fn connect<B>(address: SocketAddr) -> SendRequest<B>
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut builder = Builder::new(TokioExecutor::new());
    let (sender, connection) =
        builder.initial_max_send_streams(100).handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A GET.
pub(crate) fn get(target: &str, fields: &[(&str, &str)]) -> Request<Whole> {
    let mut request = Request::get(format!("http://a.test{target}"));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Whole::default()).unwrap()
}

/// An answer that has come whole.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answered {
    pub(crate) async fn read(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        Self { status: parts.status.as_u16(), headers: parts.headers, body: collected.to_bytes(), trailers }
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a request and reads its answer whole.
pub(crate) async fn call<B>(sender: &mut SendRequest<B>, request: Request<B>) -> Answered
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
{
    Answered::read(sender.send_request(request).await.unwrap()).await
}
