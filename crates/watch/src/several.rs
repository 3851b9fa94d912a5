//! Several logs that are followed at once: whose turn it is, and which calls come too late.
//!
//! Detectors have one time, which is that of the newest calls; what is later than the lateness is too late for short
//! windows. With one log that is rare. With several it would be the rule while they are caught up with, one log after the
//! other. So they are read side by side: a line is looked at before it is taken, and one that is further than [`TURN_SECS`]
//! beyond where another log stands that has more to read waits for its turn.
//!
//! Lines that a host writes or delivers late, or whose clock is behind, are late all the same. They are counted, and said
//! with the name of their log and by how much. Two ways to mend what they say were tried and rejected: to hold up all logs for
//! the slowest makes each alert as late as the worst clock, and to add to a log's dates what it is behind makes a rush
//! of what was only delivered late.
//!
//! A log far behind would also make time go back, again and again, whenever so many of its calls come in a row, and
//! with each time all windows of all logs begin anew. So while other logs that were read to their ends go on, what is more
//! than that in a row is left out, counted and said.

use std::fmt;

/// So far a log may get ahead of another that has more to read, in seconds of its calls. Less than the lateness of 10 s.
const TURN_SECS: u32 = 5;
/// A date so far beyond the one before it in its log is more likely wrong than a silence: it is not waited for.
const DAY: u32 = 86_400;
/// A call so late is one of another time.
const FAR_SECS: u32 = 600;
/// So many of them in a row are handed on; detectors take 500 for time that went back.
const FAR_IN_A_ROW: u32 = 400;
/// A log is alive that had a call in time within so long.
const ALIVE_MS: u64 = 60_000;

/// Where one log stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// The second of its last call.
    at: Option<u32>,
    /// The second of the next one, where that waits for its turn.
    next: Option<u32>,
    /// Whether there was more to read when it was read last; `None` before.
    more: Option<bool>,
    /// Another log that was read to its end goes on.
    others_go_on: bool,
    /// When it had a call in time, by the follower's clock.
    in_time_ms: Option<u64>,
    is_in_time: bool,
    missed: Missed,
    /// What was said of it last.
    said: u64,
}

/// Calls that came too late for short windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// So many, all told.
    pub late: u64,
    /// How many of them detectors were not given, since there were so many in a row.
    pub left_out: u64,
    /// By how many seconds the latest was.
    pub most: u32,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { late, left_out, most } = *self;
        let (noun, most) = (if late == 1 { "call" } else { "calls" }, span(most));
        write!(
            f,
            "{late} {noun} came later than the lateness that is waited for, up to {most}; short windows may have missed \
             them"
        )?;
        if left_out > 0 {
            write!(f, ", and {left_out} were left out")?;
        }
        if self.most > FAR_SECS {
            f.write_str(" (is its clock right?)")?;
        }
        Ok(())
    }
}

fn span(secs: u32) -> String {
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

impl Standing {
    /// Whether its next line is beyond `until`, and so is not to be taken yet. `second` tells the second of the line's call, and
    /// is asked once for each line that waits.
    pub(crate) fn is_beyond(&mut self, until: u32, second: impl FnOnce() -> Option<u32>) -> bool {
        let Some(second) = self.next.or_else(second) else { return false };
        let is_believed = self.at.is_none_or(|at| second <= at.saturating_add(DAY));
        let is_beyond = is_believed && second > until;
        self.next = is_beyond.then_some(second);
        is_beyond
    }

    /// Notes a call of this second, where everything before `settled` was looked at; `far` counts calls of another time in a
    /// row, of all logs. False where it is not to be counted.
    #[inline]
    pub(crate) fn counts(&mut self, second: u32, settled: u32, far: &mut u32) -> bool {
        (self.at, self.next) = (Some(second), None);
        if second >= settled {
            *far = 0;
            self.is_in_time = true;
            return true;
        }
        self.counts_late(settled - second, far)
    }

    #[cold]
    fn counts_late(&mut self, late: u32, far: &mut u32) -> bool {
        self.missed.late += 1;
        self.missed.most = self.missed.most.max(late);
        *far = if late > FAR_SECS { *far + 1 } else { 0 };
        let is_left_out = *far > FAR_IN_A_ROW && self.others_go_on;
        self.missed.left_out += u64::from(is_left_out);
        !is_left_out
    }

    /// A step has ended in which it was read; `more` says that it has more. Gives what is to be said of calls that were missed:
    /// the first time, and each time that it is ten times as much.
    pub(crate) fn end(&mut self, more: bool, now_ms: u64) -> Option<Missed> {
        self.more = Some(more);
        if std::mem::take(&mut self.is_in_time) {
            self.in_time_ms = Some(now_ms);
        }
        let late = self.missed.late;
        if late == 0 || late < self.said.saturating_mul(10) {
            return None;
        }
        self.said = late;
        Some(self.missed)
    }

    fn is_alive(&self, now_ms: u64) -> bool {
        self.more == Some(false) && self.in_time_ms.is_some_and(|at| at + ALIVE_MS > now_ms)
    }

    /// To where others may be read beside it; `None` where it holds up nobody.
    fn holds_up(&self) -> Option<u32> {
        match (self.more, self.next.or(self.at)) {
            // Nobody knows yet where it stands.
            (None, None) => Some(0),
            // What holds no calls would be waited for without end.
            (Some(true), None) | (Some(false), _) => None,
            (Some(true) | None, Some(at)) => Some(at.saturating_add(TURN_SECS)),
        }
    }
}

/// To where the log of this place may be read, in seconds since 1970; `u32::MAX` where none waits for it.
pub(crate) fn until<'s>(place: usize, all: impl Iterator<Item = &'s Standing>) -> u32 {
    let others = all.enumerate().filter(|(other, _)| *other != place);
    others.filter_map(|(_, standing)| standing.holds_up()).min().unwrap_or(u32::MAX)
}

/// A step begins: each log is told whether others go on.
pub(crate) fn begin<'s>(all: impl Iterator<Item = &'s mut Standing>, now_ms: u64) {
    let mut all: Vec<&mut Standing> = all.collect();
    let alive = all.iter().filter(|standing| standing.is_alive(now_ms)).count();
    for standing in &mut all {
        standing.others_go_on = alive > usize::from(standing.is_alive(now_ms));
    }
}
