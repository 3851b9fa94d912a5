//! Quotas, bans, lock-outs and whom those spare on disk, written by a thread of its own: no call waits for it.
//!
//! A process that is killed loses what was counted since the last write, at most a second's worth (a write every
//! [`EVERY`], and the time it takes). While the file cannot be written (a full disk) the gateway goes on in memory,
//! says so once, counts the failures, and writes everything as soon as it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ratewarden_counters::{Capacity, Disk, DiskError, Instant, PLACES, Taken};
use ratewarden_policy::Policy;
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::state::Shared;

/// Between two writes.
const EVERY: Duration = Duration::from_millis(400);

/// Bytes in the file for each key and each known pair there can be, with room for pages half full.
const BYTES_A_KEY: usize = 256;

/// Bytes it may have whatever the keys: a small file is not worth a failure.
const BYTES_AT_LEAST: usize = 64 << 20;

/// An open store.
#[derive(Debug)]
pub(crate) struct Durable {
    disk: Disk,
}

/// What was written before and is so again only when it changes.
#[derive(Debug, Default)]
struct Written {
    penalties: u64,
    pairs: Taken,
}

/// What is counted about the store.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// Writes that were done, and that failed.
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// The running thread; it writes a last time when it is told to end.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Durable {
    /// Opens the policy's store, if it has one.
    pub(crate) fn open(policy: &Policy, capacity: Capacity) -> Result<Option<Self>, DiskError> {
        let Some(file) = &policy.store else { return Ok(None) };
        let keys = capacity.keys.saturating_add(capacity.verified_keys).saturating_add(PLACES);
        let bytes = keys.saturating_mul(BYTES_A_KEY).max(BYTES_AT_LEAST);
        Ok(Some(Self { disk: Disk::open_at_most(file, bytes as u64)? }))
    }

    /// The secret under which everything in the file is hashed; `new` where the file is new.
    pub(crate) fn secret(&self, new: [u8; 16]) -> Result<[u8; 16], DiskError> {
        self.disk.secret(new)
    }

    /// Puts back what was kept.
    pub(crate) fn restore(&self, shared: &Shared) -> Result<(), DiskError> {
        let at = instant(&shared.clock);
        let quotas = self.disk.quotas(at)?;
        let placed = quotas.iter().filter(|used| shared.counters.restore(used, at.now)).count();
        if placed < quotas.len() {
            let (kept, left_out) = (placed, quotas.len() - placed);
            warn!(
                kept,
                left_out, "Not all quotas of the store have a place; is caps.keys smaller than it was?"
            );
        }
        let bans = shared.penalties.restore(&self.disk.penalties(at.wall)?, at);
        let pairs = self.disk.pairs(at)?.iter().filter(|noted| shared.pairs.restore(noted, at.now)).count();
        info!(quotas = placed, bans, pairs, "The store is read.");
        Ok(())
    }

    /// Starts to write.
    pub(crate) fn keep(self, shared: Arc<Shared>) -> std::io::Result<Keeper> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || self.write_until(&shared, &stopped))?;
        Ok(Keeper { stop, thread })
    }

    fn write_until(mut self, shared: &Shared, stopped: &Receiver<()>) {
        let (mut written, mut healthy) = (Written::default(), true);
        loop {
            let last = !matches!(stopped.recv_timeout(EVERY), Err(RecvTimeoutError::Timeout));
            match self.write(shared, &mut written) {
                Ok(()) if healthy => {}
                Ok(()) => {
                    healthy = true;
                    info!("The store can be written again.");
                }
                Err(error) => {
                    shared.writes.failed.fetch_add(1, Ordering::Relaxed);
                    if healthy || last {
                        let reason = std::error::Error::source(&error).map(ToString::to_string);
                        error!(%error, reason, "The store cannot be written; what is counted is in memory alone.");
                    }
                    healthy = false;
                }
            }
            if last {
                return;
            }
        }
    }

    fn write(&mut self, shared: &Shared, written: &mut Written) -> Result<(), DiskError> {
        let at = instant(&shared.clock);
        let changed = shared.counters.take_changed();
        if !changed.is_empty() {
            self.disk.write_quotas(&changed, at).inspect_err(|_| shared.counters.change_again(&changed))?;
            shared.writes.done.fetch_add(1, Ordering::Relaxed);
        }
        let now = shared.penalties.version();
        if written.penalties != now {
            self.disk.write_penalties(&shared.penalties.kept(at))?;
            written.penalties = now;
            shared.writes.done.fetch_add(1, Ordering::Relaxed);
        }
        let noted = shared.pairs.take_noted(&mut written.pairs, at.now);
        if !noted.is_empty() {
            let write = self.disk.write_pairs(&noted, at);
            write.inspect_err(|_| written.pairs = Taken::default())?;
            shared.writes.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Keeper {
    /// Writes a last time and waits for it.
    pub(crate) fn end(self) {
        // A thread that is gone has nothing left to write.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            warn!("The thread of the store had panicked.");
        }
    }
}

fn instant(clock: &Clock) -> Instant {
    Instant { now: clock.now(), wall: clock.wall() }
}
