//! Who is connected, for any engine.

use std::net::IpAddr;

/// Who is connected.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The other end of the connection, or what a PROXY header says it is.
    pub(crate) address: IpAddr,
    /// The same in text, as it is forwarded.
    pub(crate) address_text: String,
    /// The subject of its certificate.
    pub(crate) subject: Option<String>,
    /// It speaks TLS.
    pub(crate) tls: bool,
}
