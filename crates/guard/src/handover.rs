//! Giving listening sockets to a successor, so that a restart refuses nobody.
//!
//! A running gateway offers its sockets to another process of the same user that was started with the same policy
//! file. The successor gets them over a Unix socket, starts, and says that it is ready; only then does the old one
//! stop accepting and drain. The sockets themselves are never closed, so connections that wait in the kernel to be
//! accepted are the successor's. Nor is the Unix socket, which goes with them: who comes to replace a gateway that has
//! just replaced another waits in it too.
//!
//! A second set of sockets with `SO_REUSEPORT` was rejected: what waits at the old set when it is closed is lost.
//! So was a `fork` on a signal: the successor would be a child of the process it replaces, which no supervisor
//! expects.
//!
//! Linux only (an abstract Unix socket leaves no file behind); elsewhere nothing is offered.

use std::net::{SocketAddr, TcpListener};

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Offer, Predecessor, predecessor};

/// What a socket is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purpose {
    Http,
    Https,
    Admin,
}

/// A listening socket, known by what the policy says of it: the port may be 0 there.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) purpose: Purpose,
    pub(crate) address: SocketAddr,
    pub(crate) socket: TcpListener,
}

/// Takes the sockets of this purpose and address out of those that were inherited.
pub(crate) fn take(
    inherited: &mut Vec<Listening>,
    purpose: Purpose,
    address: SocketAddr,
) -> Vec<TcpListener> {
    let is_it = |listening: &Listening| listening.purpose == purpose && listening.address == address;
    inherited.extract_if(.., |listening| is_it(listening)).map(|listening| listening.socket).collect()
}

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{Offer, Predecessor, predecessor};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::path::Path;

    use tokio::sync::watch;

    use super::Listening;

    /// Nobody.
    #[derive(Debug)]
    pub(crate) struct Predecessor {
        pub(crate) sockets: Vec<Listening>,
        pub(crate) stand: Option<Stand>,
    }

    /// Nothing.
    #[derive(Debug)]
    pub(crate) struct Stand;

    /// Nothing.
    #[derive(Debug)]
    pub(crate) struct Offer;

    pub(crate) fn predecessor(_: &Path) -> io::Result<Option<Predecessor>> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    impl Predecessor {
        pub(crate) fn ready(self) {}
    }

    impl Offer {
        pub(crate) fn make(
            _: &Path,
            _: Option<Stand>,
            _: Vec<Listening>,
            _: watch::Sender<bool>,
        ) -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn end(self) {}
    }
}
