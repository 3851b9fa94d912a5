//! Whom TLS trusts: the machine's own store, else Mozilla's list, and a file of the operator's.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Certificates that are trusted.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    /// Those that can be read.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// Whether Mozilla's list is trusted too, because the machine has none.
    pub(crate) mozilla: bool,
}

impl Roots {
    /// The machine's own (`SSL_CERT_FILE` is honoured), and those of a file.
    ///
    /// # Errors
    /// In words, when the file cannot be read or holds no certificate.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, String> {
        let mut certificates: Vec<_> =
            rustls_native_certs::load_native_certs().certs.into_iter().filter(is_usable).collect();
        let mozilla = certificates.is_empty();
        if let Some(file) = file {
            let found = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| error.to_string())?;
            if found.is_empty() || !found.iter().all(is_usable) {
                return Err("expected certificates of authorities in PEM".into());
            }
            certificates.extend(found);
        }
        Ok(Self { certificates, mozilla })
    }

    /// A TLS client that trusts them and speaks HTTP/1.1.
    ///
    /// # Errors
    /// In words; never with the versions that ring has.
    pub(crate) fn tls(&self) -> Result<Arc<rustls::ClientConfig>, String> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.certificates.iter().cloned());
        if self.mozilla {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = builder.with_root_certificates(store).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
