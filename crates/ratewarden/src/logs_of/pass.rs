//! A file while it is read beside others.
//!
//! Logs of several servers are one log in the order of time. A line is looked at before it is taken, and waits where another log
//! has not come as far: who takes it first to know its time makes all calls of the others late after each silence.

use std::collections::VecDeque;
use std::path::PathBuf;

use ratewarden_logs::{Options, Reader};
use ratewarden_model::Call;
use ratewarden_watch::source::{Line, Opened, SourceError, open};
use ratewarden_watch::{Reason, Tally};

use super::{Log, name_of};

/// Lines that are read at one time, between two looks at how far it is.
const SAY_EACH: u64 = 1 << 20;

/// So far a log may get ahead of another one of the same time, in milliseconds.
const TURN_MS: i64 = 1_000;

/// A single call so far ahead of those before it does not say where its log stands, in milliseconds.
const FAR_MS: i64 = 600_000;

/// Lines that are looked through for the call after one that is far ahead.
const LOOK: usize = 8;

/// A file while it is read.
pub(super) struct Pass {
    path: PathBuf,
    pub(super) name: String,
    /// `None` before its first line, and after its last.
    opened: Option<Opened>,
    has_ended: bool,
    pub(super) reader: Reader,
    pub(super) tally: Tally,
    /// Reads lines of which only the time is wanted. One of its own, since pieces of lines are put together once.
    ahead: Reader,
    /// Lines that wait for their turn, with their times.
    waiting: VecDeque<(Vec<u8>, i64)>,
    /// To where its calls have come, in milliseconds since 1970; of what has no known beginning the end of time.
    at_ms: i64,
    /// A time far ahead, until a second call agrees: a wrong clock must not hold up the rest of a file.
    ahead_ms: i64,
    most: u64,
    pub(super) lines: u64,
}

/// The log that is behind all others, and how far it may be read before it is another's turn.
pub(super) fn next(passes: &[Pass]) -> Option<(usize, i64)> {
    let waiting = || passes.iter().enumerate().filter(|(_, pass)| !pass.has_ended);
    let (place, _) = waiting().min_by_key(|(_, pass)| pass.at_ms)?;
    let others = waiting().filter(|(other, _)| *other != place).map(|(_, pass)| pass.at_ms);
    Some((place, others.min().map_or(i64::MAX, |at_ms| at_ms.saturating_add(TURN_MS))))
}

impl Pass {
    pub(super) fn new(log: &Log, options: &Options) -> Self {
        let name = name_of(&log.path);
        Self {
            path: log.path.clone(),
            opened: None,
            has_ended: log.lines == Some(0),
            reader: Reader::new(options),
            ahead: Reader::new(options),
            waiting: VecDeque::new(),
            tally: Tally::new(&name),
            name,
            at_ms: log.first_ms.unwrap_or(i64::MAX),
            ahead_ms: i64::MIN,
            most: log.lines.unwrap_or(u64::MAX),
            lines: 0,
        }
    }

    /// Reads on until a line is of a call later than `until_ms`, which waits, or a good many lines.
    pub(super) fn read(
        &mut self,
        until_ms: i64,
        each: &mut impl FnMut(&Call<'_>),
    ) -> Result<(), SourceError> {
        let mut opened = match self.opened.take() {
            Some(opened) => opened,
            None => open(&self.path).and_then(Opened::read_ahead)?,
        };
        let begin = self.lines;
        while self.lines - begin < SAY_EACH {
            if let Some(&(_, at_ms)) = self.waiting.front() {
                if at_ms > until_ms {
                    self.at_ms = self.at_ms.max(at_ms);
                    break;
                }
                let text = self.waiting.pop_front().map(|(text, _)| text).unwrap_or_default();
                self.line(&Line::Whole(&text), each);
                continue;
            }
            let line = if self.lines < self.most { opened.next_line()? } else { None };
            let Some(line) = line else {
                self.end();
                return Ok(());
            };
            self.lines += 1;
            match self.time_beyond(&line, until_ms) {
                Some((text, at_ms)) => {
                    self.waiting.push_back((text.to_vec(), at_ms));
                    if at_ms > self.at_ms.saturating_add(FAR_MS) {
                        self.look_further(&mut opened, each)?;
                    }
                }
                None => self.line(&line, each),
            }
        }
        self.opened = Some(opened);
        Ok(())
    }

    /// The text and the time of a line that is of a call later than `until_ms`.
    fn time_beyond<'l>(&mut self, line: &Line<'l>, until_ms: i64) -> Option<(&'l [u8], i64)> {
        let Line::Whole(text) = *line else { return None };
        if until_ms == i64::MAX {
            return None;
        }
        Some((text, time_of(&mut self.ahead, text)?)).filter(|(_, at_ms)| *at_ms > until_ms)
    }

    /// A call that is far ahead waits: is that a silence of its log, or a wrong date, after which the log goes on where it
    /// was? The next call says it. What is not to be waited for is taken now.
    fn look_further(
        &mut self,
        opened: &mut Opened,
        each: &mut impl FnMut(&Call<'_>),
    ) -> Result<(), SourceError> {
        for _ in 0..LOOK {
            let Some((_, at_ms)) = self.waiting.front() else { return Ok(()) };
            let before_ms = at_ms.saturating_sub(FAR_MS);
            let line = if self.lines < self.most { opened.next_line() } else { Ok(None) };
            let line = match line {
                Ok(Some(line)) => line,
                Ok(None) => return Ok(()),
                Err(error) => {
                    // What was read before it is taken: nobody comes back to this file.
                    self.take_waiting(each);
                    return Err(error);
                }
            };
            self.lines += 1;
            let Line::Whole(text) = line else {
                self.line(&line, each);
                continue;
            };
            // What is no call has its place behind the one that waits.
            let time = time_of(&mut self.ahead, text);
            let text = (text.to_vec(), time.unwrap_or(i64::MIN));
            if time.is_some_and(|at_ms| at_ms < before_ms) {
                self.take_waiting(each);
            }
            self.waiting.push_back(text);
            if time.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take_waiting(&mut self, each: &mut impl FnMut(&Call<'_>)) {
        for (text, _) in std::mem::take(&mut self.waiting) {
            self.line(&Line::Whole(&text), each);
        }
    }

    pub(super) fn end(&mut self) {
        (self.opened, self.has_ended) = (None, true);
    }

    fn line(&mut self, line: &Line<'_>, each: &mut impl FnMut(&Call<'_>)) {
        let text = match line {
            Line::Whole(text) => *text,
            Line::TooLong(_) => return self.tally.fault(Reason::TooLong, b""),
        };
        let mut calls = 0;
        let mut last_ms = None;
        let read = self.reader.read(text, |call| {
            calls += 1;
            last_ms = Some(call.at_ms);
            each(call);
        });
        self.tally.line(calls);
        if let Err(fault) = read {
            self.tally.fault(Reason::Fault(fault), text);
        }
        if let Some(last_ms) = last_ms {
            let is_far = self.at_ms != i64::MAX && last_ms > self.at_ms.saturating_add(FAR_MS);
            if !is_far || last_ms.saturating_add(FAR_MS) >= self.ahead_ms && self.ahead_ms > i64::MIN {
                self.at_ms = if self.at_ms == i64::MAX { i64::MAX } else { self.at_ms.max(last_ms) };
                self.ahead_ms = i64::MIN;
            } else {
                self.ahead_ms = last_ms;
            }
        }
    }
}

/// The time of a line, if it is a call.
pub(super) fn time_of(reader: &mut Reader, line: &[u8]) -> Option<i64> {
    let mut time = None;
    // What cannot be read is told when it is counted.
    let _ = reader.read(line, |call| time = time.or(Some(call.at_ms)));
    time
}
