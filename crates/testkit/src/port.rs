//! Free ports of 127.0.0.1, reserved for as long as a server lives.
//!
//! Asking the kernel for port 0 and handing the number to another program is a race that tests lose: the number
//! comes from the ephemeral range, where any outgoing connection (a scan opens hundreds) may take it before the
//! server binds. So ports are taken below that range, and a locked file reserves each against other tests and
//! other test processes of this machine; the lock goes with the process, however it ends.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ephemeral ports of Linux (32768 and up) and of macOS (49152 and up).
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;
/// More than the servers of all tests of a machine together.
const MOST_TRIES: u16 = 2_000;

/// A reserved port.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    /// Holds the lock while the port is in use.
    _reservation: File,
}

impl Port {
    /// Reserves a port that nobody listens on.
    pub(crate) fn reserve() -> io::Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("ratewarden-testkit-ports");
        fs::create_dir_all(&folder)?;
        // Each process begins elsewhere, so that they seldom meet.
        let start = u16::try_from(std::process::id().wrapping_mul(7_919) % u32::from(COUNT)).unwrap_or(0);
        for _ in 0..MOST_TRIES {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + (start + step % COUNT) % COUNT;
            let reservation = File::create(folder.join(number.to_string()))?;
            if reservation.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _reservation: reservation });
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port between 12000 and 32000"))
    }

    /// The port number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// The port on loopback.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_port_is_reserved_once() {
        let ports: Vec<Port> = (0..50).map(|_| Port::reserve().unwrap()).collect();
        let numbers: HashSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        assert!(numbers.iter().all(|number| (FIRST..FIRST + COUNT).contains(number)));
    }
}
