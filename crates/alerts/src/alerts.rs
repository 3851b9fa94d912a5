//! What others use: start, hand findings over, ask how it goes, stop.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratewarden_model::Finding;
use tokio::runtime::{Builder, Runtime};

use crate::config::{Config, ConfigError};
use crate::item::State;
use crate::outbox::Outbox;
use crate::send::{Sender, Surroundings};
use crate::status::{Kept, Status};
use crate::store::OpenError;
use crate::worker;

/// Why alerts cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] OpenError),
    /// The file of trusted certificates.
    #[error("cannot use the certificates in {path}: {why}")]
    Roots {
        /// Which file.
        path: String,
        /// Why not.
        why: String,
    },
    /// What one receiver needs cannot be made.
    #[error("receiver `{receiver}`: {why}")]
    Receiver {
        /// Whose.
        receiver: String,
        /// What is wrong.
        why: String,
    },
    /// The machine gives no thread.
    #[error("cannot start a thread for alerts")]
    Thread(#[source] std::io::Error),
}

/// Findings on their way to people. Dropping it stops sending; what waits stays on the disk.
///
/// All methods may be called from any thread, in or out of an async runtime; [`Alerts::handle`] may wait for the disk.
pub struct Alerts {
    outbox: Arc<Outbox>,
    /// Of its own, so that findings are sent whatever the threads of its owner do.
    runtime: Option<Runtime>,
}

impl Alerts {
    /// Opens the outbox in this folder and begins to send what waits in it.
    ///
    /// # Errors
    /// [`StartError`]: a configuration that cannot be meant, an outbox that cannot be read or that another process has,
    /// certificates that are none.
    pub fn start(config: &Config, folder: &Path) -> Result<Self, StartError> {
        config.check()?;
        let surroundings = Surroundings::new(config)?;
        let senders = config
            .receivers
            .iter()
            .map(|receiver| {
                let wrong = |why| StartError::Receiver { receiver: receiver.name.clone(), why };
                Sender::new(receiver, &surroundings).map_err(wrong)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let outbox = Arc::new(Outbox::open(config, folder)?);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(1).thread_name("alerts").enable_all();
        let runtime = builder.build().map_err(StartError::Thread)?;
        for (receiver, sender) in senders.into_iter().enumerate() {
            let outbox = Arc::clone(&outbox);
            runtime.spawn(worker::run(outbox, receiver, sender, config.retry, config.timeout));
        }
        Ok(Self { outbox, runtime: Some(runtime) })
    }

    /// Takes in what became of a finding; `now_ms` is the time on the wall, in milliseconds since 1970. Returns when
    /// what follows from it is on the disk, or in memory where the disk cannot be written. Never waits for the network.
    pub fn handle(&self, finding: &Finding, state: State, now_ms: i64) -> Kept {
        self.outbox.events(&[(finding, state)], now_ms)
    }

    /// Like [`Alerts::handle`] for several, which go to the disk together: all of them or none.
    pub fn handle_all(&self, events: &[(&Finding, State)], now_ms: i64) -> Kept {
        self.outbox.events(events, now_ms)
    }

    /// Sends everything at once and waits until it is delivered or parked, at most for so long. Says whether nothing
    /// waits any more. Blocks its thread.
    #[must_use]
    pub fn flush(&self, within: Duration) -> bool {
        self.outbox.flush(within)
    }

    /// What waits, and how it goes.
    #[must_use]
    pub fn status(&self) -> Status {
        self.outbox.status()
    }

    /// Tries again what this receiver refused; says how many messages those are.
    pub fn requeue(&self, receiver: &str) -> usize {
        self.outbox.requeue(receiver, worker::now_ms())
    }
}

impl Drop for Alerts {
    fn drop(&mut self) {
        self.outbox.close();
        if let Some(runtime) = self.runtime.take() {
            // Waiting for tasks would not be allowed inside of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Alerts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alerts").field("status", &self.status()).finish_non_exhaustive()
    }
}
