//! A server that speaks HTTP/2 only, and answers with what it got.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};

/// What has been counted.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    connections: AtomicUsize,
    answered: AtomicUsize,
}

/// The server; it ends with the test's process.
pub(crate) struct Http2Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

impl Http2Server {
    /// A server that ends a connection (GOAWAY) with every `last`th call on it.
    pub(crate) fn start(last: Option<usize>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Seen>::default();
        let counting = Arc::clone(&seen);
        std::thread::spawn(move || {
            crate::http2_client::run(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    counting.connections.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(serve(stream, last, Arc::clone(&counting)));
                }
            });
        });
        Self { address, seen }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn answered(&self) -> usize {
        self.seen.answered.load(Ordering::SeqCst)
    }
}

async fn serve(stream: tokio::net::TcpStream, last: Option<usize>, seen: Arc<Seen>) {
    stream.set_nodelay(true).unwrap();
    let (count, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let telling = Arc::clone(&over);
    let service = service_fn(move |request| {
        if last.is_some_and(|last| count.fetch_add(1, Ordering::SeqCst) + 1 == last) {
            telling.notify_one();
        }
        let seen = Arc::clone(&seen);
        async move { answer(request, &seen).await }
    });
    let connection = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = over.notified() => connection.as_mut().graceful_shutdown(),
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: &Seen,
) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let mut text = format!("{} {}\n", parts.method, parts.uri);
    for (name, value) in &parts.headers {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    let collected = body.collect().await?;
    for (name, value) in collected.trailers().into_iter().flatten() {
        text.push_str(&format!("trailer {name}: {}\n", value.to_str().unwrap()));
    }
    let whole = [text.as_bytes(), b"\n", &collected.to_bytes()].concat();
    seen.answered.fetch_add(1, Ordering::SeqCst);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", whole.len().into());
    let with_trailers = parts.uri.path() == "/trailers";
    let whole = Full::new(Bytes::from(whole));
    let mut response = Response::new(if with_trailers {
        whole.with_trailers(async move { Some(Ok(trailers)) }).boxed()
    } else {
        whole.boxed()
    });
    if parts.uri.path() == "/sick" {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}
