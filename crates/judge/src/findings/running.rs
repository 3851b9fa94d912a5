//! Findings that are open and led to a ban: when each is asked about again.

use std::collections::HashMap;
use std::time::Duration;

use ratewarden_limiter::Time;
use ratewarden_model::Finding;

/// Open findings that are kept. Of more nobody is banned again before their finding opens anew.
const OPEN: usize = 10_000;

/// A finding that is open and led to a ban.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) detector: String,
    /// How long that detector's first ban is.
    pub(super) first: Duration,
    pub(super) finding: Finding,
    /// Of whom it is, as bans are kept.
    pub(super) id: u128,
    /// Whoever had stopped when its ban began was seen until then, in milliseconds since 1970; `None` where none is in force,
    /// for want of a place or because it came to nothing.
    pub(super) began_ms: Option<i64>,
    /// When it is asked about again.
    pub(super) until: Time,
    /// How long after that it is asked about again where all places are still taken.
    pub(super) again: Duration,
}

/// A bounded memory of them, by fingerprint.
#[derive(Debug, Default)]
pub(super) struct Running {
    open: HashMap<String, Open>,
}

impl Running {
    /// Keeps a finding. Of several detectors that see it, the one whose first ban is longest is asked at the ban's end.
    pub(super) fn keep(
        &mut self,
        fingerprint: &str,
        (detector, first): (&str, Duration),
        open: impl FnOnce() -> Open,
    ) {
        if let Some(known) = self.open.get_mut(fingerprint) {
            if known.first < first {
                detector.clone_into(&mut known.detector);
                known.first = first;
            }
        } else if self.open.len() < OPEN {
            self.open.insert(fingerprint.to_owned(), open());
        }
    }

    /// It has ended.
    pub(super) fn end(&mut self, fingerprint: &str) {
        self.open.remove(fingerprint);
    }

    /// Keeps one that was due.
    pub(super) fn put_back(&mut self, open: Open) {
        self.open.insert(open.finding.fingerprint.clone(), open);
    }

    /// One that had no place before has none again: it is asked about after twice as long, up to `longest`.
    pub(super) fn back_off(&mut self, fingerprint: &str, before: Duration, longest: Duration, now: Time) {
        if let Some(open) = self.open.get_mut(fingerprint).filter(|open| open.began_ms.is_none()) {
            open.again = (before * 2).min(longest);
            open.until = now.after(open.again);
        }
    }

    /// Whether any is to be asked about.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.open.values().any(|open| open.until <= now)
    }

    /// Takes out those that are to be asked about.
    pub(super) fn due(&mut self, now: Time) -> Vec<Open> {
        self.open.extract_if(|_, open| open.until <= now).map(|(_, open)| open).collect()
    }

    /// The ban of `id` that ends at `until` came to nothing: whoever waits for its end is asked about at `again`.
    pub(super) fn come_to_nothing(&mut self, id: u128, until: Time, again: Time) {
        for open in self.open.values_mut().filter(|open| open.id == id && open.until == until) {
            (open.began_ms, open.until) = (None, again);
        }
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}
