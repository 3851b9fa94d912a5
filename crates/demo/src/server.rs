//! Connections: how many, how long, how large.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::SERVER;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::answer::{self, Answer};
use crate::bucket::Decision;
use crate::routes::{self, Api, Call};

/// The most connections at a time; the next one waits until one is closed.
pub const MAX_CONNECTIONS: usize = 512;
/// The largest body of a request; a larger one is answered with 413.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The longest wait for a request's header, idle time between requests included.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest wait for a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves until it is dropped; then all connections are closed.
pub(crate) async fn serve(listener: TcpListener, api: Arc<Api>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: that passes when a connection ends.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let api = Arc::clone(&api);
        connections.spawn(async move {
            connection(stream, peer.ip(), api).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, peer: IpAddr, api: Arc<Api>) {
    // Without it, small answers would wait for the delayed acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Infallible>(respond(request, peer, &api).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // How a client ends its connection is no concern of the demo.
    let _ = served.await;
}

async fn respond(request: Request<Incoming>, peer: IpAddr, api: &Api) -> Answer {
    let decision = api.decide(peer);
    let answer = match decision {
        Some((limit, Decision::Rejected { retry_in, .. })) => routes::rejected(retry_in, limit),
        _ => admitted(request, peer, api).await,
    };
    let answer = answer::with_header(answer, SERVER, "ratewarden-demo");
    match decision {
        Some((limit, decision)) => routes::publish(answer, limit, decision),
        None => answer,
    }
}

async fn admitted(request: Request<Incoming>, peer: IpAddr, api: &Api) -> Answer {
    let (parts, body) = request.into_parts();
    let body = match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return answer::text(StatusCode::PAYLOAD_TOO_LARGE, "413: Payload Too Large");
        }
        Ok(Err(_)) => return answer::text(StatusCode::BAD_REQUEST, "400: Bad Request"),
        Err(_) => return answer::text(StatusCode::REQUEST_TIMEOUT, "408: Request Timeout"),
    };
    let call = Call {
        peer,
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        body: &body,
    };
    let (answer, takes) = api.answer(&call);
    if !takes.is_zero() {
        let place = api.store.acquire().await;
        tokio::time::sleep(takes).await;
        drop(place);
    }
    answer
}
