//! File descriptors: as many as the system gives, and what happens when they are used up.
//!
//! Each client's connection takes one, and each call under way one more for the server's. At the start the soft limit is
//! raised to the hard one. When there are none left nothing that is under way ends: clients of every worker that wait
//! for a call for longest make room ([`Deadlines::end_idle_early`]), accepting pauses, and a call that needs a new
//! connection to a server gets 503. The admin listener has a few of its own ([`Spare`]), or nobody could see it.
//!
//! [`Deadlines::end_idle_early`]: crate::net::deadline::Deadlines::end_idle_early

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ratewarden_limiter::Time;
use ratewarden_policy::Policy;
use tracing::{info, warn};

use crate::worker::Worker;

/// Descriptors for all but connections: listeners, runtimes, files, the admin listener.
const RESERVE: u64 = 100;

/// At most one line of the log in this time.
const QUIET: Duration = Duration::from_secs(60);

/// After an accept that failed the next is tried this much later; who wants to connect waits in the listener's queue
/// meanwhile.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Connections that each worker closes early when there is no descriptor for a new one.
const MADE_ROOM: usize = 32;

/// What a descriptor was missing for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Accept,
    Upstream,
    Health,
    Admin,
}

/// How often descriptors were missing.
#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    counts: [AtomicU64; 4],
    /// How often workers have asked each other for room.
    asked_for_room: AtomicU64,
    /// When that may be said again, in nanoseconds since the start.
    quiet_until: AtomicU64,
}

/// Descriptors that are held so that they can be given up.
#[derive(Debug)]
pub(crate) struct Spare {
    held: Vec<File>,
    most: usize,
}

impl Missing {
    pub(crate) const ALL: [Self; 4] = [Self::Accept, Self::Upstream, Self::Health, Self::Admin];

    /// The word for logs and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Upstream => "upstream",
            Self::Health => "health",
            Self::Admin => "admin",
        }
    }
}

impl Descriptors {
    pub(crate) fn count(&self, missing: Missing) -> u64 {
        self.counts.get(missing as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Counts one, and says whether the log should hear of it.
    fn missed(&self, missing: Missing, now: Time) -> bool {
        if let Some(count) = self.counts.get(missing as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let until = self.quiet_until.load(Ordering::Relaxed);
        // Of several workers one says it.
        now.nanos() >= until
            && self
                .quiet_until
                .compare_exchange(until, now.after(QUIET).nanos(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl Worker {
    /// Whether an error means that descriptors are used up. That is counted, said at most once a minute, and makes
    /// room among the connections that wait for a call for longest: those of this worker at once, those of the others
    /// at their next look.
    pub(crate) fn lacks_descriptors(&self, missing: Missing, error: &io::Error) -> bool {
        if !are_used_up(error) {
            return false;
        }
        let asked = self.shared.descriptors.asked_for_room.fetch_add(1, Ordering::Relaxed) + 1;
        self.heard_of_room.set(asked);
        let closed = self.make_room();
        if self.shared.descriptors.missed(missing, self.shared.clock.now()) {
            let (needed_for, limit) = (missing.word(), limit());
            warn!(
                %error, needed_for, limit, closed,
                "File descriptors are used up. Raise the limit (`LimitNOFILE=` of systemd, `ulimit -n`) or lower caps.connections."
            );
        }
        true
    }

    /// Makes room where another worker has asked for it since this was called last.
    pub(crate) fn make_room_for_others(&self) {
        let asked = self.shared.descriptors.asked_for_room.load(Ordering::Relaxed);
        if self.heard_of_room.replace(asked) != asked {
            self.make_room();
        }
    }

    /// Closes connections that wait for a call and have at most half of their time left. Who calls every few seconds
    /// is not among them: a flood that uses up the descriptors must not get the places of those. Once for each look at
    /// the deadlines, since it goes through all of them.
    fn make_room(&self) -> usize {
        let now = self.deadlines.now();
        if self.made_room.replace(Some(now)) == Some(now) {
            return 0;
        }
        self.deadlines.end_idle_early(self.loaded().policy.timeouts.idle / 2, MADE_ROOM)
    }
}

impl Spare {
    /// Takes so many, or as many as there are.
    pub(crate) fn take(most: usize) -> Self {
        let mut spare = Self { held: Vec::with_capacity(most), most };
        spare.refill();
        spare
    }

    /// Gives one up; whether there was one.
    pub(crate) fn give_up(&mut self) -> bool {
        self.held.pop().is_some()
    }

    /// Takes back what was given up, as far as there are any.
    pub(crate) fn refill(&mut self) {
        while self.held.len() < self.most {
            let Ok(file) = File::open("/dev/null") else { return };
            self.held.push(file);
        }
    }
}

/// Whether an error says that the process (EMFILE) or the system (ENFILE) has no descriptor left.
pub(crate) fn are_used_up(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// What is behind an error of resolving a name. A resolver that can open neither its files nor a socket says that
/// there is no such name, so whether there is a descriptor is tried out.
pub(crate) fn behind(error: io::Error) -> io::Error {
    match File::open("/dev/null") {
        Err(missing) if are_used_up(&missing) => missing,
        _ => error,
    }
}

/// Raises the limit as far as it goes.
pub(crate) fn raise() {
    let before = limit();
    let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limits.maximum, maximum: limits.maximum };
    // Where it may not be raised it is what it was.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised);
    let limit = limit();
    if limit > before {
        info!(before, limit, "The limit of file descriptors is raised.");
    }
}

/// Says where the limit is too low for the policy's connections.
pub(crate) fn compare(policy: &Policy) {
    let limit = limit();
    let connections = u64::try_from(policy.caps.connections).unwrap_or(u64::MAX);
    let needed = needed(connections);
    if limit < needed {
        let enough_for = limit.saturating_sub(RESERVE) / 2;
        warn!(
            connections,
            needed,
            limit,
            enough_for,
            "Too few file descriptors for caps.connections. Raise the hard limit (`LimitNOFILE=` of systemd, `ulimit -Hn`) or lower caps.connections."
        );
    }
}

/// The soft limit now; the largest number where there is none.
pub(crate) fn limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// One for each client and one for its call's way to a server.
const fn needed(connections: u64) -> u64 {
    connections.saturating_mul(2).saturating_add(RESERVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_a_minute_and_counted_each_time() {
        let descriptors = Descriptors::default();
        let missed =
            |seconds| descriptors.missed(Missing::Accept, Time::START.after(Duration::from_secs(seconds)));
        assert_eq!(
            [missed(1), missed(1), missed(60), missed(61), missed(62)],
            [true, false, false, true, false]
        );
        assert_eq!((descriptors.count(Missing::Accept), descriptors.count(Missing::Admin)), (5, 0));
    }

    #[test]
    fn only_two_errors_mean_that_descriptors_are_used_up() {
        for (errno, used_up) in [(24, true), (23, true), (111, false), (12, false)] {
            assert_eq!(are_used_up(&io::Error::from_raw_os_error(errno)), used_up, "{errno}");
        }
        assert!(!are_used_up(&io::Error::other("no number")));
    }

    #[test]
    fn what_was_given_up_is_taken_back() {
        let mut spare = Spare::take(2);
        assert_eq!([spare.give_up(), spare.give_up(), spare.give_up()], [true, true, false]);
        spare.refill();
        assert_eq!(spare.held.len(), 2);
    }
}
