//! A kept connection from an address of one's own, as any client has one.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;

/// A call that takes longer has failed.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// An answer, read to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Got {
    pub(super) status: StatusCode,
    /// Of its body.
    pub(super) bytes: u64,
}

/// A client's connection, which is made when it is needed.
#[derive(Debug)]
pub(super) struct Connection {
    from: IpAddr,
    to: SocketAddr,
    host: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(super) fn new(from: IpAddr, to: SocketAddr) -> Self {
        Self { from, to, host: to.to_string(), sender: None }
    }

    /// What stands in `Host`.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request and reads the whole answer; None where none came in time. The server may end a connection
    /// that was kept while the next request is on its way, so that one is sent again on a new connection, once.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Option<Got> {
        let got = tokio::time::timeout(TIMEOUT, async {
            if self.sender.is_some()
                && let Some(got) = self.exchange(request.clone()).await
            {
                return Some(got);
            }
            self.connect().await?;
            self.exchange(request).await
        });
        let got = got.await.ok().flatten();
        if got.is_none() {
            // Half an answer may still be on its way.
            self.sender = None;
        }
        got
    }

    async fn connect(&mut self) -> Option<()> {
        let socket = TcpSocket::new_v4().ok()?;
        socket.bind(SocketAddr::new(self.from, 0)).ok()?;
        let stream = socket.connect(self.to).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        // It ends with the sender.
        tokio::spawn(driver);
        self.sender = Some(sender);
        Some(())
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Option<Got> {
        let sender = self.sender.as_mut()?;
        sender.ready().await.ok()?;
        let mut response = sender.send_request(request).await.ok()?;
        let mut bytes = 0;
        while let Some(frame) = response.frame().await {
            bytes += frame.ok()?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Some(Got { status: response.status(), bytes })
    }
}
