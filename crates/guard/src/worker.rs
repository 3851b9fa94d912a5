//! One worker: a thread with a runtime of its own, its listeners, its connections and its upstream pool.
//!
//! Nothing on the way of a call is shared between workers but the counters, so a call is never handed from core to
//! core. Beside a gateway with a work-stealing runtime (13.0 to 15.0 µs a call) this shape took 11.4 to 11.9.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ratewarden_callers::Caller;
use ratewarden_limiter::Time;
use tokio::sync::Notify;

use crate::detection::Notes;
use crate::gate::Desk;
use crate::metrics::Metrics;
use crate::net::deadline::Deadlines;
use crate::state::{Loaded, Shared};
use crate::top::Top;
use crate::upstream::{Pool, Servers};

/// What the tasks of one worker share.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) desk: RefCell<Desk>,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) metrics: Arc<Metrics>,
    top: Arc<Mutex<Top>>,
    pub(crate) notes: Notes,
    /// When connections were last closed for want of descriptors.
    pub(crate) made_room: Cell<Option<Instant>>,
    /// Up to which of the workers' requests for room this one has heard.
    pub(crate) heard_of_room: Cell<u64>,
    /// Told when the gateway ends, for connections that have something to say then.
    pub(crate) ending: Notify,
    loaded: RefCell<Arc<Loaded>>,
    version: Cell<u64>,
    pool: RefCell<(Arc<Servers>, Rc<Pool>)>,
    /// Output buffers nobody uses just now.
    outputs: RefCell<Vec<Vec<u8>>>,
}

/// Output buffers kept, and how large one may have become to be kept.
const OUTPUTS: usize = 64;
const LARGEST_OUTPUT: usize = 64 * 1024;

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Rc<Self> {
        let version = shared.version();
        let loaded = shared.loaded();
        Rc::new(Self {
            desk: RefCell::default(),
            deadlines: Rc::default(),
            metrics: shared.add_metrics(),
            top: shared.add_top(),
            notes: Notes::new(shared.detection.add_tray()),
            made_room: Cell::new(None),
            heard_of_room: Cell::new(0),
            ending: Notify::new(),
            version: Cell::new(version),
            pool: RefCell::new(pool(&loaded)),
            loaded: RefCell::new(loaded),
            outputs: RefCell::default(),
            shared,
        })
    }

    /// The policy in force, without a lock unless it has just changed.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        let version = self.shared.version();
        if version != self.version.get() {
            let loaded = self.shared.loaded();
            if !Arc::ptr_eq(&loaded.servers, &self.pool.borrow().0) {
                *self.pool.borrow_mut() = pool(&loaded);
            }
            *self.loaded.borrow_mut() = loaded;
            self.version.set(version);
        }
        Arc::clone(&self.loaded.borrow())
    }

    /// Connections to the servers of `loaded`. A reload that changes the servers begins a new pool; calls that
    /// began before it have one of their own, so that no connection passes from one set of servers to the other.
    pub(crate) fn pool(&self, loaded: &Loaded) -> Rc<Pool> {
        let (servers, pool) = &*self.pool.borrow();
        if Arc::ptr_eq(servers, &loaded.servers) {
            return Rc::clone(pool);
        }
        Rc::new(Pool::new(loaded.servers.all().len(), 0))
    }

    /// Counts a call among its caller's.
    pub(crate) fn tally(&self, caller: &Caller, is_rejected: bool, now: Time) {
        self.top.lock().unwrap_or_else(PoisonError::into_inner).count(caller, is_rejected, now);
    }

    /// Whether anybody reads what is written down of a call.
    pub(crate) fn writes_entries(&self) -> bool {
        self.shared.access_log.is_some() || self.shared.live.is_heard()
    }

    /// An empty output buffer.
    pub(crate) fn output(&self) -> Vec<u8> {
        self.outputs.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes an output buffer back.
    pub(crate) fn done(&self, mut output: Vec<u8>) {
        let mut outputs = self.outputs.borrow_mut();
        if outputs.len() < OUTPUTS && output.capacity() <= LARGEST_OUTPUT {
            output.clear();
            outputs.push(output);
        }
    }
}

fn pool(loaded: &Loaded) -> (Arc<Servers>, Rc<Pool>) {
    let most = usize::try_from(loaded.gateway.upstream.pool.get()).unwrap_or(usize::MAX);
    (Arc::clone(&loaded.servers), Rc::new(Pool::new(loaded.servers.all().len(), most)))
}
