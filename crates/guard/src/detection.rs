//! Calls as detectors see them, in the process that decides them.
//!
//! ```text
//! worker: head → Said (copied while it is there) → end → its own Tray
//! thread: all trays, ten times a second → Engine (room `detect`) → Board, bans, whoever is told
//! ```
//!
//! The same engine looks at the same calls as `watch` does with a log, so both find the same. No call waits for it: a
//! worker puts into a tray of its own, whose lock nobody else takes but the thread, for the moment of an exchange. The
//! tray has a cap; what has no place is counted and not watched. A channel was the other way; it wakes a thread for
//! each message or needs a timer in each worker, and allocates.
//!
//! Where the policy says nothing of watching a call pays one relaxed load, and there is no thread.

mod bans;
mod board;
mod detector;
mod said;
mod surroundings;
mod thread;
mod tray;

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratewarden_callers::Fields;
use ratewarden_judge::{Operation, Subject};

use crate::worker::Worker;

pub(crate) use board::{Board, Shown};
pub(crate) use said::Said;
pub(crate) use surroundings::Nothing;
pub use surroundings::Surroundings;
pub(crate) use thread::Detecting;
pub(crate) use tray::{End, Tray};

/// What is known of a call when it is decided.
#[derive(Debug)]
pub(crate) struct About<'c, F: ?Sized> {
    pub(crate) operation: Operation<'c>,
    pub(crate) query: Option<&'c str>,
    pub(crate) fields: Option<&'c F>,
    /// The client's, through trusted proxies.
    pub(crate) address: Option<IpAddr>,
    /// Whose it is, where that is known.
    pub(crate) subject: Option<&'c Subject>,
    /// A keyed hash of a credential that is none.
    pub(crate) tried: Option<u128>,
}

/// What workers, the thread and the operator share.
#[derive(Debug, Default)]
pub(crate) struct Detection {
    is_on: AtomicBool,
    trays: Mutex<Vec<Arc<Tray>>>,
    seen: AtomicU64,
    board: Mutex<Board>,
}

impl Detection {
    /// Whether calls are watched.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// A tray for one more worker.
    pub(crate) fn add_tray(&self) -> Arc<Tray> {
        let tray = Arc::<Tray>::default();
        self.trays.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&tray));
        tray
    }

    /// What was found.
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls that detectors have seen, and those that had no place.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let trays = self.trays.lock().unwrap_or_else(PoisonError::into_inner);
        (self.seen.load(Ordering::Relaxed), trays.iter().map(|tray| tray.dropped()).sum())
    }
}

/// What a worker has for watching: its tray, and notes that nobody uses just now.
#[derive(Debug)]
pub(crate) struct Notes {
    tray: Arc<Tray>,
    #[expect(clippy::vec_box, reason = "a call carries a box, and gives it back as it is")]
    spare: RefCell<Vec<Box<Said>>>,
}

/// Notes that are kept for the next calls.
const SPARE: usize = 256;

impl Notes {
    pub(crate) fn new(tray: Arc<Tray>) -> Self {
        Self { tray, spare: RefCell::default() }
    }
}

impl Worker {
    /// Notes what a call says, where calls are watched.
    pub(crate) fn note<F: Fields + ?Sized>(&self, about: &About<'_, F>) -> Option<Box<Said>> {
        if !self.shared.detection.is_on() {
            return None;
        }
        let mut said = self.notes.spare.borrow_mut().pop().unwrap_or_default();
        said.note(about);
        Some(said)
    }

    /// Hands a call that has ended to the detectors.
    pub(crate) fn watch(&self, said: Option<Box<Said>>, status: u16, bytes: u64, micros: Option<u64>) {
        let Some(said) = said else { return };
        let at_ms = self.shared.clock.unix_millis();
        self.notes.tray.put(&said, &End { at_ms, status, bytes, micros });
        let mut spare = self.notes.spare.borrow_mut();
        if spare.len() < SPARE {
            spare.push(said);
        }
    }
}
