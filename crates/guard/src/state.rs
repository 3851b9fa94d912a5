//! What all workers share, and what a reload replaces.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ratewarden_callers::{Identifier, Label};
use ratewarden_counters::{Counters, Hasher, Pairs};
use ratewarden_judge::Rules;
use ratewarden_judge::penalties::{Penalties, PenaltyRules};
use ratewarden_policy::{Gateway, Policy};

use crate::access_log::AccessLog;
use crate::clock::Clock;
use crate::connections::Connections;
use crate::descriptors::Descriptors;
use crate::detection::Detection;
use crate::durable::Writes;
use crate::issuers::Issuers;
use crate::live::Live;
use crate::metrics::{Metrics, Totals};
use crate::top::{PLACES, Span, Summary, Top};
use crate::upstream::{Connector, Servers};

/// One version of the policy, made ready. A call keeps the version it began with.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) gateway: Gateway,
    pub(crate) policy: Policy,
    pub(crate) rules: Rules,
    pub(crate) identifier: Identifier,
    pub(crate) issuers: Issuers,
    pub(crate) penalties: PenaltyRules,
    pub(crate) servers: Arc<Servers>,
    pub(crate) connector: Connector,
    /// Absent where nobody listens for TLS.
    pub(crate) acceptor: Option<Arc<rustls::ServerConfig>>,
    /// Names that `Connection` may not take away, because callers or limits depend on them.
    pub(crate) protected: Vec<String>,
}

/// What lives as long as the process.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) hasher: Hasher,
    /// What the hasher was made from; callers are hashed under it too.
    pub(crate) secret: [u8; 16],
    pub(crate) connections: Arc<Connections>,
    pub(crate) descriptors: Descriptors,
    pub(crate) penalties: Penalties,
    /// Which callers proved who they are, and from where.
    pub(crate) pairs: Pairs,
    /// What became of writes to the store on disk.
    pub(crate) writes: Writes,
    /// Absent where the policy wants none.
    pub(crate) access_log: Option<AccessLog>,
    pub(crate) live: Live,
    /// What detectors see and find.
    pub(crate) detection: Detection,
    loaded: Mutex<Arc<Loaded>>,
    version: AtomicU64,
    draining: AtomicBool,
    /// Each worker's own.
    metrics: Mutex<Vec<Arc<Metrics>>>,
    tops: Mutex<Vec<Arc<Mutex<Top>>>>,
}

impl Shared {
    pub(crate) fn new(
        clock: Clock,
        counters: Counters,
        hasher: Hasher,
        secret: [u8; 16],
        access_log: Option<AccessLog>,
        loaded: Loaded,
    ) -> Self {
        Self {
            clock,
            counters,
            hasher,
            secret,
            connections: Arc::default(),
            descriptors: Descriptors::default(),
            penalties: Penalties::default(),
            pairs: Pairs::default(),
            writes: Writes::default(),
            access_log,
            live: Live::default(),
            detection: Detection::default(),
            loaded: Mutex::new(Arc::new(loaded)),
            version: AtomicU64::new(1),
            draining: AtomicBool::new(false),
            metrics: Mutex::default(),
            tops: Mutex::default(),
        }
    }

    /// Counters for one more worker.
    pub(crate) fn add_metrics(&self) -> Arc<Metrics> {
        let metrics = Arc::<Metrics>::default();
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&metrics));
        metrics
    }

    /// A list of callers for one more worker.
    pub(crate) fn add_top(&self) -> Arc<Mutex<Top>> {
        let top = Arc::<Mutex<Top>>::default();
        self.tops.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&top));
        top
    }

    /// The callers of all workers, by calls and by rejections.
    pub(crate) fn top(&self, span: Span) -> [Summary<Label>; 2] {
        let tops = self.tops.lock().unwrap_or_else(PoisonError::into_inner);
        tops.iter().fold(Default::default(), |all: [Summary<Label>; 2], top| {
            // Each worker's lock is held no longer than it takes to copy.
            let [calls, rejections] =
                top.lock().unwrap_or_else(PoisonError::into_inner).summaries(span, self.clock.now());
            let [all_calls, all_rejections] = all;
            [all_calls.merged(&calls, PLACES), all_rejections.merged(&rejections, PLACES)]
        })
    }

    /// What all workers have counted.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for metrics in self.metrics.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            totals.add(metrics);
        }
        totals
    }

    /// Calls that the limit at this place of the policy rejected.
    pub(crate) fn rejected(&self, limit: usize) -> u64 {
        let all = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|metrics| metrics.rejected_by(limit)).sum()
    }

    /// The policy in force.
    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Grows with each reload; a worker that has seen it need not take the lock.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Puts another policy in force.
    pub(crate) fn replace(&self, loaded: Loaded) {
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// No new call is begun on a connection that has just answered one.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("version", &self.version).finish_non_exhaustive()
    }
}
