//! The log's time as the two clocks that limits are counted on.
//!
//! Limits want a clock that never steps back, and logs do: lines are written when calls end, hosts whose clocks differ write
//! into one log, files of a rotated set may be given in any order, and single dates are wrong. Two things must not come of it:
//! that callers get back what they have spent, and that time stands still until a date that was wrong.
//!
//! So a log has several clocks, each so far behind the first as was seen. A call within a minute of now by one of them ([`LATE`])
//! is of that clock; where two fit, of the one that lets less time pass. Time is the furthest that any of them has shown: two hosts an
//! hour apart take no more time together than one of them does, and the hour once.
//!
//! A call that is of none is believed when [`AGREE`] in a row say so, each no earlier than the one before. Ahead of all clocks in
//! use, time has passed, by the least of them. Else the log went back (another file, a clock that was set, the first calls of a
//! host): a clock more, by which time goes on from where it stands. Until then calls count where the log stands, for calendars too:
//! a single wrong date would give everybody all quotas anew. The price is that the first two calls after a pause count
//! before it. To hold them back until more come was rejected, since each call is decided when it is seen; but where calls are rare
//! anyway ([`Pauses`]), one that is ahead is believed at once.
//!
//! Calendars have the date of the newest call; it goes back only where there is a clock more. Hosts on both sides of midnight would
//! else begin a new day with every call.

use std::time::Duration;

use jiff::Timestamp;
use ratewarden_judge::Wall;
use ratewarden_limiter::{Calendar, Period, Time};

/// How far behind now a call may be and still be of a clock, and how far ahead at least, in milliseconds.
const LATE: i128 = 60_000;

/// So many calls in a row are believed, wherever they are.
const AGREE: u64 = 3;

/// So many clocks are known at once; of more, the one that was not seen for longest is forgotten.
const CLOCKS: usize = 8;

/// A clock is in use for so many calls after each that is of it.
const IN_USE: u64 = 1_000;

/// Of so many calls it is known how far time went with them.
const RECENT: usize = 32;

/// When the first call is, as limits count: a time of zero is never.
const BEGIN: Duration = Duration::from_secs(3_600);

/// The clocks.
#[derive(Debug, Clone)]
pub(crate) struct EventClock {
    /// The first call's time and how far time has come, in milliseconds since 1970 by the first clock.
    times: Option<(i128, i128)>,
    clocks: Vec<Known>,
    pauses: Pauses,
    odd: Option<Odd>,
    wall: Timestamp,
    /// The first and the last time that is believed.
    span: Option<(i64, i64)>,
    calls: u64,
    late: u64,
    steps: u64,
    misdated: u64,
}

/// A clock of the log.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// How far it is behind the first one, in milliseconds.
    behind: i128,
    /// The call that was the last of it.
    seen: u64,
}

/// How far time went with each of the last calls, in milliseconds.
#[derive(Debug, Clone)]
struct Pauses([i128; RECENT]);

/// Calls in a row that are of no clock.
#[derive(Debug, Clone, Copy)]
struct Odd {
    is_ahead: bool,
    first: i64,
    last: i64,
    calls: u64,
}

/// What calls were not like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Oddities {
    /// Calls that were behind the newest.
    pub(crate) late: u64,
    /// Times that the log went back.
    pub(crate) steps: u64,
    /// Calls whose date is not believed.
    pub(crate) misdated: u64,
}

impl EventClock {
    pub(crate) const fn new() -> Self {
        Self {
            times: None,
            clocks: Vec::new(),
            pauses: Pauses([0; RECENT]),
            odd: None,
            wall: Timestamp::UNIX_EPOCH,
            span: None,
            calls: 0,
            late: 0,
            steps: 0,
            misdated: 0,
        }
    }

    /// It is `at_ms` now.
    pub(crate) fn set(&mut self, at_ms: i64) {
        self.calls += 1;
        let at = i128::from(at_ms);
        let Some((_, now)) = self.times else {
            self.times = Some((at, at));
            self.clocks.push(Known { behind: 0, seen: self.calls });
            return self.believe(at_ms);
        };
        let ahead = self.ahead(at, now);
        let is_usual = ahead > 0 && ahead <= self.pauses.usual();
        let then = if is_usual { Some(now + ahead) } else { self.of_a_clock(at, now) };
        if let Some(then) = then {
            self.misdated += self.odd.take().map_or(0, |odd| odd.calls);
            self.late += u64::from(then < now);
            self.come_to(at, then);
            return self.believe(at_ms);
        }
        let odd = self.note(at_ms, ahead > 0);
        if odd.calls < AGREE {
            return;
        }
        self.odd = None;
        if odd.is_ahead {
            self.come_to(at, now + ahead);
        } else {
            self.steps += 1;
            // The calls of the run waited in vain; only between those of two hosts the distance is no time.
            let waited = Some(at - i128::from(odd.first)).filter(|waited| (0..=LATE).contains(waited));
            self.add(now - at + waited.unwrap_or(0));
            self.come_to(at, now + waited.unwrap_or(0));
            self.wall = Timestamp::from_millisecond(at_ms).unwrap_or(self.wall);
        }
        self.believe(odd.first);
        self.believe(at_ms);
    }

    /// When a call was, if it is about now by a clock that is known.
    fn of_a_clock(&self, at: i128, now: i128) -> Option<i128> {
        let fitting = self.clocks.iter().map(|clock| at + clock.behind);
        fitting.filter(|then| then.abs_diff(now) <= LATE.unsigned_abs()).min()
    }

    /// How far a call is ahead of the clocks in use, at least; not above zero where it is behind one of them.
    fn ahead(&self, at: i128, now: i128) -> i128 {
        let in_use = self.clocks.iter().filter(|clock| clock.seen + IN_USE >= self.calls);
        in_use.map(|clock| at + clock.behind - now).min().unwrap_or(0)
    }

    /// A call that was at `then` by one of the clocks: time comes there, where it was not before.
    fn come_to(&mut self, at: i128, then: i128) {
        let Some((_, now)) = &mut self.times else { return };
        let passed = (then - *now).max(0);
        *now += passed;
        self.pauses.add(self.calls, passed);
        let its = self.clocks.iter_mut().filter(|clock| at + clock.behind == then);
        its.for_each(|clock| clock.seen = self.calls);
    }

    /// Notes a date that is not believed yet; those before it, if it does not agree with them, never are.
    fn note(&mut self, at_ms: i64, is_ahead: bool) -> Odd {
        let agrees = |odd: &Odd| odd.is_ahead == is_ahead && i128::from(at_ms) >= i128::from(odd.last) - LATE;
        let odd = match self.odd {
            Some(odd) if agrees(&odd) => Odd { last: at_ms, calls: odd.calls + 1, ..odd },
            other => {
                self.misdated += other.map_or(0, |odd| odd.calls);
                Odd { is_ahead, first: at_ms, last: at_ms, calls: 1 }
            }
        };
        self.odd = Some(odd);
        odd
    }

    /// A clock more.
    fn add(&mut self, behind: i128) {
        if self.clocks.len() >= CLOCKS {
            let oldest = self.clocks.iter().map(|clock| clock.seen).min();
            self.clocks.retain(|clock| Some(clock.seen) != oldest);
        }
        self.clocks.push(Known { behind, seen: self.calls });
    }

    fn believe(&mut self, at_ms: i64) {
        let wall = Timestamp::from_millisecond(at_ms).unwrap_or(self.wall);
        self.wall = self.wall.max(wall);
        let (from, to) = self.span.unwrap_or((at_ms, at_ms));
        self.span = Some((from.min(at_ms), to.max(at_ms)));
    }

    /// Now, for limits.
    pub(crate) fn now(&self) -> Time {
        let Some((first, now)) = self.times else { return Time::START };
        let passed = u64::try_from(now - first).unwrap_or(u64::MAX);
        Time::START.after(BEGIN).after(Duration::from_millis(passed))
    }

    /// The first and the last time that is believed, in milliseconds since 1970; `None` before the first call.
    pub(crate) const fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    /// What calls were not like others, if no more come.
    pub(crate) fn oddities(&self) -> Oddities {
        let misdated = self.misdated + self.odd.map_or(0, |odd| odd.calls);
        Oddities { late: self.late, steps: self.steps, misdated }
    }
}

impl Pauses {
    fn add(&mut self, call: u64, passed: i128) {
        let Self(recent) = self;
        let place = usize::try_from(call % RECENT as u64).unwrap_or(0);
        if let Some(place) = recent.get_mut(place) {
            *place = passed;
        }
    }

    /// So long a pause is nothing new: twice what time went with each of two calls of late.
    fn usual(&self) -> i128 {
        let Self(recent) = self;
        let (_, second) = recent.iter().fold((0, 0), |(first, second), &passed| {
            if passed > first { (passed, first) } else { (first, second.max(passed)) }
        });
        2 * second
    }
}

impl Wall for EventClock {
    fn period(&self, calendar: &Calendar) -> Period {
        let (index, ends) = calendar.period(self.wall);
        Period { index, ends: self.now().after(ends.duration_since(self.wall).unsigned_abs()) }
    }
}

#[cfg(test)]
mod tests;
