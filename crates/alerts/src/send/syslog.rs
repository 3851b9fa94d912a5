//! Syslog has no acknowledgement. Over TCP we say that nothing more comes and wait for the other side to say the same,
//! which it does when it has read everything; a peer that does not close within [`PARTING`] is taken to have read it.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};

use super::Outcome;
use crate::config::{Syslog as Config, SyslogPeer};
use crate::item::Batch;
use crate::payload::{From, syslog};

/// How long a TCP peer may take to close.
const PARTING: Duration = Duration::from_secs(3);

/// Sends to one peer.
pub(super) struct Syslog {
    config: Config,
}

impl Syslog {
    pub(super) fn new(config: Config) -> Self {
        Self { config }
    }

    pub(super) async fn send(&self, batch: &Batch, from: &From) -> Outcome {
        let message = |item| syslog::message(item, batch, from, self.config.facility);
        let messages: Vec<String> = batch.items.iter().map(message).collect();
        let sent = match &self.config.peer {
            SyslogPeer::Udp(at) => udp(at, &messages).await,
            SyslogPeer::Tcp(at) => tcp(at, &messages).await,
            SyslogPeer::Unix(path) => unix(path, &messages).await,
        };
        match sent {
            Ok(()) => Outcome::Delivered,
            Err(error) => Outcome::failed(error.to_string()),
        }
    }
}

async fn udp(at: &str, messages: &[String]) -> std::io::Result<()> {
    let none = || std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    let address = tokio::net::lookup_host(at).await?.next().ok_or_else(none)?;
    let any: std::net::SocketAddr =
        if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    for message in messages {
        socket.send(message.as_bytes()).await?;
    }
    Ok(())
}

async fn tcp(at: &str, messages: &[String]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(at).await?;
    let frames: String = messages.iter().map(|message| format!("{} {message}", message.len())).collect();
    stream.write_all(frames.as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = [0; 512];
    let closed = async {
        while stream.read(&mut answer).await? > 0 {}
        std::io::Result::Ok(())
    };
    tokio::time::timeout(PARTING, closed).await.unwrap_or(Ok(()))
}

async fn unix(path: &Path, messages: &[String]) -> std::io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    for message in messages {
        socket.send(message.as_bytes()).await?;
    }
    Ok(())
}
