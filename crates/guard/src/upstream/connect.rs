//! Opening a connection to a server.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ratewarden_policy::Server;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::pool::Connection;
use crate::descriptors;
use crate::net::buffers::Buffer;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Connector {
    /// Absent where no server speaks TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl Connector {
    pub(crate) const fn new(tls: Option<Arc<ClientConfig>>) -> Self {
        Self { tls }
    }

    /// Connects to `server`. Bounded in time by the caller.
    ///
    /// # Errors
    /// When the name cannot be resolved, nobody listens, or TLS fails.
    pub(crate) async fn connect(&self, server: &Server) -> io::Result<Connection> {
        let stream = self.stream(server).await?;
        Ok(Connection { io: Duplex::new(stream), buffer: Buffer::default(), reused: false })
    }

    /// The same without the frame of a pooled connection.
    pub(crate) async fn stream(&self, server: &Server) -> io::Result<Stream> {
        let tcp = match server.host.parse::<IpAddr>() {
            Ok(address) => TcpStream::connect(SocketAddr::new(address, server.port)).await?,
            Err(_) => {
                let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
                let addresses: Vec<SocketAddr> = found.map_err(descriptors::behind)?.collect();
                TcpStream::connect(addresses.as_slice()).await?
            }
        };
        tcp.set_nodelay(true)?;
        if !server.https {
            return Ok(Stream::Plain(tcp));
        }
        let config =
            self.tls.clone().ok_or_else(|| io::Error::other("TLS was not set up for the upstream"))?;
        connect_tls(tcp, &server.host, config).await
    }
}

/// A TLS handshake as a client.
///
/// # Errors
/// When the name is none, or the handshake fails.
async fn connect_tls(tcp: TcpStream, host: &str, config: Arc<ClientConfig>) -> io::Result<Stream> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(config).connect(name, tcp).await?;
    Ok(Stream::Tls(Box::new(stream.into())))
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("tls", &self.tls.is_some()).finish()
    }
}
