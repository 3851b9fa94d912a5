//! Bans as they are written to disk.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ratewarden_counters::{Instant, Kept};
use ratewarden_limiter::Time;

use super::{Ban, Cause, MOST, Penalties, Whom};

/// How long after its end a ban is kept on disk, so that the next one is longer.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A ban as it is written to disk.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Written {
    whom: Whom,
    label: Option<Arc<str>>,
    cause: Cause,
    #[serde(default)]
    spares: bool,
    /// Unix time in milliseconds.
    until: i64,
    times: u32,
}

impl Penalties {
    /// Grows with each change of what [`Penalties::kept`] returns.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// All bans, for the disk, each under its own id. They are kept for a while after their end, because the next one depends on them.
    pub fn kept(&self, at: Instant) -> Vec<Kept> {
        let bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = bans.iter().filter_map(|(id, ban)| {
            let passed = i64::try_from(at.now.since(ban.until).as_millis()).ok()?;
            let left = i64::try_from(ban.until.since(at.now).as_millis()).ok()?;
            let until = at.wall.as_millisecond().saturating_add(left).saturating_sub(passed);
            let (label, cause) = (ban.label.clone(), ban.cause.clone());
            let written =
                Written { whom: ban.whom, label, cause, spares: ban.spares, until, times: ban.times };
            let forgotten = Timestamp::from_millisecond(until).ok()?.checked_add(REMEMBERED).ok()?;
            Some(Kept { id: *id, until: forgotten, state: serde_json::to_string(&written).ok()? })
        });
        kept.collect()
    }

    /// Puts bans back that were kept; what cannot be read is left out. Returns how many are in force.
    pub fn restore(&self, kept: &[Kept], at: Instant) -> usize {
        let mut bans = self.bans.lock().unwrap_or_else(PoisonError::into_inner);
        for kept in kept.iter().take(MOST) {
            let Ok(written) = serde_json::from_str::<Written>(&kept.state) else { continue };
            let left = written.until.saturating_sub(at.wall.as_millisecond());
            let apart = Duration::from_millis(left.unsigned_abs());
            // Where the clock began with this process a ban that has ended is one that ended then.
            let until = if left < 0 {
                Time::START.after(at.now.since(Time::START.after(apart)))
            } else {
                at.now.after(apart)
            };
            let Written { whom, label, cause, spares, times, .. } = written;
            bans.insert(kept.id, Ban { whom, label, cause, spares, until, times });
        }
        self.count.store(bans.len(), Ordering::Relaxed);
        bans.values().filter(|ban| ban.until > at.now).count()
    }
}
