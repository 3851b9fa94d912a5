//! Starting, reloading and ending the gateway.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use ratewarden_counters::{Capacity, Counters, DiskError, Hasher};
use ratewarden_policy::Policy;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::accept;
use crate::access_log::AccessLog;
use crate::admin::AdminThread;
use crate::clock::Clock;
use crate::descriptors;
use crate::detection::{Detecting, Nothing, Surroundings};
use crate::durable::{Durable, Keeper};
use crate::handover::{self, Offer, Predecessor};
use crate::issuers;
use crate::load::{self, LoadError};
use crate::sockets::Sockets;
use crate::state::{Loaded, Shared};
use crate::upstream;
use crate::worker::Worker;

/// Keys with a verified identity that have a place of their own.
const VERIFIED_KEYS: usize = 65_536;

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The policy, or a file it names.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A listener.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The access log.
    #[error("cannot append to the access log {}", path.display())]
    AccessLog {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The gateway that is to be replaced.
    #[error("the running gateway does not hand over its listeners")]
    TakeOver(#[source] io::Error),
    /// The store on disk.
    #[error(transparent)]
    Store(#[from] DiskError),
    /// A thread or a runtime.
    #[error("cannot start a worker")]
    Worker(#[source] io::Error),
}

/// A running gateway; it ends when [`Guard::stop`] is called and its connections are drained.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    shared: Arc<Shared>,
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    admin: Option<AdminThread>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    keeper: Option<Keeper>,
    detecting: Detecting,
    offer: Offer,
    was_taken: watch::Receiver<bool>,
}

impl Guard {
    /// Reads the policy, binds its listeners and starts its workers.
    ///
    /// # Errors
    /// When the policy or a file it names is wrong, or an address cannot be bound.
    pub fn start(path: &Path) -> Result<Self, GuardError> {
        Self::start_in(path, Arc::new(Nothing))
    }

    /// The same, with what watching calls needs from outside and whoever is told of findings.
    ///
    /// # Errors
    /// Those of [`Guard::start`], and when the surroundings cannot do what the policy says.
    pub fn start_in(path: &Path, surroundings: Arc<dyn Surroundings>) -> Result<Self, GuardError> {
        Self::start_after(path, None, surroundings)
    }

    /// The same, with the listeners of the gateway that runs with this policy file, which drains and ends as soon as
    /// this one accepts: nobody is refused in between. Where none runs, this is [`Guard::start`]. Quotas, bans and whom
    /// lock-outs spare go over by way of the policy's store; rates, windows and counts of calls under way begin anew.
    ///
    /// # Errors
    /// Those of [`Guard::start`], and when the other gateway does not hand over; it goes on then.
    pub fn take_over(path: &Path) -> Result<Self, GuardError> {
        Self::take_over_in(path, Arc::new(Nothing))
    }

    /// The same, with what watching calls needs from outside and whoever is told of findings. Detectors begin anew. Both
    /// gateways are there at once for a moment: what only one process may have is to be waited for.
    ///
    /// # Errors
    /// Those of [`Guard::take_over`], and when the surroundings cannot do what the policy says.
    pub fn take_over_in(path: &Path, surroundings: Arc<dyn Surroundings>) -> Result<Self, GuardError> {
        let predecessor = handover::predecessor(path).map_err(GuardError::TakeOver)?;
        if predecessor.is_none() {
            info!("No gateway runs with this policy file; there is nothing to take over.");
        }
        Self::start_after(path, predecessor, surroundings)
    }

    fn start_after(
        path: &Path,
        mut predecessor: Option<Predecessor>,
        surroundings: Arc<dyn Surroundings>,
    ) -> Result<Self, GuardError> {
        let (gateway, policy) = load::read(path)?;
        descriptors::raise();
        let keys = policy.caps.keys;
        let capacity = Capacity { keys, verified_keys: keys.min(VERIFIED_KEYS) };
        let durable = Durable::open(&policy, capacity)?;
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(|error| GuardError::Worker(io::Error::other(error)))?;
        if let Some(durable) = &durable {
            secret = durable.secret(secret)?;
        }
        let hasher = Hasher::new(&secret);
        let loaded = load::build((gateway, policy), None, &hasher, &secret)?;
        let policy = &loaded.policy;
        let detecting = Detecting::new(surroundings);
        let engine = detecting.prepare(None, policy, &secret)?;
        let count = loaded.gateway.listen.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            |threads| threads.get() as usize,
        );
        let inherited = predecessor.as_mut().map(|it| std::mem::take(&mut it.sockets)).unwrap_or_default();
        let stand = predecessor.as_mut().and_then(|it| it.stand.take());
        let sockets = Sockets::open(&loaded.gateway.listen, count, inherited)?;
        let counters = Counters::new(capacity);
        prepare(&counters, policy);
        let clock = Clock::start();
        let access_log = AccessLog::open(&policy.access_log)
            .map_err(|(path, source)| GuardError::AccessLog { path, source })?;
        let shared = Arc::new(Shared::new(clock, counters, hasher, secret, access_log, loaded));
        let keeper = match durable {
            Some(durable) => {
                durable.restore(&shared)?;
                Some(durable.keep(Arc::clone(&shared)).map_err(GuardError::Worker)?)
            }
            None => None,
        };
        let (stop, stopping) = watch::channel(false);
        let (taken, was_taken) = watch::channel(false);
        detecting.apply(&shared, engine).map_err(GuardError::Worker)?;
        let admin = AdminThread::start(&shared, sockets.admin, was_taken.clone())?;
        let mut workers = Vec::new();
        for (number, sockets) in sockets.workers.into_iter().enumerate() {
            let (shared, stopping) = (Arc::clone(&shared), stopping.clone());
            let thread = std::thread::Builder::new().name(format!("worker-{number}"));
            let started = thread.spawn(move || work(&shared, number, sockets, stopping));
            workers.push(started.map_err(GuardError::Worker)?);
        }
        if let Some(predecessor) = predecessor {
            predecessor.ready();
        }
        let offer = Offer::make(path, stand, sockets.handles, taken).map_err(GuardError::Worker)?;
        // Not before: who has a mistake to mend is told of that alone.
        descriptors::compare(&shared.loaded().policy);
        let (http, https) = (sockets.http, sockets.https);
        Ok(Self {
            path: path.to_owned(),
            shared,
            http,
            https,
            admin,
            stop,
            workers,
            keeper,
            detecting,
            offer,
            was_taken,
        })
    }

    /// Returns when another process has taken over the listeners; then this one is to be stopped.
    pub async fn taken_over(&self) {
        let mut taken = self.was_taken.clone();
        if taken.wait_for(|taken| *taken).await.is_err() {
            // Nobody can any more.
            std::future::pending::<()>().await;
        }
    }

    /// Where HTTP is listened for; the real port where the policy says 0.
    #[must_use]
    pub fn http(&self) -> &[SocketAddr] {
        &self.http
    }

    /// Where HTTPS is listened for.
    #[must_use]
    pub fn https(&self) -> &[SocketAddr] {
        &self.https
    }

    /// The admin listener.
    #[must_use]
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(AdminThread::address)
    }

    /// Reads the policy again and puts it in force for the calls that begin from now on. Counters and connections
    /// stay. Listeners, threads, the access log and caps of memory stay as they were until a restart.
    ///
    /// # Errors
    /// When the policy or a file it names is wrong; then the old one stays in force.
    pub fn reload(&self) -> Result<(), LoadError> {
        let before = self.shared.loaded();
        let loaded =
            load::build(load::read(&self.path)?, Some(&before), &self.shared.hasher, &self.shared.secret)?;
        let fixed = |it: &Loaded| (it.gateway.listen.clone(), it.policy.caps.keys, it.policy.store.clone());
        if fixed(&loaded) != fixed(&before) {
            warn!(
                "Listeners, threads, caps.keys or the store have changed; that takes effect after a restart."
            );
        }
        if loaded.policy.caps.connections > before.policy.caps.connections {
            descriptors::compare(&loaded.policy);
        }
        let engine = self.detecting.prepare(Some(&before.policy), &loaded.policy, &self.shared.secret)?;
        prepare(&self.shared.counters, &loaded.policy);
        self.shared.replace(loaded);
        self.detecting.apply(&self.shared, engine).map_err(LoadError::Thread)?;
        info!(policy = %self.path.display(), "Policy reloaded.");
        Ok(())
    }

    /// Ends the gateway: no further connections are accepted, calls under way are answered, and what is not done
    /// when the policy's `timeouts.shutdown` has passed is cut off. Returns when all has ended.
    pub fn stop(self) {
        self.shared.drain();
        // Its handles would keep the sockets open with nobody to accept.
        self.offer.end();
        self.stop.send_replace(true);
        for worker in self.workers {
            if worker.join().is_err() {
                warn!("A worker had panicked.");
            }
        }
        // No call comes any more; bans that follow from the last ones are kept.
        self.detecting.end(&self.shared);
        if let Some(keeper) = self.keeper {
            keeper.end();
        }
        // Last, so that an operator sees the end.
        if let Some(admin) = self.admin {
            admin.end();
        }
    }
}

/// Allocates tables now, so that no call waits for it.
fn prepare(counters: &Counters, policy: &Policy) {
    counters.prepare(policy.limits.iter().map(|limit| &limit.algorithm));
}

fn work(
    shared: &Arc<Shared>,
    number: usize,
    sockets: Vec<(TcpListener, bool)>,
    stopping: watch::Receiver<bool>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "A worker has no runtime.");
            return;
        }
    };
    let worker = Worker::new(Arc::clone(shared));
    let local = tokio::task::LocalSet::new();
    if number == 0 {
        local.spawn_local(upstream::keep_checking(Rc::clone(&worker)));
        local.spawn_local(issuers::keep_fetching(Rc::clone(&worker)));
    }
    local.block_on(&runtime, accept::serve(worker, sockets, stopping));
}
