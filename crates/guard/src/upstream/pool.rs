//! Connections of one worker to the servers: idle ones, and those that calls share (HTTP/2).

use std::cell::RefCell;
use std::rc::Rc;

use super::streams::SharedConnection;
use crate::net::buffers::Buffer;
use crate::net::duplex::Duplex;
use crate::net::stream::Stream;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) io: Duplex<Stream>,
    pub(crate) buffer: Buffer,
    /// It has carried a call before, so the server may have closed it in the meantime.
    pub(crate) reused: bool,
}

/// Idle connections, for each server the one used last on top: the others may grow old and be closed.
#[derive(Debug)]
pub(crate) struct Pool {
    idle: RefCell<Vec<Vec<Connection>>>,
    shared: Vec<Rc<SharedConnection>>,
    most: usize,
}

impl Pool {
    /// Keeps at most `most` idle connections for each of `servers`.
    pub(crate) fn new(servers: usize, most: usize) -> Self {
        Self {
            idle: RefCell::new((0..servers).map(|_| Vec::new()).collect()),
            shared: (0..servers).map(|_| Rc::default()).collect(),
            most,
        }
    }

    /// An idle connection that is still alive.
    pub(crate) async fn take(&self, server: usize) -> Option<Connection> {
        loop {
            let mut connection = self.idle.borrow_mut().get_mut(server)?.pop()?;
            if connection.io.is_quiet().await {
                connection.reused = true;
                return Some(connection);
            }
        }
    }

    /// The connection that all calls to the server share.
    pub(crate) fn shared(&self, server: usize) -> Option<Rc<SharedConnection>> {
        self.shared.get(server).map(Rc::clone)
    }

    /// Keeps a connection for the next call; closes it where there are enough, or bytes have come that nobody
    /// asked for.
    pub(crate) fn put(&self, server: usize, mut connection: Connection) {
        if !connection.buffer.is_empty() {
            return;
        }
        connection.buffer.rest();
        if let Some(idle) = self.idle.borrow_mut().get_mut(server)
            && idle.len() < self.most
        {
            idle.push(connection);
        }
    }
}
