//! From a socket address to a connection that speaks HTTP/1.1 or, where TLS agrees on it, HTTP/2.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::clock::Clock;
use super::message::seconds;
use super::{Failure, MAX_HEADER_BYTES, MAX_HEADERS};
use crate::target::Target;

/// The sending half of a connection.
pub(super) enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A new connection.
pub(super) struct Opened {
    pub(super) sender: Sender,
    /// How long the TCP handshake took: the best guess of a round trip.
    pub(super) round_trip: Duration,
}

/// Makes connections to one target.
pub(super) struct Connector {
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Connector {
    pub(super) fn new(target: &Target, address: SocketAddr, insecure: bool) -> Result<Self, Failure> {
        let tls = if target.tls {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| {
                Failure::Tls(format!("`{}` is not a name a certificate can have", target.host))
            })?;
            Some((TlsConnector::from(Arc::new(tls_config(insecure)?)), name))
        } else {
            None
        };
        Ok(Self { address, tls })
    }

    /// Opens a connection within the time the clock gives: TCP has its own, so that a silent packet filter is told from
    /// a server that accepts and then says nothing.
    pub(super) async fn open(&self, source: Option<IpAddr>, clock: &Clock) -> Result<Opened, Failure> {
        let started = tokio::time::Instant::now();
        let stream = tokio::time::timeout_at(clock.connect_by(), self.tcp(source))
            .await
            .map_err(|_| Failure::Connect(format!("timed out after {}", seconds(clock.connect_timeout()))))?
            .map_err(|error| Failure::Connect(error.to_string()))?;
        let round_trip = started.elapsed();
        let sender = clock.within(self.speak(stream)).await?;
        Ok(Opened { sender, round_trip })
    }

    async fn speak(&self, stream: TcpStream) -> Result<Sender, Failure> {
        let Some((connector, name)) = &self.tls else { return http1(stream).await };
        let stream = connector
            .connect(name.clone(), stream)
            .await
            .map_err(|error| Failure::Tls(explain_tls(&error)))?;
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            http2(stream).await
        } else {
            http1(stream).await
        }
    }

    async fn tcp(&self, source: Option<IpAddr>) -> std::io::Result<TcpStream> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

async fn http1(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, Failure> {
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::Garbage(error.to_string()))?;
    tokio::spawn(async move {
        // How a connection ends is seen by the request that was on it.
        let _ = connection.await;
    });
    Ok(Sender::Http1(sender))
}

async fn http2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, Failure> {
    let header_bytes = u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX);
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(header_bytes)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::Garbage(error.to_string()))?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(Sender::Http2(sender))
}

fn tls_config(insecure: bool) -> Result<rustls::ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Tls(error.to_string()))?;
    let mut config = if insecure {
        let verifier = Arc::new(unverified::Unverified(provider));
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    } else {
        builder.with_root_certificates(roots()).with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The machine's own trust store (SSL_CERT_FILE is honoured), else Mozilla's list.
fn roots() -> rustls::RootCertStore {
    let mut store = rustls::RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    store
}

fn explain_tls(error: &std::io::Error) -> String {
    let text = error.to_string();
    if text.contains("corrupt message") || text.contains("InvalidContentType") {
        return format!("{text} (the port may not speak TLS: try http://)");
    }
    text
}

mod unverified {
    //! `--insecure`: every certificate is taken, signatures are still checked.

    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    #[derive(Debug)]
    pub(super) struct Unverified(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for Unverified {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
