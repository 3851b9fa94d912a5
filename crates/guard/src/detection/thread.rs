//! The thread of the detectors, and how a policy starts, changes and ends it.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratewarden_detect::{Engine, Settings};
use ratewarden_policy::Policy;
use tracing::{error, warn};

use super::detector::{Command, Detector};
use super::surroundings::Surroundings;
use crate::load::LoadError;
use crate::state::Shared;

/// Seconds that a call may be late: it waits in a tray for a tenth of one. Findings come so much later.
const LATENESS: u32 = 2;

/// How long its end is waited for. Who is told of findings may hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts, changes and ends the thread as policies say.
pub(crate) struct Detecting {
    surroundings: Arc<dyn Surroundings>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    commands: Sender<Command>,
    done: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Detecting {
    pub(crate) fn new(surroundings: Arc<dyn Surroundings>) -> Self {
        Self { surroundings, thread: Mutex::default() }
    }

    /// Makes detectors ready for a policy that is about to follow `before`; `None` where those that run go on, or
    /// nothing is watched.
    ///
    /// # Errors
    /// When what the policy names for it cannot be had.
    pub(crate) fn prepare(
        &self,
        before: Option<&Policy>,
        policy: &Policy,
        secret: &[u8; 16],
    ) -> Result<Option<Engine>, LoadError> {
        let is_same = before.is_some_and(|before| {
            let files = |policy: &Policy| (policy.watch.geoip.clone(), policy.watch.geoip_asn.clone());
            let is_counted_alike = before.trust.ipv6_prefix == policy.trust.ipv6_prefix;
            let is_watched_alike = before.watches && before.detectors == policy.detectors;
            is_watched_alike && is_counted_alike && files(before) == files(policy)
        });
        let geography = if policy.watches && !is_same {
            self.surroundings.geography(&policy.watch).map_err(LoadError::Watch)?
        } else {
            None
        };
        // Last: nothing may go wrong after it.
        self.surroundings.policy(policy).map_err(LoadError::Watch)?;
        if !policy.watches || is_same {
            return Ok(None);
        }
        Ok(Some(Engine::new(Settings {
            detectors: policy.detectors.clone(),
            lateness: LATENESS,
            geography,
            ipv6_prefix: policy.trust.ipv6_prefix,
            seed: u64::from_le_bytes(secret.first_chunk().copied().unwrap_or_default()),
        })))
    }

    /// The policy that was made ready is in force.
    ///
    /// # Errors
    /// When a thread is wanted and there is none to be had.
    pub(crate) fn apply(&self, shared: &Arc<Shared>, engine: Option<Engine>) -> std::io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let watches = shared.loaded().policy.watches;
        match (thread.take(), watches) {
            (None, true) => {
                let Some(engine) = engine else { return Ok(()) };
                *thread = Some(Thread::start(shared, engine, Arc::clone(&self.surroundings))?);
            }
            (Some(running), true) => {
                // Nobody is there to read it only where the thread has panicked, and that was said.
                let _ = running.commands.send(Command::Policy(engine.map(Box::new)));
                *thread = Some(running);
            }
            (Some(running), false) => running.end(shared),
            (None, false) => {}
        }
        Ok(())
    }

    /// Looks at what waits, and ends.
    pub(crate) fn end(&self, shared: &Shared) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.end(shared);
        }
    }
}

impl std::fmt::Debug for Detecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detecting").finish_non_exhaustive()
    }
}

impl Thread {
    fn start(
        shared: &Arc<Shared>,
        engine: Engine,
        surroundings: Arc<dyn Surroundings>,
    ) -> std::io::Result<Self> {
        let (commands, orders) = channel();
        let (finished, done) = channel();
        let detector = Detector::new(Arc::clone(shared), surroundings, engine);
        let thread = std::thread::Builder::new().name("detectors".to_owned());
        let thread = thread.spawn(move || {
            detector.run(&orders);
            // Nobody waits for it any more where it took too long.
            let _ = finished.send(());
        })?;
        shared.detection.is_on.store(true, Ordering::Relaxed);
        Ok(Self { commands, done, thread })
    }

    fn end(self, shared: &Shared) {
        shared.detection.is_on.store(false, Ordering::Relaxed);
        // Where nobody is there to read it the thread has panicked, which joining it says.
        let _ = self.commands.send(Command::End);
        if self.done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            warn!("The detectors do not end; whoever is told of findings holds them up.");
        } else if self.thread.join().is_err() {
            error!("The thread of the detectors had panicked.");
        }
    }
}
