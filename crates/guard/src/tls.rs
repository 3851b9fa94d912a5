//! Certificates: the gateway's own, its clients', and the anchors its upstreams are trusted by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratewarden_policy::{Tls, Upstream};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What is wrong with a certificate or a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read or holds no PEM of the kind.
    #[error("{what} {}: {why}", path.display())]
    File {
        /// "certificate", "key", …
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the reader says.
        why: String,
    },
    /// The parts do not go together.
    #[error("{what}: {why}")]
    Together {
        /// Which.
        what: &'static str,
        /// What the library says.
        why: String,
    },
}

/// The listener's configuration: TLS 1.2 and 1.3, HTTP/2 and 1.1.
///
/// # Errors
/// When a file cannot be read, or key and certificate do not belong together.
pub(crate) fn server(tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates("certificate", &tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| file("key", &tls.key, &error))?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| together("TLS versions", &error))?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(anchors("client-ca", path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = if tls.client_required { verifier } else { verifier.allow_unauthenticated() };
            builder
                .with_client_cert_verifier(verifier.build().map_err(|error| together("client-ca", &error))?)
        }
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| together("certificate and key", &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// How https upstreams are spoken to; `None` where there are none.
///
/// # Errors
/// When the file of further anchors cannot be read.
pub(crate) fn client(upstream: &Upstream) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    if !upstream.servers.iter().any(|server| server.https) {
        return Ok(None);
    }
    let protocol: &[u8] = if upstream.http2 { b"h2" } else { b"http/1.1" };
    client_config(upstream.ca.as_deref(), protocol).map(Some)
}

/// How a server is spoken to that has its certificate from an authority that this machine trusts, or from one of the
/// file.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn client_config(ca: Option<&Path>, protocol: &[u8]) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = match ca {
        Some(path) => anchors("ca", path)?,
        None => RootCertStore::empty(),
    };
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| together("TLS versions", &error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}

/// The subject of a client's certificate (RFC 4514), as the caller `mtls` is named.
pub(crate) fn subject(certificates: Option<&[CertificateDer<'_>]>) -> Option<String> {
    let first = certificates?.first()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(first).ok()?;
    Some(certificate.subject().to_string())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| file(what, path, &error))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| file(what, path, &error))?;
    if all.is_empty() {
        return Err(file(
            what,
            path,
            &"no certificate is in it; a PEM block `BEGIN CERTIFICATE` was expected",
        ));
    }
    Ok(all)
}

fn anchors(what: &'static str, path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(what, path)? {
        roots.add(certificate).map_err(|error| file(what, path, &error))?;
    }
    Ok(roots)
}

fn file(what: &'static str, path: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { what, path: path.to_owned(), why: why.to_string() }
}

fn together(what: &'static str, why: &dyn std::fmt::Display) -> TlsError {
    TlsError::Together { what, why: why.to_string() }
}
