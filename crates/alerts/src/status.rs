//! How it goes: what others may know of the outbox.

/// Where what was decided is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Kept {
    /// On the disk: it survives a crash.
    OnDisk,
    /// In memory only, because the disk cannot be written; it goes to the disk as soon as that can be written.
    InMemory,
}

/// What waits, and how it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether everything is on the disk.
    pub kept: Kept,
    /// By receiver, as configured.
    pub receivers: Vec<ReceiverStatus>,
}

/// How it goes with one receiver. Counts are since the start, but for what waits and what is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverStatus {
    /// Its name.
    pub name: String,
    /// Findings (and ends of findings) that wait.
    pub waiting: usize,
    /// Findings (and ends of findings) that were delivered.
    pub delivered: u64,
    /// Messages that it refused and that are kept.
    pub parked: usize,
    /// Refused messages that had to go because too many are kept.
    pub parked_dropped: u64,
    /// Findings that were not sent because they opened again within the cool-down.
    pub cooled: u64,
    /// Times there was no room for a finding.
    pub left_out: u64,
    /// Why the last try failed; `None` after one that did not.
    pub failing: Option<String>,
}
