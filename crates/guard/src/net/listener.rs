//! Listening sockets: one for each worker and address, all on the same port.
//!
//! With `SO_REUSEPORT` the kernel spreads connections over the workers without a lock or a hand-over. Sockets can
//! be inherited from a process that is being replaced, so that a restart refuses nobody.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Binds `count` sockets to `address`; a port of 0 is chosen once and is the same for all.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let first = bind_one(address)?;
    let bound = first.local_addr()?;
    let mut all = vec![first];
    for _ in 1..count {
        all.push(bind_one(bound)?);
    }
    Ok(all)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
