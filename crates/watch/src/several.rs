//! Several logs that are followed at once: whose turn it is, and which of them keeps another time.
//!
//! Detectors have one time, which is that of the newest calls; what is later than the lateness is too late for short
//! windows. With one log that is rare. With several it would be the rule in two cases, and both are dealt with here:
//!
//! - **Catching up.** Each log is read only [`TURN_SECS`] further than the one that is behind and has more to read. The line
//!   that goes further is read too, since nobody knows its time before: after a long silence in a log, calls of another
//!   may be late.
//! - **A clock that is behind** (a host without NTP, local time taken for UTC, lines that are delivered late). Nobody knows
//!   which clock is right, but the newest calls of a log were written just now, so the distance of the newest ones is the
//!   clock's. Calls of a log whose newest are too late count as much later, in their own order and distances, and that is
//!   said. Calls that are late although their log's newest are not (lines that are written in bursts) stay as they are:
//!   to move them would make a rush of an hour's calls.
//!
//! A log so far behind would also make time go back, again and again, whenever so many of its calls come in a row, and
//! with each time all windows of all logs begin anew. So while other logs go on, what is more than that in a row is left
//! out, counted and said. To hold up all logs for the slowest was rejected: alerts would be as late as the worst clock.

use std::fmt;

/// So far a log may get ahead of another that has more to read, in seconds of its calls. Less than the lateness of 10 s.
const TURN_SECS: u32 = 5;
/// The newest of so many calls says where a log stands, so that one old date does not.
const RECENT: usize = 8;
/// Calls of a log before its clock is judged.
const ENOUGH: u64 = 4;
/// A log whose newest call is this much after now, as it counts, was moved too far; and what was moved is not told anew for
/// less than the second.
const TOO_FAR: (u32, u32) = (10, 60);
/// A call so late is one of another time.
const FAR_SECS: u32 = 600;
/// So many of them in a row are handed on; detectors take 500 for time that went back.
const FAR_IN_A_ROW: u32 = 400;
/// A log is alive that had a call in time within so long.
const ALIVE_MS: u64 = 60_000;

/// What one log shows of its clock, in seconds since 1970.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// As its last calls say.
    recent: [u32; RECENT],
    calls: u64,
    /// Of this step.
    calls_now: u64,
    /// What is added to calls that are late.
    behind: u32,
    /// To where the calls' time has come: no moved call is after it.
    now: u32,
    /// Another log goes on in its time.
    others_go_on: bool,
    /// When it had a call in time, by the follower's clock.
    in_time_ms: Option<u64>,
    is_in_time: bool,
    missed: Missed,
    /// What was said of it last.
    said: u64,
}

/// Calls that short windows did not see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Missed {
    late: u64,
    left_out: u64,
    /// By how much the latest was.
    most: u32,
}

/// How a call counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// At so many seconds after what it says.
    After(u32),
    /// Not at all.
    No,
}

/// What is to be said of the clock of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    /// Calls came too late for short windows.
    Late {
        /// So many, all told.
        calls: u64,
        /// How many of them detectors were not given, since there were so many in a row.
        left_out: u64,
        /// By how many seconds the latest was.
        most: u32,
    },
    /// Its clock is behind the other logs' by so many seconds: its calls count as much later from now on.
    Moved(u32),
    /// It keeps the others' time again.
    Again,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Late { calls, left_out, most } => {
                let (noun, most) = (if calls == 1 { "call" } else { "calls" }, span(most));
                write!(
                    f,
                    "{calls} {noun} came later than the lateness that is waited for, up to {most}; short windows may \
                     have missed them"
                )?;
                if left_out > 0 {
                    write!(f, ", and {left_out} were left out")?;
                }
                Ok(())
            }
            Self::Moved(by) => write!(
                f,
                "its clock is {} behind the other logs; from here on its calls count as much later",
                span(by)
            ),
            Self::Again => f.write_str("its clock is as the other logs' again"),
        }
    }
}

fn span(secs: u32) -> String {
    match (secs / 3_600, secs / 60 % 60, secs % 60) {
        (0, 0, secs) => format!("{secs} s"),
        (0, minutes, secs) => format!("{minutes} min {secs} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

impl Clock {
    /// How a call counts that says `at_ms`, where everything before `settled` was looked at; `far` counts calls of another
    /// time in a row, of all logs.
    pub(crate) fn count(&mut self, at_ms: i64, settled: u32, far: &mut u32) -> Counted {
        let second = u32::try_from(at_ms.div_euclid(1_000)).unwrap_or(0);
        if let Some(place) = self.recent.get_mut((self.calls % RECENT as u64) as usize) {
            *place = second;
        }
        self.calls += 1;
        self.calls_now += 1;
        if second >= settled {
            *far = 0;
            self.is_in_time = true;
            return Counted::After(0);
        }
        let moved = second.saturating_add(self.behind).min(self.now.max(second));
        if moved >= settled {
            *far = 0;
            return Counted::After(moved - second);
        }
        let late = settled - moved;
        self.missed.late += 1;
        self.missed.most = self.missed.most.max(late);
        *far = if late > FAR_SECS { *far + 1 } else { 0 };
        if *far > FAR_IN_A_ROW && self.others_go_on {
            self.missed.left_out += 1;
            return Counted::No;
        }
        Counted::After(moved - second)
    }

    /// The newest of its last calls, as it counts; `None` before the first.
    pub(crate) fn stands_at(&self) -> Option<u32> {
        (self.calls > 0).then(|| self.newest().saturating_add(self.behind))
    }

    fn newest(&self) -> u32 {
        self.recent.iter().copied().max().unwrap_or(0)
    }

    /// Judges it after a step that has read it to its end.
    fn judge(&mut self, settled: u32) -> Option<Behind> {
        let newest = self.newest();
        if newest >= settled {
            return (std::mem::take(&mut self.behind) > 0).then_some(Behind::Again);
        }
        let counts_at = newest.saturating_add(self.behind);
        let fits = (settled..=self.now.saturating_add(TOO_FAR.0)).contains(&counts_at);
        if self.calls < ENOUGH || !self.others_go_on || fits {
            return None;
        }
        let before = std::mem::replace(&mut self.behind, self.now.saturating_sub(newest));
        let is_told = before == 0 || before.abs_diff(self.behind) > TOO_FAR.1;
        is_told.then_some(Behind::Moved(self.behind))
    }

    /// What is to be said of calls that were missed: the first time, and each time that it is ten times as much.
    fn late(&mut self) -> Option<Behind> {
        let Missed { late, left_out, most } = self.missed;
        if late == 0 || late < self.said.saturating_mul(10) {
            return None;
        }
        self.said = late;
        Some(Behind::Late { calls: late, left_out, most })
    }
}

/// Whose turn it is among logs that are caught up with, and how their clocks are.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Of each, whether there was more to read when it was read last; `None` before.
    more: Vec<Option<bool>>,
}

impl Turns {
    pub(crate) fn new(logs: usize) -> Self {
        Self { more: vec![None; logs] }
    }

    /// To where the log of this place may be read now, in seconds since 1970; its clock is among `clocks`.
    pub(crate) fn until<'c>(&self, place: usize, clocks: impl Iterator<Item = &'c Clock>) -> u32 {
        let others = self.more.iter().zip(clocks).enumerate().filter(|(other, _)| *other != place);
        let ends = others.filter_map(|(_, (more, clock))| match (more, clock.stands_at()) {
            // Nobody knows yet where it stands.
            (None, None) => Some(0),
            // What holds no calls would be waited for without end.
            (Some(true), None) | (Some(false), _) => None,
            (Some(true) | None, Some(at)) => Some(at.saturating_add(TURN_SECS)),
        });
        ends.min().unwrap_or(u32::MAX)
    }

    /// A step begins: it is `now` in the calls' time.
    pub(crate) fn begin<'c>(&self, clocks: impl Iterator<Item = &'c mut Clock>, now: u32, now_ms: u64) {
        let mut clocks: Vec<&mut Clock> = clocks.collect();
        let is_alive = |clock: &Clock| clock.in_time_ms.is_some_and(|at| at + ALIVE_MS > now_ms);
        let alive = clocks.iter().filter(|clock| is_alive(clock)).count();
        for clock in &mut clocks {
            let others = alive - usize::from(is_alive(clock));
            (clock.now, clock.others_go_on) = (now, others > 0);
            (clock.calls_now, clock.is_in_time) = (0, false);
        }
    }

    /// A step has ended, in which the log of this place was read; `more` says that it has more.
    pub(crate) fn end(
        &mut self,
        place: usize,
        clock: &mut Clock,
        more: bool,
        settled: u32,
        now_ms: u64,
    ) -> Vec<Behind> {
        if let Some(place) = self.more.get_mut(place) {
            *place = Some(more);
        }
        if clock.is_in_time {
            clock.in_time_ms = Some(now_ms);
        }
        if clock.calls_now == 0 {
            return Vec::new();
        }
        let judged = if more { None } else { clock.judge(settled) };
        clock.late().into_iter().chain(judged).collect()
    }
}
