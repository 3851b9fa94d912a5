//! The listening sockets of a gateway: bound at the start, or inherited from the gateway it replaces.

use std::io;
use std::net::{SocketAddr, TcpListener};

use ratewarden_policy::Listen;

use crate::handover::{self, Listening, Purpose};
use crate::net::listener;
use crate::run::GuardError;

/// All sockets, and where they listen.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// Those of each worker; `true` for TLS.
    pub(crate) workers: Vec<Vec<(TcpListener, bool)>>,
    pub(crate) admin: Option<TcpListener>,
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) https: Vec<SocketAddr>,
    /// Further handles of all, for a successor.
    pub(crate) handles: Vec<Listening>,
}

impl Sockets {
    /// Takes what is wanted from the `inherited`, and binds the rest, for so many workers.
    ///
    /// # Errors
    /// When an address cannot be bound.
    pub(crate) fn open(
        listen: &Listen,
        workers: usize,
        mut inherited: Vec<Listening>,
    ) -> Result<Self, GuardError> {
        let mut sockets = Self { workers: (0..workers).map(|_| Vec::new()).collect(), ..Self::default() };
        sockets.http = sockets.bind(Purpose::Http, &listen.http, &mut inherited)?;
        sockets.https = sockets.bind(Purpose::Https, &listen.https, &mut inherited)?;
        if let Some(address) = listen.admin {
            let old = handover::take(&mut inherited, Purpose::Admin, address).into_iter().next();
            let socket = old.map_or_else(|| bind_admin(address), Ok);
            let socket = socket.map_err(|source| GuardError::Listen { address, source })?;
            sockets.remember(Purpose::Admin, address, &socket)?;
            sockets.admin = Some(socket);
        }
        Ok(sockets)
    }

    fn bind(
        &mut self,
        purpose: Purpose,
        addresses: &[SocketAddr],
        inherited: &mut Vec<Listening>,
    ) -> Result<Vec<SocketAddr>, GuardError> {
        let mut bound = Vec::new();
        for &address in addresses {
            let failed = |source| GuardError::Listen { address, source };
            let mut all = handover::take(inherited, purpose, address);
            let missing = self.workers.len().saturating_sub(all.len());
            let real = all.first().map_or(Ok(address), TcpListener::local_addr).map_err(failed)?;
            all.extend(listener::bind(real, missing).map_err(failed)?);
            if let Some(first) = all.first() {
                bound.push(first.local_addr().map_err(failed)?);
            }
            for socket in &all {
                self.remember(purpose, address, socket)?;
            }
            // Where the predecessor had more workers, some of these listen at two: a socket that nobody listens at
            // would keep its share of the connections waiting.
            let count = self.workers.len().max(1);
            for (number, socket) in all.into_iter().enumerate() {
                if let Some(worker) = self.workers.get_mut(number % count) {
                    worker.push((socket, purpose == Purpose::Https));
                }
            }
        }
        Ok(bound)
    }

    fn remember(
        &mut self,
        purpose: Purpose,
        address: SocketAddr,
        socket: &TcpListener,
    ) -> Result<(), GuardError> {
        let socket = socket.try_clone().map_err(|source| GuardError::Listen { address, source })?;
        self.handles.push(Listening { purpose, address, socket });
        Ok(())
    }
}

fn bind_admin(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
