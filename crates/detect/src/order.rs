//! Calls back into the order of their seconds.
//!
//! Logs are nearly in order: a server writes a call when it ends, several workers write at once, files are merged. Calls
//! wait in one batch for each second until the newest call is more than the lateness ahead; then their second is released
//! whole. Detectors have a resolution of a second and do not ask for the order inside one, so any order of lines within
//! the lateness gives the same findings.
//!
//! What is still later is handed out at once under its own time; windows take it where it belongs as long as they go
//! back that far. A single call far ahead is not believed until a second one agrees: a wrong clock must not make
//! everything else late. When everything is far behind for long, time itself went back, and it begins anew.

use crate::event::Batch;

/// A call so many seconds ahead of the newest waits for a second one.
const LEAP: u32 = 600;
/// So many late calls in a row, all by more than [`LEAP`], and time has gone back.
const BACKWARDS: u32 = 500;
/// Bytes that may wait; beyond it the oldest second is released early.
const MAX_BYTES: usize = 48 << 20;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// It waits in the batch of its second.
    Waits,
    /// It is handed out at once: it is late.
    Late,
    /// It is far ahead of all others; it waits for another that agrees. Says whether it agrees with the one that waited.
    Ahead(bool),
    /// Time has gone back: everything that waits is to be handed out, and all begins anew.
    Backwards,
}

/// Batches by their second.
#[derive(Debug)]
pub(crate) struct Order {
    batches: Vec<Batch>,
    /// The oldest second that is not released.
    floor: u32,
    newest: Option<u32>,
    /// The second of a call that was far ahead.
    ahead: Option<u32>,
    late_in_a_row: u32,
    bytes: usize,
    lateness: u32,
}

impl Order {
    pub(crate) fn new(lateness: u32) -> Self {
        let batches = (0..=lateness).map(|_| Batch::default()).collect();
        Self { batches, floor: 0, newest: None, ahead: None, late_in_a_row: 0, bytes: 0, lateness }
    }

    /// What is to become of a call of `second`. After [`Admitted::Waits`] it is put into [`batch`](Self::batch).
    #[inline]
    pub(crate) fn admit(&mut self, second: u32) -> Admitted {
        let Some(newest) = self.newest else {
            self.start(second);
            return Admitted::Waits;
        };
        if second < self.floor {
            return self.late(second);
        }
        self.late_in_a_row = 0;
        if second <= newest.saturating_add(LEAP) {
            self.newest = Some(newest.max(second));
            self.ahead = None;
            return Admitted::Waits;
        }
        let believed = self.ahead.take().filter(|&ahead| second.saturating_add(LEAP) >= ahead);
        let newest = believed.unwrap_or(newest);
        self.newest = Some(newest);
        if second > newest.saturating_add(LEAP) {
            self.ahead = Some(second);
            return Admitted::Ahead(believed.is_some());
        }
        self.newest = Some(newest.max(second));
        Admitted::Waits
    }

    fn late(&mut self, second: u32) -> Admitted {
        let is_far = self.floor - second > LEAP;
        self.late_in_a_row = if is_far { self.late_in_a_row + 1 } else { 0 };
        if self.late_in_a_row < BACKWARDS {
            return Admitted::Late;
        }
        Admitted::Backwards
    }

    /// Whether a call of `second` is still far ahead.
    pub(crate) fn is_ahead(&self, second: u32) -> bool {
        self.newest.is_none_or(|newest| second > newest)
    }

    /// Believes the call that is ahead although no other agrees, where it is ahead by less than a day.
    pub(crate) fn believe(&mut self) {
        if let (Some(ahead), Some(newest)) = (self.ahead.take(), self.newest)
            && ahead.saturating_sub(newest) < 86_400
        {
            self.newest = Some(ahead.max(newest));
        }
    }

    /// Begins anew with a call of `second`. Nothing may wait.
    pub(crate) fn start(&mut self, second: u32) {
        (self.newest, self.floor) = (Some(second), second.saturating_sub(self.lateness));
        (self.ahead, self.late_in_a_row) = (None, 0);
    }

    /// Time has come to `second` although no call says so.
    pub(crate) fn advance(&mut self, second: u32) {
        if self.newest.is_some_and(|newest| newest < second) {
            self.newest = Some(second);
        }
    }

    /// The batch of a second that waits.
    #[inline]
    pub(crate) fn batch(&mut self, second: u32) -> &mut Batch {
        let place = self.place(second);
        let batch = &mut self.batches[place];
        batch.second = second;
        batch
    }

    /// Notes that so many bytes more wait.
    #[inline]
    pub(crate) fn note(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Whether a batch is to be released before a call of the newest second is put in.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.newest.is_some_and(|newest| self.floor + self.lateness < newest) || self.bytes > MAX_BYTES
    }

    /// The next batch that is due, exchanged for an empty one; `None` when none is. `all` releases what still waits.
    pub(crate) fn release(&mut self, all: bool, empty: Batch) -> Result<Batch, Batch> {
        let Some(newest) = self.newest else { return Err(empty) };
        let until = if all { newest + 1 } else { newest.saturating_sub(self.lateness) };
        while self.floor < until || (self.bytes > MAX_BYTES && self.floor < newest) {
            if self.bytes == 0 {
                self.floor = until;
                break;
            }
            let second = self.floor;
            self.floor += 1;
            let place = self.place(second);
            let batch = &mut self.batches[place];
            if batch.second == second && !batch.is_empty() {
                let full = std::mem::replace(batch, empty);
                self.bytes = self.bytes.saturating_sub(full.bytes());
                return Ok(full);
            }
        }
        Err(empty)
    }

    /// The second before which everything was released.
    pub(crate) const fn floor(&self) -> u32 {
        self.floor
    }

    #[inline]
    fn place(&self, second: u32) -> usize {
        // 32 bits: a division of 64 is several times as slow.
        (second % (self.lateness + 1)) as usize
    }
}
