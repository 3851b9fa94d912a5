//! How many connections there are: in all, and of each client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of all workers.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: AtomicUsize,
    /// Only addresses that have a connection, so it is bounded by the cap of all.
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection that counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    connections: Arc<Connections>,
    address: IpAddr,
}

/// Which cap a connection would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    InAll,
    OfAddress,
}

impl Connections {
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a connection from `address`, of at most `all` and `each`.
    ///
    /// # Errors
    /// With the cap that it would exceed.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, all: usize, each: usize) -> Result<Open, Full> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if self.open.load(Ordering::Relaxed) >= all {
            return Err(Full::InAll);
        }
        let count = addresses.entry(address).or_default();
        if *count >= each {
            return Err(Full::OfAddress);
        }
        *count += 1;
        self.open.fetch_add(1, Ordering::Relaxed);
        Ok(Open { connections: Arc::clone(self), address })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut addresses = self.connections.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        self.connections.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_connection_counts_until_it_ends() {
        let connections = Arc::new(Connections::default());
        let address = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        let one = connections.admit(address(1), 3, 2).unwrap();
        let two = connections.admit(address(1), 3, 2).unwrap();
        assert_eq!(connections.admit(address(1), 3, 2).unwrap_err(), Full::OfAddress);
        let three = connections.admit(address(2), 3, 2).unwrap();
        assert_eq!(connections.admit(address(3), 3, 2).unwrap_err(), Full::InAll);
        drop((one, two, three));
        assert_eq!(connections.open(), 0);
        assert!(
            connections.addresses.lock().unwrap().is_empty(),
            "addresses without connections are forgotten"
        );
    }
}
