//! What all workers know of the upstream's servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ratewarden_policy::{Server, Upstream};

/// All servers of the upstream.
#[derive(Debug)]
pub(crate) struct Servers {
    all: Vec<Arc<Known>>,
    /// Where the search begins, so that equals take turns.
    turn: AtomicUsize,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) server: Server,
    /// `host:port` as it stands in a `Host` field and in logs.
    pub(crate) authority: String,
    healthy: AtomicBool,
    in_flight: AtomicUsize,
}

/// A call that a server is busy with; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Known>, usize);

impl Servers {
    /// All healthy, until somebody has looked.
    pub(crate) fn new(upstream: &Upstream) -> Self {
        let known = |server: &Server| {
            let host =
                if server.host.contains(':') { format!("[{}]", server.host) } else { server.host.clone() };
            Arc::new(Known {
                authority: format!("{host}:{}", server.port),
                server: server.clone(),
                healthy: AtomicBool::new(true),
                in_flight: AtomicUsize::new(0),
            })
        };
        Self { all: upstream.servers.iter().map(known).collect(), turn: AtomicUsize::new(0) }
    }

    pub(crate) fn all(&self) -> &[Arc<Known>] {
        &self.all
    }

    /// The healthy server with the fewest calls under way. Where none is healthy, the least loaded of all: a
    /// check that fails must not turn a limp into an outage. `not` are servers that were tried.
    pub(crate) fn choose(&self, not: &[usize]) -> Option<InFlight> {
        if let ([only], []) = (self.all.as_slice(), not) {
            return Some(InFlight::begin(only, 0));
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.all.len();
        let candidates = (0..count).map(|step| (turn + step) % count).filter(|index| !not.contains(index));
        let load = |index: &usize| {
            self.all.get(*index).map(|known| {
                (!known.healthy.load(Ordering::Relaxed), known.in_flight.load(Ordering::Relaxed))
            })
        };
        let index = candidates.min_by_key(load)?;
        self.all.get(index).map(|known| InFlight::begin(known, index))
    }

    /// Whether any server is healthy.
    pub(crate) fn is_ready(&self) -> bool {
        self.all.iter().any(|known| known.is_healthy())
    }
}

impl Known {
    pub(crate) fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Says how it is, and whether that is news.
    pub(crate) fn set_healthy(&self, healthy: bool) -> bool {
        self.healthy.swap(healthy, Ordering::Relaxed) != healthy
    }
}

impl InFlight {
    fn begin(known: &Arc<Known>, index: usize) -> Self {
        known.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(known), index)
    }

    pub(crate) fn known(&self) -> &Known {
        &self.0
    }

    /// The server's place in the policy.
    pub(crate) const fn index(&self) -> usize {
        self.1
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(count: u16) -> Servers {
        let server = |port| Server { https: false, host: "127.0.0.1".to_owned(), port };
        let upstream = Upstream {
            servers: (0..count).map(server).collect(),
            profile: ratewarden_policy::Profile::None,
            http2: false,
            ca: None,
            pool: std::num::NonZeroU32::MIN,
            health: None,
        };
        Servers::new(&upstream)
    }

    #[test]
    fn a_call_goes_to_the_least_loaded_healthy_server() {
        let servers = servers(3);
        let held: Vec<InFlight> = (0..3).map(|_| servers.choose(&[]).unwrap()).collect();
        let mut chosen: Vec<usize> = held.iter().map(InFlight::index).collect();
        chosen.sort_unstable();
        assert_eq!(chosen, [0, 1, 2], "equals take turns");
        assert!(servers.all()[1].set_healthy(false));
        assert!(!servers.all()[1].set_healthy(false), "no news");
        for _ in 0..4 {
            assert_ne!(servers.choose(&[]).unwrap().index(), 1);
        }
        assert_eq!(servers.choose(&[0, 2]).unwrap().index(), 1, "rather a sick server than none");
        assert!(servers.choose(&[0, 1, 2]).is_none());
    }
}
